"""Every milligram of drug that was weighed in is somewhere: in containers, with the samples, left over, lost, thrown away."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from compounding.cli.app import App
from compounding.quantities import Quantity, amount
from compounding.work.drug import drug_in
from compounding.work.tracing import Portion, balance_of_batch, drug_adds_up
from tests.bench import Bench, carried_on, stocked


def balanced(bench: Bench, batch: str) -> tuple[Quantity, dict[str, Portion]]:
    """The drug weighed into a batch, and its portions by what they are; they add up to it."""
    app = App(str(bench.folder / "settings.toml"), "ana")
    try:
        found = app.batch(batch)
        drug, portions = drug_in(found), balance_of_batch(found)
    finally:
        app.close()
    assert drug is not None and drug_adds_up(portions, drug.weighed)
    return drug.weighed, {each.what: each for each in portions}


def mg(value: Quantity | None) -> Fraction:
    assert value is not None
    return amount(value, "mg")


def test_the_drug_of_capsules_is_divided_as_their_mass_is(tmp_path: Path) -> None:
    """By hand: 302.4 mg of powder hold 50 mg, so 952.3 mg hold 952.3 x 50 / 302.4 = 157.457 mg.

    In went 952.3 + 13,222 = 14,174.3 mg; 240 mg of it were left over, so 240 x 157.457 / 14,174.3 = 2.666 mg of drug.
    """
    bench = stocked(tmp_path / "bench")
    carried_on(bench, "CAPS-1", "qc weights")
    weighed, portions = balanced(bench, "CAPS-1")
    assert mg(weighed) == Fraction("952.3") * 50 / Fraction("302.4")
    assert mg(portions["left over"].drug) == 240 * mg(weighed) / Fraction("14174.3")
    assert "drug weighed in: 157.46 mg of naltrexone hydrochloride" in bench.do("trace CAPS-1").out


def test_the_drug_of_a_liquid_is_divided_by_its_volume_and_what_was_spilled_is_lost(tmp_path: Path) -> None:
    """By hand: 363.0 mg of powder hold 363 x 50 / 302.4 = 60.020 mg; of 60 mL that were made up, 57 came out: 5 % lost."""
    bench = stocked(tmp_path / "bench")
    carried_on(bench, "LIQ-1", "batch yield")
    bench.do('batch yield LIQ-1 --made "57 mL"', "tom")
    weighed, portions = balanced(bench, "LIQ-1")
    assert mg(weighed) == Fraction(363) * 50 / Fraction("302.4")
    assert mg(portions["lost"].drug) == mg(weighed) / 20
    assert portions["lost"].mass is None
    shown = bench.do("trace LIQ-1").out
    assert "57 mL; not weighed as a whole; drug weighed in: 60.02 mg" in shown
    assert "about 241.8 mg of them crushed and not weighed in, drug 39.98 mg" in bench.do("trace TAB-1").out


def test_what_stays_in_a_dilution_is_accounted_for(tmp_path: Path) -> None:
    """By hand: 286 mg of powder hold 286 x 50 / 302.4 = 47.288 mg; a third of the mixture, 200 of 600 mg, goes on."""
    bench = stocked(tmp_path / "bench")
    settings = bench.folder / "settings.toml"
    text = settings.read_text("utf-8")
    text = text.replace('readability = "0.1 mg"', 'readability = "1 mg"').replace('weight = "20 mg"', 'weight = "200 mg"')
    settings.write_text(text, "utf-8")
    bench.do('batch open naltrexone-capsule --strength "0.5 mg" --count 30 --from TAB-1 --id SMALL')
    for number in (1, 2):
        bench.do(f"batch step SMALL {number}", "tom")
    for line, reading, lot in (
        ("source", "286 mg", "TAB-1"),
        ("diluent 1", "314 mg", "MCC-1"),
        ("aliquot 1", "200 mg", None),
        ("filler", "4053 mg", "MCC-1"),
    ):
        bench.run(f'batch weigh SMALL "{line}" "{reading}"' + (f" --lot {lot}" if lot else ""), "tom")
    carried_to_the_end(bench, "SMALL")
    bench.do('batch yield SMALL --made "31 capsules" --weight "5700 mg"', "tom")
    weighed, portions = balanced(bench, "SMALL")
    assert mg(weighed) == Fraction(286) * 50 / Fraction("302.4")
    assert mg(portions["thrown away"].drug) == mg(weighed) * 2 / 3
    assert mg(portions["kept"].drug) < mg(weighed) / 3


def carried_to_the_end(bench: Bench, batch: str) -> None:
    for step in bench.do(f"batch show {batch} --json").json["plan"]["steps"]:
        bench.run(f"batch step {batch} {step['number']}", "tom")


@pytest.mark.parametrize("to", ["batch weigh CAPS-1 source", "batch weigh CAPS-1 filler"])
def test_before_there_is_a_yield_nothing_is_said_about_the_drug(to: str, tmp_path: Path) -> None:
    bench = stocked(tmp_path / "bench")
    carried_on(bench, "CAPS-1", to)
    assert "drug" not in bench.do("trace CAPS-1").out.replace("not weighed in, drug", "")
