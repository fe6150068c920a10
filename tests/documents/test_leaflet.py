"""The leaflet's pages: read by other programs, and by our own proof with one thing spoiled at a time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

from compounding.data_files import data_folder
from compounding.documents import pdf
from compounding.documents.boxes import Box, Mark, Rule, Word, listing, moved
from compounding.documents.leaflet import draw_leaflet, layout_leaflet
from compounding.documents.leaflet_proof import prove_leaflet, spoken
from compounding.documents.leaflet_words import read_leaflet
from compounding.documents.profiles import profile_names, read_profile
from compounding.documents.proof import read_pages
from compounding.documents.sheet import A4, LETTER
from compounding.documents.tags import Tagged, TaggedPage
from compounding.documents.texts import read_warning
from compounding.documents.webpage import leaflet_page, words_of_page
from compounding.problems import NotUnderstood
from compounding.records.leaflet import LeafletText, strings
from compounding.rules.reading import reading
from compounding.work.leaflets import leaflet_texts
from tests.bench import Bench
from tests.documents.samples import golden
from tests.leaflets import bottled, labels, text_of_leaflet, told

WARNINGS = {"en": read_warning(), "es": read_warning("opioid", "es")}
STRUCTURE = data_folder("labels") / "leaflets" / "patient.toml"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bottled(tmp_path_factory.mktemp("bottled"))


@pytest.fixture(scope="module")
def texts(bench: Bench) -> dict[str, LeafletText]:
    ids = labels(bench)
    return {
        name: text_of_leaflet(told(bench, [id]))
        for name, id in zip(("capsule", "spanish", "steps", "liquid"), ids, strict=True)
    }


@pytest.fixture(scope="module")
def good(texts: dict[str, LeafletText]) -> LeafletText:
    return texts["capsule"]


def painted(pages: list[TaggedPage], text: LeafletText, **changes: str) -> bytes:
    return pdf.paint_tagged(pages, **({"title": text.title, "language": text.language} | changes))


def codes(document: bytes, text: LeafletText, page: bytes | None = None) -> list[str]:
    problems, _ = prove_leaflet(document, page, text, WARNINGS[text.language])
    return [problem.code for problem in problems]


# ---- what is good ----


@pytest.mark.parametrize("name", ["capsule", "spanish", "liquid"])
def test_a_layout_changes_only_where_review_sees_it(name: str, texts: dict[str, LeafletText]) -> None:
    pages, problems = layout_leaflet(texts[name], LETTER)
    assert problems == []
    golden(f"leaflet-{name}.txt", "".join(listing(each.page) for each in pages))


@pytest.mark.parametrize("size", [LETTER, A4])
@pytest.mark.parametrize("name", ["capsule", "spanish", "steps", "liquid"])
def test_a_leaflet_passes_its_proof_on_both_papers(
    name: str, size: tuple[float, float], texts: dict[str, LeafletText]
) -> None:
    text, document, problems = draw_leaflet([texts[name]], size)
    assert text is not None and problems == []
    problems, checks = prove_leaflet(document, leaflet_page(text), text, WARNINGS[text.language])
    assert problems == [] and {"words", "warning", "structure", "language", "html"} <= set(checks)


@pytest.mark.parametrize("name", ["capsule", "spanish", "liquid"])
def test_no_word_is_below_12_points_or_outside_the_margins(name: str, texts: dict[str, LeafletText]) -> None:
    for page in layout_leaflet(texts[name])[0]:
        for mark in page.page.marks:
            if isinstance(mark, Word):
                assert mark.size >= 12 and mark.x >= 36
                assert mark.x + pdf.width_of(mark.text, mark.font) * mark.size <= page.width - 36 + 0.01


@pytest.mark.parametrize("name", ["capsule", "spanish", "liquid"])
def test_poppler_reads_a_tagged_file_with_every_word_in_its_order(
    name: str, texts: dict[str, LeafletText], tmp_path: Path
) -> None:
    file = tmp_path / "leaflet.pdf"
    text = texts[name]
    file.write_bytes(draw_leaflet([text])[1])
    said = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Tagged: +yes", said) and re.search(r"Title: +" + re.escape(text.title), said)
    heard = subprocess.run(["pdfinfo", "-struct-text", file], capture_output=True, text=True, check=True).stdout
    read = [" ".join(line.strip().strip('"').split()) for line in heard.splitlines() if line.strip().startswith('"')]
    assert [each for each in read if each] == [words.replace("\u00a0", " ") for _, words in strings(text)]
    kinds = re.findall(r"^ *(Document|Sect|H[123]|P|L|LI|LBody|Table|TR|TH|TD|Figure)\b", heard, re.MULTILINE)
    assert kinds[:2] == ["Document", "Sect"] and {"H1", "H2", "H3", "LBody", "TH", "TD", "Figure"} <= set(kinds)
    seen = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    warning = WARNINGS[text.language]
    assert warning.heading in seen
    fonts = subprocess.run(["pdffonts", file], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts and all(re.search(r" yes yes yes ", line) for line in fonts), (
        "every font is embedded, with its letters"
    )


def test_pypdf_finds_language_title_and_an_element_for_every_piece_of_every_page(good: LeafletText) -> None:
    reader = PdfReader(BytesIO(draw_leaflet([good])[1]))
    root = reader.root_object
    assert reader.pdf_header == "%PDF-1.7" and root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712 (an object of pypdf)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    assert "Alex" not in str(reader.metadata), "no patient's name in the title"
    numbers = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    for place, page in enumerate(reader.pages):
        assert page["/StructParents"] == numbers[2 * place] == place and page["/Tabs"] == "/S"
        content = page.get_contents()
        assert content is not None
        found = [int(each) for each in re.findall(rb"/MCID (\d+)", content.get_data())]
        owners = numbers[2 * place + 1]
        assert found == list(range(len(owners)))
        marked = re.findall(rb"BDC|BMC|EMC", content.get_data())
        assert marked[::2] and set(marked[1::2]) == {b"EMC"}, "no piece inside another, and all of them end"
        for number, owner in enumerate(owners):
            element = owner.get_object()
            pieces = [each.get_object() for each in element["/K"]]
            assert [each["/MCID"] for each in pieces if "/MCID" in each] == [number]
            assert _document_above(element)["/S"] == "/Document"


def _document_above(element: DictionaryObject) -> DictionaryObject:
    while True:
        above = element["/P"].get_object()
        if above["/Type"] == "/StructTreeRoot":
            return element
        element = above


def _elements(root: DictionaryObject, kind: str) -> list[DictionaryObject]:
    found, left = [], [root]
    while left:
        element = left.pop(0)
        found += [element] if element.get("/S") == kind else []
        kids = element.get("/K", [])
        kids = kids if isinstance(kids, list) else [kids]
        left += [
            each.get_object()
            for each in kids
            if isinstance(each, IndirectObject | DictionaryObject) and "/S" in each.get_object()
        ]
    return found


def test_a_figure_says_what_it_is_and_titles_of_tables_say_what_they_head(good: LeafletText) -> None:
    root = PdfReader(BytesIO(draw_leaflet([good])[1])).root_object["/StructTreeRoot"]
    (figure,) = _elements(root, "/Figure")
    assert figure["/Alt"] == good.code
    scopes = [each["/A"]["/Scope"] for each in _elements(root, "/TH")]
    rows = len(_elements(root, "/TR"))
    assert scopes.count("/Column") == 3 and scopes.count("/Row") == rows - 1


@pytest.mark.parametrize("name", ["capsule", "spanish", "liquid"])
def test_the_html_is_the_same_words_in_the_same_order_and_fetches_nothing(
    name: str, texts: dict[str, LeafletText]
) -> None:
    text = texts[name]
    page = leaflet_page(text).decode()
    assert words_of_page(page.encode()) == [words.replace("\u00a0", " ") for _, words in strings(text)]
    assert f'<html lang="{text.language}">' in page and "Alex" not in page[: page.index("<body>")]
    assert not re.search(r"<script|<link|<img|src=|href=|https?:|url\(", page)


def test_markup_in_a_name_stays_a_name(bench: Bench) -> None:
    known = told(bench, labels(bench)[:1], patient="<b>Ann & Co</b>")
    text = text_of_leaflet(known)
    page = leaflet_page(text)
    assert "&lt;b&gt;Ann &amp; Co&lt;/b&gt;" in page.decode()
    text_drawn, document, _ = draw_leaflet([text])
    assert text_drawn and codes(document, text, page) == []
    assert any("<b>Ann & Co</b>" in words for _, words in spoken(document))


def test_the_warning_stands_literally_in_its_box_and_the_words_of_every_bottle_are_there(
    texts: dict[str, LeafletText],
) -> None:
    for text in texts.values():
        said = [words for _, words in strings(text)]
        warning = WARNINGS[text.language]
        assert said.index(warning.heading) + 1 == said.index(warning.text)
    assert any("Take 1 capsule by mouth at bedtime." in words for _, words in strings(texts["capsule"]))
    assert any("Tome 1 cápsula por la boca al acostarse." in words for _, words in strings(texts["spanish"]))
    assert any("Shake well. Measure it with the oral syringe" in words for _, words in strings(texts["liquid"]))


@pytest.mark.parametrize("profile", ["us-ca", "us", "ca", "uk"])
def test_each_place_has_words_of_its_own_where_they_differ(profile: str) -> None:
    said = " ".join(
        f"{each.lead} {each.text}"
        for section in read_leaflet("en", read_profile(profile)).sections
        for part in section.parts
        for each in part.texts
    )
    authority, number = {"uk": ("MHRA", "999"), "ca": ("Health Canada", "911")}.get(profile, ("FDA", "911"))
    assert authority in said and f"call {number}" in said
    assert not {"FDA", "MHRA", "Health Canada"} - {authority} & set(re.findall(r"FDA|MHRA|Health Canada", said))


@pytest.mark.parametrize(("language", "profile"), [("en", "us-ca"), ("en", "ca"), ("en", "uk"), ("es", "us")])
def test_the_words_are_those_of_six_years_of_school_in_short_sentences(language: str, profile: str) -> None:
    sections = read_leaflet(language, read_profile(profile)).sections
    said = [re.sub(r"{[^}]*}", "", each.text) for section in sections for part in section.parts for each in part.texts]
    assert reading(said, language) <= 6 if language == "en" else reading(said, language) >= 70
    assert all(len(sentence.split()) <= 22 for text in said for sentence in re.split(r"[.:!?]", text))


def test_harder_words_are_told_of_and_not_refused(bench: Bench) -> None:
    known = told(bench, labels(bench)[:1])
    section = known.wording.sections[0]
    hard = (
        "Concomitant administration of opioid-containing pharmaceutical preparations necessitates immediate consultation "
        * 9
    )
    part = replace(section.parts[0], texts=(replace(section.parts[0].texts[0], text=hard),))
    wording = replace(known.wording, sections=(replace(section, parts=(part,)), *known.wording.sections[1:]))
    _, problems = leaflet_texts(replace(known, wording=wording))
    assert [(problem.code, problem.stops) for problem in problems] == [("reading.hard", False)]


# ---- what is spoiled ----


def test_a_leaflet_without_its_warning_is_refused(good: LeafletText) -> None:
    first = good.sheets[0]
    cut = [replace(each, blocks=each.blocks[1:]) if each.id == "opioids" else each for each in first.sections]
    text = replace(good, sheets=(replace(first, sections=tuple(cut)), *good.sheets[1:]))
    drawn, document, _ = draw_leaflet([text])
    assert drawn and codes(document, text) == ["proof.warning"]
    assert codes(document, text, leaflet_page(text)) == ["proof.warning", "proof.warning"]


@pytest.mark.parametrize("to", ["They may cause sudden withdrawal.", "Tell your doctors you take naltrexone.", ""])
def test_a_warning_that_is_shortened_is_refused(to: str, good: LeafletText) -> None:
    first, whole = good.sheets[0], WARNINGS["en"].text
    warned = next(each for each in first.sections if each.id == "opioids")
    shorter = replace(warned.blocks[0], text=f"{whole[:60]} {to}".strip())  # type: ignore[type-var, arg-type]
    sections = [
        replace(each, blocks=(shorter, *each.blocks[1:])) if each.id == "opioids" else each for each in first.sections
    ]
    text = replace(good, sheets=(replace(first, sections=tuple(sections)), *good.sheets[1:]))
    assert codes(draw_leaflet([text])[1], text) == ["proof.warning"]


def test_a_file_without_tags_is_refused(good: LeafletText) -> None:
    pages = layout_leaflet(good)[0]
    document = pdf.paint([each.page for each in pages], title=good.title, language=good.language)
    assert codes(document, good) == ["proof.structure", "proof.warning"]


def test_what_is_read_aloud_in_another_order_is_refused(good: LeafletText) -> None:
    first, *others = layout_leaflet(good)[0]
    spoiled = [replace(first, content=(*first.content[5:], *first.content[:5])), *others]
    assert "proof.structure" in codes(painted(spoiled, good), good)


def test_words_that_are_an_artifact_are_not_read_aloud_and_refused(good: LeafletText) -> None:
    first, *others = layout_leaflet(good)[0]
    place = next(number for number, each in enumerate(first.content) if each.way and each.way[-1].kind == "P")
    content = list(first.content)
    content[place] = replace(content[place], way=())
    assert codes(painted([replace(first, content=tuple(content)), *others], good), good) == ["proof.structure"]


@pytest.mark.parametrize("language", ["es", "de", ""])
def test_a_file_that_says_it_is_in_another_language_is_refused(language: str, good: LeafletText) -> None:
    assert codes(painted(layout_leaflet(good)[0], good, language=language), good) == ["proof.language"]
    page = leaflet_page(replace(good, language=language))
    assert codes(painted(layout_leaflet(good)[0], good), good, page) == ["proof.html"]


def _first_word(spoil: Callable[[Word], list[Mark]]) -> Callable[[TaggedPage], TaggedPage]:
    """Spoil the first word of the first page's warning."""

    def spoiled(page: TaggedPage) -> TaggedPage:
        content = []
        for each in page.content:
            marks: list[Mark] = []
            for mark in each.marks:
                marks += spoil(mark) if isinstance(mark, Word) and mark.text == "withdrawal," else [mark]
            content.append(Tagged(each.way, tuple(marks)))
        return replace(page, content=tuple(content))

    return spoiled


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda word: [], "proof.text-missing"),
        (lambda word: [replace(word, text="withd…")], "proof.text-missing"),
        (lambda word: [replace(word, size=11.0)], "proof.too-small"),
        (lambda word: [replace(word, grey=0.97)], "proof.not-readable"),
        (lambda word: [moved(word, -45, 0)], "proof.not-readable"),
        (lambda word: [word, Box(word.x - 1, word.y - 3, 200, 16, fill=1.0)], "proof.not-readable"),
        (lambda word: [word, Rule(10, 300, 40, 300, 1.0)], "proof.margin"),
    ],
    ids=["missing", "cut short", "too small", "pale", "off the page", "covered", "ink in the margin"],
)
def test_a_word_that_is_spoiled_on_the_page_is_refused(
    spoil: Callable[[Word], list[Mark]], code: str, good: LeafletText
) -> None:
    first, *others = layout_leaflet(good)[0]
    spoiled = _first_word(spoil)(first)
    assert spoiled != first
    assert code in codes(painted([spoiled, *others], good), good)


def test_a_page_too_few_is_refused(good: LeafletText) -> None:
    assert "proof.pages" in codes(painted(layout_leaflet(good)[0][:1], good), good)


def test_the_barcode_of_another_label_is_refused(good: LeafletText) -> None:
    pages, _ = layout_leaflet(replace(good, element="(91)L99999999"))
    assert codes(painted(pages, good), good) == ["proof.barcode"]


@pytest.mark.parametrize(
    "change", [("withdrawal", "withdraw"), ("<main>", "<main><p>More.</p>"), ("</h1>", "</h1><!-- -->x")]
)
def test_html_that_says_something_else_is_refused(change: tuple[str, str], good: LeafletText) -> None:
    document, page = draw_leaflet([good])[1], leaflet_page(good).decode()
    assert codes(document, good, page.encode()) == []
    assert "proof.html" in codes(document, good, page.replace(*change, 1).encode())


def test_what_does_not_fit_its_page_is_refused_with_the_points(bench: Bench) -> None:
    known = told(bench, labels(bench)[:1], patient="Alex Q. Sample " * 40)
    text, _, problems = draw_leaflet(leaflet_texts(known)[0])
    assert text is None and problems[0].code == "leaflet.too-tall"
    assert re.search(r"needs \d+ pt in height at 12 pt type and has \d+ pt", problems[0].text)


def test_lines_come_closer_before_a_page_is_refused_and_never_below_115_percent(bench: Bench) -> None:
    known, leadings = told(bench, labels(bench)[:1]), set()
    for times in range(1, 60):
        text, document, _ = draw_leaflet(leaflet_texts(replace(known, approved_by=" ".join(["Ana Ortiz"] * times)))[0])
        if text is None:
            break
        # Both lines of the warning, from the feet of D and w.
        letters = read_pages(document, 72)[0][0]
        said = "".join(letter.text for letter in letters)
        first, second = (letters[said.index(words)].bottom for words in ("Do NOT", "withdrawal, or"))
        leadings.add(round((first - second) / 12, 2))
        assert codes(document, text) == []
    assert leadings == {1.25, 1.2, 1.15}


def test_a_word_wider_than_a_line_is_refused(bench: Bench) -> None:
    known = told(bench, labels(bench)[:1], patient="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 3)
    text, _, problems = draw_leaflet(leaflet_texts(known)[0])
    assert text is None and "leaflet.too-wide" in {problem.code for problem in problems}


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_the_names_are_a_leaflet_is_whole_or_refused(data: st.DataObject, bench: Bench) -> None:
    name = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F), min_size=1, max_size=60).map(str.strip).filter(bool)
    known = told(bench, [data.draw(st.sampled_from(labels(bench)))], patient=data.draw(name), approved_by=data.draw(name))
    texts, problems = leaflet_texts(known)
    if problems:
        return
    text, document, problems = draw_leaflet(texts)
    assert (text is None) == bool(problems)
    if text is not None:
        assert codes(document, text, leaflet_page(text)) == []


@pytest.mark.parametrize("name", ["王小明", "محمد", "Ann \u202eecilA", "Ann \U0001f600"])
def test_letters_that_the_font_lacks_are_refused_by_name(name: str, bench: Bench) -> None:
    text, document, problems = draw_leaflet(leaflet_texts(told(bench, labels(bench)[:1], patient=name))[0])
    assert text is None and document == b"" and {problem.code for problem in problems} == {"text.cannot-print"}


@pytest.mark.parametrize("profile", profile_names())
def test_spanish_words_are_for_the_united_states_alone(profile: str) -> None:
    if profile.startswith("us"):
        assert read_leaflet("es", read_profile(profile)).language == "es"
        return
    with pytest.raises(NotUnderstood) as refusal:
        read_leaflet("es", read_profile(profile))
    assert [problem.code for problem in refusal.value.problems] == ["leaflet.place"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('insert = "warning"', 'insert = "bottles"', "the opioid warning is missing"),
        ('insert = "warning"', 'insert = "warning"\nwhen = ["liquid"]', "the opioid warning is missing"),
        ('text = "effects"', 'text = "effects"\nfont = "small"', "is not a key"),
        ('when = ["apart"]', 'when = ["far"]', "is none of"),
        ('sources = ["naltrexone-missed-dose"]', "sources = []", "name what the words restate"),
        ('sources = ["naltrexone-missed-dose"]', 'sources = ["hearsay"]', "name what the words restate"),
        ('text = "first"', 'text = "second"', "en/leaflet has no words for second"),
        ('text = "first"', 'text = "wallet"', "first stands nowhere on the leaflet"),
    ],
)
def test_a_structure_with_one_thing_spoiled_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    text = STRUCTURE.read_text("utf-8")
    assert old in text
    (tmp_path / "patient.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(NotUnderstood, match=said):
        read_leaflet("en", read_profile("us-ca"), structure=tmp_path / "patient.toml")
