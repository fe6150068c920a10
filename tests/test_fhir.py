"""The analysis of a batch as FHIR R5, judged by a FHIR library and compared with the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.bundle import Bundle

from tests.bench import Bench, carried_on, stocked


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The demo's two batches; the capsules' contents are tested too."""
    made = stocked(tmp_path_factory.mktemp("fhir"))
    for batch in ("CAPS-1", "LIQ-1"):
        carried_on(made, batch, "batch verify")
        if batch == "CAPS-1":
            contents = "98.1 99.2 100.3 97.5 101.2 96.8 102.1 99.9 98.4 100.60"
            made.do(f"qc content CAPS-1 --unit % {contents}", "kim")
        carried_on(made, batch, ".pdf", begin="batch verify")
    return made


def bundle(bench: Bench, batch: str, folder: Path) -> dict[str, Any]:
    bench.do(f"certificate {batch} --fhir {folder}/{batch}.json")
    text = (folder / f"{batch}.json").read_text("utf-8")
    Bundle.model_validate_json(text)
    found: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return found


def references(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "reference" and isinstance(value, str):
                yield value
            yield from references(value)
    elif isinstance(data, list):
        for each in data:
            yield from references(each)


@pytest.mark.parametrize("batch", ["CAPS-1", "LIQ-1"])
def test_a_bundle_is_valid_and_each_reference_in_it_leads_somewhere(bench: Bench, batch: str, tmp_path: Path) -> None:
    found = bundle(bench, batch, tmp_path)
    urls = {each["fullUrl"] for each in found["entry"]}
    assert set(references(found)) <= urls and len(urls) == len(found["entry"])
    kinds = [each["resource"]["resourceType"] for each in found["entry"]]
    assert kinds[0] == "DiagnosticReport" and {"Medication", "SubstanceDefinition", "PlanDefinition"} <= set(kinds)


def observations(found: dict[str, Any]) -> dict[str, Any]:
    every = [each["resource"] for each in found["entry"]]
    return {each["code"]["text"]: each for each in every if each["resourceType"] == "Observation"}


def test_results_are_numbers_with_limits_and_all_their_digits(bench: Bench, tmp_path: Path) -> None:
    capsules, liquid = (observations(bundle(bench, batch, tmp_path)) for batch in ("CAPS-1", "LIQ-1"))
    assay = capsules["assay"]
    assert (assay["valueQuantity"]["value"], assay["valueQuantity"]["code"]) == (Decimal("98.7"), "%")
    limits = assay["referenceRange"][0]
    assert (str(limits["low"]["value"]), str(limits["high"]["value"])) == ("90.0", "110.0")
    assert assay["interpretation"][0]["text"] == "meets its limits"
    assert liquid["volume"]["valueQuantity"]["code"] == "%"
    assert "valueString" in capsules["appearance"]
    contents = capsules["content uniformity"]["component"]
    assert [str(each["valueQuantity"]["value"]) for each in contents][-1] == "100.60"
    rows = bench.do("qc results CAPS-1 --json").json["results"]
    assert sorted(capsules) == sorted(row["trait"] for row in rows if row["entry"])


def test_an_open_batch_has_no_analysis_and_no_file_is_replaced(bench: Bench, tmp_path: Path) -> None:
    bench.do('batch open naltrexone-capsule --strength "2 mg" --count 60 --from TAB-1 --id OPEN')
    assert bench.run(f"certificate OPEN --fhir {tmp_path}/a.json").codes == ["certificate.not-released"]
    (tmp_path / "b.json").write_text("mine")
    assert bench.run(f"certificate CAPS-1 --fhir {tmp_path}/b.json").codes == ["file.exists"]
    assert bench.run(f"certificate CAPS-1 --fhir {tmp_path}/b.xml").codes == ["file.name"]
