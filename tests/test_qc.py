"""Content uniformity and capsule weights as they are recorded: stages that belong together, rules that decide, days."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compounding.calc.uniformity import judge
from compounding.problems import NotUnderstood
from compounding.rules.acceptance import rules_in_force
from compounding.work.readings import read_all, rows_from
from compounding.work.ruling import CONTENTS, WEIGHTS, least_capsules, ruling
from compounding.work.uniformity import contents_of
from tests.bench import Bench, carried_on, ran, stocked
from tests.enforced import rule
from tests.pages import alike, rewritten, run_all, shown_in

CASES = tomllib.loads((Path(__file__).parent / "cases/uniformity.toml").read_text("utf-8"), parse_float=str)
WEIGHT_CASES = tomllib.loads((Path(__file__).parent / "cases/capsule_weights.toml").read_text("utf-8"), parse_float=str)
TWO_STAGES = next(case for case in CASES["judge"] if case["id"] == "CU-05")
VERDICTS = {"PASS_STAGE_1": "pass", "PASS_STAGE_2": "pass", "FAIL": "fail", "TEST_20_MORE": "test_20_more"}
GOOD = [f"{99 + n / 10:.1f}" for n in range(10)]
GRAMS = ["0.1834", "0.1821", "0.1842", "0.1818", "0.1853", "0.1830", "0.1826", "0.1845", "0.1839", "0.1822"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with a batch whose yield is recorded, and one that was rejected."""
    bench = stocked(tmp_path_factory.mktemp("bench"))
    carried_on(bench, "CAPS-1", "qc weights")
    bench.do('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id REJ')
    bench.do("batch reject REJ --reason crushed")
    return bench


@pytest.fixture
def bench(made: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(made.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def content(bench: Bench, values: list[str], *more: str, code: int = 0) -> Any:
    told = bench.run(["qc", "content", "CAPS-1", "--unit", "%", *values, *more, "--json"], "kim")
    assert told.code == code, told.err
    return told.json


# ---- values alone ----


@pytest.mark.parametrize("case", CASES["judge"], ids=lambda case: case["id"])
def test_the_worked_examples_come_out_on_the_command_line(case: dict[str, Any]) -> None:
    values = [*case["first"], *case.get("more", [])]
    told = ran(["qc", "uniformity", "--target", str(case["target"]), *map(str, values), "--json"])
    expected = case["stage2" if "more" in case else "stage1"]
    seen = told.json
    assert told.code == (0 if case["decision"].startswith("PASS") else 1)
    assert (seen["verdict"], seen["n"], seen["stage"]) == (
        VERDICTS[case["decision"]],
        len(values),
        len(values) // 20 + 1,
    )
    assert (seen["acceptability_constant"], seen["limit"]) == (float(expected["k"]), 15.0)
    assert abs(seen["acceptance_value"] - float(expected["AV"])) < 1e-4
    assert seen["acceptance_value_rounded"] == float(expected["AV_reported"])
    assert [each["value_percent"] for each in seen["out_of_range"]] == [
        float(x) for x in expected.get("units_outside", [])
    ]


def test_masses_with_the_strength_are_judged_as_their_percentages() -> None:
    masses = [f"{Decimal(value) * Decimal('0.015')} mg" for value in GOOD]
    in_mg = ran(["qc", "uniformity", "--strength", "1.5 mg", *masses, "--json"])
    assert in_mg.out == ran(["qc", "uniformity", *GOOD, "--json"]).out


def test_a_failing_set_of_thirty_is_exit_code_1_and_told_in_words() -> None:
    case = next(case for case in CASES["judge"] if case["decision"] == "FAIL")
    told = ran(["qc", "uniformity", *case["first"], *case["more"]])
    assert (told.code, told.codes) == (1, ["uniformity.fail"])
    assert "AV = |M - X| + k s" in told.out and "ASTM E2810: with 90 % confidence" in told.out


def test_what_the_results_promise_is_the_bound_of_astm_e2810() -> None:
    values = [*TWO_STAGES["first"], *TWO_STAGES["more"]]
    promised = ran(["qc", "uniformity", *values, "--json"]).json
    assert (promised["confidence_percent"], promised["would_pass_at_least_percent"]) == (90, 87.9)  # 0.8798, cut
    surer = ran(["qc", "uniformity", *values, "--confidence", "99 %", "--json"]).json
    assert surer["would_pass_at_least_percent"] < 87.9


def test_weight_variation_is_for_a_capsule_that_is_mostly_drug() -> None:
    weights = ["152.1", "149.8", "150.6", "151.3", "148.9", "150.2", "149.5", "151.0", "150.4", "149.2"]
    words = ["qc", "uniformity", "--unit", "mg", "--fill", "150 mg", "--assay", "98.7 %", *weights, "--json"]
    allowed = ran([*words, "--strength", "50 mg"]).json
    assert (allowed["mean_percent"], round(allowed["acceptance_value"], 3)) == (98.7, 1.567)
    low_dose = ran([*words, "--strength", "4.5 mg"])
    assert (low_dose.code, low_dose.codes) == (1, ["uniformity.weight-variation-not-allowed"])
    assert "weight of a diluted powder says little about its drug" in low_dose.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (GOOD[:9], "uniformity.count"),
        ([*GOOD, "100"], "uniformity.count"),
        ([*GOOD[:9], "NaN"], "quantity.not-understood"),
        ([*GOOD[:9], "98,7"], "quantity.not-understood"),
        ([*GOOD[:9], "1.5 mg"], "value.mixed-units"),
        (["1.5 mg"] * 10, "uniformity.strength"),
        (["1.5 mL"] * 10, "uniformity.unit"),
        ([*GOOD, "--strength", "1.5 mg"], "quantity.not-understood"),
        (["1.5 mg"] * 10 + ["--strength", "1.5 mL"], "uniformity.unit"),
        ([*GOOD, "--fill", "150 mg"], "uniformity.options"),
        ([*GOOD, "--confidence", "100 %"], "calculation.out-of-range"),
        ([*GOOD, "--target", "0"], "calculation.out-of-range"),
    ],
)
def test_values_that_cannot_be_judged_are_refused(words: list[str], problem: str) -> None:
    told = ran(["qc", "uniformity", *words])
    assert (told.code, told.codes[0], told.out) == (2, problem, "")


def test_ten_units_without_any_drug_are_judged_and_promise_nothing() -> None:
    seen = ran(["qc", "uniformity", *["0"] * 10, "--json"]).json
    assert (seen["verdict"], seen["would_pass_at_least_percent"], seen["others"]) == ("test_20_more", None, [])


contents = st.integers(70_000, 130_000).map(lambda thousandths: f"{Decimal(thousandths) / 1000}")


@settings(max_examples=60)
@given(st.lists(contents, min_size=29, max_size=29), st.sampled_from(["60.0", "140.0"]), st.randoms())
def test_order_and_unit_leave_a_verdict_and_a_unit_outside_never_helps(
    values: list[str], outlier: str, chance: Any
) -> None:
    def verdict(units: list[str], unit: str = "%") -> str:
        return judge(contents_of(read_all(rows_from(units), unit), "1.5 mg")).verdict

    with_mean = [*values, f"{sum(map(Decimal, values)) / 29:.3f}"]
    first = verdict(with_mean)
    shuffled = chance.sample(with_mean, 30)
    assert verdict(shuffled) == first
    assert verdict([f"{Decimal(value) * Decimal('0.015')}" for value in with_mean], "mg") == first
    window = judge([Fraction(value) for value in with_mean]).window
    assert window
    if first == "fail" and not window[0] <= Fraction(outlier) <= window[1]:
        assert verdict([*values, outlier]) == "fail"


# ---- content uniformity of a batch ----


def test_twenty_more_join_the_ten_and_the_batch_waits_for_them(bench: Bench) -> None:
    first = content(bench, TWO_STAGES["first"], "--laboratory", "Example Laboratories", code=1)
    assert (first["verdict"], first["stage"], first["problems"][0]["code"]) == (
        "test_20_more",
        1,
        "uniformity.test-20-more",
    )
    waits = bench.do("batch show CAPS-1 --json").json["open"]
    assert "test.unfinished" in [each["code"] for each in waits]
    again = bench.run(["qc", "content", "CAPS-1", "--unit", "%", *GOOD], "kim")
    assert (again.code, again.codes) == (2, ["uniformity.count"])  # ten better ones do not take their place
    second = content(bench, TWO_STAGES["more"])
    assert (second["verdict"], second["stage"], second["joins"]) == ("pass", 2, first["entry"])
    assert (second["uniformity"]["n"], second["uniformity"]["acceptance_value_rounded"]) == (30, 9.3)
    shown = bench.do("batch show CAPS-1 --json").json
    assert [len(each["values"]) for each in shown["tested"]] == [10, 20]
    assert not [each for each in shown["open"] if "content" in each["text"]]
    assert bench.run("worksheet CAPS-1 --out {folder}/record.pdf").code == 0


@rule("REC-13")
def test_a_stage_2_that_fails_holds_the_batch_and_no_later_ten_undo_it(bench: Bench) -> None:
    case = next(case for case in CASES["judge"] if case["decision"] == "FAIL")
    content(bench, case["first"], code=1)
    content(bench, case["more"], code=1)
    assert content(bench, GOOD)["verdict"] == "pass"  # another sample is another result; the first stays
    release = bench.run("batch release CAPS-1")
    assert "test.failed" in release.codes and "test.unfinished" not in release.codes


def test_mass_and_percent_may_join(bench: Bench) -> None:
    content(bench, TWO_STAGES["first"], code=1)
    masses = [f"{Decimal(value) * Decimal('0.015')} mg" for value in TWO_STAGES["more"]]
    told = bench.do(["qc", "content", "CAPS-1", *masses, "--json"], "kim").json
    assert told["uniformity"]["acceptance_value_rounded"] == 9.3


def test_content_uniformity_is_not_required_but_counts_when_done(bench: Bench) -> None:
    for values in (GOOD[:9], [*GOOD, "100"], [*GOOD, *GOOD]):
        assert bench.run(["qc", "content", "CAPS-1", "--unit", "%", *values], "kim").codes == ["uniformity.count"]
    opened = [each["text"] for each in bench.do("batch show CAPS-1 --json").json["open"]]
    assert any(text.startswith("assay is not tested") for text in opened)
    assert not any(text.startswith("content") for text in opened)


def test_a_rule_of_the_settings_decides_beside_that_of_the_formula(bench: Bench) -> None:
    ask(bench, "content-uniformity-2.9.6-B")
    apart = ["84", "116", *["100"] * 8]  # AV 18.1: stage 1 of <905> asks for more; so does 2.9.6 B
    near = ["84.4", "115.5", "100", *["100"] * 7]
    assert content(bench, apart, code=1)["verdict"] == "test_20_more"
    assert ran(["qc", "uniformity", *near, "--json"]).json["others"][0]["verdict"] == "test_20_more"


def test_a_liquid_has_no_content_uniformity(made: Bench) -> None:
    told = made.run("qc content REJ " + " ".join(GOOD) + " --unit %", "kim")
    assert told.codes == ["batch.ended", "test.before-yield"]
    assert made.run(["qc", "content", "NEVER", "--unit", "%", *GOOD], "kim").codes == ["batch.unknown"]


# ---- weights of a batch ----


def ask(bench: Bench, *names: str) -> None:
    """Let the settings name rules."""
    file = bench.folder / "settings.toml"
    file.write_text(f"rule_sets = [{', '.join(map(repr, names))}]\n" + file.read_text())


def test_all_rules_are_computed_and_the_formulas_decide(bench: Bench) -> None:
    told = bench.do(["qc", "weights", "CAPS-1", "--unit", "g", *GRAMS, "--json"], "kim").json
    rules = {each["rule"]: (each["verdict"], each["decides"]) for each in told["rules"]}
    assert rules == {
        "capsule-weight-theoretical": ("pass", True),
        "mass-uniformity-2.9.5": ("not_judged", False),
        "capsule-weight-brazil": ("pass", True),
        "capsule-fill-germany": ("pass", False),
    }
    assert told["values"][0] == "0.1834 g"


def test_a_rule_of_the_settings_must_be_able_to_judge(bench: Bench) -> None:
    ask(bench, "mass-uniformity-2.9.5")
    few = bench.run(["qc", "weights", "CAPS-1", "--unit", "g", *GRAMS], "kim")
    assert (few.code, few.codes) == (2, ["weights.too-few"]) and "20 capsules are weighed one by one" in few.err
    told = bench.do(["qc", "weights", "CAPS-1", "--unit", "g", *GRAMS * 2, "--json"], "kim").json
    assert {each["rule"] for each in told["rules"] if each["decides"]} == set(WEIGHTS) - {"capsule-fill-germany"}
    twenty_one = bench.run(["qc", "weights", "CAPS-1", "--unit", "g", *GRAMS * 2, GRAMS[0]], "kim")
    assert twenty_one.codes == ["weights.count"]


def test_a_rule_that_nobody_wrote_is_refused_by_its_name(bench: Bench) -> None:
    ask(bench, "mass-uniformity")
    told = bench.run(["qc", "weights", "CAPS-1", "--unit", "g", *GRAMS], "kim")
    assert (told.code, told.codes) == (2, ["settings.rule-set"]) and "mass-uniformity-2.9.5" in told.err


def test_a_rule_that_was_not_in_force_cannot_decide() -> None:
    with pytest.raises(NotUnderstood):
        ruling((), ("capsule-fill-germany",), WEIGHTS, date(2025, 1, 1))
    known = {each.id for each in rules_in_force(date(2026, 11, 22))}
    assert {*WEIGHTS, *CONTENTS} <= known
    assert least_capsules((), 7) == 7


@pytest.mark.parametrize("case", WEIGHT_CASES["capsules"], ids=lambda case: case["id"])
def test_the_worked_examples_of_weights_come_out_on_the_command_line(case: dict[str, Any]) -> None:
    shell, fill = str(case["shell_mg"]), str(case["theoretical_fill_mg"])
    words = ["qc", "weights", "--shell", f"{shell} mg", "--fill", f"{fill} mg", "--unit", "mg"]
    told = ran([*words, *map(str, case["gross_weights_mg"]), "--json"])
    passes = case["usp_style_gross_90_110"] and case["usp_style_net_90_110"]
    assert (told.code, told.json["verdict"]) == ((0, "pass") if passes else (1, "fail"))


def test_one_weight_for_ten_capsules_is_refused_and_ten_alike_are_doubted(bench: Bench) -> None:
    group = bench.run(["qc", "weights", "CAPS-1", "1830 mg"], "kim")
    assert (group.code, group.codes) == (2, ["weights.group"])
    assert "one capsule far too light and one far too heavy cancel out" in group.err
    alike = bench.do(["qc", "weights", "CAPS-1", *["183.0 mg"] * 10, "--json"], "kim").json
    assert [each["code"] for each in alike["problems"]] == ["weights.alike"]
    assert any("group weighing" in each for each in alike["findings"])


def test_where_values_came_from_is_on_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / "w.csv").write_text("gross\n" + "\n".join(GRAMS))
    told = bench.do("qc weights CAPS-1 --file {folder}/w.csv --column gross --unit g --json", "kim").json
    assert told["entered"].startswith("file w.csv, column gross, sha256:")
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"S S   {weight} g\n" for weight in GRAMS)))
    sent = bench.do("qc weights CAPS-1 - --json", "kim").json
    assert sent["entered"] == "standard input; each marked stable by the balance"


# ---- days ----


@pytest.mark.parametrize(
    "result",
    ['qc assay CAPS-1 "98.7 %"', "qc observe CAPS-1 appearance clean --pass", "qc weights CAPS-1" + ' "183 mg"' * 10],
)
def test_a_result_is_found_after_its_batch_was_prepared_and_not_in_the_future(bench: Bench, result: str) -> None:
    prepared = datetime.now(UTC).astimezone().date()
    before, after = prepared - timedelta(days=1), prepared + timedelta(days=1)
    head = bench.head()
    assert bench.run(f"{result} --date {before}", "kim").codes == ["test.before-batch"]
    assert bench.run(f"{result} --date {after}", "kim").codes == ["test.in-future"]
    assert bench.run(f"{result} --date yesterday", "kim").codes == ["date.not-understood"]
    assert bench.head() == head
    assert bench.do(f"{result} --date {prepared} --json", "kim").json["found"] == prepared.isoformat()
    assert "found" not in bench.do(f"{result} --json", "kim").json


# ---- the page ----

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "weigh-and-test-capsules.md"
FOUND = ["1,497", "1,482", "1,511", "1,490", "1,503", "1,476", "1,508", "1,495", "1,501", "1,487"]


def commands_of_the_page(folder: Path) -> list[tuple[int, str]]:
    (folder / "contents.csv").write_text("capsule;found\n" + "".join(f"{n};{x}\n" for n, x in enumerate(FOUND, 1)))
    return run_all(shown_in(PAGE.read_text("utf-8")), folder)


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, commands_of_the_page(tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    with tempfile.TemporaryDirectory() as place:
        now = [text for _, text in commands_of_the_page(Path(place))]
    PAGE.write_text(rewritten(PAGE.read_text("utf-8"), now), "utf-8")
