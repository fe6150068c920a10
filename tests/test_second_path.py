"""Every plan is worked out twice, by paths that share nothing, and balances: an error in either is stopped."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from compounding import quantities
from compounding.calc import amounts, dilution, fills, sources, triturations
from compounding.problems import CannotCompute, CompoundingError, NotUnderstood
from compounding.records.record import as_data
from compounding.rules import substances
from compounding.work import certificates, diluting, powders, second
from compounding.work.planned import plan
from compounding.work.second import balance, content, ratio, reading, recompute
from compounding.work.second import dilution as mixing
from compounding.work.second.compare import ALIQUOT, NUMBERS, chosen_in, compare
from compounding.work.second.inputs import (
    CapsuleTexts,
    Chosen,
    DeviceTexts,
    Inputs,
    Part,
    PowderTexts,
    TabletTexts,
    TriturationTexts,
)
from compounding.work.second.ratio import Ratio
from compounding.work.twice import inputs_from
from tests.prescriptions import DIGESTS, SALT, Prescription, disagreements, prescribed, prescriptions

# The order of the other tests of planning: tablets of 302.4 mg, cellulose that packs 135 mg in a size 3.
CAPSULES = Inputs(
    strength="1.5 mg",
    ordered="100 capsules",
    overage="0.05",
    overage_on="batch",
    source=TabletTexts("50 mg", ("302.4 mg",)),
    readability="0.1 mg",
    minimum="1 mcg",
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
    components=(
        ("ascorbic acid", "0.5 g/100 mL", None),
        ("sodium benzoate", "0.1 % w/v", "500 mg/mL"),
        ("glycerol", "20 % v/v", None),
    ),
    dose="4.5 mg",
)
# L01: the dihydrate as its monograph assays it, 4.5 mg in each of 100 capsules.
POWDER = PowderTexts("dihydrate", "0.996", "anhydrous-solvent-free", water="0.089", solvents="0.002")
OF_POWDER = replace(CAPSULES, strength="4.5 mg", overage="0", source=POWDER, substance=SALT)
# 15 mg where the balance weighs from 82 mg: 90 mg, of which a sixth is used.
PURE = PowderTexts("anhydrous", "1", "as-is")
LITTLE = replace(OF_POWDER, strength="0.5 mg", ordered="30 capsules", source=PURE, minimum="82 mg")
SIXTH = Chosen((Part(6, "82.0 mg"),))
# The same in 30 mL, from a stock of 60 mL.
STOCK = replace(LITTLE, strength="0.5 mg/mL", ordered="30 mL", capsule=None, solubility="65 mg/mL")
STOCK = replace(STOCK, devices=(DeviceTexts("10 mL", "10 mL", "0.2 mL"),))
TENTH = Chosen((Part(6, "10 mL"),))


def numbers(inputs: Inputs, chosen: Chosen = Chosen()) -> dict[str, Ratio]:  # noqa: B008
    """What the second path finds, in milligrams and millilitres."""
    return {
        name: value / Ratio(1_000_000 if kind in (reading.MASS, reading.VOLUME) else 1)
        for name, (kind, value) in recompute.recompute(inputs, chosen).items()
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
            replace(BOTTLE, strength="2 mg/mL", ordered="100 mL", readability="1 g", components=(), source=TabletTexts("50 mg", ("150 mg",))),
            {"source.exact": "600", "source.weigh": "1000", "source.tablets": "7"},
        ),
        # Counted tablets are not weighed: the balance that asks for 400.0 mg of 399.96 mg adds no third one.
        (
            replace(BOTTLE, ordered="100 mL", source=TabletTexts("50 mg", ("199.98 mg",)), method="whole-tablets"),
            {"source.tablets": "2", "lines.source.target": "2", "lines.source.high": "2"},
        ),
        # A balance that goes on by 0.5 mg still shows tenths: what is counted is written to them, not to its steps.
        (
            replace(BOTTLE, ordered="100 mL", source=TabletTexts("50 mg", ("199.9 mg",)), method="whole-tablets", readability="0.5 mg"),
            {"source.weigh": "399.8", "expected.strength": "1", "source.discarded": "0"},
        ),
        # By certificate a tablet holds 49 mg: 157.5 mg / 49 mg = 3.2143 tablets.
        (
            replace(CAPSULES, source=TabletTexts("50 mg", ("302.4 mg",), "0.98")),
            {"source.content_percent": "98", "source.exact": "972", "source.tablets": "4", "source.discarded": "237.6"},
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


def certified(**spoilt: str) -> Inputs:
    return replace(OF_POWDER, source=replace(POWDER, **spoilt))


@pytest.mark.parametrize(
    ("inputs", "weigh", "factor"),
    [
        # 450 mg / (0.996 x (1 - 0.089 - 0.002)) = 497.04 mg; the water of hydration is in the 8.9 %.
        (OF_POWDER, "497.0", "1.104528"),
        # 10000 / (99.6 x 91.1) = 1.10210 without the solvents, 1.102 on the container.
        (certified(basis="anhydrous"), "495.9", "1.102103"),
        (certified(basis="anhydrous", correction="german-2-percent", deficit_above="2", decimals="3"), "495.9", "1.102"),
        # As is, 99.6 % of dihydrate: 450 mg x 413.895 / 377.865 / 0.996 = 494.9 mg.
        (certified(basis="as-is"), "494.9", "1.004016"),
        (certified(basis="as-is", assay_of="anhydrous"), "451.8", "1.004016"),
        # 0.4 % too little is left alone by the German rule, and everything by none: 450 mg x 413.895 / 377.865 = 492.9 mg.
        (certified(basis="as-is", correction="german-2-percent", deficit_above="2", decimals="3"), "492.9", "1"),
        (certified(correction="none"), "492.9", "1"),
        # Betamethasone of the German drug codex: 101.3 % counts as 100 %, dried 0.8 %: 1.008, never 0.995.
        (certified(form="anhydrous", assay="1.013", basis="dried", loss_on_drying="0.008", above_100="as-100"), "453.6", "1.008065"),
        (certified(form="anhydrous", assay="1.013", basis="dried", loss_on_drying="0.008", above_100="as-stated"), "447.8", "0.995128"),
        # 4.5 mg of base is 4.5 x 377.865 / 341.407 = 4.98055 mg of hydrochloride.
        (replace(certified(form="anhydrous", assay="1", basis="as-is"), substance=replace(SALT, ordered="naltrexone base")), "498.1", "1"),
        (replace(certified(form="base", assay="1", basis="as-is"), substance=replace(SALT, ordered="naltrexone base")), "450.0", "1"),
    ],
)  # fmt: skip
def test_a_powder_is_weighed_as_its_certificate_and_the_correction_say(inputs: Inputs, weigh: str, factor: str) -> None:
    found = numbers(inputs)
    assert found["source.weigh"] == reading.number(weigh)
    assert ratio.to_places(found["certificate.factor"], 6) == reading.number(factor)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"water": None}, {"solvents": None}, {"basis": ""}, {"form": "naloxone"}, {"assay_of": "salt"},
        {"assay": "1.01"}, {"correction": "german-2-percent"},
    ],
)  # fmt: skip
def test_a_certificate_that_leaves_something_out_is_not_computed_with(spoilt: dict[str, Any]) -> None:
    with pytest.raises((CompoundingError, LookupError)):
        recompute.recompute(certified(**spoilt))


def test_a_dilution_is_worked_out_from_its_parts() -> None:
    """15 mg x 6 = 90 mg of drug, 402 mg of diluent, 492 mg; of these 82 mg carry 15 mg and bring 67 mg of filler."""
    found = numbers(LITTLE, SIXTH)
    expected = {
        "source.exact": "15", "source.weigh": "90", "lines.source.exact": "90", "aliquots.1.diluent": "402",
        "aliquots.1.total": "492", "aliquots.1.wasted": "410", "aliquots.1.carries": "15", "aliquots.1.geometric.3": "132",
        "lines.aliquot 1.low": "80.4", "filler.exact": "3968", "expected.strength": "0.5", "expected.error_percent": "0",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == {name: reading.number(text) for name, text in expected.items()}
    stock = numbers(STOCK, TENTH)
    assert [stock[f"lines.{line}.target"] for line in ("source", "stock 1", "part 1")] == [Ratio(90), Ratio(60), Ratio(10)]
    assert stock["aliquots.1.carries"] == Ratio(15)


# 30 mg of sodium benzoate in 30 mL where the balance weighs from 82 mg: 90 mg in 6 mL, of which 2 mL hold 30 mg.
BENZOATE = replace(
    BOTTLE,
    ordered="30 mL",
    dose=None,
    minimum="82 mg",
    source=TabletTexts("50 mg", ("302.4 mg",)),
    devices=(DeviceTexts("10 mL", "10 mL", "0.2 mL"),),
)


def stocked(multiple: int, take: str) -> Chosen:
    return Chosen(stocks=(("sodium benzoate", Part(multiple, take)),))


def test_the_stock_of_an_ingredient_is_worked_out_from_its_part() -> None:
    found = numbers(BENZOATE, stocked(3, "2 mL"))
    lines = {"sodium benzoate": "90", "stock sodium benzoate": "6", "part sodium benzoate": "2", "vehicle": "30"}
    assert {line: found[f"lines.{line}.target"] for line in lines} == {
        line: reading.number(text) for line, text in lines.items()
    }
    held = ("weigh", "total", "take", "wasted", "carries", "multiple")
    assert [found[f"stocks.sodium benzoate.{name}"] for name in held] == [
        reading.number(text) for text in ("90", "6", "2", "4", "30", "3")
    ]


def test_what_a_correction_leaves_out_is_expected_by_the_certificate() -> None:
    """92 % that count as 100 %: 4.5 mg are planned, 4.14 mg are in a capsule, 8 % less."""
    deficit = PowderTexts("anhydrous", "0.92", "as-is", correction="none")
    found = numbers(replace(OF_POWDER, source=deficit))
    assert found["expected.strength"] == reading.number("4.5") and found["expected.error_percent"] == Ratio(0)
    assert found["expected.certified_strength"] == reading.number("4.14")
    assert found["expected.certified_error_percent"] == Ratio(-8)
    assert "expected.certified_strength" not in numbers(replace(OF_POWDER, source=replace(deficit, correction="always")))


def parts(*several: tuple[int, str]) -> Chosen:
    return Chosen(tuple(Part(multiple, take) for multiple, take in several))


@pytest.mark.parametrize(
    ("inputs", "chosen", "why"),
    [
        (LITTLE, Chosen(), "is not diluted"),
        (replace(LITTLE, minimum="10 mg"), SIXTH, "can be weighed, and it is diluted"),
        (LITTLE, parts((5, "82.0 mg")), "The drug of 75 mg"),
        (LITTLE, parts((6, "81.9 mg")), "The part of 81.9 mg"),
        (LITTLE, parts((6, "82.05 mg")), "does not show the part"),
        (replace(LITTLE, minimum="1 g", ordered="30 capsules"), parts((70, "20.0 mg")), "is below 1 g"),
        (replace(LITTLE, strength="2.7 mg"), parts((2, "82.0 mg")), "The diluent of 2 mg"),
        (replace(LITTLE, capacity="400 mg"), SIXTH, "The diluent of 402 mg in a mixture is above"),
        (LITTLE, parts((101, "82.0 mg")), "101 parts"),
        (LITTLE, parts((1, "82.0 mg")), "1 parts"),
        (LITTLE, parts((6, "82.0 mg"), (2, "82.0 mg"), (2, "82.0 mg")), "3 mixtures"),
        (replace(LITTLE, ordered="30 capsules", capsule=CapsuleTexts("2 mg", None, "30 mg", "0.30 mL", "48 mg")), SIXTH, "more filler"),
        (STOCK, parts((6, "10.1 mL")), "No device in stock"),
        (STOCK, parts((6, "1.8 mL")), "No device in stock"),
        (STOCK, parts((6, "10.2 mL")), "No device in stock"),
        (STOCK, parts((11, "10 mL")), "is too large"),
        (replace(STOCK, solubility="1 mg/mL"), TENTH, "does not dissolve"),
        (replace(STOCK, solubility=None), TENTH, "does not dissolve"),
        (STOCK, parts((5, "10 mL")), "The drug of 75 mg"),
        (replace(STOCK, components=(("sodium benzoate", "0.1 % w/v", None),)), TENTH, "What is weighed of sodium benzoate"),
        (replace(OF_POWDER, ordered="30 capsules", capsule=replace(CAPSULES.capsule, packing="5 mg"), minimum="82 mg"), Chosen(), "What is weighed of filler"),
        (BENZOATE, Chosen(), "What is weighed of sodium benzoate"),
        (replace(BENZOATE, minimum="30 mg"), stocked(3, "2 mL"), "can be weighed, and a stock is made of it"),
        (BENZOATE, stocked(2, "2 mL"), "The sodium benzoate of 60 mg"),
        (BENZOATE, stocked(101, "2 mL"), "101 parts"),
        (BENZOATE, stocked(3, "1.9 mL"), "No device in stock"),
        (BENZOATE, stocked(3, "1.8 mL"), "No device in stock"),
        (BENZOATE, stocked(3, "12 mL"), "No device in stock"),
        (BENZOATE, stocked(11, "10 mL"), "is too large"),
        (replace(BENZOATE, components=(("sodium benzoate", "0.1 % w/v", "10 mg/mL"),)), stocked(3, "2 mL"), "does not dissolve"),
        (replace(BENZOATE, components=(("sodium benzoate", "0.1 % w/v", None),)), stocked(3, "2 mL"), "does not dissolve"),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be_weighed_or_measured_is_refused(inputs: Inputs, chosen: Chosen, why: str) -> None:
    with pytest.raises(CannotCompute, match=why):
        recompute.recompute(inputs, chosen)


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


@pytest.mark.parametrize("seed", range(10))
def test_both_paths_agree_on_five_thousand_prescriptions(seed: int) -> None:
    for each in prescriptions(seed, 500):
        assert disagreements(each) == [], each.typed


def test_the_bench_reaches_the_second_path_as_it_was_typed() -> None:
    for each in prescriptions(99, 300):
        handed = inputs_from(each.formula, each.order, each.materials)
        assert [reading.measured(text).value for text in texts(handed)] == [
            reading.measured(text).value for text in texts(each.typed)
        ]
        for name in ("overage_on", "components", "method", "substance"):
            assert getattr(handed, name) == getattr(each.typed, name)
        if isinstance(handed.source, PowderTexts) and isinstance(each.typed.source, PowderTexts):
            for name in ("form", "basis", "assay_of", "correction", "above_100"):
                assert getattr(handed.source, name) == getattr(each.typed.source, name)


def texts(inputs: Inputs) -> list[str]:
    """Every number of the inputs."""
    capsule = astuple(inputs.capsule) if inputs.capsule else ()
    own = (inputs.strength, inputs.ordered, inputs.overage, inputs.readability, inputs.minimum, inputs.dose)
    bench = (inputs.capacity, inputs.solubility, *(text for each in inputs.devices for text in astuple(each)[1:]))
    source = inputs.source
    if isinstance(source, PowderTexts):
        of_source = (source.assay, source.water, source.loss_on_drying, source.solvents, source.deficit_above, source.decimals)
    elif isinstance(source, TriturationTexts):
        of_source = (source.strength, source.assay)
    else:
        of_source = (source.label_claim, source.content, *source.weights)
    return [text for text in (*own, *bench, *capsule, *of_source) if text]


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


# --- Spoiled plans -----------------------------------------------------------------------------------------------


# What a plan may hold: its form, how its source is kept, and how often that is diluted.
KINDS = (
    ("capsule", TabletTexts, 0),
    ("capsule", TabletTexts, 1),
    ("capsule", PowderTexts, 0),
    ("capsule", PowderTexts, 2),
    ("oral-liquid", TabletTexts, 0),
    ("oral-liquid", PowderTexts, 0),
    ("weak-liquid", PowderTexts, 1),
    ("weak-liquid", PowderTexts, 2),
    ("capsule", TriturationTexts, 0),
    ("trituration", TabletTexts, 0),
    ("trituration", PowderTexts, 0),
)
Kind = tuple[str, type, int]


@cache
def good(kind: Kind) -> tuple[Prescription, dict[str, Any]]:
    """A prescription of one kind, and its plan as data."""
    for each in prescriptions(5, 1000):
        if (each.name, type(each.typed.source)) == kind[:2]:
            made, _ = each.planned()
            left_over = made and made.source.discarded != "0 mg"  # a trace on a coarse balance is within its step
            if made and left_over and len(made.aliquots) == kind[2] and (each.typed.dose or each.name != "oral-liquid"):
                return each, as_data(made)
    raise AssertionError(kind)


def spoiled(text: str | int) -> str | int:
    """The same with its first digit other than zero changed by one; a text without one gets one."""
    if isinstance(text, int):
        return text + 1
    place = next((place for place, sign in enumerate(text) if sign in "123456789"), 0)
    return f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"


def problem_of(data: dict[str, Any], inputs: Inputs) -> tuple[str, str | None, bool]:
    first = compare(data, inputs)[0]
    return first.code, first.where, first.stops


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_any_one_number_of_a_plan_that_is_changed_is_named(kind: Kind) -> None:
    prescription, data = good(kind)
    assert compare(data, prescription.typed) == []
    for part, names in NUMBERS.items():
        here = (data[part] if part else data) or {}
        for name in (name for name in names if here.get(name) is not None):
            changed = {name: spoiled(here[name])}
            found = problem_of(data | ({part: here | changed} if part else changed), prescription.typed)
            assert found == ("plan.paths-differ", f"{part}.{name}".lstrip("."), True)
    for position, line in enumerate(data["lines"]):
        for name in ("exact", "target", "low", "high"):
            lines = [*data["lines"]]
            lines[position] = line | {name: spoiled(line[name])}
            assert problem_of(data | {"lines": lines}, prescription.typed)[1] == f"lines.{line['line']}.{name}"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[2]], ids=str)
def test_any_one_number_of_a_dilution_that_is_changed_stops(kind: Kind) -> None:
    prescription, data = good(kind)
    for position, aliquot in enumerate(data["aliquots"]):
        changes: list[dict[str, Any]] = [{name: spoiled(aliquot[name])} for name in ALIQUOT if aliquot[name] is not None]
        for place, text in enumerate(aliquot["geometric"]):
            changes.append({"geometric": (*aliquot["geometric"][:place], spoiled(text), *aliquot["geometric"][place + 1 :])})
        for change in changes:
            aliquots = [*data["aliquots"]]
            aliquots[position] = aliquot | change
            assert compare(data | {"aliquots": aliquots}, prescription.typed), change
    assert compare(data | {"aliquots": data["aliquots"][:-1]}, prescription.typed)
    assert compare(data | {"aliquots": data["aliquots"] * 2}, prescription.typed)


@cache
def good_with_a_stock() -> tuple[Prescription, dict[str, Any]]:
    """A prescription with an ingredient that is too little to weigh, and its plan as data."""
    for each in prescriptions(5, 1500):
        made = each.planned()[0] if each.typed.components and each.typed.devices else None
        if made and made.stocks:
            return each, as_data(made)
    raise AssertionError("no stock")


def test_any_one_number_of_the_stock_of_an_ingredient_that_is_changed_stops() -> None:
    prescription, data = good_with_a_stock()
    assert compare(data, prescription.typed) == []
    [stock] = data["stocks"]
    again = recompute.recompute(prescription.typed, chosen_in(data))
    for name in ("weigh", "total", "take", "wasted", "carries", "multiple"):
        changed = data | {"stocks": [stock | {name: spoiled(stock[name])}]}
        assert compare(changed, prescription.typed), name
        if name in ("weigh", "total", "take", "wasted"):
            assert open_ends(changed, prescription.typed, again), name
    for stocks in ([], [stock, stock], [stock | {"material": "glycerol"}], [stock | {"diluent": "1 mg"}]):
        assert compare(data | {"stocks": stocks}, prescription.typed), stocks


@pytest.mark.parametrize("place", range(3))
def test_a_changed_number_in_the_lines_of_a_certificate_is_named(place: int) -> None:
    prescription, data = good(KINDS[2])
    lines = dict(data["source"]["certificate"])
    name, was = (("content", lines["content"]), ("factor", lines["factor"]), ("factor", lines["factor"]))[place]
    number = was.split()[-4 if place == 2 else 0]
    lines[name] = was.replace(number, str(spoiled(number)), 1) if place < 2 else was[::-1].replace(number[::-1], str(spoiled(number))[::-1], 1)[::-1]
    found = problem_of(data | {"source": data["source"] | {"certificate": tuple(lines.items())}}, prescription.typed)
    assert found[1] == f"certificate.{('content_percent', 'factor', 'exact_factor')[place]}"


def test_a_line_without_a_second_calculation_or_a_number_without_a_line_stops() -> None:
    prescription, data = good(KINDS[4])
    more = [*data["lines"], data["lines"][0] | {"line": "sucrose"}]
    assert "has no second calculation" in compare(data | {"lines": more}, prescription.typed)[0].text
    assert "is missing from the plan" in compare(data | {"lines": more[1:-1]}, prescription.typed)[0].text
    assert "one name" in compare(data | {"lines": [*data["lines"], data["lines"][0]]}, prescription.typed)[0].text
    unit = data["source"] | {"weigh": data["source"]["weigh"].partition(" ")[0] + " mL"}
    assert "a mass worked out again" in compare(data | {"source": unit}, prescription.typed)[0].text


def test_what_cannot_be_worked_out_again_stops() -> None:
    prescription, data = good(KINDS[0])
    for inputs in (
        replace(prescription.typed, strength="1,5 mg"),
        replace(prescription.typed, source=TabletTexts("50 mg", ())),
    ):
        [problem] = compare(data, inputs)
        assert problem.stops and "could not be made" in problem.text


def open_ends(data: dict[str, Any], inputs: Inputs, again: dict[str, tuple[str, Ratio]]) -> int:
    return len(balance.mass_balance(data, inputs, again))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_error_that_both_paths_share_is_left_open_by_the_mass_balance(kind: Kind) -> None:
    """Plan and second calculation agree here, but on another order than the one that the balance is drawn up for."""
    prescription, data = good(kind)
    right = prescription.typed
    again = recompute.recompute(right, chosen_in(data))
    assert open_ends(data, right, again) == 0
    wrong: list[dict[str, Any]] = [
        {"strength": f"{spoiled(right.strength)}"},
        {"ordered": f"{spoiled(right.ordered)}"},
        {"overage": "1/7"},
    ]
    if isinstance(right.source, PowderTexts):
        # What a correction leaves alone may be wrong on the certificate and changes nothing.
        source = replace(right.source, correction="always", above_100="as-stated")
        wrong.append({"source": replace(source, assay=f"{spoiled(source.assay)}")})
        wrong.append({"source": replace(source, basis="dried", loss_on_drying="0.19")})
    elif isinstance(right.source, TriturationTexts):
        wrong.append({"source": replace(right.source, assay="1")})
        wrong.append({"source": replace(right.source, strength="11 mg/g")})
    else:
        wrong.append({"source": replace(right.source, label_claim="49 mg")})
        wrong.append({"source": replace(right.source, weights=(*right.source.weights, "700 mg"))})
        wrong.append({"source": replace(right.source, content="0.91")})
    for each in wrong:
        assert open_ends(data, replace(right, **each), again), each
    source = data["source"]
    for name in ("discarded", "weigh", "tablets"):
        if source[name] is not None:
            assert open_ends(data | {"source": source | {name: spoiled(source[name])}}, right, again), name
    exact = ["source.exact", *(["filler.exact", "capsule.fill"] if right.capsule else [])]
    for name in [*exact, *(f"aliquots.{each['step']}.carries" for each in data["aliquots"])]:
        measure, value = again[name]
        assert open_ends(data, right, again | {name: (measure, value + Ratio(1, 10**30))}), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[2]], ids=str)
def test_no_drug_and_no_diluent_is_lost_in_a_dilution(kind: Kind) -> None:
    """Drug weighed = drug used + drug thrown away with the rest of each mixture, to exactly zero."""
    prescription, data = good(kind)
    again = recompute.recompute(prescription.typed, chosen_in(data))
    for position, aliquot in enumerate(data["aliquots"]):
        for name in ("diluent", "total", "take", "wasted"):
            if aliquot[name] is not None:
                aliquots = [*data["aliquots"]]
                aliquots[position] = aliquot | {name: spoiled(aliquot[name])}
                assert open_ends(data | {"aliquots": aliquots}, prescription.typed, again), name


# --- Seeded errors of one line ------------------------------------------------------------------------------


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
    Slip("one of two molecules of water", substances.molar_mass, "int(times or 1) * each", "each"),
    Slip("water counted twice", sources.share_in_powder, "return assay * (1 - left_out)", "return assay * (1 - left_out) * (1 - left_out)"),
    Slip("lost policy", powders._counted, 'powder.correction == "always"', "True"),
    Slip("two decimals in the factor", sources.share_by_factor, "return pure / half_up(factor, 3)", "return pure / half_up(factor, 2)"),
    Slip("assay above 100 % as stated", certificates.share_certified, 'powder.above_100 == "as-100"', "False"),
    Slip("aliquot factor inverted", dilution.drug_in_aliquot, "return aliquot / mixture * drug", "return mixture / aliquot * drug"),
    Slip("diluent not subtracted from the filler", fills.filler_beside_diluent, "return filler - diluent", "return filler"),
    Slip("second dilution forgotten", diluting._as_powder, "Fraction(math.prod(found.multiples))", "Fraction(found.multiples[0])"),
    Slip("filler of a trituration not reduced by the source", triturations.filler_beside_source, "return mixture - source", "return mixture"),
    Slip("assay of a trituration inverted", triturations.content_by_assay, "return strength * assay", "return strength / assay"),
    Slip("stock of one part more", dilution.stock_volume, "return taken * multiple", "return taken * (multiple + 1)"),
)  # fmt: skip
SECOND = (
    Slip("lost overage", recompute.batch, "strength * ordered * more *", "strength * ordered *"),
    Slip("overage modes exchanged", recompute.batch, '{"batch": ordered * more, "active": ordered}', '{"active": ordered * more, "batch": ordered}'),
    Slip("one tablet too many in the average", content.average, "Ratio(len(weights))", "Ratio(len(weights) + 1)"),
    Slip("inverted content", content.content, "in_one_tablet(source) / average(source)", "average(source) / in_one_tablet(source)"),
    Slip("assay of a trituration passed over", content.content, "of_kind(SHARE, source.strength) * number(source.assay)", "of_kind(SHARE, source.strength)"),
    Slip("filler of a trituration not reduced by the source", recompute._trituration, "made.made - need", "made.made"),
    Slip("rounded down to whole tablets", ratio.ceiling, "-(-value.over // value.under)", "value.over // value.under"),
    Slip("tablets for the exact powder alone", recompute.tablets_for, "ceiling(weigh /", "ceiling(powder /"),
    Slip("cut in place of rounded", ratio.to_step, "2 * steps.over + steps.under", "2 * steps.over"),
    Slip("rounded twice", recompute._source, "else to_step(first, step)", "else to_step(to_step(first, step / Ratio(2)), step)"),
    Slip("swapped claim and average", recompute._source, "tablets * one - weigh", "tablets * in_one_tablet(inputs.source) - weigh"),
    Slip("filler not reduced by the source", recompute._capsule, "(ONE - share) * packing", "packing"),
    Slip("density inverted", recompute._capsule, "packing = shell * of_kind", "packing = shell / of_kind"),
    Slip("packing of the source passed over", recompute._capsule, "if capsule.source_packing else packing", "if False else packing"),
    Slip("factor ten in a component", recompute._liquid, "of_kind(CONCENTRATION, amount) * made.made", "of_kind(CONCENTRATION, amount) * made.made * Ratio(10)"),
    Slip("dose volume inverted", recompute._dose, "dose / made.strength", "made.strength / dose"),
    Slip("a decimal lost in reading", reading.number, "10 ** len(decimals)", "10 ** max(0, len(decimals) - 1)"),
    Slip("salt factor inverted", content.times, "formula_of(substance, other)) / mole(substance, formula_of(substance, one))", "formula_of(substance, one)) / mole(substance, formula_of(substance, other))"),
    Slip("water of hydration left out", content._atoms, "times * many", "many"),
    Slip("water counted twice", content.certified_factor, "HUNDRED - taken_out(powder) * HUNDRED", "HUNDRED - taken_out(powder) * HUNDRED * Ratio(2)"),
    Slip("lost policy", content.factor, 'powder.correction == "always"', "True"),
    Slip("factor of the container not rounded", content.factor, "to_places(found, int(powder.decimals))", "found"),
    Slip("second dilution forgotten", mixing.parts_together, "many *= part.multiple", "many = part.multiple"),
    Slip("part of a part not divided", mixing.mixtures, "inside, drug = take, found[-1].carries", "inside = take"),
    Slip("diluent not subtracted from the filler", recompute._capsule, "mixed[-1].take - mixed[-1].carries", "ZERO"),
    Slip("stock of an ingredient weighed for one part alone", recompute._liquid, "need * Ratio(stock.multiple)", "need"),
    Slip("what the certificate says passed over", recompute._source, "* certified(inputs.source, inputs.substance)", "* content(inputs.source, inputs.substance)"),
    Slip("dose of another form taken for the counted one", recompute.batch, "more * ordered_as_counted(inputs.substance)", "more"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What was worked out with an error in it, or without, is forgotten."""
    yield
    forget()


def forget() -> None:
    substances.forms.cache_clear()
    powders._problems_of.cache_clear()


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
    forget()


def plan_data(each: Prescription) -> dict[str, Any] | None:
    """What of the plan is compared, or None if there is no plan."""
    made, _ = each.planned()
    data = as_data(made) if made else {}
    return {key: data[key] for key in (*filter(None, NUMBERS), *NUMBERS[""], "lines", "aliquots", "stocks")} if made else None


def recomputed(each: Prescription, chosen: Chosen) -> object:
    try:
        return recompute.recompute(each.typed, chosen)
    except (CompoundingError, ArithmeticError) as why:
        return str(why)


# The balance asks for a trace more than one tablet holds.
ONE_TABLET = replace(
    CAPSULES, strength="1 mg", ordered="50 capsules", overage="0", source=TabletTexts("50 mg", ("199.97 mg",)), substance=SALT
)
CASES = [
    prescribed("capsule", ONE_TABLET),
    *(good(kind)[0] for kind in KINDS),
    good_with_a_stock()[0],
    *(each for each in prescriptions(2026, 60) if plan_data(each)),
]
# Each case with its plan and its second calculation while nothing is wrong.
Right = list[tuple[Prescription, dict[str, Any], object]]


@pytest.fixture(scope="module")
def right() -> Right:
    plans = [(each, plan_data(each) or {}) for each in CASES]
    return [(each, data, recomputed(each, chosen_in(data))) for each, data in plans]


@pytest.mark.parametrize("slip", FIRST, ids=lambda slip: slip.what)
def test_an_error_of_one_line_in_the_first_path_is_stopped(
    slip: Slip, right: Right, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip_in(monkeypatch, slip)
    changed = [(each, data) for each, was, _ in right if (data := plan_data(each)) != was]
    assert changed, "the error changed nothing"
    for each, data in changed:
        assert data is None or compare(data, each.typed), each.typed


@pytest.mark.parametrize("slip", SECOND, ids=lambda slip: slip.what)
def test_an_error_of_one_line_in_the_second_path_is_stopped(
    slip: Slip, right: Right, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip_in(monkeypatch, slip)
    changed = [(each, data) for each, data, was in right if recomputed(each, chosen_in(data)) != was]
    assert changed, "the error changed nothing"
    for each, data in changed:
        assert compare(data, each.typed), each.typed


def test_a_plan_that_the_second_path_stops_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    each = CASES[0]
    assert plan(each.formula, DIGESTS[each.name], each.order, each.materials)[0] is not None
    slip_in(monkeypatch, next(slip for slip in SECOND if slip.what == "inverted content"))
    made, problems = plan(each.formula, DIGESTS[each.name], each.order, each.materials)
    assert made is None and problems[-1].code == "plan.paths-differ"
