"""Every template on every stock: what fits is whole, what does not says so; and the warning cannot be got rid of."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from compounding.data_files import data_folder
from compounding.documents.boxes import Page, Word, listing
from compounding.documents.label import draw_label, layout_set
from compounding.documents.pdf import width_of
from compounding.documents.profiles import profile_names, read_profile
from compounding.documents.proof import prove_label
from compounding.documents.stocks import read_stock, stock_names
from compounding.documents.templates import Template, read_template, under
from compounding.documents.texts import parsed, read_auxiliary, read_texts, read_warning, read_wording
from compounding.problems import NotUnderstood
from compounding.records.label import LabelText, printed_fields
from compounding.work.labelling import translated
from tests.documents.samples import CAPSULE, FULL, LIQUID, LONGEST, golden

LABELS = data_folder("labels")
KINDS = tuple(sorted(path.stem for path in (LABELS / "templates").glob("*.toml")))
NAMING = tuple(kind for kind in KINDS if kind != "auxiliary")
LIQUIDS = replace(FULL, strength=LIQUID.strength, dosage_form=LIQUID.dosage_form, directions=LIQUID.directions)


@cache
def template(kind: str, language: str = "en", profile: str = "us-ca") -> Template:
    return under(read_template(kind, language=language), read_profile(profile))


def said(page: Page) -> str:
    words = [mark.text for mark in page.marks if isinstance(mark, Word)]
    return " ".join(words).replace("\u00a0", " ")


def test_what_fits_where_changes_only_where_review_sees_it() -> None:
    lines = []
    for kind in KINDS:
        for name in stock_names():
            for size, text in (("usual", FULL), ("longest", LONGEST)):
                laid, problems = layout_set(text, read_stock(name), template(kind))
                outcome = "fits" if laid else problems[0].text.removesuffix(".")
                lines.append(f"{kind:12} {name:15} {size:8} {outcome.replace(chr(160), ' ')}")
    golden("fits.txt", "\n".join(lines) + "\n")


# A stock of the size that each kind is made for.
MADE_FOR = {
    "auxiliary": "1.5x0.5", "bottle": "4x3", "bulk": "4x2", "prescription": "4x2", "quarantine": "3x2", "released": "3x2",
    "bulk-two-piece": "2.25x1.25", "quarantine-two-piece": "2x1", "released-two-piece": "2x1", "sample-two-piece": "2x1",
    "sample": "3x2", "syringe": "3x2", "three-piece": "2.25x1.25", "two-piece": "3x2",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_layout_of_each_kind_changes_only_where_review_sees_it(kind: str) -> None:
    text = replace(LIQUIDS if kind in ("syringe", "bottle") else FULL, status="NOT RELEASED")
    laid, problems = layout_set(text, read_stock(MADE_FOR[kind]), template(kind))
    assert laid, problems
    golden(f"label-{kind}.txt", "".join(listing(page) for page, _ in laid))


def test_the_layout_of_a_spanish_label_changes_only_where_review_sees_it() -> None:
    auxiliary = (read_auxiliary("es")["children"],)
    text = replace(
        CAPSULE, directions="Tome 1 cápsula por la boca al acostarse.", purpose=None, warning=read_warning(language="es"), auxiliary=auxiliary
    )
    text, problems = translated(text, read_texts("sentences", "es"), "es", own_directions=True)
    assert problems == []
    laid, problems = layout_set(text, read_stock("4x3"), template("prescription", "es"))
    assert laid, problems
    golden("label-spanish-4x3.txt", listing(laid[0][0]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_fits_says_every_word_whole_within_its_margins_and_above_its_floors(kind: str) -> None:
    for name in stock_names():
        stock = read_stock(name)
        for text in (FULL, LIQUIDS, LONGEST):
            laid, _ = layout_set(text, stock, template(kind))
            for page, own in laid:
                fields = printed_fields(text)
                # The label's id may stand in its barcode alone.
                for field in own.fields - own.may_leave_out - {"identifier"}:
                    assert fields[field] in said(page), (kind, name, field)
                for mark in page.marks:
                    if isinstance(mark, Word):
                        end = mark.x + width_of(mark.text, mark.font) * mark.size
                        assert stock.margin - 0.01 <= mark.x and end <= stock.width - stock.margin + 0.01, (kind, name, mark)
                        assert stock.margin <= mark.y - 0.212 * mark.size + 0.2 and mark.size >= 6, (kind, name, mark)


@pytest.mark.parametrize(
    ("kind", "stock"),
    [("two-piece", "L7160"), ("three-piece", "2.25x1.25"), ("bulk", "dymo-30256"), ("quarantine", "3x2"), ("released", "brother-29x90"), ("sample", "4x2"), ("syringe", "3x2"), ("bottle", "4x3")],
)
def test_each_kind_passes_its_proof(kind: str, stock: str) -> None:
    paper = read_stock(stock)
    # The page of its own that the first label of the stock lies on is that of the label alone.
    paper = replace(paper, page_width=paper.width, page_height=paper.height, grids=read_stock("4x2").grids)
    text = LIQUIDS if kind in ("syringe", "bottle") else FULL
    laid, problems = layout_set(text, paper, template(kind))
    assert laid, problems
    for page, own in laid:
        assert prove_label(draw_label(page, title="x"), text, paper, own) == []


# ---- the warning ----


@pytest.mark.parametrize("kind", NAMING)
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_warning_is_whole_and_bold_on_every_kind_of_label_that_names_the_product(kind: str, language: str) -> None:
    warning = read_warning("opioid", language)
    for name in stock_names():
        stock = read_stock(name)
        laid, _ = layout_set(replace(FULL, warning=warning), stock, template(kind, language))
        if not laid:
            continue
        text = " ".join(said(page) for page, _ in laid)
        assert f"{warning.heading} {warning.text}" in text, (kind, name)
        marks = [mark for page, _ in laid for mark in page.marks if isinstance(mark, Word)]
        words = set(re.split(r"[ \u00a0]", warning.text)) - {"capsule", "mg"}
        least = 8 if stock.is_wide else 7.5
        inside = [mark for mark in marks if "withdrawal" in mark.text or "abstinencia" in mark.text]
        assert inside and words
        assert all(mark.font == "bold" and mark.size >= least for mark in inside), (kind, name)


@pytest.mark.parametrize("kind", NAMING)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('heading = "{warning_heading}"', ""),
        ('heading = "{warning_heading}"', 'heading = "WARNING"'),
        ('parts = ["{warning_text}"]', 'parts = ["See leaflet."]'),
        ('parts = ["{warning_text}"]', 'parts = ["{warning_text}", "{batch}"]'),
        ('parts = ["{warning_text}"]\nbold = true', 'parts = ["{warning_text}"]'),
        ("8, 7.5]\nfloor = 7.5", "8, 5]\nfloor = 5"),
        ("floor_wide = 8", "floor_wide = 7.5"),
    ],
)
def test_a_template_that_drops_alters_or_shrinks_the_warning_does_not_load(
    tmp_path: Path, kind: str, old: str, new: str
) -> None:
    text = (LABELS / "templates" / f"{kind}.toml").read_text("utf-8")
    assert old in text
    (tmp_path / f"{kind}.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(NotUnderstood, match="warning"):
        read_template(kind, tmp_path)


@pytest.mark.parametrize("name", profile_names())
@pytest.mark.parametrize(
    ("old", "new"),
    [('naltrexone = "opioid"', ""), ('naltrexone = "opioid"', 'naltrexone = "none"'), ("warning_floor = 7.5", "warning_floor = 6")],
)
def test_a_profile_that_drops_or_shrinks_the_warning_does_not_load(tmp_path: Path, name: str, old: str, new: str) -> None:
    text = (LABELS / "profiles" / f"{name}.toml").read_text("utf-8")
    (tmp_path / f"{name}.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(NotUnderstood, match="warning"):
        read_profile(name, tmp_path)


def edited(tmp_path: Path, language: str, name: str, *changes: tuple[str, str]) -> Path:
    """A folder of texts with one of ours in which some things are changed."""
    text = (LABELS / "texts" / language / f"{name}.toml").read_text("utf-8")
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, count=1, flags=re.M)
        assert count
    (tmp_path / language).mkdir(exist_ok=True)
    (tmp_path / language / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path


SPOILED = dict.fromkeys(("heading", "text", "digest"), '"short"')


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("field", ["heading", "text", "revision", "digest"])
def test_an_edited_wording_of_the_warning_is_refused(tmp_path: Path, language: str, field: str) -> None:
    folder = edited(tmp_path, language, "opioid", (rf"^{field} = .*$", f"{field} = {SPOILED.get(field, '9')}"))
    with pytest.raises(NotUnderstood, match="the words were changed"):
        read_wording("opioid", language, ours=folder)


EDITED = (r"^text = .*$", 'text = "Ask us."')


@pytest.mark.parametrize("digest", ["", 'digest = "{digest}"'], ids=["without a digest", "with the digest of the edited words"])
def test_an_edited_wording_is_refused_whatever_its_own_digest_says(tmp_path: Path, digest: str) -> None:
    ours = edited(tmp_path, "en", "opioid", EDITED, (r"^digest = .*$", ""))
    said = parsed("opioid", "en", ours).digest
    file = ours / "en" / "opioid.toml"
    file.write_text(f"{digest.format(digest=said)}\n{file.read_text('utf-8')}", "utf-8")
    with pytest.raises(NotUnderstood, match="the words were changed: revision 1 says something else") as caught:
        read_wording("opioid", "en", ours=ours)
    assert "sha256" not in str(caught.value)
    with pytest.raises(NotUnderstood, match="the words were changed"):
        read_wording("opioid", "en", own=ours)
    edited(tmp_path, "en", "opioid", EDITED, (r"^digest = .*$", ""), (r"^revision = 1", "revision = 2"))
    with pytest.raises(NotUnderstood, match="no revision 2 of it among the words that are shipped"):
        read_wording("opioid", "en", ours=ours)
    mine = read_wording("opioid", "en", own=ours)
    assert (mine.own, mine.revision, mine.words["text"]) == (True, 2, "Ask us.")


@pytest.mark.parametrize("name", ["opioid", "words", "auxiliary", "sentences"])
@pytest.mark.parametrize(
    ("pattern", "new", "says"),
    [
        (r"^sources = .*$", "sources = []", "write where the words come from"),
        (r"^sources = .*$", 'sources = [" "]', "write where the words come from"),
        (r"^approved_by = .*$", 'approved_by = " "', "write who approved these words"),
        (r"^language = .*$", 'language = "fr"', "the folder it lies in"),
        (r"^revision = .*$", "", "revision: is missing"),
        (r'^(heading|lot|children|"mL") = .*$', r'\1 = " "', "must be words"),
    ],
)
def test_words_without_source_approval_language_or_revision_do_not_load(
    tmp_path: Path, name: str, pattern: str, new: str, says: str
) -> None:
    with pytest.raises(NotUnderstood, match=says):
        read_wording(name, "es", own=edited(tmp_path, "es", name, (pattern, new)))


def test_an_auxiliary_label_may_not_name_the_product(tmp_path: Path) -> None:
    text = (LABELS / "templates" / "auxiliary.toml").read_text("utf-8")
    (tmp_path / "auxiliary.toml").write_text(text.replace('"{sentence}"', '"{sentence}", "{drug}"'), "utf-8")
    with pytest.raises(NotUnderstood, match="carries no warning"):
        read_template("auxiliary", tmp_path)


# ---- languages and profiles ----


def test_the_languages_have_the_same_wordings_and_each_its_own_approval() -> None:
    for name in ("words", "auxiliary"):
        assert read_texts(name, "es").keys() == read_texts(name, "en").keys()
    for path in (LABELS / "texts").rglob("*.toml"):
        assert "approved_by = " in path.read_text("utf-8"), path
    assert not set(read_auxiliary("es").values()) & set(read_auxiliary("en").values())


def test_a_word_that_a_language_lacks_is_refused(tmp_path: Path) -> None:
    text = (LABELS / "templates" / "bulk.toml").read_text("utf-8")
    (tmp_path / "bulk.toml").write_text(text.replace("{say_bulk}", "{say_nothing}"), "utf-8")
    with pytest.raises(NotUnderstood, match="has no wording: add nothing to words"):
        read_template("bulk", tmp_path)


def test_california_keeps_half_of_the_label_for_the_patient_and_others_less() -> None:
    long = replace(CAPSULE, storage="Store at 20 °C to 25 °C (68 °F to 77 °F), protected from light and moisture, in its box.", purpose=None)
    shares = {name: next(z.least_share for z in template("prescription", "en", name).arrangements[0] if z.grows) for name in ("us-ca", "us", "uk")}
    assert shares["us-ca"] == 0.5 > shares["us"] == shares["uk"]
    assert layout_set(long, read_stock("4x2"), template("prescription", "en", "us"))[0]


def test_germany_wants_the_day_of_making_and_the_other_ingredients() -> None:
    german = under(read_template("prescription"), read_profile("de"))
    stock = read_stock("4x6")
    laid, problems = layout_set(CAPSULE, stock, german)
    assert not laid and [problem.where for problem in problems] == ["ingredients"]
    text: LabelText = replace(CAPSULE, ingredients="microcrystalline cellulose")
    page = layout_set(text, stock, german)[0][0][0]
    assert "Other ingredients: microcrystalline cellulose" in said(page)
    assert "Made 2026-11-21" in said(page)
