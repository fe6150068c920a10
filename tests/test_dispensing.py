"""From a lot to the patients and back: every portion adds up, and nothing of a recalled batch goes out."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdfium2 import PdfDocument

from compounding.cli.app import App
from compounding.quantities import quantity
from compounding.work.drug import drug_in
from compounding.work.tracing import (
    adds_up,
    balance_of_batch,
    drug_adds_up,
    mass_adds_up,
    portions_of_batch,
    portions_of_lot,
)
from tests.bench import Bench, carried_on, forget_what_was_seen, stocked, story, words_approved
from tests.enforced import rule
from tests.pages import alike, rewritten, run_all, shown_in
from tests.test_triturations import MAKING, OPEN, RECEIVE

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "recall-a-tablet-lot.md"

LABEL = 'label CAPS-1 --prescription {rx} --patient "{name}" --prescriber "Dr. J. Example" --quantity "30 capsules" --out {{folder}}/{rx}.pdf'


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The demo's capsules, labelled for two patients; nobody writes to it."""
    return make_released(tmp_path_factory.mktemp("dispensing"))


@pytest.fixture
def bench(released: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(released.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def labels(bench: Bench) -> list[str]:
    return [each["label"] for each in bench.do("batch show CAPS-1 --json").json["labels"]]


def traced(bench: Bench, id: str) -> list[tuple[str, str, str, str, str]]:
    portions = bench.do(f"trace {id} --json").json["portions"]
    return [(each["of"], each["id"], each["what"], each["where"], each["amount"]) for each in portions]


@rule("REC-18")
def test_a_container_goes_out_once_under_its_label(bench: Bench) -> None:
    first, second = labels(bench)
    told = bench.do(f"dispense {first} --json").json
    assert (told["prescription"], told["quantity"], told["batch"]) == ("7001", "30 capsules", "CAPS-1")
    assert bench.run(f"dispense {first}").codes == ["dispense.twice"]
    bench.do(f"dispense ]d291{second}")  # as a scanner types it
    assert bench.run("dispense L99999999").codes == ["dispense.label"]
    bench.head()


@rule("REC-22")
def test_a_lot_is_followed_to_the_patients_and_back(bench: Bench) -> None:
    bench.do(f"dispense {labels(bench)[0]}")
    forward = traced(bench, "TAB-1")
    assert ("lot", "TAB-1", "used in batch", "CAPS-1", "4 tablets") in forward
    assert ("lot", "TAB-1", "left", "", "96 tablets") in forward
    [out] = [row for row in forward if row[2] == "dispensed"]
    assert out[3].startswith("Rx 7001") and out[4] == "30 capsules"
    back = traced(bench, "7001")
    assert {row[1] for row in back if row[0] == "lot"} == {"TAB-1", "MCC-1", "CAP-1"}
    assert traced(bench, "CAPS-1") == back
    assert "30 capsules" in bench.do("trace TAB-1").out
    assert bench.run("trace NOTHING").codes == ["trace.unknown"]


@rule("REC-19")
def test_a_recalled_batch_is_neither_labelled_nor_dispensed_and_says_whom_to_call(bench: Bench) -> None:
    first, second = labels(bench)
    bench.do(f"dispense {first}")
    assert bench.run('recall CAPS-1 --reason "notice"', "tom").codes == ["person.role"]
    calls = bench.do('recall TAB-1 --reason "notice of the supplier" --json').json["calls"]
    assert [(each["prescription"], each["patient"], each["state"]) for each in calls] == [
        ("7001", "Alex Sample", "dispensed"),
        ("7002", "Bo Sample", "labelled"),
    ]
    assert [each["prescriber"] for each in calls] == ["Dr. J. Example"] * 2
    assert bench.run(f"dispense {second}").codes == ["dispense.not-released"]
    assert "label.not-released" in bench.run(LABEL.format(rx=7003, name="Cy Sample"), "tom").codes
    assert bench.run("certificate CAPS-1 --json").codes == ["certificate.not-released"]
    assert bench.do("lot show TAB-1 --json").json["lot"]["quarantined"]
    assert "recalled" in bench.do("batch list").out
    assert bench.run('recall CAPS-1 --reason "again"').codes == ["recall.not-released"]
    bench.head()


def test_a_recall_that_is_only_listed_records_nothing_and_writes_no_letter(bench: Bench) -> None:
    bench.do(f"dispense {labels(bench)[0]}")
    head = bench.head()
    listed = bench.do("recall TAB-1 --list --letter {folder}/drill.pdf --json", "tom").json
    assert [each["patient"] for each in listed["calls"]] == ["Alex Sample", "Bo Sample"]
    assert len(PdfDocument(bench.folder / "drill.pdf")) == 1
    assert bench.head() == head
    assert bench.run("recall TAB-1").codes == ["recall.reason"]
    assert bench.run("recall TAB-1 --list --reason why").codes == ["recall.reason"]


@pytest.mark.parametrize(
    ("severity", "says", "urgent"),
    [("I", "reasonable probability", True), ("ii", "temporary or medically reversible", False), (None, "not classified yet", False)],
)
def test_how_serious_a_recall_is_stands_in_the_record_and_on_the_papers(
    bench: Bench, severity: str | None, says: str, urgent: bool
) -> None:
    bench.do(f"dispense {labels(bench)[0]}")
    asked = f" --severity {severity}" if severity else ""
    told = bench.do(f'recall TAB-1 --reason "notice"{asked} --letter {{folder}}/recall.pdf --json').json
    assert told["severity"] == (severity.upper() if severity else None)
    assert bench.do("recall TAB-1 --list --json").json["severity"] == told["severity"]
    listed, letter = (page.get_textpage().get_text_range() for page in PdfDocument(bench.folder / "recall.pdf"))
    assert says in " ".join(listed.split()) and listed.count("Dr. J. Example") == 2
    assert ("telephone us today" in letter) is urgent
    assert bench.run(f"recall TAB-1 --list{asked}").codes == (["recall.reason"] if severity else [])


def test_the_letters_go_to_those_who_have_something_and_each_page_names_the_recall(bench: Bench) -> None:
    bench.do(f"dispense {labels(bench)[0]}")
    bench.do('recall TAB-1 --reason "notice of the supplier" --letter {folder}/recall.pdf')
    listed, letter = (page.get_textpage().get_text_range() for page in PdfDocument(bench.folder / "recall.pdf"))
    assert all("Recall" in page and "TAB-1" in page and "Page 1 of 1" in page for page in (listed, letter))
    for words in ("notice of the supplier", "96 tablets", "33 capsules", "Alex Sample", "Bo Sample", "look here first"):
        assert words in " ".join(listed.split()), words
    assert "Dear Alex Sample," in letter and "30 capsules" in letter and "(555) 010-0142" in letter
    assert "Bo Sample" not in letter


@pytest.fixture(scope="module")
def through_a_trituration(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Tablets became a trituration, its lot has the id of its batch, and capsules of it are on the bench."""
    made = stocked(tmp_path_factory.mktemp("trituration"))
    made.do(OPEN)
    for person, command in MAKING:
        made.do(command, person)
    made.do(RECEIVE.replace("TRIT-1", "T-1") + ' --amount "9.7 g"')
    made.do('batch open naltrexone-capsule --strength "0.5 mg" --count 30 --overage "0 %" --from T-1 --id CAPS-2')
    return made


def test_a_lot_is_followed_through_a_trituration(through_a_trituration: Bench) -> None:
    bench = through_a_trituration
    assert ("batch", "T-1", "became lot", "T-1", "9.7 g") in traced(bench, "TAB-1")
    assert ("batch", "CAPS-2", "open", "", "") in traced(bench, "TAB-1")
    assert ("lot", "TAB-1", "used in batch", "T-1", "20 tablets") in traced(bench, "CAPS-2")
    assert bench.run("trace T-1").codes == ["trace.ambiguous"]
    assert ("lot", "T-1", "left", "", "9.7 g") in traced(bench, "lot:T-1")
    shown = bench.do("trace TAB-1").out
    assert shown.index("lot TAB-1") < shown.index("batch T-1") < shown.index("lot T-1") < shown.index("CAPS-2")


def test_a_recall_reaches_what_was_made_with_a_trituration(through_a_trituration: Bench, tmp_path: Path) -> None:
    shutil.copytree(through_a_trituration.folder, tmp_path / "each")
    bench = Bench(tmp_path / "each")
    held = bench.do('recall TAB-1 --reason "notice" --json').json["quarantine"]
    assert [(each["kind"], each["id"]) for each in held] == [("lot", "TAB-1"), ("lot", "T-1"), ("batch", "CAPS-2")]
    assert bench.do("lot show T-1 --json").json["lot"]["quarantined"] == "notice"
    assert "lot.quarantined" in bench.run('batch weigh CAPS-2 source "152.3 mg" --lot T-1', "tom").codes
    bench.head()


def test_no_more_goes_out_than_the_tests_have_left_unless_someone_says_why(bench: Bench) -> None:
    bench.do(LABEL.format(rx=7003, name="Cy Sample").replace("30 capsules", "43 capsules"), "tom")
    first, second, third = labels(bench)
    bench.do(f"dispense {first}")
    bench.do(f"dispense {second}")
    assert bench.run(f"dispense {third}").codes == ["dispense.too-much"]
    bench.do(f'dispense {third} --reason "the laboratory took the ten from the left-over mixture"')


@rule("REC-36")
def test_a_name_is_erased_and_the_record_stays_whole(bench: Bench) -> None:
    assert bench.run("person forget 7001 --reason asked", "tom").codes == ["person.role"]
    assert b"Alex Sample" in bench.journal.read_bytes()
    bench.do("person forget 7001 --reason asked")
    assert b"Alex Sample" not in bench.journal.read_bytes()
    assert bench.run("person forget 7001 --reason asked").codes == ["person.no-name"]
    [first, _] = bench.do('recall CAPS-1 --reason "notice" --json').json["calls"]
    assert first["patient"].startswith("name erased")
    bench.head()


@rule("REC-18")
def test_a_batch_that_is_out_of_date_or_under_investigation_is_not_dispensed(bench: Bench) -> None:
    bench.do("qc investigate open CAPS-1 --about complaint --what 'tastes of nothing'")
    assert "dispense.not-released" in bench.run(f"dispense {labels(bench)[0]}").codes


@rule("REC-20")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ('lot adjust TAB-1 --to "111 tablets" --reason count', "lot.more-than-received"),
        ('lot adjust TAB-1 --to "96 tablets" --reason count', "lot.as-recorded"),
        ('lot adjust TAB-1 --to "96 g" --reason count', "lot.amount"),
        ('lot adjust TAB-1 --to "-1 tablets" --reason count', "quantity.not-understood"),
        ('lot discard TAB-1 --amount "97 tablets" --reason old', "lot.too-little"),
        ('lot discard TAB-1 --amount "9 g" --reason old', "lot.amount"),
        ('lot discard NONE --reason old', "lot.unknown"),
    ],
)  # fmt: skip
def test_a_lot_never_holds_less_than_nothing_nor_more_than_came_in(bench: Bench, command: str, code: str) -> None:
    before = bench.journal.read_bytes()
    assert bench.run(command).codes == [code]
    assert bench.journal.read_bytes() == before


def test_a_package_that_holds_somewhat_more_than_it_says_is_recorded_and_doubted(bench: Bench) -> None:
    done = bench.do('lot adjust TAB-1 --to "101 tablets" --reason "counted by two"')
    assert "look whether another lot stands with it" in done.err + done.out
    assert bench.do("lot show TAB-1 --json").json["lot"]["left"] == "101 tablets"
    assert ("lot", "TAB-1", "missing by count", "counted by two", "-5 tablets") in traced(bench, "TAB-1")
    bench.head()


def test_what_is_counted_and_thrown_away_is_off_the_lot_and_on_its_page(bench: Bench) -> None:
    bench.do('lot adjust TAB-1 --to "92 tablets" --reason "four broken"')
    bench.do('lot discard TAB-1 --amount "2 tablets" --reason "dropped"')
    shown = bench.do("lot show TAB-1").out
    assert "left 90 tablets" in shown and "4 tablets less by count: four broken" in shown
    bench.do('lot discard TAB-1 --reason "expired"')
    assert bench.do("lot show TAB-1 --json").json["lot"]["left"] == "0 tablets"
    assert "source.none" in bench.run('plan naltrexone-capsule --strength "1.5 mg" --count 100').codes


@rule("REC-22")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_portion_of_a_lot_and_a_batch_is_somewhere(data: st.DataObject, released: Bench, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "each", ignore_errors=True)
    shutil.copytree(released.folder, tmp_path / "each")
    forget_what_was_seen()
    bench = Bench(tmp_path / "each")
    for label in data.draw(st.lists(st.sampled_from(labels(bench)), unique=True)):
        bench.do(f"dispense {label}")
    for _ in range(data.draw(st.integers(0, 3))):
        amount = data.draw(st.integers(1, 40))
        word = data.draw(
            st.sampled_from((f'adjust TAB-1 --to "{amount} tablets"', f'discard TAB-1 --amount "{amount} tablets"'))
        )
        bench.run(f"lot {word} --reason why")
    app = App(str(bench.folder / "settings.toml"), "ana")
    try:
        lot, batch = app.lot("TAB-1"), app.batch("CAPS-1")
        assert lot is not None and Fraction(lot.left.magnitude) >= 0
        assert adds_up(portions_of_lot(lot), quantity(lot.received.amount))
        assert adds_up(portions_of_batch(batch), quantity("103 capsules"))
        assert mass_adds_up(balance_of_batch(batch), quantity("14174.3 mg"))
        drug = drug_in(batch)
        assert drug is not None and drug_adds_up(balance_of_batch(batch), drug.weighed)
    finally:
        app.close()


def test_the_story_that_the_tests_rest_on_makes_as_many_as_they_say() -> None:
    assert any('--made "103 capsules"' in command for _, command in story("CAPS-1"))


@pytest.fixture(scope="module")
def commands(released: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(released.folder, folder, dirs_exist_ok=True)
    return folder


def test_the_commands_of_the_page_say_what_it_shows(commands: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, commands), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


def make_released(folder: Path) -> Bench:
    """The demo's capsules, labelled for two patients."""
    made = stocked(folder)
    carried_on(made, "CAPS-1", "label ")
    words_approved(made)
    for rx, name in ((7001, "Alex Sample"), (7002, "Bo Sample")):
        made.do(LABEL.format(rx=rx, name=name), "tom")
    return made


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        make_released(Path(folder) / "bench")
        printed = [text for _, text in run_all(shown_in(page), Path(folder) / "bench")]
        PAGE.write_text(rewritten(page, printed), "utf-8")
