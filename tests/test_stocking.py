"""What a lot must be before it may come in or be used; through the command line, refusals are in `cases/bad_input.toml`."""

from __future__ import annotations

from typing import Any

import pytest

from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.quantities import quantity
from compounding.records.facts import Certificate, LotReceived, Recorded
from compounding.records.formula import read_formula
from compounding.records.national_code import national_code
from compounding.records.record import replaced
from compounding.records.stock import Lot, lot_of
from compounding.work.stocking import check_packing, check_source

CAPSULE = read_formula((data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8"), "capsule")
TABLETS = LotReceived(
    lot="TAB-1",
    role="tablet",
    material="naltrexone tablets",
    supplier="S",
    supplier_lot="L",
    expires="2099-12-31",
    received="2026-01-01",
    amount="100 tablets",
    label_claim="50 mg",
    weights=("302.4 mg",) * 10,
)
POWDER = replaced(
    TABLETS,
    role="powder",
    material="naltrexone hydrochloride dihydrate",
    label_claim=None,
    certificate=Certificate(form="dihydrate", assay="99.6 %", assay_basis="as-is"),
)


def lot(received: LotReceived, **spoiled: Any) -> Lot:
    made = lot_of([Recorded(1, "2026-01-01T00:00:00Z", "ana", None, replaced(received, **spoiled))])
    assert made
    return made


@pytest.mark.parametrize("material", ["naltrexone tablets", "naltrexone hydrochloride tablets"])
def test_tablets_are_a_source_under_each_name_that_the_formula_gives_them(material: str) -> None:
    assert check_source(CAPSULE, lot(TABLETS, material=material)) == []


def test_a_claim_is_compared_by_what_it_means() -> None:
    assert check_source(CAPSULE, lot(TABLETS, label_claim="0.05 g")) == []


def test_a_powder_is_a_source_by_its_name() -> None:
    assert check_source(CAPSULE, lot(POWDER)) == []


@pytest.mark.parametrize(
    ("received", "spoiled", "code", "says"),
    [
        (TABLETS, {"material": "aspirin tablets"}, "source.material", "takes its active from naltrexone tablets"),
        (TABLETS, {"material": "naltrexone base tablets"}, "source.material", "Take another lot"),
        (TABLETS, {"label_claim": "5 mg"}, "source.label-claim", "is written for tablets of 50 mg"),
        (POWDER, {"material": "lactose monohydrate"}, "source.material", "or naltrexone base"),
        (POWDER, {"material": "naltrexone tablets"}, "source.material", "Take another lot"),
    ],
)
def test_another_material_or_another_claim_is_no_source(
    received: LotReceived, spoiled: dict[str, Any], code: str, says: str
) -> None:
    (problem,) = check_source(CAPSULE, lot(received, **spoiled))
    assert (problem.code, problem.stops, says in problem.text) == (code, True, True)


def test_a_packing_is_refused_above_the_density_of_any_powder_and_not_at_it() -> None:
    volume = quantity("0.30 mL")
    assert check_packing("Lot MCC-1", quantity("600 mg"), volume) == []
    (problem,) = check_packing("Lot MCC-1", quantity("601 mg"), volume)
    assert problem.code == "lot.packing"


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("0615-8579-39", "00615-8579-39"),
        ("47335-326-08", "47335-0326-08"),
        ("51224-0206-5", "51224-0206-05"),
        ("16729-0081-10", "16729-0081-10"),
        ("47335032608", "47335-0326-08"),
    ],
)
def test_a_national_code_is_the_same_whichever_way_it_is_printed(typed: str, whole: str) -> None:
    assert national_code(typed) == whole


@pytest.mark.parametrize(
    "typed", ["4733532608", "47335-326-8", "473350-326-08", "47335-326-08-1", "47335-32б-08", "---", ""]
)
def test_what_could_be_another_package_is_not_read_as_a_national_code(typed: str) -> None:
    with pytest.raises(NotUnderstood, match="with its hyphens"):
        national_code(typed)
