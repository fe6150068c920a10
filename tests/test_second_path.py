"""Every plan is worked out twice, by paths that share nothing, and balances: an error in either is stopped."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from compounding import quantities
from compounding.calc import amounts, fills
from compounding.problems import CompoundingError, NotUnderstood
from compounding.records.record import as_data
from compounding.work import second
from compounding.work.second import balance, ratio, reading, recompute
from compounding.work.second.compare import NUMBERS, compare, written
from compounding.work.second.ratio import Ratio
from compounding.work.second.recompute import CapsuleTexts, Inputs, TabletTexts
from compounding.work.twice import inputs_from
from tests.prescriptions import Prescription, disagreements, prescribed, prescriptions

# The order of the other tests of planning: tablets of 302.4 mg, cellulose that packs 135 mg in a size 3.
CAPSULES = Inputs(
    strength="1.5 mg",
    ordered="100 capsules",
    overage="0.05",
    overage_on="batch",
    source=TabletTexts("50 mg", ("302.4 mg",)),
    readability="0.1 mg",
    weighing_percent="2",
    volume_percent="5",
    capsule=CapsuleTexts("135 mg", None, None, "0.30 mL", "48 mg"),
)
BOTTLE = replace(
    CAPSULES,
    strength="1 mg/mL",
    ordered="60 mL",
    overage="0",
    capsule=None,
    components=(("ascorbic acid", "0.5 g/100 mL"), ("sodium benzoate", "0.1 % w/v"), ("glycerol", "20 % v/v")),
    dose="4.5 mg",
)


def numbers(inputs: Inputs, unit: int = 1_000_000) -> dict[str, Ratio]:
    """What the second path finds, in milligrams and millilitres."""
    return {
        name: value / Ratio(unit if kind in (reading.MASS, reading.VOLUME) else 1)
        for name, (kind, value) in recompute.recompute(inputs).items()
    }


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        # 100 x 1.5 mg x 1.05 = 157.5 mg; / 50 mg x 302.4 mg = 952.56 mg; by hand.
        (
            CAPSULES,
            {
                "made": "105",
                "active.needed": "157.5",
                "source.exact": "952.56",
                "source.weigh": "952.6",
                "source.tablets_exact": "3.15",
                "source.tablets": "4",
                "source.discarded": "257",
                "filler.per_capsule": "125.928",
                "filler.weigh": "13222.4",
                "capsule.fill": "135",
                "capsule.theoretical_weight": "183",
                "capsule.source_share_percent": "6.72",
                "lines.source.low": "933.5",
                "lines.source.high": "971.7",
            },
        ),
        # The same from a tapped density: 0.30 mL x 0.45 g/mL = 135 mg.
        (
            replace(CAPSULES, capsule=CapsuleTexts(None, "0.45 g/mL", "180 mg", "0.30 mL", "48 mg")),
            {"filler.packing": "135", "capsule.source_share_percent": "5.04", "filler.per_capsule": "128.196"},
        ),
        # Overage on the active alone: no more capsules, 5 % more in each.
        (replace(CAPSULES, overage_on="active"), {"made": "100", "source.weigh": "952.6", "capsule.fill": "135"}),
        # 60 mL of 1 mg/mL: 60 mg / 50 mg x 302.4 mg = 362.88 mg.
        (
            BOTTLE,
            {
                "source.weigh": "362.9",
                "source.tablets": "2",
                "lines.ascorbic acid.target": "300",
                "lines.sodium benzoate.low": "58.8",
                "lines.glycerol.target": "12",
                "lines.vehicle.high": "63",
                "dose.volume": "4.5",
            },
        ),
        # One tablet of 199.97 mg: the balance asks for 200.0 mg, which one tablet does not hold.
        (
            replace(CAPSULES, strength="1 mg", ordered="50 capsules", overage="0", source=TabletTexts("50 mg", ("199.97 mg",))),
            {"source.tablets_exact": "1", "source.weigh": "200", "source.tablets": "2", "source.discarded": "199.9"},
        ),
        # A coarse balance may ask for several tablets more: 0.6 g becomes 1 g, and 4 tablets of 150 mg hold 0.6 g.
        (
            replace(BOTTLE, strength="2 mg/mL", ordered="100 mL", readability="1 g", source=TabletTexts("50 mg", ("150 mg",))),
            {"source.exact": "600", "source.weigh": "1000", "source.tablets": "7"},
        ),
        # Counted tablets are not weighed: the balance that asks for 400.0 mg of 399.96 mg adds no third one.
        (
            replace(BOTTLE, ordered="100 mL", source=TabletTexts("50 mg", ("199.98 mg",)), method="whole-tablets"),
            {"source.tablets": "2", "lines.source.target": "2", "lines.source.high": "2"},
        ),
        # Topped up by volume: from half to twice of 13222.4 mg.
        (
            replace(CAPSULES, method="volume-completion"),
            {"lines.filler.target": "13222.4", "lines.filler.low": "6611.2", "lines.filler.high": "26444.8"},
        ),
    ],
)  # fmt: skip
def test_worked_examples_come_out_of_the_second_path_alone(inputs: Inputs, expected: dict[str, str]) -> None:
    found = numbers(inputs)
    assert {name: found[name] for name in expected} == {name: reading.number(text) for name, text in expected.items()}


def test_the_second_path_shares_nothing_with_the_first() -> None:
    allowed = {"__future__", "collections", "dataclasses", "math", "typing", "compounding.problems"}
    for path in Path(second.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                known = name in allowed or name.split(".")[0] in allowed
                assert known or name.startswith("compounding.work.second."), f"{path.name} imports {name}"


@pytest.mark.parametrize("seed", range(7))
def test_both_paths_agree_on_five_thousand_prescriptions(seed: int) -> None:
    for each in prescriptions(seed, 750):
        assert disagreements(each) == [], each.typed


def test_the_bench_reaches_the_second_path_as_it_was_typed() -> None:
    for each in prescriptions(99, 300):
        handed = inputs_from(each.formula, each.order, each.materials)
        assert [reading.measured(text).value for text in texts(handed)] == [
            reading.measured(text).value for text in texts(each.typed)
        ]
        assert (handed.overage_on, handed.components) == (each.typed.overage_on, each.typed.components)


def texts(inputs: Inputs) -> list[str]:
    """Every number of the inputs."""
    capsule = astuple(inputs.capsule) if inputs.capsule else ()
    own = (inputs.strength, inputs.ordered, inputs.overage, inputs.readability, inputs.dose)
    return [text for text in (*own, *capsule, inputs.source.label_claim, *inputs.source.weights) if text]


@pytest.mark.parametrize(
    "text", ["", "mg", "1,5 mg", "1.5mg", "1..5 mg", ".5 mg", "5. mg", "1e3 mg", "5 MG", "٥ mg", "1/0 mg", "1 mg/x mL", "5 mL/mg/L"]
)  # fmt: skip
def test_what_the_second_path_cannot_read_it_refuses(text: str) -> None:
    with pytest.raises(NotUnderstood):
        reading.measured(text)


def test_a_mass_is_not_taken_for_a_volume_nor_a_number_below_zero_for_an_amount() -> None:
    for text in ("5 mL", "-5 mg", "5 mg/mL"):
        with pytest.raises(NotUnderstood):
            reading.of_kind(reading.MASS, text)


def test_a_plan_writes_twelve_decimals_exactly_and_nine_of_the_rest() -> None:
    assert written(Ratio(1, 10**12)) == Ratio(1, 10**12)
    assert written(Ratio(1, 10**13)) == Ratio(0)
    assert written(Ratio(-2, 3)) == Ratio(-666666667, 10**9)


# --- Spoiled plans -----------------------------------------------------------------------------------------------


def good(form: str) -> tuple[Prescription, dict[str, Any]]:
    """A prescription of one form, and its plan as data."""
    for each in prescriptions(5, 100):
        made, _ = each.planned()
        if made and each.name == form and (each.typed.dose or each.typed.capsule):
            return each, as_data(made)
    raise AssertionError(form)


def spoiled(text: str | int) -> str | int:
    """The same with its first digit other than zero changed by one."""
    if isinstance(text, int):
        return text + 1
    place = next((place for place, sign in enumerate(text) if sign in "123456789"), 0)
    return f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"


@pytest.mark.parametrize("form", ["capsule", "oral-liquid"])
def test_any_one_number_of_a_plan_that_is_changed_is_named(form: str) -> None:
    prescription, data = good(form)
    assert compare(data, prescription.typed) == []
    for part, names in NUMBERS.items():
        for name in names if not part or data[part] else ():
            changed = {name: spoiled((data[part] if part else data)[name])}
            problems = compare(data | ({part: data[part] | changed} if part else changed), prescription.typed)
            where = f"{part}.{name}".lstrip(".")
            assert (problems[0].code, problems[0].where, problems[0].stops) == ("plan.paths-differ", where, True)
    for position, line in enumerate(data["lines"]):
        for name in ("exact", "target", "low", "high"):
            lines = [*data["lines"]]
            lines[position] = line | {name: spoiled(line[name])}
            [problem] = compare(data | {"lines": lines}, prescription.typed)
            assert problem.where == f"lines.{line['line']}.{name}"


def test_a_line_without_a_second_calculation_or_a_number_without_a_line_stops() -> None:
    prescription, data = good("oral-liquid")
    more = [*data["lines"], data["lines"][0] | {"line": "sucrose"}]
    assert "has no second calculation" in compare(data | {"lines": more}, prescription.typed)[0].text
    assert "is missing from the plan" in compare(data | {"lines": more[1:-1]}, prescription.typed)[0].text
    assert "one name" in compare(data | {"lines": [*data["lines"], data["lines"][0]]}, prescription.typed)[0].text
    unit = data["source"] | {"weigh": data["source"]["weigh"].replace(" mg", " mL").replace(" g", " mL")}
    assert "a mass worked out again" in compare(data | {"source": unit}, prescription.typed)[0].text


def test_what_cannot_be_worked_out_again_stops() -> None:
    prescription, data = good("capsule")
    for inputs in (
        replace(prescription.typed, strength="1,5 mg"),
        replace(prescription.typed, source=TabletTexts("50 mg", ())),
    ):
        [problem] = compare(data, inputs)
        assert problem.stops and "could not be made" in problem.text


def open_ends(data: dict[str, Any], inputs: Inputs, again: dict[str, tuple[str, Ratio]]) -> int:
    return len(balance.mass_balance(data, inputs, again))


@pytest.mark.parametrize("form", ["capsule", "oral-liquid"])
def test_an_error_that_both_paths_share_is_left_open_by_the_mass_balance(form: str) -> None:
    """Plan and second calculation agree here, but on another order than the one that the balance is drawn up for."""
    prescription, data = good(form)
    right = prescription.typed
    again = recompute.recompute(right)
    assert open_ends(data, right, again) == 0
    other = "0.7 mg" if right.capsule else "1.1 mg/mL"
    claim = replace(right.source, label_claim="49 mg")
    weights = replace(right.source, weights=(*right.source.weights, "700 mg"))
    for wrong in (
        {"strength": other},
        {"ordered": right.ordered.replace("1", "2").replace("3", "4")},
        {"overage": "1/7"},
        {"source": claim},
        {"source": weights},
    ):
        assert open_ends(data, replace(right, **wrong), again), wrong
    for spoilt in ({"discarded": "0 mg"}, {"weigh": spoiled(data["source"]["weigh"])}, {"tablets": 99}):
        assert open_ends(data | {"source": data["source"] | spoilt}, right, again), spoilt
    if right.capsule:
        for name in ("source.exact", "filler.exact", "capsule.fill"):
            kind, value = again[name]
            assert open_ends(data, right, again | {name: (kind, value + Ratio(1, 10**30))}), name


# --- Thirty seeded errors of one line ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slip:
    """An error of one line: in the text of a function, this stands in place of that."""

    what: str
    function: Callable[..., Any]
    was: str
    becomes: str


FIRST = (
    Slip("lost overage", amounts.active_in_units, "return strength * units * (1 + overage)", "return strength * units"),
    Slip("factor ten", amounts.active_in_units, "return strength * units *", "return 10 * strength * units *"),
    Slip("overage twice", amounts.active_in_volume, "return concentration * volume", "return (1 + overage) * concentration * volume"),
    Slip("lost batch overage", amounts.units_made, "return units * (1 + overage)", "return units"),
    Slip("ingredients not scaled to the volume", amounts.volume_made, "return volume * (1 + overage)", "return volume"),
    Slip("one tablet too many in the average", amounts.average_weight, "return total / tablets", "return total / (tablets + tablets / tablets.magnitude)"),
    Slip("active of the powder by a tenth of the claim", amounts.active_weighed, "return weigh /", "return weigh / 10 /"),
    Slip("swapped claim and average", amounts.tablet_powder_for, "return active / label_claim * average_weight", "return active / average_weight * label_claim"),
    Slip("factor thousand in the powder", amounts.tablet_powder_for, "return active / label_claim *", "return active / 1000 / label_claim *"),
    Slip("one whole tablet more", amounts.whole_tablets, "math.ceil(", "1 + math.ceil("),
    Slip("rounded twice", amounts.to_weigh, "return rounded(exact, readability)", "return rounded(rounded(exact, readability / 2), readability)"),
    Slip("cut in place of rounded", quantities.half_up, "(2 * scaled.numerator + scaled.denominator)", "(2 * scaled.numerator)"),
    Slip("filler not reduced by the source", fills.filler_per_capsule, "return (1 - share) * filler_packing", "return filler_packing"),
    Slip("share inverted", fills.share_of_capsule, "ratio(source, source_packing)", "1 / ratio(source, source_packing)"),
    Slip("density of a gram taken for a milligram", fills.packing_from_density, "return capsule_volume * tapped_density", "return capsule_volume / 1000 * tapped_density"),
)  # fmt: skip
SECOND = (
    Slip("lost overage", recompute.batch, "strength * ordered * more)", "strength * ordered)"),
    Slip("overage modes exchanged", recompute.batch, '{"batch": ordered * more, "active": ordered}', '{"active": ordered * more, "batch": ordered}'),
    Slip("one tablet too many in the average", recompute.average, "Ratio(len(weights))", "Ratio(len(weights) + 1)"),
    Slip("inverted content", recompute.content, "of_kind(MASS, source.label_claim) / average(source)", "average(source) / of_kind(MASS, source.label_claim)"),
    Slip("rounded down to whole tablets", ratio.ceiling, "-(-value.over // value.under)", "value.over // value.under"),
    Slip("tablets for the exact powder alone", recompute.tablets_for, "else weigh", "else powder"),
    Slip("cut in place of rounded", ratio.to_step, "2 * steps.over + steps.under", "2 * steps.over"),
    Slip("rounded twice", recompute._source, "weigh = to_step(powder, step)", "weigh = to_step(to_step(powder, step / Ratio(2)), step)"),
    Slip("swapped claim and average", recompute._source, "Ratio(tablets) * one - weigh", "Ratio(tablets) * claim - weigh"),
    Slip("filler not reduced by the source", recompute._capsule, "(ONE - share) * packing", "packing"),
    Slip("density inverted", recompute._capsule, "packing = shell * of_kind", "packing = shell / of_kind"),
    Slip("packing of the source passed over", recompute._capsule, "if capsule.source_packing else packing", "if False else packing"),
    Slip("factor ten in a component", recompute._liquid, "of_kind(CONCENTRATION, amount) * made.made", "of_kind(CONCENTRATION, amount) * made.made * Ratio(10)"),
    Slip("dose volume inverted", recompute._liquid, "dose / made.strength", "made.strength / dose"),
    Slip("a decimal lost in reading", reading.number, "10 ** len(decimals)", "10 ** max(0, len(decimals) - 1)"),
)  # fmt: skip


def slip_in(monkeypatch: pytest.MonkeyPatch, slip: Slip) -> None:
    """Compile the function with its error, wherever the package has it."""
    text = textwrap.dedent(inspect.getsource(inspect.unwrap(slip.function)))
    assert text.count(slip.was) == 1, f"{slip.was!r} stands {text.count(slip.was)} times in {slip.function.__name__}"
    surroundings = dict(vars(sys.modules[slip.function.__module__]))
    exec(compile(text.replace(slip.was, slip.becomes), slip.what, "exec"), surroundings)
    for name, module in list(sys.modules.items()):
        if name.startswith("compounding"):
            for each, value in list(vars(module).items()):
                if value is slip.function:
                    monkeypatch.setattr(module, each, surroundings[slip.function.__name__])


def doses(data: dict[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in (*filter(None, NUMBERS), "strength", "made", "overage_percent", "lines")}


def plan_data(each: Prescription) -> dict[str, Any] | None:
    """The numbers of the plan, or None if there is none."""
    made, _ = each.planned()
    data = as_data(made) if made else {}
    return {key: data[key] for key in (*filter(None, NUMBERS), *NUMBERS[""], "lines")} if made else None


def recomputed(each: Prescription) -> object:
    try:
        return recompute.recompute(each.typed)
    except (CompoundingError, ArithmeticError) as why:
        return str(why)


# The balance asks for a trace more than one tablet holds.
ONE_TABLET = replace(
    CAPSULES, strength="1 mg", ordered="50 capsules", overage="0", source=TabletTexts("50 mg", ("199.97 mg",))
)
CASES = [prescribed("capsule", ONE_TABLET), *(each for each in prescriptions(2026, 60) if plan_data(each))]


@pytest.fixture(scope="module")
def right() -> list[tuple[dict[str, Any], object]]:
    """Plan and second calculation of each case while nothing is wrong."""
    return [(plan_data(each) or {}, recomputed(each)) for each in CASES]


@pytest.mark.parametrize("slip", FIRST, ids=lambda slip: slip.what)
def test_an_error_of_one_line_in_the_first_path_is_stopped(
    slip: Slip, right: list[tuple[dict[str, Any], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slip_in(monkeypatch, slip)
    changed = [(each, data) for each, (was, _) in zip(CASES, right, strict=True) if (data := plan_data(each)) != was]
    assert changed, "the error changed nothing"
    for each, data in changed:
        assert data is None or compare(data, each.typed), each.typed


@pytest.mark.parametrize("slip", SECOND, ids=lambda slip: slip.what)
def test_an_error_of_one_line_in_the_second_path_is_stopped(
    slip: Slip, right: list[tuple[dict[str, Any], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slip_in(monkeypatch, slip)
    changed = [(each, data) for each, (data, was) in zip(CASES, right, strict=True) if recomputed(each) != was]
    assert changed, "the error changed nothing"
    for each, data in changed:
        assert compare(data, each.typed), each.typed
