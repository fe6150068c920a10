"""Case 2 of <905> and weight variation for a batch: a formula of a pharmacy's own, 50 mg in 135 mg, with a target of 105 %."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from compounding.data_files import data_folder
from tests.bench import Bench, ran, stocked

TEXT = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
HIGH = (
    TEXT.replace('id = "naltrexone-capsule"', 'id = "naltrexone-high-capsule"')
    .replace('minimum = "0.5 mg"\nmaximum = "4.5 mg"', 'minimum = "20 mg"\nmaximum = "50 mg"')
    .replace('rules = ["content-uniformity"]\n', 'rules = ["content-uniformity"]\nby_weight = true\ntarget = "105"\n')
)
POWDER = (
    'lot receive POW-1 --role powder --material "naltrexone hydrochloride" --supplier Example --supplier-lot P1 '
    '--expires {expiry} --amount "100 g" --form anhydrous --assay "99.6 %" --assay-basis as-is'
)
OPEN = 'batch open naltrexone-high-capsule --strength "50 mg" --count 30 --from POW-1 --id HIGH'
NET = ["134.1", "135.2", "136.0", "133.5", "135.8", "134.7", "135.1", "136.4", "133.9", "135.3"]
APART = ["121", "149"] * 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A batch of it that is made, and has no result yet; nobody writes to it."""
    bench = stocked(tmp_path_factory.mktemp("high"))
    own = bench.folder / "own"
    own.mkdir()
    (own / "naltrexone-high-capsule.toml").write_text(HIGH, "utf-8")
    settings = bench.folder / "settings.toml"
    settings.write_text('formulas = "own"\n' + settings.read_text("utf-8"), "utf-8")
    bench.do(POWDER, "tom")
    bench.do(OPEN)
    bench.do('batch weigh HIGH source "1581.3 mg" --lot POW-1', "tom")
    bench.do('batch weigh HIGH filler "2671.2 mg" --lot MCC-1', "tom")
    for step in bench.do("batch show HIGH --json").json["plan"]["steps"]:
        bench.do(f"batch step HIGH {step['number']}", "tom")
    bench.do('batch yield HIGH --made "31 capsules" --weight "5670 mg" --remainder "60 mg"', "tom")
    return bench


@pytest.fixture
def bench(made: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(made.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def content(bench: Bench, values: list[str], *more: str, batch: str = "HIGH") -> Any:
    return bench.run(["qc", "content", batch, "--unit", "mg", *values, *more, "--json"], "kim")


def test_the_target_of_the_formula_is_that_of_its_batches(bench: Bench) -> None:
    """Mean 104.6 % is inside 98.5 % to T: M is the mean, and AV = k s (case 2)."""
    percents = ["104.6", "103.1", "106.2", "105.0", "102.8", "104.9", "103.7", "105.5", "104.1", "106.1"]
    told = bench.do(["qc", "content", "HIGH", "--unit", "%", *percents, "--json"], "kim").json
    found = told["uniformity"]
    assert (found["target_percent"], found["case"], found["reference_value_percent"]) == (105, 2, 104.6)
    assert round(found["acceptance_value"], 2) == 2.82  # 2.4 x 1.1747
    assert told["observed"].endswith("; target 105 %")


def test_weights_stand_for_contents_by_the_assay_of_the_batch(bench: Bench) -> None:
    assert content(bench, NET, "--by-weight").codes == ["uniformity.no-assay"]
    bench.do('qc assay HIGH "98.7 %"', "kim")
    told = content(bench, NET, "--by-weight").json
    assert (told["verdict"], told["by_weight"], told["uniformity"]["method"]) == ("pass", "98.7 %", "weight variation")
    assert told["uniformity"]["mean_percent"] == 98.7
    assert told["method"] == "weight variation: net weights, and the assay of 98.7 %"
    assert any("net weight x 98.7 % / 135 mg" in each for each in told["uniformity"]["working"])


def test_of_several_assays_the_one_furthest_from_the_label_counts(bench: Bench) -> None:
    for assay in ("103.0 %", "95.0 %", "99.9 %"):
        bench.do(f'qc assay HIGH "{assay}"', "kim")
    assert content(bench, NET, "--by-weight").json["by_weight"] == "95 %"


def test_twenty_more_weights_join_the_ten_and_are_not_mixed_with_assays(bench: Bench) -> None:
    bench.do('qc assay HIGH "98.7 %"', "kim")
    first = content(bench, APART, "--by-weight")
    assert first.codes == ["uniformity.test-20-more"]
    mixed = content(bench, ["49.5", "50.5"] * 10)
    assert (mixed.codes, "--by-weight" in mixed.err) == (["uniformity.two-ways"], True)
    second = content(bench, [*NET, *NET], "--by-weight").json
    assert (second["verdict"], second["stage"], second["joins"]) == ("pass", 2, first.json["entry"])


def test_a_chart_shows_the_content_that_was_estimated_and_not_the_weight(bench: Bench) -> None:
    bench.do('qc assay HIGH "98.7 %"', "kim")
    content(bench, APART, "--by-weight")
    content(bench, [*NET, *NET], "--by-weight")
    (point,) = bench.do('qc chart naltrexone-high-capsule --strength "50 mg" --trait "content uniformity" --json').json["batches"]
    assert (point["value"], point["later"]) == (98.7, [])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([f"{float(each) * 0.8:.1f}" for each in NET], "uniformity.far-from-fill"),
        ([f"{float(each) + 48:.1f}" for each in NET], "uniformity.far-from-fill"),  # with their shells
        (NET[:9], "uniformity.count"),
        ([*NET[:9], "1353"], "weights.not-possible"),
    ],
)
def test_weights_that_are_not_those_of_the_fill_are_refused(bench: Bench, values: list[str], problem: str) -> None:
    bench.do('qc assay HIGH "98.7 %"', "kim")
    assert content(bench, values, "--by-weight").codes == [problem]


def test_a_formula_or_a_rule_that_asks_for_assays_gets_no_weights(bench: Bench) -> None:
    bench.do('qc assay HIGH "98.7 %"', "kim")
    settings = bench.folder / "settings.toml"
    settings.write_text('rule_sets = ["content-uniformity-2.9.6-B"]\n' + settings.read_text("utf-8"), "utf-8")
    assert content(bench, NET, "--by-weight").codes == ["uniformity.by-weight"]


def test_for_a_low_dose_capsule_weights_are_refused_with_the_reason(tmp_path: Path) -> None:
    from tests.bench import carried_on

    bench = stocked(tmp_path / "bench")
    carried_on(bench, "CAPS-1", "qc observe")
    told = content(bench, NET, "--by-weight", batch="CAPS-1")
    assert (told.code, told.codes) == (1, ["uniformity.weight-variation-not-allowed"])
    assert "1.5 mg of active is 1.11 % of the contents" in told.err


def test_without_a_batch_the_method_is_named_and_the_fill_must_be_that_of_the_weights() -> None:
    words = ["qc", "uniformity", "--assay", "98.7 %", "--strength", "25 mg", "--fill", "100 mg"]
    far = ran([*words, "--unit", "g", *["99", "101"] * 5])
    assert (far.code, far.codes, far.out) == (2, ["uniformity.far-from-fill"], "")
    told = ran([*words, "--unit", "mg", *["99", "101"] * 5])
    assert told.out.startswith("  by weight: content = net weight x A / mean weight = net weight x 98.7 % / 100 mg\n")
    assert told.out.endswith("Weight variation, stage 1: pass\n")


@pytest.mark.parametrize(
    ("old", "new", "problem", "says"),
    [
        ('target = "105"', 'target = "111"', "uniformity.target", "from 90.0 to 110.0 %"),
        ('["content-uniformity"]', '["content"]', "formula.rule", "there are content-uniformity, content-uniformity-2.9.6-B"),
        ('target = "105"', 'target = "10 %"', "record.key", "target"),
        ("by_weight = true\n", "", "", ""),
    ],
)
def test_a_target_or_rule_that_cannot_judge_is_found_before_a_batch_is_made(
    bench: Bench, old: str, new: str, problem: str, says: str
) -> None:
    file = bench.folder / "own" / "naltrexone-high-capsule.toml"
    file.write_text(HIGH.replace(old, new), "utf-8")
    checked = bench.run(["formula", "check", str(file)])
    approved = bench.run("formula approve naltrexone-high-capsule")
    for told in (checked, approved):
        assert (told.codes, says in told.err) == ([problem] if problem else [], True)


@pytest.mark.parametrize("key", ['target = "105"', "by_weight = true"])
def test_only_a_test_of_single_contents_has_a_target(bench: Bench, key: str) -> None:
    file = bench.folder / "own" / "naltrexone-high-capsule.toml"
    file.write_text(HIGH.replace('kind = "assay"\n', f'kind = "assay"\n{key}\n'), "utf-8")
    told = bench.run(["formula", "check", str(file)])
    assert told.codes == ["record.key"] and "is no test of the contents of single units" in told.err
