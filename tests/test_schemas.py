"""What commands print, and what files and journal hold, fits the published schemas; one spoiled key does not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compounding.store.journal import Journal
from scripts.schemas import FOLDER, schemas
from tests.bench import Bench, carried_on, stocked

ROOT = Path(__file__).parent.parent
ORDERS = (
    'naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1',
    'naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" --dose "4.5 mg" --from TAB-1',
    'naltrexone-trituration --strength "100 mg/g" --mass "10 g" --from TAB-1',
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("schemas"))
    for batch in ("CAPS-1", "LIQ-1"):
        carried_on(made, batch, "no command of the story names this")
    return made


def misfits(name: str, data: Any) -> list[str]:
    published = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(published)
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(published).iter_errors(data)]


def test_the_published_schemas_are_those_of_the_records() -> None:
    for name, schema in schemas().items():
        published = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        assert published == json.loads(json.dumps(schema)), f"{name} has changed: run scripts/schemas.py"


@pytest.mark.parametrize("order", ORDERS)
def test_a_plan_fits_and_a_spoiled_one_does_not(bench: Bench, order: str) -> None:
    made = bench.do(f"plan {order} --json").json
    assert misfits("plan", made) == []
    assert misfits("plan", made | {"overage_percent": "5"}) != []
    assert misfits("plan", {key: value for key, value in made.items() if key != "lines"}) != []


def test_lots_batches_judgements_and_refusals_fit(bench: Bench) -> None:
    assert misfits("lots", bench.do("lot list --json").json) == []
    assert misfits("batch", bench.do("batch show CAPS-1 --json").json) == []
    values = "98.1 99.2 100.3 97.5 101.2 96.8 102.1 99.9 98.4 100.6"
    assert misfits("uniformity", bench.do(f"qc uniformity {values} --json").json) == []
    assert misfits("problems", bench.run("batch show NONE --json").json) == []


@pytest.mark.parametrize(("name", "command"), [("status", "status"), ("doctor", "doctor"), ("explain", "explain lot.expired")])
def test_what_is_said_of_today_and_of_codes_fits_and_with_a_key_less_does_not(bench: Bench, name: str, command: str) -> None:
    said = bench.run(f"{command} --json").json
    assert misfits(name, said) == []
    for key in said:
        assert misfits(name, {other: value for other, value in said.items() if other != key}) != []


@pytest.mark.parametrize("path", sorted((ROOT / "formulas").glob("*.toml")), ids=lambda path: path.stem)
def test_formulas_fit_and_an_unknown_key_does_not(path: Path) -> None:
    data = tomllib.loads(path.read_text("utf-8"))
    assert misfits("formula", data) == []
    assert misfits("formula", data | {"strenght": "1 mg"}) != []


def test_settings_and_every_entry_of_the_journal_fit(bench: Bench) -> None:
    settings = tomllib.loads((bench.folder / "settings.toml").read_text("utf-8"))
    assert misfits("settings", settings) == []
    with Journal.open(bench.journal, "main") as journal:
        entries = journal.entries()
    assert len(entries) > 20
    for entry in entries:
        assert misfits("facts", {"kind": entry.kind, "body": entry.body}) == []
    assert misfits("facts", {"kind": "lot-cleared", "body": {}}) != []
