"""Results with their reports, what samples cost, and the certificate of analysis; run at a bench."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdfium2 import PdfDocument

from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.quantities import told
from compounding.records.batch import Batch
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.store.attachments import digest_of as digest_of_bytes
from compounding.work.sampling import sampling
from compounding.work.testing import assay_result, observed_result
from tests.bench import Bench, carried_on, stocked
from tests.enforced import rule
from tests.pages import alike, rewritten, run_all, shown_in
from tests.released import copied

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "certificate.md"
REPORT = b"%PDF-1.4 Example Laboratories, report 77 " * 40
LABORATORY = '--laboratory "Example Laboratories" --file {folder}/report-77.pdf'
TEXT = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
LIQUID, CAPSULE = (
    read_formula((data_folder("formulas") / f"naltrexone-{name}.toml").read_text("utf-8"), name)
    for name in ("oral-liquid", "capsule")
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A capsule batch and a liquid batch, made, nothing of them tested but the weights."""
    bench = stocked(tmp_path_factory.mktemp("bench"))
    (bench.folder / "report-77.pdf").write_bytes(REPORT)
    carried_on(bench, "CAPS-1", "qc assay")
    carried_on(bench, "LIQ-1", "qc assay")
    return bench


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A released capsule batch with a laboratory's report, and a released liquid with every kind of result."""
    bench = stocked(tmp_path_factory.mktemp("released"))
    make_released(bench)
    return bench


def make_released(bench: Bench) -> None:
    (bench.folder / "report-77.pdf").write_bytes(REPORT)
    carried_on(bench, "CAPS-1", "qc assay")
    bench.do(f'qc assay CAPS-1 "98.7 %" --method "HPLC, method NTX-7" {LABORATORY}', "kim")
    carried_on(bench, "CAPS-1", "label ", begin="qc observe")
    carried_on(bench, "LIQ-1", "batch verify")
    bench.do(f'qc observe LIQ-1 "total aerobic count" "<10 CFU/mL" {LABORATORY}', "kim")
    bench.do(f'qc observe LIQ-1 "Escherichia coli" absent {LABORATORY}', "kim")
    bench.do('qc observe LIQ-1 "sodium benzoate" "0.98 mg/mL"', "kim")
    carried_on(bench, "LIQ-1", "label ", begin="batch verify")


def rows(bench: Bench, batch: str) -> dict[str, Any]:
    data = bench.do(f"qc results {batch} --json").json
    return {row["trait"]: row for row in data["results"]}


# ---- results ----


def test_a_row_says_what_was_expected_seen_and_judged_by_whom_and_when(released: Bench) -> None:
    row = rows(released, "CAPS-1")["assay"]
    assert datetime.fromisoformat(row.pop("time")).date() == datetime.now(UTC).date()
    assert row.pop("entry") > 0
    assert row == {
        "counts": True,
        "unfinished": False,
        "trait": "assay",
        "expected": "90.0 to 110.0 % of the labelled naltrexone hydrochloride",
        "observed": "98.7 % of label",
        "verdict": "pass",
        "person": "Kim Lane",
        "method": "HPLC, method NTX-7",
        "laboratory": "Example Laboratories",
        "found": None,
        "required": True,
        "verified": True,
        "values": ["98.7 %"],
        "findings": [],
        "attachments": [{"name": "report-77.pdf", "digest": digest_of_bytes(REPORT), "size": len(REPORT)}],
    }


def test_a_test_that_is_not_done_is_a_row_without_a_verdict(bench: Bench) -> None:
    row = rows(bench, "LIQ-1")["antimicrobial effectiveness"]
    assert (row["verdict"], row["entry"], row["required"]) == (None, None, False)
    shown = bench.do("qc results LIQ-1").out
    assert "not done, not required" in shown and max(map(len, shown.splitlines())) < 170


def test_the_table_holds_every_word_of_each_row(released: Bench) -> None:
    shown = released.do("qc results LIQ-1").out
    for row in rows(released, "LIQ-1").values():
        for text in (row["expected"], row["observed"] or ""):
            assert all(word in shown for word in text.split())
    assert digest_of_bytes(REPORT) in shown


@pytest.mark.parametrize(
    ("trait", "found", "verdict", "observed"),
    [
        ("sodium benzoate", "0.98 mg/mL", "pass", "0.98 mg/mL, 98.0 % of the 0.1 g/100 mL planned"),
        ("sodium benzoate", "89.95 %", "pass", "89.95 % of the 0.1 g/100 mL planned"),
        ("sodium benzoate", "89.94 %", "fail", "89.94 % of the 0.1 g/100 mL planned"),
        ("sodium benzoate", "9.8 mg/mL", "fail", "9.8 mg/mL, 980.0 % of the 0.1 g/100 mL planned"),
        ("total aerobic count", "0 CFU/mL", "pass", "0 CFU/mL"),
        ("total aerobic count", "200 CFU/mL", "pass", "200 CFU/mL"),
        ("total aerobic count", "201 CFU/mL", "fail", "201 CFU/mL"),
        ("total aerobic count", "<10 CFU/mL", "pass", "<10 CFU/mL"),
        ("total aerobic count", "< 201 CFU/mL", "pass", "< 201 CFU/mL"),
        ("yeasts and molds", "21 CFU/mL", "fail", "21 CFU/mL"),
        ("Escherichia coli", "Not detected", "pass", "Not detected"),
        ("escherichia coli", "present", "fail", "present"),
        ("pH", "4.54", "pass", "4.54"),
        ("pH", "4.55", "fail", "4.55"),
    ],
)
def test_a_result_is_judged_by_the_limits_of_its_formula(
    liquid: Batch, trait: str, found: str, verdict: str, observed: str
) -> None:
    fact, problems = observed_result(liquid, trait, found, None)
    assert fact and (fact.verdict, fact.observed) == (verdict, observed)
    assert [problem.code for problem in problems] == ([] if verdict == "pass" else ["test.failed"])


@pytest.fixture(scope="module")
def liquid(bench: Bench) -> Batch:
    from compounding.cli.app import App

    app = App(str(bench.folder / "settings.toml"), "kim")
    batch = app.batch("LIQ-1")
    app.close()
    return batch


@pytest.mark.parametrize(
    ("found", "verdict"), [("0.594", "pass"), ("0.595", "fail"), ("0.60", "fail"), ("0", "pass"), ("1", "fail")]
)
def test_a_water_activity_of_sixty_hundredths_is_aqueous(bench: Bench, found: str, verdict: str) -> None:
    from compounding.cli.app import App

    app = App(str(bench.folder / "settings.toml"), "kim")
    fact, _ = observed_result(app.batch("CAPS-1"), "water activity", found, None)
    app.close()
    assert fact and fact.verdict == verdict


@pytest.mark.parametrize(
    ("trait", "found"), [("assay", "9.91 mg/mL"), ("sodium benzoate", "9.8 mg/mL"), ("volume", "120 mL")]
)
def test_ten_times_the_strength_is_what_a_test_is_for_and_fails(liquid: Batch, trait: str, found: str) -> None:
    fact, _ = assay_result(liquid, found, None, None) if trait == "assay" else observed_result(liquid, trait, found, None)
    assert fact and fact.verdict == "fail"


@given(st.integers(0, 10**6))
def test_a_count_passes_exactly_up_to_its_limit_however_it_is_reported(count: int) -> None:
    from compounding.work.testing import _counted

    test = next(each for each in LIQUID.test if each.trait == "total aerobic count")
    assert _counted(test, f"{count} CFU/mL") is (count <= 200)
    if count <= 201:
        assert _counted(test, f"<{count} CFU/mL")
    else:
        with pytest.raises(NotUnderstood):
            _counted(test, f"<{count} CFU/mL")


REFUSED = [
    ('qc observe LIQ-1 pH 36', 2, "test.not-possible", "36 is no pH, which lies from 0 to 14"),
    ('qc observe CAPS-1 "water activity" 45', 2, "test.not-possible", "lies from 0 to 1"),
    ('qc observe LIQ-1 "Escherichia coli" "5 CFU/mL"', 2, "test.absence", "write absent, not detected"),
    ('qc observe LIQ-1 "Escherichia coli" present --pass', 2, "test.verdict", "is judged by its limits"),
    ('qc observe LIQ-1 "total aerobic count" 10', 2, "test.count", "such as 40 CFU/mL"),
    ('qc observe LIQ-1 "total aerobic count" "10 CFU/g"', 2, "test.count", "such as 40 CFU/mL"),
    ('qc observe LIQ-1 "total aerobic count" "1.5 CFU/mL"', 2, "test.count", "a whole number"),
    ('qc observe LIQ-1 "total aerobic count" "<1000 CFU/mL"', 2, "test.count-undecided", "ask the laboratory"),
    ('qc observe LIQ-1 "sodium benzoate" "98%"', 2, "assay.unit", "such as 98.7 %"),
    ('qc observe LIQ-1 "sodium benzoate" "98 mg"', 2, "quantity.dimension", "98 mg"),
    ('qc assay CAPS-1 "1480 mg"', 2, "test.not-possible", "more than a whole capsule of CAPS-1 holds (135 mg)"),
    ('qc assay CAPS-1 "98.7 mg"', 2, "test.not-possible", "would be 987 mg in 10 capsules, and about 157.5 mg of"),
    ('qc assay CAPS-1 "2100 %"', 2, "test.not-possible", "went into all of CAPS-1"),
    ('qc content CAPS-1 --unit mg 98.7 98.1 98.2 98.4 98.6 99 98 97 99.1 98.5', 2, "test.not-possible", "983.6 mg in 10 capsules"),
    ('qc assay LIQ-1 "99.1 mg/mL"', 2, "test.not-possible", "495.5 mg in the 5 mL that the test takes, and 363 mg went"),
    ('qc assay LIQ-1 "9910 %"', 2, "test.not-possible", "went into all of LIQ-1"),
    ('qc observe LIQ-1 volume "6 L"', 2, "test.not-possible", "far more than the 72.7 mL that LIQ-1 was made of"),
    ('qc observe LIQ-1 "sodium benzoate" "0.98 g/mL"', 2, "test.not-possible", "and 60.2 mg went into all of LIQ-1"),
    ('qc weights CAPS-1 --unit g 183.4' + " 182" * 9, 2, "weights.not-possible", "Value 1: 183.4 g is more than 648 mg"),
    ('qc weights CAPS-1 --unit mg' + " 182" * 9 + " 1834", 2, "weights.not-possible", "a capsule of 0.3 mL can weigh, full of the densest"),
    ('qc weights CAPS-1 --unit g' + " 0.182" * 9 + " 0.0181", 2, "weights.below-shell", "Value 10: 0.0181 g is less than"),
    ('qc assay CAPS-1 "-98.7 %"', 2, "value.negative", "-98.7 % is below zero"),
    ('qc assay CAPS-1 "98.7 %" --date 2020-01-01', 1, "test.before-batch", "before CAPS-1 was prepared"),
    ('qc assay CAPS-1 "98.7 %" --date 2999-01-01', 1, "test.in-future", "has not come yet"),
    ('qc assay CAPS-1 "98.7 %" --date 22.11.2026', 2, "date.not-understood", "year first"),
    ('qc assay CAPS-1 "98.7 %" --file {folder}/nowhere.pdf', 2, "attachment.missing", "is not there"),
    ('qc assay CAPS-1 "98.7 %" --file {folder}', 2, "attachment.missing", "is not an ordinary file"),
    ('qc assay CAPS-1 "98.7" --file {folder}/report-77.pdf', 2, "quantity.not-understood", "98.7"),
    ('qc attachment CAPS-1 report.pdf --out {folder}/x.pdf', 2, "attachment.unknown", "No file report.pdf"),
    ('qc sampling CAPS-1 --also smell', 2, "test.unknown", "smell is no test"),
    ('certificate CAPS-1 --out {folder}/coa.pdf', 1, "certificate.not-released", "CAPS-1 is open, not released"),
    ('certificate CAPS-1', 2, "usage", "give --out FILE.pdf, --fhir FILE.json, or --json"),
    ('certificate CAPS-1 --out {folder}/coa.txt', 2, "file.not-pdf-name", "does not end with .pdf"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code", "problem", "says"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    bench: Bench, command: str, code: int, problem: str, says: str
) -> None:
    before = {str(file): file.read_bytes() for file in bench.folder.rglob("*") if file.is_file()}
    told = bench.run(command, "kim")
    assert (told.code, told.codes) == (code, [problem]), told.err
    assert says in told.err
    assert {str(file): file.read_bytes() for file in bench.folder.rglob("*") if file.is_file()} == before


# ---- attachments ----


@rule("REC-35")
def test_an_attached_file_is_given_back_as_it_was(released: Bench, tmp_path: Path) -> None:
    for number, name in enumerate(("report-77.pdf", digest_of_bytes(REPORT))):
        released.do(["qc", "attachment", "CAPS-1", name, "--out", str(tmp_path / f"{number}.pdf")])
        assert (tmp_path / f"{number}.pdf").read_bytes() == REPORT
    again = released.run(["qc", "attachment", "CAPS-1", "report-77.pdf", "--out", str(tmp_path / "0.pdf")])
    assert again.codes == ["file.exists"]


@rule("REC-35")
def test_a_file_that_was_changed_later_is_told_by_every_reader(tmp_path: Path, released: Bench) -> None:
    kept = released.folder / "attachments" / digest_of_bytes(REPORT).removeprefix("sha256:")
    try:
        kept.write_bytes(REPORT.replace(b"77", b"78"))
        readers = ("qc results CAPS-1", "journal verify", f"certificate CAPS-1 --out {tmp_path}/coa.pdf")
        for command in (*readers, f"qc attachment CAPS-1 report-77.pdf --out {tmp_path}/copy.pdf"):
            told = released.run(command)
            assert (told.code, told.codes) == (1, ["attachment.changed"]), command
        kept.unlink()
        assert released.run("qc results CAPS-1").codes == ["attachment.lost"]
        assert list(tmp_path.iterdir()) == []
    finally:
        kept.write_bytes(REPORT)
    assert released.head()


def test_an_exported_batch_holds_its_files_and_one_that_was_changed_is_not_exported(
    tmp_path: Path, released: Bench
) -> None:
    released.do(["batch", "export", "LIQ-1", "--out", str(tmp_path / "liquid.batch")])
    assert b64encode(REPORT) in (tmp_path / "liquid.batch").read_bytes()
    assert "1 attached files" in released.run(["verify", str(tmp_path / "liquid.batch")]).out
    kept = released.folder / "attachments" / digest_of_bytes(REPORT).removeprefix("sha256:")
    try:
        kept.write_bytes(b"another")
        told = released.run(["batch", "export", "LIQ-1", "--out", str(tmp_path / "again.batch")])
        assert told.codes == ["attachment.changed"] and not (tmp_path / "again.batch").exists()
    finally:
        kept.write_bytes(REPORT)


# ---- samples ----


@pytest.mark.parametrize(
    ("formula", "made", "ordered", "also", "used", "left", "covered"),
    [
        (CAPSULE, "110 capsules", "100 capsules", (), "10 capsules", "100 capsules", True),
        (CAPSULE, "109 capsules", "100 capsules", (), "10 capsules", "99 capsules", False),
        (CAPSULE, "110 capsules", "100 capsules", ("Water activity",), "20 capsules", "90 capsules", False),
        (LIQUID, "66 mL", "60 mL", (), "6 mL", "60 mL", True),
        (LIQUID, "60 mL", "60 mL", ("total aerobic count", "yeasts and molds"), "16 mL", "44 mL", False),
    ],
)
def test_what_the_tests_take_is_missing_from_what_is_dispensed(
    formula: Formula, made: str, ordered: str, also: tuple[str, ...], used: str, left: str, covered: bool
) -> None:
    found, problems = sampling(formula, made, ordered, also)
    assert (told(found.destroyed), told(found.left), found.covered) == (used, left, covered)
    assert [problem.code for problem in problems] == ([] if covered else ["sampling.not-covered"])
    assert not any(problem.stops for problem in problems)


def test_what_a_test_takes_follows_from_the_size_of_the_batch() -> None:
    def lines(formula: Formula, made: str, *also: str) -> dict[str, Any]:
        found, problems = sampling(formula, made, made, also)
        codes = [problem.code for problem in problems]
        return {each.test.trait: (told(each.take), each.possible) for each in found.lines if each.take} | {"": codes}

    small, large = lines(CAPSULE, "8 capsules"), lines(CAPSULE, "250 capsules")
    assert (small["capsule weights"], large["capsule weights"]) == (("8 capsules", True), ("10 capsules", True))
    assert (small["appearance"], large["appearance"]) == (("8 capsules", True), ("250 capsules", True))
    assert (small["assay"], large["assay"]) == (("10 capsules", False), ("10 capsules", True))
    assert (small[""], large[""]) == (["sampling.more-than-made", "sampling.not-covered"], ["sampling.not-covered"])
    shared = TEXT.replace('take = "10 capsules"', 'take = "10 capsules"\nshare = "5 %"', 1)
    takes = [lines(read_formula(shared, "x"), f"{made} capsules")["assay"][0] for made in (199, 201, 250)]
    assert takes == ["10 capsules", "11 capsules", "13 capsules"]
    assert lines(LIQUID, "60 mL", "antimicrobial effectiveness")[""][0] == "sampling.more-than-made"


def test_a_sample_larger_than_the_batch_is_told_before_it_is_asked_for(bench: Bench) -> None:
    row = next(line for line in bench.do("qc sampling LIQ-1").out.splitlines() if line.startswith("antimicrobial"))
    assert "not of this batch" in row
    told = bench.do('qc sampling LIQ-1 --also "antimicrobial effectiveness"')
    assert "takes 100 mL, and 60 mL are all there is: plan a larger batch" in told.err


def test_what_is_missing_is_said_in_whole_capsules_and_in_millilitres() -> None:
    _, (capsules,) = sampling(CAPSULE, "103 capsules", "100 capsules", ())
    assert "93 capsules are left of the 100 capsules ordered, 7 capsules too few" in capsules.text
    _, (volume,) = sampling(LIQUID, "60.5 mL", "60 mL", ())
    assert "54.5 mL are left of the 60 mL ordered, 5.5 mL too few" in volume.text


def test_a_batch_counts_what_was_made_and_a_plan_what_is_planned(released: Bench) -> None:
    data = released.do("qc sampling CAPS-1 --json").json
    assert (data["made"], data["used"], data["left"], data["used_percent"]) == (
        "103 capsules", "10 capsules", "93 capsules", 9.7,
    )  # fmt: skip
    assert [problem["code"] for problem in data["problems"]] == ["sampling.not-covered"]
    planned = released.do(
        'plan naltrexone-capsule --strength "1.5 mg" --count 100 --overage "10 %" --from TAB-1 --explain'
    )
    assert "110 capsules planned, 10 capsules used up by tests (9.1 %), 100 capsules left" in planned.out


def test_a_test_that_was_done_counts_though_it_was_not_required(released: Bench) -> None:
    lines = {each["trait"]: each for each in released.do("qc sampling LIQ-1 --json").json["samples"]}
    assert lines["total aerobic count"]["counted"] and not lines["antimicrobial effectiveness"]["counted"]


# ---- the certificate ----


def words_of(pdf: Path) -> str:
    """What an independent reader finds on the pages."""
    done = subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, check=True, encoding="utf-8")
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("batch", ["CAPS-1", "LIQ-1"])
def test_another_reader_finds_the_whole_record_on_the_certificate(released: Bench, tmp_path: Path, batch: str) -> None:
    told = released.do(["certificate", batch, "--out", str(tmp_path / "coa.pdf"), "--json"]).json
    read = words_of(tmp_path / "coa.pdf")
    plan = released.do(f"batch show {batch} --json").json["plan"]
    for row in rows(released, batch).values():
        for text in (row["expected"], row["observed"], row["laboratory"]) if row["entry"] else (row["trait"],):
            assert all(word in read for word in (text or "").split()), text
    digest = digest_of_bytes(REPORT).removeprefix("sha256:")
    for text in (plan["formula"]["digest"], plan["beyond_use"]["date"], told["head"], digest, "Ben Fox", "Ana Ortiz"):
        assert text in read
    pages = len(PdfDocument(tmp_path / "coa.pdf"))
    for page in range(1, pages + 1):
        assert f"Certificate of analysis {batch} Page {page} of {pages}" in read


def test_the_certificate_as_data_says_what_the_page_says(released: Bench) -> None:
    data = json.loads(released.do("certificate LIQ-1 --json").out)
    assert data["file"] is None and data["problems"] == []
    assert data["formula_digest"] == digest_of((data_folder("formulas") / "naltrexone-oral-liquid.toml").read_text())
    assert {row["verdict"] for row in data["results"]} == {"pass"}
    assert data["conclusion"]["text"].startswith("All 7 results meet the limits of the formula. Ana Ortiz released")
    compared = "Results are compared with their limits after rounding half up to the decimals of the limit"
    assert f"{compared}." in data["notes"]
    weighed = json.loads(released.do("certificate CAPS-1 --json").out)["notes"]
    assert f"{compared}; capsule weights are compared as they are, nothing rounded." in weighed
    unverified = [row["trait"] for row in data["results"] if "unverified" in row["limit"]]
    assert unverified == ["pH", "sodium benzoate"]


def test_a_batch_that_is_held_since_its_release_gets_no_certificate(released: Bench, tmp_path: Path) -> None:
    bench = copied(released, tmp_path / "bench")
    bench.run('qc observe LIQ-1 "yeasts and molds" "40 CFU/mL"', "kim")
    told = bench.run("certificate LIQ-1 --out {folder}/held.pdf --fhir {folder}/held.json")
    assert (told.code, told.codes) == (1, ["certificate.held", "investigation.open", "test.failed"])
    assert not list(bench.folder.glob("held.*"))


def test_a_rejected_batch_gets_no_certificate(tmp_path: Path) -> None:
    bench = stocked(tmp_path)
    carried_on(bench, "CAPS-1", "batch verify")
    bench.do("batch reject CAPS-1 --reason crushed")
    told = bench.run("certificate CAPS-1 --json")
    assert told.codes == ["certificate.not-released"] and "released batches only" in told.err


# ---- the page ----


def test_the_page_shows_what_its_commands_say(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, folder_of_the_page(tmp_path)), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


def folder_of_the_page(folder: Path) -> Path:
    """The demo's bench, its batches made and not yet tested, with a laboratory's report beside it."""
    bench = stocked(folder)
    (folder / "report-77.pdf").write_bytes(REPORT)
    carried_on(bench, "CAPS-1", "qc assay")
    carried_on(bench, "LIQ-1", "qc assay")
    return folder


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as place:
        PAGE.write_text(
            rewritten(page, [text for _, text in run_all(shown_in(page), folder_of_the_page(Path(place)))]), "utf-8"
        )
