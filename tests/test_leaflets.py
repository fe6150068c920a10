"""``compounding leaflet``: from the labels of a prescription's bottles, or refused with one reason."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from compounding.cli.app import App
from compounding.data_files import data_folder
from compounding.documents.proof import text_of
from compounding.records.facts import LeafletWritten, StepsAsked
from compounding.rules.follow_up import follow_ups
from tests.bench import Bench, forget_what_was_seen
from tests.leaflets import RISING, SPANISH, bottle, bottled, labels, leaflet
from tests.pages import alike, rewritten, run_all, shown_in

TEXTS = data_folder("labels") / "texts"
PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "hand-out-a-leaflet.md"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bottled(tmp_path_factory.mktemp("bottled"))


@pytest.fixture
def bench(ready: Bench, tmp_path: Path) -> Bench:
    """Bottles of capsules in English, in Spanish and for a rising dose, and one of liquid."""
    shutil.copytree(ready.folder, tmp_path / "bench")
    forget_what_was_seen()
    return Bench(tmp_path / "bench")


def said(bench: Bench, name: str = "leaflet") -> str:
    return " ".join(text_of((bench.folder / f"{name}.pdf").read_bytes()).replace("\u00a0", " ").split())


def today() -> date:
    return datetime.now().astimezone().date()


def written(bench: Bench, label: str) -> LeafletWritten:
    """The fact of the leaflet that was written for a label."""
    app = App(str(bench.folder / "settings.toml"), "ana")
    try:
        return next(each.fact for each in app.recorded(f"label:{label}") if isinstance(each.fact, LeafletWritten))
    finally:
        app.close()


def test_the_leaflet_says_what_the_record_says_and_its_fact_keeps_words_checks_and_files(bench: Bench) -> None:
    first = labels(bench)[0]
    done = leaflet(bench, first, "--json").json
    assert done["labels"] == [first] and done["prescription"] == "11" and done["pages"] == 2
    assert (done["language"], done["text"], done["warning"]) == (
        "en",
        "en/leaflet revision 1",
        "opioid-warning revision 1",
    )
    assert done["approved_by"] == "Ana Ortiz" and {"words", "warning", "structure", "language", "html"} <= set(
        done["proved"]
    )
    words = said(bench)
    for each in ("For Alex Q. Sample.", "It is for: long-term pain.", "Take 1 capsule by mouth at bedtime.", "Page 2 of 2",
                 "Do NOT take opioid pain, cough or diarrhea medicines.", "I TAKE NALTREXONE", "approved by Ana Ortiz"):  # fmt: skip
        assert each in words
    fact = written(bench, first)
    for name, file in (("pdf", "leaflet.pdf"), ("html", "leaflet.html")):
        assert getattr(fact, name) == f"sha256:{hashlib.sha256((bench.folder / file).read_bytes()).hexdigest()}"
    assert "Alex" not in str(fact), "the name stands beside the journal, not in it"
    bench.head()


def test_the_dates_of_the_check_ups_are_counted_from_the_first_dose(bench: Bench) -> None:
    start = today() + timedelta(days=30)
    done = leaflet(bench, labels(bench)[0], "--from", start.isoformat(), "--json").json
    assert done["from"] == start.isoformat()
    assert [(each["id"], each["from"], each["until"]) for each in done["follow_up"]] == [
        (each.id, each.first.isoformat(), each.last.isoformat()) for each in follow_ups(start, today())
    ]
    assert not any(each["verified"] for each in done["follow_up"]) and "the prescriber does" in done["notices"][-1]


def test_follow_up_is_at_6_to_8_weeks_and_the_liver_each_year_on_29_february_too() -> None:
    found = {each.id: (each.first, each.last) for each in follow_ups(date(2028, 2, 29), date(2028, 2, 29))}
    assert found["review"] == (date(2028, 4, 11), date(2028, 4, 25))
    assert found["liver-first"] == (date(2028, 2, 29), date(2028, 2, 29))
    yearly = [each.first for each in follow_ups(date(2028, 2, 29), date(2028, 2, 29)) if each.id == "liver-yearly"]
    assert yearly == [date(2029, 3, 1), date(2030, 3, 1)]


def test_a_spanish_label_has_a_spanish_leaflet_and_no_other(bench: Bench) -> None:
    spanish = labels(bench)[1]
    done = leaflet(bench, spanish, "--json").json
    assert done["language"] == "es" and done["text"] == "es/leaflet revision 1"
    words = said(bench)
    assert (
        "NO tome medicamentos con opioides para el dolor, la tos o la diarrea." in words and "TOMO NALTREXONA" in words
    )
    assert '<html lang="es">' in (bench.folder / "leaflet.html").read_text("utf-8")
    assert leaflet(bench, spanish, "--language", "en", name="other").codes == ["leaflet.language"]
    assert leaflet(bench, labels(bench)[0], "--language", "es", name="other").codes == ["leaflet.language"]
    assert not (bench.folder / "other.pdf").exists()


def test_words_that_hold_in_one_place_are_not_given_out_in_another(bench: Bench) -> None:
    ids = labels(bench)
    british = bench.under('profile = "uk"')
    settings = (bench.folder / "other.toml").read_text()
    (bench.folder / "other.toml").write_text(re.sub(r'(?m)^profile = "us-ca".*\n', "", settings))
    assert leaflet(british, ids[1]).codes == ["leaflet.place"]
    leaflet(british, ids[0])
    assert "call 999" in said(bench) and "It is an unlicensed medicine" in said(bench) and "FDA" not in said(bench)


def own(bench: Bench, old: str, new: str, revision: int = 2) -> Bench:
    """The bench with a leaflet of its own words: ours with a change."""
    text = (TEXTS / "en" / "leaflet.toml").read_text("utf-8")
    assert old in text
    (bench.folder / "texts" / "en").mkdir(parents=True)
    text = text.replace(old, new, 1).replace("revision = 1", f"revision = {revision}", 1)
    (bench.folder / "texts" / "en" / "leaflet.toml").write_text(text, "utf-8")
    return bench.under('texts = "texts"')


def test_words_that_nobody_approved_are_refused_until_a_pharmacist_does(bench: Bench) -> None:
    mine = own(bench, "Do not start. Call your prescriber first.", "Do not start yet. Call your prescriber first.")
    first = labels(bench)[0]
    assert leaflet(mine, first).codes == ["text.not-approved"]
    assert not (bench.folder / "leaflet.pdf").exists() and not (bench.folder / "leaflet.html").exists()
    mine.do("label text approve en/leaflet")
    assert leaflet(mine, first, "--json").json["text"] == "en/leaflet revision 2"
    assert "Do not start yet." in said(bench)


def test_shipped_words_that_were_edited_are_refused(bench: Bench) -> None:
    mine = own(bench, "Never take more of an opioid", "Take more of an opioid", revision=1)
    assert leaflet(mine, labels(bench)[0]).codes == ["text.changed"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('first-heading = "Tell us first"\n', "", "leaflet.no-wording"),
        (
            'first-heading = "Tell us first"\n',
            'first-heading = "Tell us first"\nlast-heading = "Bye"\n',
            "leaflet.words",
        ),
        (" | December", "", "leaflet.words"),
        ('what-us = "', 'what-de = "', "leaflet.place"),
        ("{storage} {children}", "{storag} {children}", "leaflet.placeholder"),
        ("never 2 doses at once", "never 2 doses QD", "writing.error-prone"),
        ('form-capsule = "capsules"\n', "", "leaflet.no-wording"),
    ],
)
def test_own_words_with_one_thing_spoiled_are_refused(old: str, new: str, code: str, bench: Bench) -> None:
    mine = own(bench, old, new)
    mine.do("label text approve en/leaflet")
    refused = leaflet(mine, labels(bench)[0])
    assert refused.codes and set(refused.codes) == {code}, refused.err
    assert not (bench.folder / "leaflet.pdf").exists()


def test_own_words_that_fill_more_than_a_page_are_refused(bench: Bench) -> None:
    mine = own(bench, 'effects = "', f'effects = "{"Ask us, we are glad to help. " * 40}')
    mine.do("label text approve en/leaflet")
    assert leaflet(mine, labels(bench)[0]).codes == ["leaflet.too-tall"]


def test_one_leaflet_is_for_labels_that_stand_on_bottles_of_one_prescription(bench: Bench) -> None:
    capsules, spanish, _, liquid = labels(bench)
    assert leaflet(bench, "L99999999").codes == ["leaflet.unknown"]
    assert leaflet(bench, capsules, capsules).codes == ["leaflet.twice"]
    assert leaflet(bench, capsules, spanish).codes == ["leaflet.prescriptions", "leaflet.languages"]
    assert leaflet(bench, capsules, liquid).codes == ["leaflet.prescriptions", "leaflet.products"]
    new = bench.do(
        ["label", "reprint", capsules, "--reason", "smeared", "--out", str(bench.folder / "new.pdf"), "--json"], "tom"
    )
    refused = leaflet(bench, capsules)
    assert refused.codes == ["leaflet.void"] and new.json["label"] in refused.err


def test_what_was_recalled_or_whose_name_was_erased_gets_no_leaflet(bench: Bench) -> None:
    first = labels(bench)[0]
    bench.do("person forget 11 --reason asked")
    assert leaflet(bench, first).codes == ["leaflet.name-erased"]
    bench.do(["recall", "CAPS-1", "--reason", "wrong strength"])
    assert leaflet(bench, labels(bench)[2]).codes == ["leaflet.not-released"]


@pytest.mark.parametrize(("day", "code"), [(-1, "leaflet.past"), (800, "leaflet.far"), (300, "leaflet.beyond-use")])
def test_the_first_dose_is_today_or_later_and_within_the_beyond_use_date(day: int, code: str, bench: Bench) -> None:
    first = (today() + timedelta(days=day)).isoformat()
    refused = leaflet(bench, labels(bench)[0], "--from", first)
    assert code in refused.codes and not (bench.folder / "leaflet.pdf").exists()


def test_a_rising_dose_has_a_calendar_of_capsules_and_milligrams_that_agrees_with_the_labels(bench: Bench) -> None:
    rising = labels(bench)[2]
    done = leaflet(bench, rising, *RISING, "--json").json
    assert done["pages"] == 3 and done["until"] == (today() + timedelta(days=13)).isoformat()
    words = said(bench)
    assert "Dose each day 1.5 mg capsules" in words and re.search(r"1\.5 mg 1 .* 3 mg 2 ", words)
    assert written(bench, rising).steps == StepsAsked(
        start="1.5 mg", to="3 mg", step="1.5 mg", every="7 days", hold="0 days"
    )


def test_a_calendar_that_contradicts_the_labels_is_refused(bench: Bench) -> None:
    steady, _, rising, liquid = labels(bench)
    longer = [*RISING[:-1], "5 days"]
    refused = leaflet(bench, rising, *longer)
    assert refused.codes == ["leaflet.directions"] and "1 capsule on day 6, the calendar 2" in refused.err
    # One capsule a day on the label, two on the calendar.
    assert leaflet(bench, steady, *RISING).codes == ["leaflet.directions"]
    assert leaflet(bench, liquid, *RISING).codes == ["leaflet.form"]
    # More capsules than the bottle holds.
    assert "titration.kit-ends" in leaflet(bench, rising, *RISING, "--hold", "30 days").codes


def test_two_bottles_of_one_prescription_have_one_leaflet(bench: Bench) -> None:
    first = labels(bench)[0]
    second = bottle(bench, "CAPS-1", "11", "10 capsules", "--purpose", "long-term pain")
    done = leaflet(bench, first, second, "--json").json
    assert done["labels"] == [first, second]
    assert f"Rx 11, labels {first}, {second}" in said(bench)


def test_no_file_is_replaced_and_nothing_is_recorded_then(bench: Bench) -> None:
    first, before = labels(bench)[0], bench.head()
    (bench.folder / "leaflet.html").write_text("mine")
    assert leaflet(bench, first).codes == ["file.exists"]
    assert (bench.folder / "leaflet.html").read_text() == "mine" and not (bench.folder / "leaflet.pdf").exists()
    assert bench.head() == before


def test_dispensing_keeps_which_leaflet_there_was_and_tells_when_there_was_none(bench: Bench) -> None:
    first, _, rising, _ = labels(bench)
    written = leaflet(bench, first, "--json").json["entry"]
    with_one = bench.do(f"dispense {first} --json").json
    assert (with_one["leaflet"], with_one["problems"]) == (written, [])
    without = bench.run(f"dispense {rising}")
    assert (
        without.code == 0
        and without.codes == ["dispense.no-leaflet"]
        and f"compounding leaflet {rising}" in without.err
    )
    bench.head()


def test_a_scanned_label_is_understood_and_a4_is_a_setting(bench: Bench) -> None:
    first = labels(bench)[0]
    done = leaflet(bench.under('paper = "a4"'), f"]d291{first}", "--json")
    assert done.json["labels"] == [first]


def test_spanish_directions_that_name_days_must_agree_as_well(bench: Bench) -> None:
    asked = [
        *SPANISH[:-3],
        "Tome 1 cápsula al acostarse los días 1 a 7, luego 2 cápsulas los días 8 a 14.",
        *SPANISH[-2:],
    ]
    label = bottle(bench, "CAPS-1", "15", "21 capsules", *asked)
    assert leaflet(bench, label, *RISING).code == 0
    assert leaflet(bench, label, *RISING[:-1], "5 days", name="other").codes == ["leaflet.directions"]


def test_the_doctor_says_when_the_leaflet_has_no_words_for_the_place(bench: Bench) -> None:
    assert "leaflet.place" not in bench.run("doctor").out
    mine = own(bench, 'what-us = "', 'what-de = "')
    mine.do("label text approve en/leaflet")
    assert "what is written for ca, uk, de alone" in mine.run("doctor").out


def test_label_proof_knows_a_leaflet_to_the_last_byte(bench: Bench) -> None:
    first = labels(bench)[0]
    entry = leaflet(bench, first, "--json").json["entry"]
    file = bench.folder / "leaflet.pdf"
    assert f"the leaflet of {first}, Rx 11, entry {entry}" in bench.do(["label", "proof", str(file)]).out
    assert bench.do(["label", "proof", str(file), "--json"]).json["leaflet"] == [first]
    file.write_bytes(file.read_bytes() + b"\n")
    assert bench.run(["label", "proof", str(file)]).codes == ["proof.page-size"]


# ---- the page ----


def test_the_commands_of_the_page_say_what_it_shows(bench: Bench) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, bench.folder), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        bottled(Path(folder) / "bench")
        printed = [text for _, text in run_all(shown_in(page), Path(folder) / "bench")]
        PAGE.write_text(rewritten(page, printed), "utf-8")
