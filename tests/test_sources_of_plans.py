"""Plans from powders, and plans whose source is too little to weigh: what the pharmacist gets."""

from __future__ import annotations

from typing import Any

import pytest

from compounding.quantities import quantity, written
from tests.bench import Bench, stocked

CAPSULE = (
    'plan naltrexone-capsule --capsule-size 3 --shell-maker coni-snap --filler-packing "135 mg" '
    '--readability "0.1 mg" --overage "0 %" --json'
)
DIHYDRATE = '--from powder --form dihydrate --assay "99.6 %" --assay-basis anhydrous-solvent-free --water "8.9 %" --solvents "0.2 %"'


@pytest.fixture
def plan(tmp_path: Any) -> Any:
    bench = Bench(tmp_path)
    return lambda command: bench.run(command, "ana")


def test_a_dihydrate_is_weighed_by_its_certificate_and_its_water_counts_once(plan: Any) -> None:
    """L01: 450 mg / 0.905364 = 497.04 mg, neither 450 mg nor the twice corrected 544.4 mg."""
    made = plan(f'{CAPSULE} --strength "4.5 mg" --count 100 {DIHYDRATE} --minimum-weight "82 mg"').json
    assert made["source"]["weigh"] == "497.0 mg"
    assert made["source"]["tablets"] is None
    assert not any("tablet" in step["do"] for step in made["steps"])
    assert dict(made["source"]["certificate"])["content"].startswith("90.5364 %")


def test_a_powder_without_the_basis_of_its_assay_is_refused(plan: Any) -> None:
    command = f'{CAPSULE} --strength "4.5 mg" --count 100 --from powder --form dihydrate --assay "99.6 %" --minimum-weight "82 mg"'
    assert (plan(command).code, plan(command).codes) == (1, ["powder.basis"])


def test_fifteen_milligrams_on_a_balance_of_82_mg_become_an_aliquot_that_loses_nothing_unseen(plan: Any) -> None:
    powder = '--from powder --form anhydrous --assay "100 %" --assay-basis as-is'
    made = plan(f'{CAPSULE} --strength "0.5 mg" --count 30 {powder} --minimum-weight "82 mg"').json
    (aliquot,) = made["aliquots"]
    assert [aliquot[key] for key in ("weigh", "diluent", "total", "take", "multiple")] == [
        "90.0 mg",
        "402.0 mg",
        "492.0 mg",
        "82.0 mg",
        6,
    ]
    assert made["expected"]["error_percent"] == 0
    minimum = quantity("82 mg")
    assert all(quantity(line["target"]) >= minimum for line in made["lines"] if line["measure"] == "balance")
    # Filler weighed and filler that came with the aliquot fill the capsules together.
    filler = next(line for line in made["lines"] if line["line"] == "filler")
    assert quantity(filler["exact"]) + quantity("67 mg") == quantity(made["filler"]["per_capsule"]) * 30


def test_every_plan_says_how_sure_it_is_and_which_doubt_is_the_largest(plan: Any) -> None:
    made = plan(f'{CAPSULE} --strength "4.5 mg" --count 100 {DIHYDRATE} --minimum-weight "82 mg"').json
    expected = made["expected"]
    assert expected["coverage_factor"] == 2
    largest = max(expected["budget"], key=lambda each: each["relative_percent"])
    assert (largest["source"], 5 < expected["expanded_uncertainty_percent"] < 15) == (expected["largest"], True)
    assert {each["origin"] for each in expected["budget"]} <= {"measured", "certificate", "assumed"}
    assert 0 < made["uniformity"]["chance_to_pass_percent"] <= 100


def test_a_second_strength_of_the_same_liquid_is_said_when_its_batch_is_opened(tmp_path: Any) -> None:
    bench = stocked(tmp_path / "two")
    liquid = 'batch open naltrexone-oral-liquid --volume "60 mL" --from TAB-1 --concentration'
    bench.do(f'{liquid} "1 mg/mL" --id ONE')
    assert "strength.two-in-use" not in bench.do(f'{liquid} "1 mg/mL" --id SAME --json').out
    said = bench.do(f'{liquid} "5 mg/mL" --id FIVE --json').json["problems"]
    assert [(each["code"], each["where"], each["stops"]) for each in said] == [("strength.two-in-use", "SAME", False)]


def test_a_certificate_of_the_tablets_takes_the_place_of_their_claim_and_halves_the_doubt(plan: Any) -> None:
    tablets = f'{CAPSULE} --strength "1.5 mg" --count 100 --tablet-weight "300 mg" --minimum-weight "20 mg"'
    claimed = plan(tablets).json
    certified = plan(f'{tablets} --content "96 %" --content-uncertainty "2 %"').json
    assert (claimed["source"]["exact"], certified["source"]["exact"]) == ("900 mg", "937.5 mg")
    doubts = [made["expected"]["expanded_uncertainty_percent"] for made in (claimed, certified)]
    assert doubts[1] < doubts[0]
    assert not any("taken to hold its label claim" in warning for warning in certified["warnings"])
    refused = plan(f'{tablets} --content "79 %"')
    assert (refused.code, refused.codes) == (1, ["tablet.content"])


def test_an_order_of_base_is_made_with_the_salt_that_holds_it_and_stays_an_order_of_base(plan: Any) -> None:
    """1.5 mg of base is 1.5 x 377.865 / 341.407 = 1.66018 mg of hydrochloride."""
    order = f'{CAPSULE} --strength "1.5 mg" --strength-of base --count 100 --tablet-weight "302.4 mg" --minimum-weight "20 mg"'
    made = plan(order).json
    assert (made["strength"], made["ordered_as"], made["active"]["needed"]) == ("1.5 mg", "naltrexone base", "166.018124995 mg")
    assert made["expected"]["strength"] == "1.5 mg"
    # 4.5 mg of base is more hydrochloride than the formula allows.
    assert plan(order.replace('"1.5 mg"', '"4.5 mg"')).codes == ["strength.outside-formula"]


def test_tablets_of_another_drug_are_no_source(tmp_path: Any) -> None:
    bench = stocked(tmp_path / "aspirin")
    weights = " ".join('--weight "302.4 mg"' for _ in range(10))
    bench.do(
        'lot receive ASA-1 --role tablet --material "aspirin tablets" --supplier S --supplier-lot L --expires {expiry} '
        f'--amount "100 tablets" --label-claim "50 mg" {weights}'
    )
    refused = bench.run('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from ASA-1')
    assert (refused.code, refused.codes) == (1, ["source.material"])


def test_a_slip_among_tablet_weights_and_an_impossible_packing_are_refused(plan: Any, tmp_path: Any) -> None:
    file = tmp_path / "weights.txt"
    file.write_text("302.1 mg\n30.3 mg\n")
    order = f'{CAPSULE} --strength "1.5 mg" --count 100 --minimum-weight "20 mg"'
    assert plan(f'{order} --tablet-weights {file}').codes == ["tablet.lighter-than-claim"]
    assert plan(f'{order} --tablet-weight "302.4 mg"'.replace("135 mg", "1350 mg")).codes == ["lot.packing"]


def test_the_mass_balance_of_a_batch_with_an_aliquot_counts_the_part_that_went_in(tmp_path: Any) -> None:
    bench = stocked(tmp_path / "aliquot")
    opened = bench.do(
        'batch open naltrexone-capsule --strength "0.5 mg" --count 30 --from TAB-1 --id ALI '
        '--readability "0.1 mg" --minimum-weight "120 mg" --json'
    ).json["plan"]
    assert opened["aliquots"]
    for line in opened["lines"]:
        lot = f" --lot {line['lot']}" if line["lot"] else ""
        bench.do(f'batch weigh ALI "{line["line"]}" "{line["target"]}"{lot}', "tom")
    part, filler = (quantity(line["target"]) for line in opened["lines"][-2:])
    gross = 30 * quantity(opened["capsule"]["shell"]) + part + filler
    made = bench.do(f'batch yield ALI --made "30 capsules" --weight "{written(gross)}" --json', "tom").json
    assert (quantity(made["mass_in"]), made["loss_percent"], made["within"]) == (part + filler, 0, True)
