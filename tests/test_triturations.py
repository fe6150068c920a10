"""In-house triturations: a batch of one, the lot that it becomes, and the capsules that are made from it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc import triturations
from compounding.data_files import data_folder
from compounding.quantities import Quantity, amount, content, quantity, ratio
from compounding.records.formula import Formula, read_formula
from compounding.records.plan import Plan
from compounding.records.record import replaced
from compounding.work.materials import Balance, Filler, Materials, Order, Shells, Tablets, Trituration
from compounding.work.planned import plan
from compounding.work.twice import differing
from tests.bench import Bench, stocked
from tests.pages import alike, rewritten, run_all, shown_in

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "make-a-trituration.md"
CELLULOSE = "microcrystalline cellulose"
BALANCE = Balance("bench", quantity("0.1 mg"), quantity("20 mg"))
TODAY = date(2026, 11, 22)
OPEN = 'batch open naltrexone-trituration --strength "100 mg/g" --mass "10 g" --from TAB-1 --id T-1'
RECEIVE = "lot receive TRIT-1 --role trituration --from-batch T-1"
CAPSULES = 'plan naltrexone-capsule --strength "0.5 mg" --count 30 --overage "0 %" --from TRIT-1 --json'
# Tablets of 302.4 mg: 20 of them hold the gram of active in 10 g of trituration.
MAKING = (
    ("tom", "batch step T-1 1"),
    ("tom", "batch step T-1 2"),
    ("tom", 'batch weigh T-1 source "6048.0 mg" --lot TAB-1'),
    ("tom", "batch step T-1 3"),
    ("tom", 'batch weigh T-1 filler "3952.0 mg" --lot MCC-1'),
    ("tom", "batch step T-1 4"),
    ("tom", "batch step T-1 5"),
    ("tom", "batch step T-1 6"),
    ("tom", "batch step T-1 7"),
    ("tom", 'batch yield T-1 --made "9.8 g" --remainder "100 mg"'),
    ("kim", 'qc assay T-1 "98.5 %"'),
    ("kim", 'qc observe T-1 appearance "even, off-white" --pass'),
    ("ben", "batch verify T-1"),
    ("ana", "batch release T-1"),
)


def formula(name: str) -> Formula:
    return read_formula((data_folder("formulas") / f"{name}.toml").read_text("utf-8"), name)


TRITURATION, CAPSULE, LIQUID = (formula(f"naltrexone-{name}") for name in ("trituration", "capsule", "oral-liquid"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench where a trituration was opened; nobody writes to it."""
    bench = stocked(tmp_path_factory.mktemp("shelf"))
    bench.do(OPEN)
    return bench


@pytest.fixture(scope="module")
def released(shelf: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same, made and released; nobody writes to it."""
    bench = copy(shelf, tmp_path_factory.mktemp("released"))
    for person, command in MAKING:
        bench.do(command, person)
    return bench


@pytest.fixture
def bench(released: Bench, tmp_path: Path) -> Bench:
    return copy(released, tmp_path)


def copy(bench: Bench, folder: Path) -> Bench:
    shutil.copytree(bench.folder, folder / "bench")
    return Bench(folder / "bench")


# ---- the story ----


def test_a_trituration_from_tablets_balances_to_the_milligram(released: Bench) -> None:
    batch = released.do("batch show T-1 --json").json
    plan = batch["plan"]
    assert [plan[key] for key in ("form", "strength", "mass", "count", "volume")] == ["trituration", "100 mg/g", "10 g", None, None]
    assert [(line["line"], line["target"]) for line in plan["lines"]] == [("source", "6048.0 mg"), ("filler", "3952.0 mg")]
    assert (plan["source"]["tablets"], plan["expected"]["strength"], plan["expected"]["error_percent"]) == (20, "100 mg/g", 0)
    assert any("in turn, about 3952.0 mg" in step["do"] for step in plan["steps"])
    (made,) = batch["yielded"]
    assert (made["yield_percent"], made["mass_in"], made["mass_out"], made["loss_percent"]) == (98, "10000 mg", "9900 mg", 1)


def test_its_lot_is_used_by_its_assay_and_half_milligram_capsules_need_no_aliquot(bench: Bench) -> None:
    """15 mg of active are too little for this balance's 20 mg; 15 / 0.0985 = 152.28 mg of trituration are not."""
    lot = bench.do(f'{RECEIVE} --amount "9.8 g" --json', "tom").json["lot"]
    batch = bench.do("batch show T-1 --json").json
    assert (lot["supplier"], lot["supplier_lot"], lot["material"]) == (
        "Example Compounding Pharmacy",
        "T-1",
        "naltrexone hydrochloride trituration",
    )
    assert lot["expires"] == batch["plan"]["beyond_use"]["date"]
    assert [each["lot"] for each in batch["lots"]] == ["TRIT-1"]
    plan = bench.do(CAPSULES).json
    source = plan["source"]
    assert (source["kind"], source["weigh"], source["tablets"], plan["aliquots"]) == ("trituration", "152.3 mg", None, [])
    assert [text for _, text in source["certificate"]] == [
        "batch T-1, 100 mg/g by its label",
        "98.5 % of label",
        "98.5 mg/g of naltrexone hydrochloride, as assayed",
    ]
    content = next(each for each in plan["expected"]["budget"] if each["source"] == "content of the source")
    assert (content["origin"], "assay 98.5 % of batch T-1" in content["basis"]) == ("measured", True)
    assert any("lactose" in warning for warning in plan["warnings"])


def test_capsules_are_not_used_longer_than_their_trituration(bench: Bench) -> None:
    expires = bench.do(f'{RECEIVE} --amount "9 g" --json', "tom").json["lot"]["expires"]
    later = date.fromisoformat(expires) - timedelta(days=30)
    use = bench.do(f"{CAPSULES} --prepared {later}").json["beyond_use"]
    assert (use["date"], use["days"]) == (expires, 31)
    assert use["limited_by"] == "expiry of naltrexone hydrochloride trituration (lot TRIT-1)"


def test_a_lot_that_shall_expire_earlier_does(bench: Bench) -> None:
    earlier = datetime.now(UTC).date() + timedelta(days=10)
    assert bench.do(f'{RECEIVE} --amount "9 g" --expires {earlier} --json', "tom").json["lot"]["expires"] == str(earlier)


def test_an_assay_as_content_gives_the_same_capsules_as_one_in_percent(shelf: Bench, tmp_path: Path) -> None:
    bench = copy(shelf, tmp_path)
    for person, command in MAKING:
        bench.do(command.replace('"98.5 %"', '"98.5 mg/g"'), person)
    bench.do(f'{RECEIVE} --amount "9.8 g"', "tom")
    source = bench.do(CAPSULES).json["source"]
    assert (source["weigh"], source["certificate"][1]) == ("152.3 mg", ["assay", "98.5 mg/g"])


def test_capsules_from_a_trituration_take_it_off_its_lot(bench: Bench) -> None:
    bench.do(f'{RECEIVE} --amount "9.8 g"', "tom")
    bench.do(CAPSULES.replace("plan", "batch open").replace("--json", "--id C-1"))
    bench.do("batch step C-1 1", "tom")
    bench.do('batch weigh C-1 source "152.4 mg" --lot TRIT-1', "tom")
    assert bench.do("lot show TRIT-1 --json").json["lot"]["left"] == "9.6476 g"


def test_options_compare_a_trituration_with_tablets_and_say_why_no_liquid_is_made_from_it(bench: Bench) -> None:
    bench.do(f'{RECEIVE} --amount "9.8 g"', "tom")
    capsules = bench.do('options naltrexone-capsule --strength "0.5 mg" --count 30 --json').json["options"]
    assert {way["source"] for way in capsules if not way["refused"]} == {"TAB-1", "TRIT-1"}
    liquid = bench.do('options naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" --json').json["options"]
    (refused,) = {problem["code"] for way in liquid if way["source"] == "TRIT-1" for problem in way["refused"]}
    assert refused == "source.insoluble"


def test_options_compare_the_ways_to_make_a_trituration(bench: Bench) -> None:
    told = bench.do('options naltrexone-trituration --strength "50 mg/g" --mass "10 g"').out
    assert "10 g of 50 mg/g: 1 way is possible" in told


# ---- what is refused ----


def test_a_batch_that_is_not_released_becomes_no_lot(shelf: Bench) -> None:
    assert shelf.run(f'{RECEIVE} --amount "9.8 g"').codes == ["own-lot.not-released", "own-lot.assay"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f'{RECEIVE} --amount "9.9 g"', "own-lot.too-much"),
        (f'{RECEIVE} --amount "9 mL"', "lot.amount"),
        (f'{RECEIVE} --amount "9.8 g" --expires 2099-01-01', "own-lot.expires"),
        (f'{RECEIVE} --amount "9.8 g" --supplier Sun', "lot.options"),
        (f'{RECEIVE.replace("trituration", "powder")} --amount "9.8 g"', "lot.options"),
        ('lot receive TRIT-1 --role trituration --amount "9.8 g"', "lot.options"),
        (
            'lot receive TRIT-1 --role trituration --material "naltrexone hydrochloride trituration" --supplier S '
            '--supplier-lot L --expires {expiry} --amount "9.8 g"',
            "trituration.batch",
        ),
        (
            'label T-1 --prescription 1 --patient "A. Sample" --prescriber "Dr. J." --quantity "1 g" --out {folder}/l.pdf',
            "label.trituration",
        ),
    ],
)
def test_refused(released: Bench, command: str, code: str) -> None:
    before = released.journal.read_bytes()
    ran = released.run(command)
    assert (ran.code in (1, 2), ran.codes) == (True, [code])
    assert released.journal.read_bytes() == before


def test_the_lots_of_a_batch_together_are_at_most_its_yield(bench: Bench) -> None:
    bench.do(f'{RECEIVE} --amount "6 g"', "tom")
    again = RECEIVE.replace("TRIT-1", "TRIT-2")
    assert bench.run(f'{again} --amount "3.9 g"', "tom").codes == ["own-lot.too-much"]
    bench.do(f'{again} --amount "3.8 g"', "tom")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ('naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL"', "source.insoluble"),
        ('naltrexone-trituration --strength "50 mg/g" --mass "10 g"', "source.trituration"),
    ],
)
def test_only_capsules_are_made_from_a_trituration(bench: Bench, order: str, code: str) -> None:
    bench.do(f'{RECEIVE} --amount "9.8 g"', "tom")
    assert code in bench.run(f"plan {order} --from TRIT-1").codes


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ('--strength "1000 mg/g" --mass "10 g"', "strength.outside-formula"),
        ('--strength "10 mg/g" --mass "10 g"', "strength.outside-formula"),
        ('--strength "0.1 mL/mL" --mass "10 g"', "order.dimension"),
        ('--strength "100 mg" --mass "10 g"', "order.dimension"),
        ('--strength "100 mg/g" --mass "10 mL"', "order.dimension"),
        ('--strength "100 mg/g" --mass "100 g"', "batch.outside-formula"),
        ('--strength "100 mg/g" --count 30', "order.options"),
        ('--strength "100 mg/g" --mass "10 g" --count 30', "order.options"),
        ('--strength "100 mg/g" --mass "10 g" --overage german', "order.options"),
        ('--strength "100 mg/g" --mass "10 g" --strength-of base', "order.form"),
    ],
)
def test_an_order_that_is_none_of_a_trituration_is_refused(shelf: Bench, options: str, code: str) -> None:
    assert shelf.run(f"plan naltrexone-trituration {options} --from TAB-1").codes == [code]


def test_a_mass_belongs_to_no_capsule_and_no_liquid(shelf: Bench) -> None:
    assert shelf.run(CAPSULES.replace("TRIT-1", "TAB-1") + ' --mass "10 g"').codes == ["order.options"]


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ('--made "9.5 g"', ["yield.loss"]),
        ('--made "9.3 g" --remainder "0.7 g"', ["yield.outside-limits"]),
        ('--made "9.8 mL"', ["yield.unit"]),
        ('--made "9.8 g" --weight "9.8 g"', ["yield.weight"]),
    ],
)
def test_its_yield_is_a_mass_that_must_balance(shelf: Bench, tmp_path: Path, options: str, codes: list[str]) -> None:
    bench = copy(shelf, tmp_path)
    for person, command in MAKING[:9]:
        bench.do(command, person)
    assert bench.run(f"batch yield T-1 {options}", "tom").codes == codes


# ---- the numbers ----


def order(strength: str, mass: str | None = None, number: int | None = None, overage: Fraction = Fraction(0)) -> Order:
    return Order(quantity(strength), number, None, overage, "batch", TODAY, mass=quantity(mass) if mass else None)


def tablets(weight: str) -> Materials:
    one = quantity("1 tablet")
    held = Tablets(quantity("50 mg") / one, (quantity(weight) / one,), None)
    return Materials(held, BALANCE, Filler(CELLULOSE, None, None))


def holding(assay: Fraction) -> Materials:
    held = Trituration("naltrexone hydrochloride trituration", quantity("100 mg/g"), assay, "as found", "T-1")
    shells = Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mg"))
    return Materials(None, BALANCE, Filler(CELLULOSE, quantity("135 mg"), None), shells, trituration=held)


def planned(made: tuple[Plan | None, Any]) -> Plan:
    assert made[0] is not None, made[1]
    return made[0]


def milligrams(text: str) -> Fraction:
    return amount(quantity(text), "mg")


@given(
    strength=st.integers(20, 100),
    grams=st.integers(5, 49),
    tenths=st.integers(1010, 4990),
    overage=st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 4)]),
)
def test_source_and_filler_are_all_of_a_trituration_and_carry_its_strength(
    strength: int, grams: int, tenths: int, overage: Fraction
) -> None:
    asked = order(f"{strength} mg/g", f"{grams} g", overage=overage)
    made = planned(plan(TRITURATION, "", asked, tablets(f"{tenths // 10}.{tenths % 10} mg")))
    assert made.filler
    assert milligrams(made.source.exact) + milligrams(made.filler.exact) == milligrams(made.made)
    assert milligrams(made.active.needed) == strength * grams * (1 + overage)
    assert milligrams(made.source.exact) == milligrams(made.active.needed) * Fraction(tenths, 10) / 50


@given(st.fractions(Fraction(9, 10), Fraction(11, 10), max_denominator=10_000), st.integers(50, 450), st.integers(30, 299))
def test_the_active_of_the_capsules_is_what_the_assay_found_in_their_trituration(
    assay: Fraction, hundredths: int, number: int
) -> None:
    """Through both batches: what the capsules need is the label strength times the assay times what is weighed."""
    label = content(Fraction(1, 10), "naltrexone hydrochloride", "naltrexone hydrochloride trituration")
    need = quantity(f"{hundredths * number} mg", "naltrexone hydrochloride") / 100
    found = triturations.content_by_assay(label, assay)
    weighed: Quantity = triturations.trituration_for(need, found)
    assert ratio(triturations.active_carried(weighed, found), need) == 1
    assert ratio(triturations.active_in_trituration(label, weighed, Fraction(0)) * assay, need) == 1
    made = planned(plan(CAPSULE, "", order(f"{hundredths // 100}.{hundredths % 100:02} mg", number=number), holding(assay)))
    assert abs(milligrams(made.source.exact) - amount(weighed, "mg")) < Fraction(1, 10**9)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("active_in_trituration", lambda strength, mass, overage: strength * mass),
        ("active_in_trituration", lambda strength, mass, overage: strength * mass * (1 + overage) * 10),
        ("trituration_made", lambda mass, overage: mass),
        ("filler_beside_source", lambda mixture, source: mixture),
        ("strength_made", lambda active, mixture: active / mixture * Fraction(101, 100)),
        ("content_by_assay", lambda strength, assay: strength),
        ("content_by_assay", lambda strength, assay: strength / assay),
        ("trituration_for", lambda active, content: active / content / 10),
        ("active_carried", lambda weigh, content: weigh * content * Fraction(99, 100)),
    ],
)
def test_an_error_in_one_calculation_is_stopped_by_the_other(monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any) -> None:
    monkeypatch.setattr(triturations, name, wrong)
    asked = order("50 mg/g", "10 g", overage=Fraction(1, 20))
    judged = [plan(TRITURATION, "", asked, tablets("302.4 mg")), plan(CAPSULE, "", order("1.5 mg", number=100), holding(Fraction("0.985")))]
    codes = [problem.code for made, problems in judged if made is None for problem in problems if problem.stops]
    assert set(codes) in ({"plan.paths-differ"}, {"trituration.too-strong"})


def test_a_plan_that_is_changed_after_it_was_made_is_stopped() -> None:
    asked, bench = order("50 mg/g", "10 g"), tablets("302.4 mg")
    made = planned(plan(TRITURATION, "", asked, bench))
    assert made.filler and differing(made, TRITURATION, asked, bench) == []
    for changed in (replaced(made, mass="11 g"), replaced(made, filler=replaced(made.filler, weigh="6976.1 mg"))):
        assert differing(changed, TRITURATION, asked, bench) != []


def test_tablets_too_heavy_for_the_strength_are_refused_by_name() -> None:
    made, problems = plan(TRITURATION, "", order("100 mg/g", "10 g"), tablets("500 mg"))
    assert (made, [problem.code for problem in problems if problem.stops]) == (None, ["trituration.too-strong"])


def test_a_liquid_from_a_trituration_is_refused_with_its_reason() -> None:
    asked = Order(quantity("1 mg/mL"), None, quantity("60 mL"), Fraction(0), "batch", TODAY)
    made, problems = plan(LIQUID, "", asked, holding(Fraction(1)))
    assert made is None and "dissolves in nothing" in problems[0].text


def test_a_source_below_the_balance_s_minimum_is_refused_and_not_diluted() -> None:
    coarse = Balance("coarse", quantity("0.1 g"), quantity("1 g"))
    bench = tablets("100 mg")
    bench = Materials(bench.tablets, coarse, bench.filler)
    made, problems = plan(TRITURATION, "", order("20 mg/g", "10 g"), bench)
    assert (made, [problem.code for problem in problems]) == (None, ["weighing.below-minimum"])


def test_no_powder_holds_more_active_than_its_batch_took_in(released: Bench) -> None:
    told = released.run('qc assay T-1 "9.85 g/g"', "kim")
    assert (told.codes, "and 6,048 mg went into all of T-1" in told.err) == (["test.not-possible"], True)
    assert released.run("qc observe T-1 evenness 1800", "kim").codes == ["test.not-possible"]


# ---- the page ----


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(rewritten(page, [text for _, text in run_all(shown_in(page), Path(folder))]), "utf-8")
