"""The first settings file: what is asked on a terminal, what is refused, and what the file says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from compounding.settings import read_settings
from tests.bench import Bench, ran
from tests.test_entering import typed

GIVEN = ["--name", "N", "--address", "A", "--phone", "P", "--person", "ana:Ana:pharmacist", "--balance", "bench:0.1 mg:20 mg"]


def begin(folder: Path, *more: str, without: str = "") -> list[str]:
    given = [word for pair in zip(GIVEN[::2], GIVEN[1::2], strict=True) if pair[0] != without for word in pair]
    return ["init", "--folder", str(folder / "new"), "--signatures", "optional", *given, *more]


def settings(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "new" / "settings.toml").read_text())


def test_on_a_terminal_each_answer_is_checked_and_asked_again(tmp_path: Path) -> None:
    answers = [
        "Example Pharmacy", "12 Sample Street", "(555) 010-0142",
        "Ana!", "ana", "Ana Ortiz", "boss", "pharmacist",
        "y", "ben", "Ben Cole", "pharmacist, qc", "n",
        "bench", "0.1", "0.1 mg", "0.01 mg", "20 mg",
        "y", "fine", "0.01 mg", "repeatability 0.02 mg", "n",
        "y", "oral-5", "5 mL oral syringe", "5 mL", "6 mL", "0.1 mL", "n",
        "y", "zebra", "n",
        "4x22", "4x2", "us-xx", "us-ca", "usp-9999", "capsule-weight-theoretical",
    ]  # fmt: skip
    code, shown = typed(answers, ["init", "--folder", str(tmp_path / "new"), "--signatures", "optional"])
    assert code == 0, shown
    made = settings(tmp_path)
    assert made["people"] == {
        "ana": {"name": "Ana Ortiz", "roles": ["pharmacist"]},
        "ben": {"name": "Ben Cole", "roles": ["pharmacist", "qc"]},
    }
    assert made["balances"] == {
        "bench": {"readability": "0.1 mg", "minimum_weight": "20 mg"},
        "fine": {"readability": "0.01 mg", "mode": "strict", "repeatability": "0.02 mg"},
    }
    assert made["devices"] == {"oral-5": {"name": "5 mL oral syringe", "capacity": "5 mL", "step": "0.1 mL"}}
    assert (made["printers"], made["rule_sets"]) == ({"zebra": {}}, ["capsule-weight-theoretical"])
    for said in ("'Ana!' is no id", "below the readability", "4x22", "us-xx", "usp-9999"):
        assert said in shown


def test_without_input_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    code, shown = typed([], ["init", "--folder", str(tmp_path / "new"), "--no-input", "--name", "N"])
    assert code == 2
    assert [option for option in ("--name", "--address", "--phone", "--person", "--balance") if f"{option} is missing" in shown] == [
        "--address", "--phone", "--person", "--balance",
    ]  # fmt: skip
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("more", "without", "said"),
    [
        (["--person", "ana::pharmacist"], "--person", "does not fit --person"),
        (["--balance", "bench:20 mg:0.1 mg"], "--balance", "below the readability of 20 mg"),
        (["--profile", "us-xx"], "", "us-xx"),
        (["--stock", "4x22"], "", "4x22"),
        (["--rule-set", "usp-9999"], "", "usp-9999"),
        (["--device", "oral-5:syringe:5 mL:6 mL"], "", "write volumes such as"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, more: list[str], without: str, said: str) -> None:
    refused = ran(begin(tmp_path, *more, without=without))
    assert refused.code == 2 and said in refused.err
    assert not (tmp_path / "new").exists()


def test_the_next_command_works_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = ran(["init", "--folder", "new", *GIVEN])
    assert f"COMPOUNDING_SETTINGS={tmp_path / 'new' / 'settings.toml'}" in told.err


def test_a_formula_can_be_imported_at_once(tmp_path: Path) -> None:
    assert ran(begin(tmp_path)).code == 0
    bench = Bench(tmp_path / "new")
    own = tmp_path / "own.toml"
    own.write_text(next(Path("formulas").glob("naltrexone-capsule.toml")).read_text().replace('id = "naltrexone-capsule"', 'id = "own"'))
    bench.do(["formula", "import", str(own)])
    assert (tmp_path / "new" / "formulas" / "own.toml").is_file()


def test_each_line_that_is_not_in_force_may_be_set(tmp_path: Path) -> None:
    assert ran(begin(tmp_path)).code == 0
    text = (tmp_path / "new" / "settings.toml").read_text()
    lines = [line.removeprefix("# ") if line.startswith(("# [", "# \"")) or " = " in line.split("#")[1][:24] else line for line in text.splitlines() if line.startswith("#")]  # fmt: skip
    wanted = [line for line in lines if "=" in line or line.startswith("[")]
    head = [line for line in wanted if line.split(" ")[0] in {"stocks", "language", "barcode", "correction", "assay_above_100", "bottles", "profile", "formulas"}]
    made = read_settings("\n".join([*head, *text.splitlines()]), "settings.toml")
    assert (made.barcode, made.correction, made.bottles) == ("gs1-128", "german-2-percent", ("60 mL", "120 mL"))
