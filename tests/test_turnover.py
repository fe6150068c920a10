"""The lot that expires first is used first, and what expires or runs low is listed."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.bench import EXPIRY, Bench, stocked, story

OPEN = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --json --from '
SOON = (datetime.now().astimezone().date() + timedelta(days=300)).isoformat()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The lots of the demo, and tablets that expire first; nobody writes to it."""
    made = stocked(tmp_path_factory.mktemp("shelf"))
    received(made, "TAB-1", "TAB-2")
    return made


@pytest.fixture
def bench(shelf: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(shelf.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def received(bench: Bench, like: str, id: str, *changes: tuple[str, str]) -> None:
    """A lot like one of the demo, that expires sooner."""
    [(person, command)] = [each for each in story("lot receive") if f"receive {like} " in each[1]]
    for before, after in ((like, id), ("{expiry}", SOON), *changes):
        assert before in command
        command = command.replace(before, after)
    bench.do(command, person)


def reorder(bench: Bench, *lines: str) -> None:
    settings = bench.folder / "settings.toml"
    settings.write_text(settings.read_text() + "\n[reorder]\n" + "\n".join(lines) + "\n")


def test_a_lot_that_does_not_expire_first_is_taken_with_a_reason_that_stays_on_record(bench: Bench) -> None:
    refused = bench.run(OPEN + "TAB-1")
    assert refused.codes == ["lot.not-first"] and f"TAB-2 of the same material expires first, on {SOON}" in refused.err
    id = bench.do(OPEN + 'TAB-1 --reason "its tablets are counted out"').json["batch"]
    assert bench.do(f"batch show {id} --json").json["opened"]["reason"] == "its tablets are counted out"
    assert "does not expire first was taken: its tablets" in bench.do(f"batch show {id}").out


def test_the_lot_that_expires_first_needs_no_reason(bench: Bench) -> None:
    assert bench.do(OPEN + "TAB-2").json["plan"]["source"]["lot"] == "TAB-2"


@pytest.mark.parametrize(
    "spoiled",
    [
        "lot quarantine TAB-2 --reason damp",
        'lot discard TAB-2 --amount "97 tablets" --reason broken',
        "lot discard TAB-2 --reason broken",
    ],
)
def test_nobody_is_asked_why_who_has_no_choice(bench: Bench, spoiled: str) -> None:
    bench.do(spoiled)
    bench.do(OPEN + "TAB-1")


def test_tablets_of_another_claim_are_another_kind(shelf: Bench, tmp_path: Path) -> None:
    bench = stocked(tmp_path / "another")
    received(bench, "TAB-1", "TAB-3", ('"50 mg"', '"25 mg"'))
    bench.do(OPEN + "TAB-1")


def test_shells_that_are_named_are_compared_too(bench: Bench) -> None:
    received(bench, "CAP-1", "CAP-2")
    assert bench.run(OPEN + "TAB-2 --shells CAP-1").codes == ["lot.not-first"]
    assert bench.do(OPEN + "TAB-2").json["plan"]["capsule"]["lot"] == "CAP-2"


def test_what_expires_is_listed_the_first_first(bench: Bench) -> None:
    listed = bench.do("lot list --expiring 300 --json").json["lots"]
    assert [each["lot"] for each in listed] == ["TAB-2"]
    assert bench.do("lot list --expiring 299 --json").json["lots"] == []
    everything = bench.do("lot list --expiring 36500 --csv").out.splitlines()
    assert everything[1].startswith("TAB-2") and EXPIRY in everything[-1]


def test_what_runs_low_is_listed_and_what_may_not_be_used_does_not_count(bench: Bench) -> None:
    reorder(bench, '"naltrexone tablets" = "150 tablets"', '"glycerol" = "500 mL"', '"lactose" = "1 g"')
    assert [each["material"] for each in bench.do("lot list --low --json").json["low"]] == ["lactose"]
    bench.do("lot quarantine TAB-2 --reason damp")
    assert bench.do("lot list --low --json").json["low"] == [
        {"material": "naltrexone tablets", "left": "100 tablets", "reorder": "150 tablets", "lots": "TAB-1"},
        {"material": "lactose", "left": "0 g", "reorder": "1 g", "lots": ""},
    ]
    assert "naltrexone tablets,100 tablets,150 tablets,TAB-1" in bench.do("lot list --low --csv").out
    assert "Stock that runs low" in bench.do("status").out


def test_low_stock_is_not_guessed(bench: Bench) -> None:
    assert bench.run("lot list --low").codes == ["reorder.none"]
    assert bench.run("lot list --low --expiring 3").codes == ["lot.list"]
    reorder(bench, '"glycerol" = "500 g"')
    assert bench.run("lot list --low").codes == ["reorder.unit"]
