"""The doctor finds one spoiled thing at a time, in a bench that is otherwise well."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench import Bench, begun, stocked, words_approved


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = begun(tmp_path_factory.mktemp("doctor"))
    words_approved(bench)
    return bench


@pytest.fixture
def bench(well: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(well.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def states(bench: Bench, code: int) -> dict[str, str]:
    """What does not go well, with its state."""
    told = bench.run("doctor --json")
    assert told.code == code, told.out
    return {each["what"]: each["state"] for each in told.json["findings"] if each["state"] != "well"}


def in_settings(was: str, becomes: str) -> Callable[[Bench], Any]:
    def spoil(bench: Bench) -> None:
        file = bench.folder / "settings.toml"
        text = file.read_text("utf-8")
        assert was in text
        file.write_text(text.replace(was, becomes, 1), "utf-8")

    return spoil


def journal_of_another(bench: Bench) -> None:
    bench.journal.unlink()
    sqlite3.connect(bench.journal).execute("CREATE TABLE other (x)").connection.close()


def clock_behind(bench: Bench) -> None:
    from datetime import UTC, datetime, timedelta

    from compounding.store.journal import Draft, Journal

    with Journal.open(bench.journal, "main") as journal:
        later = datetime.now(UTC) + timedelta(days=400)
        journal.append([Draft("lot-cleared", {"lot": "X"}, ("lot:X",), "ana", "w", "", later)], {})


WELL = {"printers": "look", "balance bench": "look"}


def test_a_bench_that_is_well_fails_nothing(bench: Bench) -> None:
    assert states(bench, 0) == WELL


@pytest.mark.parametrize(
    ("spoil", "what", "state"),
    [
        (in_settings("site = ", "sight = "), "settings", "fails"),
        (in_settings('stock = "4x2"', 'stock = "4x22"'), "labels", "fails"),
        (in_settings("[balances.bench]", "[balances.bench]\ntest_due = \"2020-01-01\""), "balance bench", "fails"),
        (in_settings("[balances.bench]", "[printers.away]\n[balances.bench]"), "printers", "fails"),
        (in_settings("site = ", 'rule_sets = ["usp-9999"]\nsite = '), "rules", "fails"),
        (in_settings("site = ", 'profile = "us-xx"\nsite = '), "labels", "fails"),
        (in_settings("site = ", 'formulas = "nowhere"\nsite = '), "formulas", "fails"),
        (in_settings("site = ", 'stocks = "nowhere"\nsite = '), "stocks", "fails"),
        (in_settings("[pharmacy]", '[gtins]\n"naltrexone-capsule 1.5 mg" = "123"\n[pharmacy]'), "trade item numbers", "fails"),
        (in_settings("[pharmacy]", '[gtins]\n"capsule" = "09501101530003"\n[pharmacy]'), "trade item numbers", "fails"),
        (in_settings('name = "Ana Ortiz"', 'name = " "'), "settings", "fails"),
        (journal_of_another, "journal", "fails"),
        (clock_behind, "clock", "fails"),
        (lambda bench: bench.journal.unlink(), "journal", "fails"),
    ],
)  # fmt: skip
def test_what_is_spoiled_is_named(bench: Bench, spoil: Callable[[Bench], Any], what: str, state: str) -> None:
    spoil(bench)
    assert states(bench, 1)[what] == state


def test_a_balance_whose_test_is_not_due_is_well(bench: Bench) -> None:
    in_settings("[balances.bench]", '[balances.bench]\ntest_due = "2099-01-01"')(bench)
    assert "balance bench" not in states(bench, 0)


def test_a_journal_that_cannot_be_reached_is_told_once(bench: Bench) -> None:
    bench.journal.unlink()
    found = bench.run("doctor --json").json["findings"]
    assert [each["what"] for each in found if each["state"] == "fails"] == ["journal"]


def test_a_material_to_reorder_that_was_never_received_is_looked_at(tmp_path: Path) -> None:
    made = stocked(tmp_path / "bench")
    words_approved(made)
    in_settings("[pharmacy]", '[reorder]\n"naltrexone tablet" = "60 tablets"\n[pharmacy]')(made)
    (looked,) = [each for each in made.do("doctor --json").json["findings"] if each["what"] == "materials"]
    assert looked["state"] == "look" and "did you mean naltrexone tablets?" in looked["says"]
