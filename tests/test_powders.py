"""Bulk powder: by its certificate and by its form, and never twice."""

from __future__ import annotations

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc import sources
from compounding.calc.measured import working
from compounding.problems import CannotCompute, Refused
from compounding.quantities import Quantity, amount, content, decimal_text, half_up, percent, quantity, ratio
from compounding.rules.substances import form_named, forms, ordered_form
from compounding.work.materials import Powder
from compounding.work.powders import PowderContent, check_powder, check_together, content_of
from tests.worked import examples, show

DAY = date(2026, 3, 2)
SALT, BASE, DIHYDRATE = "naltrexone hydrochloride", "naltrexone base", "naltrexone hydrochloride dihydrate"
FORMS = forms(DAY)
CASES = tomllib.loads((Path(__file__).parent / "cases/powders.toml").read_text("utf-8"))
FIGURES = ("assay", "water", "loss_on_drying", "solvents")


def powder(case: dict[str, Any]) -> Powder:
    """The powder of a case; what is left empty is not stated."""
    words = ("form", "basis", "assay_of", "correction", "above_100")
    figures = {key: percent(case[key]) if case.get(key) else None for key in FIGURES}
    return Powder(**{"basis": None} | {key: case[key] for key in words if key in case} | figures)


GOOD = next(case for case in CASES["powder"] if case["id"] == "L01")


def weighed(case: dict[str, Any], found: PowderContent) -> Quantity:
    return sources.powder_for(quantity(case["active"], case.get("ordered", SALT)), found.content)


@pytest.mark.parametrize(("subject", "step"), examples("sources"))
def test_the_worked_example_comes_out_as_computed(subject: str, step: dict[str, Any]) -> None:
    show(subject, step)


@pytest.mark.parametrize("case", CASES["powder"], ids=lambda case: case["id"])
def test_the_powder_is_weighed_as_its_certificate_and_the_correction_say(case: dict[str, Any]) -> None:
    ordered = case.get("ordered", SALT)
    found = content_of(powder(case), ordered, DAY)
    for key in ("weigh", "not"):
        if key in case:
            digits, unit = case[key].split()
            places = len(digits.partition(".")[2])
            agrees = half_up(amount(weighed(case, found), unit), places) == Fraction(digits)
            assert agrees is (key == "weigh"), decimal_text(amount(weighed(case, found), unit), 6)
    for key in ("factor", "exact_factor"):
        if key in case:
            places = len(case[key].partition(".")[2])
            assert half_up(getattr(found, key), places) == Fraction(case[key])
    assert [problem.code for problem in check_powder(powder(case), ordered, DAY)] == case.get("says", [])


@pytest.mark.parametrize("case", CASES["spoilt"], ids=lambda case: case["says"])
def test_what_is_spoilt_in_a_good_certificate_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refusal:
        content_of(powder(GOOD | case), SALT, DAY)
    assert [problem.code for problem in refusal.value.problems] == case["refuses"]


def test_the_molar_masses_are_those_of_the_formulas_and_close_to_what_is_printed() -> None:
    assert {form.short: decimal_text(form.molar_mass) for form in FORMS.values()} == {
        "base": "341.407",
        "anhydrous": "377.865",
        "dihydrate": "413.895",
        "monohydrate": "395.88",
    }
    apart = {form.short: decimal_text(form.printed_apart, 0) for form in FORMS.values() if form.printed_apart}
    assert apart == {"base": "-21", "anhydrous": "-13"}
    assert decimal_text(FORMS[DIHYDRATE].water * 100, 3) == "8.705"
    assert [form.short for form in FORMS.values() if not form.verified] == ["monohydrate"]


def test_a_dihydrate_weighed_as_if_it_were_anhydrous_gives_91_3_percent() -> None:
    as_dihydrate, as_anhydrous = (
        content_of(Powder(form=form, assay=Fraction(1), basis="as-is"), SALT, DAY)
        for form in ("dihydrate", "anhydrous")
    )
    held = [amount(each.content * quantity("1 g", each.material), "g") for each in (as_dihydrate, as_anhydrous)]
    assert decimal_text(held[0] / held[1] * 100, 1) == "91.3"


def test_an_order_means_the_hydrochloride_unless_it_says_base() -> None:
    assert [ordered_form(words, DAY) for words in ("naltrexone", BASE, SALT)] == [SALT, BASE, SALT]
    assert form_named("dihydrate", "naltrexone", DAY).salt == SALT


def test_the_factor_between_forms_fits_once_and_never_twice() -> None:
    moles = FORMS[SALT].mole, FORMS[DIHYDRATE].mole
    once = sources.content_as_ordered(content(Fraction(1), DIHYDRATE, "bulk powder"), *moles)
    with pytest.raises(CannotCompute, match="is not a mass of one material in a mass of another"):
        sources.content_as_ordered(once, *moles)


def test_a_mass_of_another_substance_fits_no_content() -> None:
    found = content_of(powder(GOOD), SALT, DAY)
    for other in (BASE, DIHYDRATE, "naloxone hydrochloride"):
        with pytest.raises(CannotCompute, match="is not a mass of one material"):
            sources.powder_for(quantity("450 mg", other), found.content)
    with pytest.raises(CannotCompute, match="is not a mass of one material"):
        sources.active_in_powder(quantity("450 mg", f"{SALT} powder"), found.content)
    with pytest.raises(CannotCompute, match="name what is in what"):
        content(Fraction(1), SALT, SALT)


def test_lots_of_different_substances_do_not_go_into_one_batch() -> None:
    same = [powder(GOOD), powder(GOOD | {"assay": "98.9 %"})]
    mixed = [*same, Powder(form="base", assay=Fraction(1), basis="as-is")]
    assert check_together(same, SALT, DAY) == []
    assert [problem.code for problem in check_together(mixed, SALT, DAY)] == ["powder.mixed"]
    assert [problem.code for problem in check_together([*mixed, powder(GOOD | {"basis": ""})], SALT, DAY)] == [
        "powder.basis"
    ]


def test_what_a_correction_leaves_out_is_said() -> None:
    wet = Powder(form="anhydrous", assay=Fraction("0.97"), basis="as-is", correction="none")
    (problem,) = check_powder(wet, SALT, DAY)
    assert (problem.code, problem.stops) == ("powder.uncorrected", False)
    assert "3 % less" in problem.text


def test_record_and_worksheet_say_form_assay_basis_water_correction_factor_and_route() -> None:
    assert content_of(powder(GOOD), SALT, DAY).lines == (
        ("powder", f"{DIHYDRATE}, C20H23NO4.HCl.2H2O"),
        ("certificate", "no number given"),
        ("assay", f"99.6 % {SALT} of the anhydrous and solvent-free powder"),
        ("stated", "water 8.9 %, solvents 0.2 %"),
        ("correction", "always: every deficit on the certificate is weighed for"),
        ("factor", "1.105 in use; 1.104528 by the certificate"),
        ("route", f"counted as {SALT}: the water of hydration is in the water left out, so no factor between forms"),
        ("content", f"90.5364 % {SALT} in the powder as it is weighed"),
    )
    as_is = Powder(form="dihydrate", assay=Fraction("1.002"), basis="as-is", above_100="as-100", certificate="C-17")
    told = dict(content_of(as_is, SALT, DAY).lines)
    assert told["certificate"] == "C-17"
    assert told["assay above 100 %"] == "counts as 100 %"
    assert told["route"] == f"{DIHYDRATE} 413.895 g/mol to {SALT} 377.865 g/mol: × 0.912949"


def test_the_working_shows_what_was_counted_and_nothing_that_was_only_checked() -> None:
    with working() as steps:
        found = content_of(powder(GOOD), SALT, DAY)
        sources.powder_for(quantity("450 mg", SALT), found.content)
    assert [step.working for step in steps] == [
        "left out = 0.089 + 0.002",
        f"share = 0.996 mg {SALT}/mg {DIHYDRATE} powder × (1 - 0.091)",
        f"weighing factor = 1 mg {SALT}/mg {DIHYDRATE} powder / 0.905364 mg {SALT}/mg {DIHYDRATE} powder",
        f"powder = 450 mg {SALT} / 0.905364 mg {SALT}/mg {DIHYDRATE} powder",
    ]


percentages = st.integers(0, 1000).map(lambda hundredths: Fraction(hundredths, 10_000))
assays = st.integers(9600, 10_200).map(lambda hundredths: Fraction(hundredths, 10_000))
certificates = st.builds(
    Powder,
    form=st.sampled_from(["base", "anhydrous", "dihydrate", "monohydrate"]),
    assay=assays,
    basis=st.sampled_from(["as-is", "dried", "anhydrous", "anhydrous-solvent-free"]),
    water=percentages,
    loss_on_drying=percentages,
    solvents=percentages,
    correction=st.sampled_from(["always", "german-2-percent", "none"]),
    above_100=st.sampled_from(["as-stated", "as-100"]),
)
masses = st.integers(1, 10**9).map(lambda micrograms: Fraction(micrograms, 1000) * quantity("1 mg", SALT))


@given(certificates, st.sampled_from([SALT, BASE]), masses)
def test_a_content_is_exact_plausible_and_carries_exactly_the_active(
    certificate: Powder, ordered: str, mass: Quantity
) -> None:
    active = sources.same_moles(mass, FORMS[SALT].mole, FORMS[ordered].mole) if ordered == BASE else mass
    try:
        found = content_of(certificate, ordered, DAY)
    except Refused:
        return
    share = ratio(found.content, content(Fraction(1), ordered, found.material))
    assert isinstance(share, Fraction)
    assert Fraction(7, 10) < share < Fraction(115, 100)
    needed = sources.powder_for(active, found.content)
    assert sources.active_in_powder(needed, found.content) == active


@given(certificates, masses)
def test_without_a_correction_the_powder_counts_as_its_label_and_nothing_else(
    certificate: Powder, mass: Quantity
) -> None:
    label = Powder(form=certificate.form, assay=Fraction(1), basis="as-is", correction="none")
    uncorrected = Powder(**vars(certificate) | {"correction": "none"})
    try:
        found = content_of(uncorrected, SALT, DAY)
    except Refused:
        return
    assert found.content == content_of(label, SALT, DAY).content
    assert found.factor == 1


@given(masses, st.sampled_from([BASE, DIHYDRATE]))
def test_there_and_back_between_two_forms_is_exact(mass: Quantity, other: str) -> None:
    there = sources.same_moles(mass, FORMS[SALT].mole, FORMS[other].mole)
    assert sources.same_moles(there, FORMS[other].mole, FORMS[SALT].mole) == mass


@given(assays, percentages, percentages)
def test_the_more_a_basis_leaves_out_the_more_is_weighed(assay: Fraction, water: Fraction, solvents: Fraction) -> None:
    needed = []
    for left_out in (Fraction(0), water, sources.water_and_solvents(water, solvents)):
        share = sources.share_in_powder(content(assay, SALT, "bulk powder"), left_out)
        needed.append(sources.powder_for(quantity("450 mg", SALT), share))
    assert needed == sorted(needed)


@given(certificates)
def test_the_german_factor_is_never_below_one_and_never_used_up_to_2_percent(certificate: Powder) -> None:
    try:
        found = content_of(Powder(**vars(certificate) | {"correction": "german-2-percent"}), SALT, DAY)
    except Refused:
        return
    assert found.factor == (half_up(found.exact_factor, 3) if found.exact_factor > Fraction(100, 98) else 1)
