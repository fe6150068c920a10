"""Other ways to make the same order: whole tablets, filtering, volume-completion, other sizes and surcharges."""

from __future__ import annotations

from typing import Any

import pytest

from compounding.quantities import quantity
from tests.bench import Bench

TABLETS = '--tablet-weight "302.4 mg" --readability "0.1 mg" --minimum-weight "20 mg" --json'
CAPSULE = f'plan naltrexone-capsule --strength "1.5 mg" --count 100 --shell-maker coni-snap {TABLETS}'
LIQUID = f'plan naltrexone-oral-liquid --concentration "1 mg/mL" {TABLETS}'


@pytest.fixture
def plan(tmp_path: Any) -> Any:
    bench = Bench(tmp_path)
    return lambda command: bench.run(command, "ana")


def test_whole_tablets_need_no_weighing_of_the_drug_and_are_right_to_the_last_digit(plan: Any) -> None:
    made = plan(f'{LIQUID} --volume "100 mL" --method whole-tablets --tablet-weight "302.43 mg"').json
    source = made["lines"][0]
    assert (source["material"], source["measure"], source["target"]) == ("tablets", "count", "2 tablets")
    assert (made["expected"]["strength"], made["expected"]["error_percent"]) == ("1 mg/mL", 0)


def test_whole_tablets_that_do_not_come_out_whole_are_refused_with_the_volumes_that_do(plan: Any) -> None:
    refused = plan(f'{LIQUID} --volume "60 mL" --method whole-tablets')
    assert (refused.code, refused.codes) == (1, ["method.whole-tablets"])
    assert "Volumes of whole tablets: 50 mL, 100 mL, 150 mL, 200 mL, 250 mL" in refused.err


def test_a_plan_by_weighing_names_the_next_volume_of_whole_tablets(plan: Any) -> None:
    warnings = plan(f'{LIQUID} --volume "60 mL"').json["warnings"]
    assert any("2 whole tablets make 100 mL" in warning for warning in warnings)


def test_a_filtered_liquid_has_the_step_and_says_what_is_not_known(plan: Any) -> None:
    made = plan(f'{LIQUID} --volume "60 mL" --filtered').json
    assert "coarse filter" in made["steps"][-2]["do"]
    assert any("was not studied" in warning for warning in made["warnings"])


def test_volume_completion_takes_filler_as_needed_and_its_overage_on_the_active(plan: Any) -> None:
    command = f'{CAPSULE} --capsule-size 3 --filler-packing "135 mg" --method volume-completion'
    refused = plan(command)
    assert (refused.code, refused.codes) == (1, ["method.overage"])
    made = plan(f'{command} --overage "10 %" --overage-on active').json
    assert made["lines"][1]["measure"] == "as needed"
    assert any("EMPTY all capsules" in step["do"] for step in made["steps"])


def test_a_procedure_that_the_formula_does_not_know_is_refused(plan: Any) -> None:
    refused = plan(f'{LIQUID} --volume "60 mL" --method volume-completion')
    assert (refused.code, refused.codes) == (1, ["method.unknown"])


@pytest.mark.parametrize(
    ("option", "needed", "on"),
    [
        ("--overage german", "165 mg", "active"),
        ("--extra 2", "153 mg", "batch"),
        ('--overage "5 %"', "157.5 mg", "batch"),
    ],
)
def test_losses_are_made_up_by_a_named_rule_by_extra_capsules_or_by_a_share(
    plan: Any, option: str, needed: str, on: str
) -> None:
    made = plan(f'{CAPSULE} --capsule-size 3 --filler-packing "135 mg" {option}').json
    assert (made["active"]["needed"], made["overage_on"]) == (needed, on)


@pytest.mark.parametrize(("strength", "size"), [("1.5 mg", "4"), ("4.5 mg", "4")])
def test_a_size_is_chosen_by_the_active_and_everything_fits(plan: Any, strength: str, size: str) -> None:
    command = CAPSULE.replace("1.5 mg", strength)
    made = plan(f'{command} --capsule-size auto --filler-density "0.45 g/mL"').json
    assert (made["capsule"]["size"], made["capsule"]["packed_percent"]) == (size, 100)


def test_a_maker_whose_shell_weight_is_not_known_asks_for_twenty_empty_ones(plan: Any) -> None:
    command = CAPSULE.replace("coni-snap", "japan")
    refused = plan(f'{command} --capsule-size 3 --filler-packing "120 mg"')
    assert (refused.code, refused.codes) == (2, ["shells.weight"])
    made = plan(f'{command} --capsule-size 3 --filler-packing "120 mg" --shell-weight "47.5 mg"').json
    assert quantity(made["capsule"]["theoretical_weight"]) == quantity("167.5 mg")
