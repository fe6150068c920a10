"""The formula that was approved last is made; one that it superseded comes back only with a pharmacist's signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from compounding.data_files import data_folder
from tests.bench import Bench, begun, story

OPEN = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Everybody has a key, and the pharmacy has its own text of the formula."""
    made = begun(tmp_path / "bench", signed=True)
    for person, command in story("lot receive"):
        made.do(command, person)
    settings = made.folder / "settings.toml"
    settings.write_text('formulas = "formulas"\n' + settings.read_text("utf-8"), "utf-8")
    (made.folder / "formulas").mkdir()
    return made


def take(bench: Bench, version: str) -> None:
    """Put a version of the formula in its place."""
    text = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
    assert 'version = "1"' in text
    text = text.replace('version = "1"', f'version = "{version}"', 1)
    (bench.folder / "formulas" / "naltrexone-capsule.toml").write_text(text, "utf-8")


def test_a_superseded_formula_opens_no_batch_until_a_pharmacist_has_approved_it_again(bench: Bench) -> None:
    take(bench, "1")
    bench.do("formula approve naltrexone-capsule")
    bench.do(f"{OPEN} --id FIRST")
    take(bench, "2")
    bench.do("formula approve naltrexone-capsule")
    bench.do(f"{OPEN} --id SECOND --reason more")
    assert bench.run("formula approve naltrexone-capsule").codes == ["formula.approved"]
    take(bench, "1")
    refused = bench.run(f"{OPEN} --id THIRD --reason more")
    assert (refused.code, refused.codes) == (1, ["formula.superseded"])
    assert "superseded by version 2" in refused.err
    assert bench.run("formula approve naltrexone-capsule", "tom").codes == ["person.role"]
    bench.do("formula approve naltrexone-capsule")
    bench.do(f"{OPEN} --id THIRD --reason more")
    assert bench.head()


@pytest.mark.parametrize(("policy", "codes"), [("refuse", ["formula.not-approved"]), ("allow", [])])
def test_no_setting_lets_a_superseded_formula_pass(bench: Bench, policy: str, codes: list[str]) -> None:
    settings = bench.folder / "settings.toml"
    text = settings.read_text("utf-8")
    (line,) = (each for each in text.splitlines() if each.startswith("unapproved_formula"))
    settings.write_text(text.replace(line, f'unapproved_formula = "{policy}"'), "utf-8")
    take(bench, "1")
    assert bench.run(f"{OPEN} --id FIRST").codes == codes
    bench.do("formula approve naltrexone-capsule")
    take(bench, "2")
    bench.do("formula approve naltrexone-capsule")
    take(bench, "1")
    assert bench.run(f"{OPEN} --id NEXT --reason more").codes == ["formula.superseded"]
