"""Every way to make an order: compared through the command line, with real lots, balances and refusals."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compounding.quantities import amount, quantity
from compounding.work.materials import Balance, Materials, Order
from compounding.work.options import Wanted, ranked, ways_from_materials
from tests.bench import Bench, begun, stocked
from tests.pages import alike, rewritten, run_all, shown_in
from tests.test_planning import BENCH, BOTTLE, CAPSULE, CAPSULES, DIGESTS, LIQUID

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "compare-ways.md"
ORDER = 'options naltrexone-capsule --strength "1.5 mg" --count 100'
SMALL = 'options naltrexone-capsule --strength "0.5 mg" --count 30'
BOTTLE_OF_60 = 'options naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL"'
ON_THE_BENCH = '--tablet-weight "302.4 mg" --shell-maker coni-snap --filler-density "0.45 g/mL"'

METHODS = ("standard", "volume-completion")

STRICT = '[balances.fine]\nreadability = "0.1 mg"\nmode = "strict"\nrepeatability = "0.08 mg"\n'
TABLETS = (
    '--role tablet --material "naltrexone tablets" --supplier Example --supplier-lot {id} --label-claim "50 mg" '
    '--amount "{amount}" --expires {{expiry}} --weights {{folder}}/light.txt --price 45.50'
)
FILLER = '--role filler --supplier Example --supplier-lot {id} --expires {{expiry}} --amount "1 kg"'
SOON = "2099-01-31"
PACKED = FILLER.format(id="M0").replace("{expiry}", SOON) + ' --packing "3:coni-snap:135 mg"'
RECEIVED = (
    "lot receive TAB-2 " + TABLETS.format(id="T2", amount="100 tablets"),
    "lot receive TAB-3 " + TABLETS.format(id="T3", amount="100 tablets"),
    'lot quarantine TAB-3 --reason "broken seal"',
    "lot receive TAB-4 " + TABLETS.format(id="T4", amount="1 tablet"),
    "lot receive IBU-1 " + TABLETS.replace("naltrexone", "ibuprofen").format(id="I1", amount="100 tablets"),
    'lot receive POW-1 --role powder --material "naltrexone hydrochloride dihydrate" --supplier Example --supplier-lot P1 '
    '--expires {expiry} --amount "5 g" --price 120 --form dihydrate --assay "99.6 %" '
    '--assay-basis anhydrous-solvent-free --water "8.9 %" --solvents "0.2 %"',
    f'lot receive CAL-1 --material "calcium carbonate" {FILLER.format(id="C1")} --packing "3:coni-snap:180 mg"',
)


def light_tablets(bench: Bench) -> Bench:
    """A bench with a file of weights of lighter tablets."""
    (bench.folder / "light.txt").write_text("\n".join(f"{180 + n / 5:.1f} mg" for n in range(10)), "utf-8")
    return bench


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The demo's shelf with more lots and a second, strict balance; nothing here writes to it."""
    bench = light_tablets(stocked(tmp_path_factory.mktemp("shelf")))
    settings = bench.folder / "settings.toml"
    settings.write_text(f"{settings.read_text('utf-8')}\n{STRICT}", "utf-8")
    for command in RECEIVED:
        bench.do(command)
    return bench


def options(bench: Bench, command: str) -> list[dict[str, Any]]:
    found = bench.do(f"{command} --json").json
    assert set(found) == {"options", "rule", "problems"}
    return list(found["options"])


def possible(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["refused"] is None]


def refused(rows: list[dict[str, Any]]) -> set[tuple[str | None, ...]]:
    """Of each refused way: source, procedure, balance, filler, and the code of each reason."""
    return {
        (row["source"], row["method"], row["balance"], row["filler_lot"], *(each["code"] for each in row["refused"]))
        for row in rows
        if row["refused"] is not None
    }


# ---- which ways there are ----


def test_each_usable_lot_is_combined_with_each_procedure_and_balance(shelf: Bench) -> None:
    rows = options(shelf, ORDER)
    made = {(row["source"], row["method"], row["balance"]) for row in possible(rows)}
    assert len(possible(rows)) == len(made)
    assert made == {
        (source, method, balance)
        for source in ("TAB-1", "TAB-2", "POW-1")
        for method in METHODS
        for balance in ("bench", "fine")
    }
    assert {(row["overage_percent"], row["overage_on"]) for row in possible(rows) if row["method"] != "standard"} == {
        (5, "active")
    }


def test_what_cannot_be_used_comes_last_with_its_reason(shelf: Bench) -> None:
    rows = options(shelf, ORDER)
    assert [row["refused"] is not None for row in rows] == sorted(row["refused"] is not None for row in rows)
    short = {("TAB-4", method, on, "MCC-1", "lot.too-little") for method in METHODS for on in ("bench", "fine")}
    assert refused(rows) == {
        ("TAB-3", None, None, None, "lot.quarantined"),
        (None, None, None, "CAL-1", "filler.refused"),
        *short,
    }


def test_lots_of_another_drug_are_no_source(shelf: Bench) -> None:
    assert "IBU-1" not in shelf.do(ORDER).out


@pytest.mark.parametrize(
    ("named", "key", "value"),
    [
        ("--from TAB-2", "source", "TAB-2"),
        ("--from powder", "kind", "powder"),
        ("--method standard", "method", "standard"),
        ("--balance fine", "balance", "fine"),
        ('--readability "0.01 mg" --minimum-weight "10 mg"', "balance", "the balance"),
    ],
)
def test_what_is_named_is_kept_and_the_rest_is_compared(shelf: Bench, named: str, key: str, value: str) -> None:
    rows = possible(options(shelf, f"{ORDER} {named}"))
    assert {row[key] for row in rows} == {value}
    assert len(rows) > 1


def test_an_overage_that_is_named_is_not_changed_by_a_procedure(shelf: Bench) -> None:
    rows = options(shelf, f'{ORDER} --from TAB-1 --overage "5 %"')
    assert {row["method"] for row in possible(rows)} == {"standard"}
    assert {codes for *_, codes in refused(rows)} >= {"method.overage"}


def test_whole_tablets_are_compared_at_the_next_volume_that_they_make(shelf: Bench) -> None:
    rows = options(shelf, f"{BOTTLE_OF_60} --balance bench --from TAB-1")
    [whole] = [row for row in possible(rows) if row["method"] == "whole-tablets"]
    assert (whole["volume"], whole["tablets"], whole["discarded"]) == ("100 mL", 2, "0.0 mg")
    assert (whole["active_taken"], whole["active_beyond_order"], whole["chance_to_pass_percent"]) == (
        "100 mg",
        "40 mg",
        None,
    )
    [asked] = [row for row in rows if row["refused"]]
    assert (asked["volume"], asked["refused"][0]["code"]) == ("60 mL", "method.whole-tablets")


@pytest.mark.parametrize(
    ("strength", "volume", "larger"),
    [
        ("1 mg/mL", "50 mL", []),
        ("1 mg/mL", "60 mL", ["100 mL"]),
        ("3 mg/mL", "30 mL", ["50 mL"]),
        ("1 mg/mL", "260 mL", []),
    ],
    ids=["already whole", "next", "16.67 mL is on no mark of a cylinder", "beyond the formula"],
)
def test_a_larger_volume_is_one_of_whole_millilitres_within_the_formula(
    strength: str, volume: str, larger: list[str]
) -> None:
    order = replace(BOTTLE, strength=quantity(strength), volume=quantity(volume))
    found = ways_from_materials(LIQUID, DIGESTS[LIQUID.id], order, [BENCH], Wanted(method="whole-tablets"))
    orders = [way.order for way in found]
    assert [each and each.volume for each in orders] == [quantity(volume), *map(quantity, larger)]


# ---- what is said of each ----


def test_the_figures_are_those_of_the_plan(shelf: Bench) -> None:
    for row in possible(options(shelf, SMALL)):
        words = f"--from {row['source']} --method {row['method']} --balance {row['balance']}"
        on = f" --overage-on {row['overage_on']}"
        plan = shelf.do(SMALL.replace("options", "plan") + f" {words}{on} --json").json
        source, expected = plan["source"], plan["expected"]
        assert (row["tablets"], row["discarded"]) == (source.get("tablets"), source.get("discarded"))
        assert row["dilutions"] == len(plan["aliquots"])
        assert row["expanded_uncertainty_percent"] == expected["expanded_uncertainty_percent"]
        assert row["chance_to_pass_percent"] == plan["uniformity"]["chance_to_pass_percent"]
        assert row["beyond_use"]["date"] == plan["beyond_use"]["date"]
        weighed = [quantity(line["target"]) for line in plan["lines"] if line["measure"] == "balance"]
        assert quantity(row["smallest_weighing"]) == min(weighed) >= quantity(row["minimum_weight"])


def test_what_a_dilution_throws_away_counts_as_active(shelf: Bench) -> None:
    """34.8 mg of powder weighed for 17.396 mg needed: half is thrown away, 31.5 mg of active for an order of 15 mg."""
    [row] = options(
        shelf, f"{SMALL} --from POW-1 --balance bench --method standard --filler 'microcrystalline cellulose'"
    )
    assert (row["dilutions"], row["wasted"], row["tablets"]) == (1, "27.4 mg", None)
    assert (row["active_taken"], row["active_beyond_order"]) == ("31.5 mg", "16.5 mg")


def test_a_cost_is_told_when_every_lot_has_its_price(shelf: Bench, tmp_path: Path) -> None:
    """4 of 100 tablets at 45.50, 13.6 g of 1 kg at 30.00, 100 of 1000 shells at 25.00: 1.82 + 0.41 + 2.50."""
    assert {row["cost"] for row in possible(options(shelf, ORDER))} == {None}
    bench = light_tablets(stocked(tmp_path))
    bench.do(RECEIVED[0])
    bench.do(f'lot receive MCC-0 --material "microcrystalline cellulose" --price 30 {PACKED}')
    bench.do(
        f'lot receive CAP-0 --role shell --material "gelatin capsule shells" --supplier E --supplier-lot S --expires {SOON} '
        '--amount "1000 capsules" --size 3 --maker coni-snap --price 25.00'
    )
    rows = possible(options(bench, f"{ORDER} --from TAB-2 --method standard"))
    costs = {(row["filler_lot"], row["shells"]): row["cost"] for row in rows}
    assert costs == {
        ("MCC-0", "CAP-0"): 4.73,
        ("MCC-0", "CAP-1"): None,
        ("MCC-1", "CAP-0"): None,
        ("MCC-1", "CAP-1"): None,
    }


# ---- which is recommended ----


def chance(row: dict[str, Any]) -> float:
    return min(row[key] for key in ("chance_to_pass_percent", "potency_chance_percent") if row[key] is not None)


@pytest.mark.parametrize("command", [ORDER, SMALL, BOTTLE_OF_60])
def test_the_recommended_way_keeps_the_rule(shelf: Bench, command: str) -> None:
    rows = possible(options(shelf, command))
    first = rows[0]
    assert [row["recommended"] for row in rows] == [True] + [False] * (len(rows) - 1)
    equals = [row for row in rows if chance(row) >= max(map(chance, rows)) - 1]
    assert rows[: len(equals)] == equals

    def rank(row: dict[str, Any]) -> tuple[Any, ...]:
        beyond = amount(quantity(row["active_beyond_order"]), "mg")
        return row["dilutions"], beyond, -date.fromisoformat(row["beyond_use"]["date"]).toordinal(), row["weighings"]

    assert all(rank(first) <= rank(row) for row in equals)


def test_a_tenth_of_a_percent_of_chance_is_not_worth_a_gram_thrown_away(shelf: Bench) -> None:
    first, second = possible(options(shelf, f"{SMALL} --from POW-1 --method standard"))
    assert (first["balance"], first["wasted"]) == ("bench", "27.4 mg")
    assert (second["balance"], second["wasted"]) == ("fine", "1440 mg")
    assert 0 < chance(second) - chance(first) < 1


def test_the_order_in_which_things_are_found_does_not_matter() -> None:
    coarse = Balance("coarse", quantity("1 mg"), quantity("200 mg"))
    benches = [BENCH, replace(BENCH, balance=coarse), replace(BENCH, shells=replace(BENCH.shells, size="2"))]

    def made(order: Order, on: list[Materials]) -> list[Any]:
        ways = ways_from_materials(CAPSULE, DIGESTS[CAPSULE.id], order, on, Wanted())
        return [way.chosen for way, figures in ranked(ways, order) if figures]

    forward = made(CAPSULES, benches)
    assert len(forward) == 6
    assert forward == made(CAPSULES, benches[::-1])


def test_nothing_is_recorded_and_the_answer_stays_the_same(shelf: Bench) -> None:
    before = shelf.journal.read_bytes()
    first = shelf.do(f"{ORDER} --explain").out
    assert shelf.do(f"{ORDER} --explain").out == first
    assert shelf.journal.read_bytes() == before


# ---- without lots, shown, and refused ----


def test_without_lots_every_size_of_the_maker_is_compared_on_every_balance(shelf: Bench) -> None:
    rows = options(shelf, f"{ORDER} {ON_THE_BENCH} --method standard")
    assert {(row["size"], row["balance"]) for row in possible(rows)} == {
        (size, balance) for size in ("000", "00", "0", "1", "2", "3", "4", "5") for balance in ("bench", "fine")
    }
    assert (rows[0]["size"], rows[0]["balance"]) == ("4", "bench")


@pytest.mark.parametrize("command", [ORDER, f"{SMALL} --explain", f"{ORDER} {ON_THE_BENCH}", BOTTLE_OF_60])
def test_the_table_fits_a_hundred_columns_and_its_numbers_stand_flush_right(shelf: Bench, command: str) -> None:
    lines = shelf.do(command).out.splitlines()
    assert max(map(len, lines)) <= 100
    rule = next(place for place, line in enumerate(lines) if line.startswith("---"))
    ends = [place for place, sign in enumerate(f"{lines[rule]} ") if sign == " " and lines[rule][place - 1] == "-"]
    rows = [line for line in lines[rule + 1 :] if line[:3].strip().isdigit()]
    assert len(rows) == len(possible(options(shelf, command)))
    assert all(len(row) == len(lines[rule]) and row[end - 1].strip() for row in rows for end in ends)


def test_more_than_thirty_ways_take_less_than_two_seconds(shelf: Bench) -> None:
    start = time.process_time()
    rows = possible(options(shelf, f"{ORDER} {ON_THE_BENCH}"))
    assert len(rows) == 32
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("words", "code", "codes"),
    [
        ('options naltrexone-capsule --strength "15 mg" --count 100', 1, ["options.none"]),
        (f"{ORDER} --from NOPE", 1, ["options.none"]),
        (f"{ORDER} --from MCC-1", 1, ["options.none"]),
        (f"{ORDER} --method by-eye", 1, ["options.none"]),
        (f"{ORDER} --capsule-size 3", 2, ["order.options"]),
        (f"{ORDER} --balance kitchen", 2, ["balance.unknown"]),
        (f'{ORDER} {ON_THE_BENCH} --filler-packing "135 mg"', 2, ["capsule.unknown"]),
        (f"{ORDER} --from TAB-1 {ON_THE_BENCH}", 2, ["order.options"]),
        ("options naltrexone-capsule --count 100", 2, ["order.options"]),
        ('options naltrexone-oral-liquid --concentration "1 mg" --volume "60 mg"', 1, ["options.none"]),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(shelf: Bench, words: str, code: int, codes: list[str]) -> None:
    told = shelf.run(words)
    assert (told.code, told.codes) == (code, codes), told.err
    as_data = shelf.run(f"{words} --json")
    assert (as_data.code, [problem["code"] for problem in as_data.json["problems"]]) == (code, codes)


def test_a_comparison_takes_no_file_for_a_paper_that_it_does_not_write(shelf: Bench) -> None:
    assert shelf.run(f"{ORDER} --out ways.pdf").code == 2


def test_a_shelf_without_the_drug_is_told(tmp_path: Path) -> None:
    told = begun(tmp_path).run(ORDER)
    assert (told.code, told.codes) == (1, ["options.none"])
    assert "No tablets and no powder of naltrexone" in told.err


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    assert len(shown) >= 10
    results = run_all(shown, tmp_path)
    assert [code for code, _ in results] == [0] * (len(shown) - 1) + [1]
    for each, (_, printed) in zip(shown, results, strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(rewritten(page, [text for _, text in run_all(shown_in(page), Path(folder))]), "utf-8")
