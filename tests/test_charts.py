"""Control charts across batches, from a real journal to terminal, PDF, SVG and JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compounding.calc.control import RULES
from compounding.documents.boxes import Box, Dot, Page, Word
from compounding.documents.chart import HEIGHT, NAME, WIDTH, layout_chart, short_rule
from compounding.documents.pdf import width_of
from compounding.documents.svg import drawn
from compounding.records.record import replaced
from compounding.records.series import series_name
from compounding.store.journal import Journal
from compounding.work.charting import (
    Chart,
    Phase,
    Point,
    Specification,
    baseline_chosen,
    phases_of,
    points_of,
    rules_named,
)
from tests.bench import Bench, stocked
from tests.pages import alike, rewritten, run_all, shown_in
from tests.series import STEADY, batches, draft, pattern, rejection, result, write

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "control-charts.md"
CHART = 'qc chart naltrexone-capsule --strength "1.5 mg"'
BASELINE = 'qc baseline naltrexone-capsule --strength "1.5 mg"'
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with 24 batches of a steady process; nobody writes to it."""
    bench = stocked(tmp_path_factory.mktemp("steady"))
    write(bench, batches(pattern(bench), STEADY))
    return bench


@pytest.fixture
def bench(steady: Bench, tmp_path: Path) -> Bench:
    """A bench of one's own, with the same batches."""
    shutil.copytree(steady.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def more(bench: Bench, *values: str | None) -> None:
    """Batches 2026-0025 and on, a day apart."""
    write(bench, batches(opened(bench), values, len(STEADY) + 1))


def opened(bench: Bench) -> Any:
    from compounding.records.facts import read_fact

    with Journal.open(bench.journal, "main") as journal:
        entry = journal.entries("batch:FIRST")[0]
    return read_fact(entry.kind, entry.body, "the pattern")


def chart(bench: Bench, options: str = "") -> Any:
    return bench.do(f"{CHART} {options} --json").json


def test_a_chart_shows_every_batch_of_its_product_and_strength_in_order_and_names_those_without_a_result(
    steady: Bench,
) -> None:
    seen = chart(steady)
    assert [each["value"] for each in seen["batches"]] == [float(value) for value in STEADY]
    assert [each["batch"] for each in seen["batches"]] == [f"2026-{n:04d}" for n in range(1, 25)]
    assert seen["without_result"] == ["FIRST"]
    assert (seen["unit"], seen["specification"]["low"], seen["specification"]["high"]) == ("%", 90.0, 110.0)


def test_the_limits_of_the_first_twenty_batches_are_those_of_the_worked_chart_and_called_provisional(
    steady: Bench,
) -> None:
    (phase,) = chart(steady)["phases"]
    assert round(phase["limits"]["lower"], 4) == 98.5263
    assert round(phase["limits"]["upper"], 4) == 101.7737
    assert round(phase["limits"]["range_upper"], 4) == 1.9946
    assert phase["limits_from"] == "provisional, not frozen: from the first 20 batches"


def test_frozen_limits_stay_whatever_comes_after_them(bench: Bench) -> None:
    before = bench.do(f"{BASELINE} --baseline-batches 20 --json").json
    assert before["batches"] == [f"2026-{n:04d}" for n in range(1, 21)]
    more(bench, "104.0", "95.0")
    (phase,) = chart(bench)["phases"]
    assert phase["limits"]["mean"] == float(before["mean"]) == 100.15
    assert phase["frozen_entry"] == before["entry"]


def test_a_new_baseline_begins_a_phase_and_the_old_batches_keep_their_limits(bench: Bench) -> None:
    bench.do(f"{BASELINE} --baseline-batches 20")
    more(bench, *(f"{float(value) - 3:.1f}" for value in STEADY))
    assert bench.run(f"{BASELINE} --baseline 2026-01-29..2026-02-21").codes == ["baseline.again"]
    bench.do(f'{BASELINE} --baseline 2026-01-29..2026-02-21 --reason "new mixer"')
    first, second = chart(bench)["phases"]
    assert (first["last_batch"], second["first_batch"]) == ("2026-0024", "2026-0025")
    assert first["limits"]["mean"] - second["limits"]["mean"] == pytest.approx(3, abs=0.1)
    assert not any("nelson-1" in each["signals"] for each in chart(bench)["batches"])


def test_a_baseline_is_tried_out_without_being_frozen(bench: Bench) -> None:
    head = bench.head()
    early, tried = chart(bench, "--baseline 2026-01-08..2026-02-01")["phases"]
    assert (early["limits"], early["batches"]) == (None, 3)
    assert tried["limits"]["n"] == 21
    assert tried["frozen_entry"] is None
    assert bench.head() == head


def test_a_batch_with_a_cause_is_left_out_of_a_baseline_with_its_reason_and_stays_on_the_chart(bench: Bench) -> None:
    leave = f"{BASELINE} --baseline-batches 21 --leave-out 2026-0006"
    assert bench.run(leave).codes == ["baseline.leave-out"]
    fact = bench.do(f'{leave} --reason "diluted twice" --json').json
    assert (len(fact["batches"]), fact["left_out"]) == (20, ["2026-0006"])
    assert "2026-0006" in [each["batch"] for each in chart(bench)["batches"]]


def test_freezing_says_what_speaks_against_a_baseline(bench: Bench) -> None:
    more(bench, "80.0")
    said = bench.do(f"{BASELINE} --baseline 2026-01-20..2026-12-31 --json").json["problems"]
    assert {each["code"] for each in said} == {"baseline.few", "baseline.signals", "baseline.failed"}


@pytest.mark.parametrize(
    ("command", "code", "problem"),
    [
        (f"{BASELINE} --baseline-batches 20", 1, "person.role"),
        (BASELINE, 2, "baseline.which"),
        (f"{BASELINE} --baseline-batches 20 --baseline 2026-01-01..2026-02-01", 2, "baseline.which"),
        (f"{BASELINE} --baseline 2026-02-01..2026-01-01", 2, "baseline.days"),
        (f"{BASELINE} --baseline spring", 2, "baseline.days"),
        (f"{BASELINE} --baseline 2030-01-01..2030-12-31", 2, "control.too-few"),
        (f"{BASELINE} --baseline-batches 20 --leave-out 2026-0024", 2, "baseline.leave-out"),
        (f"{CHART} --rules nelson-9", 2, "chart.rule"),
        (f"{CHART} --trait smell", 2, "chart.trait"),
        (f'{CHART} --trait "capsule weights"', 1, "chart.no-results"),
        ('qc chart naltrexone-capsule --strength "4.5 mg"', 1, "chart.no-batches"),
        ('qc chart naltrexone-capsule --strength "4.5 mL"', 2, "series.strength"),
        (f"{CHART} --out {{folder}}/journal.sqlite", 2, "file.not-pdf-name"),
    ],
)
def test_what_cannot_be_charted_is_refused_by_name(steady: Bench, command: str, code: int, problem: str) -> None:
    ran = steady.run(command, "tom")
    assert (ran.code, ran.codes) == (code, [problem])


def test_a_name_that_no_chart_can_have_is_answered_with_one_that_it_can(steady: Bench) -> None:
    assert "give a name such as assay.pdf" in steady.run(f"{CHART} --out {{folder}}/assay.png").err


def test_failing_rejected_and_retested_batches_stay_where_they_are_and_are_marked(bench: Bench) -> None:
    more(bench, "88.7")
    plan = opened(bench).plan
    write(bench, [draft(result("2026-0025", "99.0 %"), plan, "2026-0025"), rejection(opened(bench), "2026-0025")])
    last = chart(bench)["batches"][-1]
    assert (last["value"], last["later"], last["verdict"], last["rejected"]) == (88.7, [99.0], "fail", True)
    assert " R" in bench.do(CHART).out
    assert "2026-0025 88.7" in bench.do(CHART).out


def test_an_assay_as_mass_in_a_capsule_is_charted_in_percent_of_label(bench: Bench) -> None:
    write(
        bench,
        [*batches(opened(bench), [None], 25), draft(result("2026-0025", "1.48 mg"), opened(bench).plan, "2026-0025")],
    )
    assert chart(bench)["batches"][-1]["value"] == pytest.approx(98.6667, abs=1e-4)


def test_a_result_that_is_no_number_is_named_and_not_left_out(bench: Bench) -> None:
    write(bench, [draft(result("2026-0024", "<5 %"), opened(bench).plan, "2026-0024")])
    assert bench.run(CHART).codes == ["chart.value"]


def test_only_what_the_label_says_is_shown_in_percent_of_it() -> None:
    made = {"made:s:2026-01-05:A": 1}
    ingredient = [(2, result("A", "1.02 mg/mL"))]
    assert points_of(made, ingredient, [], "1 mg/mL")[2] == "%"
    ((point,), _, unit) = points_of(made, ingredient, [], None)
    assert (point.value, unit) == (1.02, "mg/mL")


def test_both_stages_of_content_uniformity_are_one_value() -> None:
    ten, twenty = ("91.0", "108.2"), ("80.0", "79.5", "80.5", "80.1")

    def stage(values: tuple[str, ...], verdict: Any, **more: Any) -> Any:
        return replaced(result("A", "1 %"), values=tuple(f"{each} %" for each in values), verdict=verdict, **more)

    first, second = stage(ten, "test_20_more"), stage(twenty, "fail", joins=2)
    made = {"made:s:2026-01-05:A": 1}
    ((waiting,), _, _) = points_of(made, [(2, first)], [], "1.5 mg")
    assert (waiting.value, waiting.failing) == (99.6, False)
    ((point,), _, _) = points_of(made, [(2, first), (3, second)], [], "1.5 mg")
    assert (point.value, point.entry, point.failing, point.later) == (pytest.approx(519.3 / 6), 2, True, ())
    other = stage(("100.0",), "pass")
    ((point,), _, _) = points_of(made, [(2, first), (3, other), (4, second)], [], "1.5 mg")
    assert (point.value, point.later) == (pytest.approx(519.3 / 6), (100.0,))


def test_results_in_units_that_do_not_fit_together_make_no_chart(bench: Bench) -> None:
    write(bench, [draft(result("2026-0024", "3.6"), opened(bench).plan, "2026-0024")])
    assert bench.run(CHART).codes == ["chart.units"]


def test_a_command_gives_its_facts_the_subjects_that_a_chart_finds_them_by(tmp_path: Path) -> None:
    from tests.bench import carried_on

    bench = stocked(tmp_path / "bench")
    carried_on(bench, "CAPS-1", "batch verify")
    bench.do('batch reject CAPS-1 --reason "label mixed up"', "ana")
    (seen,) = chart(bench)["batches"]
    assert (seen["batch"], seen["value"], seen["rejected"]) == ("CAPS-1", 98.7, True)
    assert chart(bench)["phases"][0]["limits"] is None
    assert "1 values seen: a chart needs a baseline of at least two" in bench.do(CHART).out
    assert bench.do(f"{CHART} --out {{folder}}/one.pdf").code == 0


def test_a_strength_is_the_same_however_it_is_written_and_another_form_of_the_active_is_another_series() -> None:
    assert series_name("f", "1500 mcg") == series_name("f", "1.5 mg") != series_name("f", "1.5 mg", "naltrexone")
    assert series_name("f", "2 g/L") == series_name("f", "2 mg/mL")


def test_rules_are_chosen_by_family_or_one_by_one_and_the_moving_range_is_always_there() -> None:
    assert rules_named("western-electric") == (*(f"western-electric-{n}" for n in (1, 2, 3, 4)), "moving-range")
    assert rules_named("nelson-2, western-electric-4") == ("nelson-2", "western-electric-4", "moving-range")


def test_a_capability_is_refused_below_twenty_values_and_doubted_where_batches_signal(
    steady: Bench, bench: Bench
) -> None:
    few = chart(bench, "--baseline 2026-01-20..2026-12-31")
    assert few["capability"] is None
    assert "9 values seen; a capability index needs at least 20" in few["capability_says"]
    enough = chart(steady)
    assert (
        enough["capability"]["cpk"]["low"] < enough["capability"]["cpk"]["value"] < enough["capability"]["cpk"]["high"]
    )
    assert "of these 24 batches signal" in enough["capability_says"]


def test_the_chart_fits_a_terminal_of_80_columns_and_24_lines(bench: Bench) -> None:
    more(bench, *STEADY, *STEADY, "70.0")
    lines = bench.do(f"{CHART} --rules nelson,western-electric").out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) < 80
    assert all(line.isascii() for line in lines)
    assert "last 54 drawn, all judged" in lines[1]
    named = " ".join(lines).partition("Signals, the latest of each rule: ")[2]
    fired = {rule for batch in chart(bench, "--rules nelson,western-electric")["batches"] for rule in batch["signals"]}
    assert len(fired) > 3 and all(short_rule(rule) in named for rule in fired)


def test_the_terminal_cuts_no_sentence_and_draws_the_ranges_below_the_values(steady: Bench) -> None:
    few = steady.do(f"{CHART} --baseline 2026-01-20..2026-12-31").out
    assert " ".join(few.split()).endswith("Go on charting until there are enough. [capability-intervals]")
    lines = steady.do(CHART).out.splitlines()
    below = lines[next(place for place, line in enumerate(lines) if line.strip().startswith("ranges")) :]
    assert below[1].endswith(" upper 1.99") and below[3].endswith(" mean 0.61")
    assert sum(line.partition("|")[2].count("o") for line in below[1:4]) == len(STEADY) - 1


def test_every_batch_has_its_moving_range_and_none_leads_into_a_phase(bench: Bench) -> None:
    seen = [each["moving_range"] for each in chart(bench)["batches"]]
    assert (seen[0], seen[1]) == (None, 0.6) and all(each == round(each, 4) for each in seen[1:])
    early, tried = chart(bench, "--baseline 2026-01-08..2026-02-01")["phases"]
    ranges = [each["moving_range"] for each in chart(bench, "--baseline 2026-01-08..2026-02-01")["batches"]]
    assert [place for place, each in enumerate(ranges) if each is None] == [0, early["batches"]] and tried


def words_of(page: Page) -> list[str]:
    return [mark.text for mark in page.marks if isinstance(mark, Word)]


def test_a_dot_beyond_3_sigma_carries_its_rule_also_where_it_lies_beyond_the_picture() -> None:
    steady = [float(value) for value in STEADY]
    far = a_chart([*steady, 103.9, 100.0, 103.8, 88.7, 100.0, 101.9, 101.9])
    said = words_of(layout_chart(far, "HEAD", "2026-11-23", 100))
    assert all(any(text.startswith(each) for text in said) for each in ("↑ 103.9 N1", "↑ 103.8 N1", "↓ 88.7 N1"))
    assert sum(text.startswith("N1") and len(text) < 9 for text in said) == 2  # each of two in a row


def test_no_name_on_a_chart_hides_a_mark_or_another_name() -> None:
    steady = [float(value) for value in STEADY]
    page = layout_chart(a_chart([*steady, 103.9, 100.0, 103.8, 88.7, 100.0, 104.0, 104.1]), "HEAD", "2026-11-23", 100)
    names = [mark for mark in page.marks if isinstance(mark, Word) and mark.size == NAME and mark.text != "baseline"]
    dots = [mark for mark in page.marks if isinstance(mark, Dot) and mark.x < 573 and mark.y > 205]
    assert len(names) > 8
    for name in names:
        right = name.x + width_of(name.text, name.font) * NAME
        assert not [dot for dot in dots if name.x < dot.x < right and name.y - 1 < dot.y < name.y + NAME]
        for other in names:
            ends = other.x + width_of(other.text, other.font) * NAME
            assert other is name or right <= other.x or ends <= name.x or abs(name.y - other.y) >= NAME - 1


def test_every_rule_that_fires_stands_on_the_page() -> None:
    everything = replace(a_chart([float(value) for value in STEADY]), rules=tuple(RULES))
    fired = dict.fromkeys(RULES, (5,))
    everything = replace(everything, phases=(replace(everything.phases[0], signals=fired),))
    page = layout_chart(everything, "HEAD", "2026-11-23", 100)
    said = words_of(page)
    assert all(any(text.startswith(f"{short_rule(rule)} {RULES[rule]}") for text in said) for rule in RULES)
    feet = [mark.y for mark in page.marks if isinstance(mark, Word) and mark.text[:2] in ("N1", "MR")]
    assert min(feet) > 32


def test_what_was_set_aside_is_struck_out_on_the_page() -> None:
    plain = a_chart([99.0, 100.0, 101.0])
    marked = replace(plain, points=(plain.points[0]._replace(set_aside=(88.0,)), *plain.points[1:]))
    pages = [layout_chart(each, "HEAD", "2026-11-23", 100) for each in (plain, marked)]
    rings = [sum(isinstance(mark, Dot) and mark.radius == 2.2 for mark in page.marks) for page in pages]
    assert rings == [1, 2]  # one is in the legend


def test_the_pdf_and_the_svg_hold_the_same_words(bench: Bench) -> None:
    more(bench, "88.7", None)
    bench.do(f"{BASELINE} --baseline-batches 20")
    for kind in ("pdf", "svg"):
        bench.do(f"{CHART} --out {{folder}}/chart.{kind}")
        bench.do(f"{CHART} --out {{folder}}/chart.{kind}")  # a chart may replace a chart
    read = subprocess.run(
        ["pdftotext", "-raw", bench.folder / "chart.pdf", "-"], capture_output=True, check=True, encoding="utf-8"
    )
    tree = ElementTree.parse(bench.folder / "chart.svg")
    words = sorted(" ".join("".join(each.itertext()) for each in tree.iter(f"{SVG}text")).split())
    assert words == sorted(read.stdout.split())
    for text in (
        "Control chart: assay",
        "Without a result: 2026-0026, FIRST",
        "high 110",
        "upper limit 101.77",
        "↓ 88.7",
    ):
        assert text in "\n".join("".join(each.itertext()) for each in tree.iter(f"{SVG}text"))


def a_chart(values: list[float], *, product: str = "p", unit: str = "%", wanted: Specification | None = None) -> Chart:
    points = tuple(Point(f"2026-{n:04d}", f"2026-01-{n % 28 + 1:02d}", value, n) for n, value in enumerate(values, 1))
    wanted = wanted or Specification(90.0, 110.0, "90 to 110 %", True)
    return Chart(
        product,
        "1 mg",
        "assay",
        unit,
        points,
        phases_of(points, []),
        wanted,
        None,
        "too few",
        (),
        rules_named("nelson"),
    )


CHARTS = {
    "steady": a_chart([float(value) for value in STEADY]),
    "one value": a_chart([99.0]),
    "all alike": a_chart([99.0] * 5),
    "zeros": a_chart([0.0] * 3, unit=""),
    "far out": a_chart([*(float(value) for value in STEADY), 5.0, 900.0, 5.0]),
    "many": a_chart([99 + (n * 7919 % 13) / 10 for n in range(1000)]),
    "no specification": a_chart([1.0, 2.0, 1.5], wanted=Specification(None, None, "", True)),
    "one limit, not verified": a_chart([1.0, 2.0, 1.5], unit="", wanted=Specification(None, 5.0, "at most 5", False)),
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_mark_of_a_chart_lies_on_its_page(name: str) -> None:
    page = layout_chart(CHARTS[name], "HEAD", "2026-11-23", 100)
    for mark in page.marks:
        match mark:
            case Word(x, y, size, font, text):
                assert x >= 20 and x + width_of(text, font) * size <= WIDTH - 20, text
                assert 20 <= y <= HEIGHT - 20
            case Box(x, y, width, height):
                assert x >= 20 and x + width <= WIDTH - 20
                assert y >= 20 and y + height <= HEIGHT - 20
            case Dot(x, y):
                assert 20 <= x <= WIDTH - 20
                assert 20 <= y <= HEIGHT - 20


def test_specification_limits_are_no_line_of_the_control_chart() -> None:
    """They are solid and heavy and lie in a field of their own; control limits are dashed and lie in the chart."""
    from compounding.documents.boxes import Rule
    from compounding.documents.chart import FIELD_LEFT, PLOT_RIGHT, VALUES

    page = layout_chart(CHARTS["steady"], "HEAD", "2026-11-23", 100)
    lines = [mark for mark in page.marks if isinstance(mark, Rule) and VALUES[0] <= mark.y <= VALUES[1]]
    heavy = [line for line in lines if line.width > 2]
    assert len(heavy) == 2
    assert all(line.x >= FIELD_LEFT and not line.dashes for line in heavy)
    assert [
        line.dashes for line in lines if line.to_x <= PLOT_RIGHT and line.width == 0.9 and line.y == line.to_y
    ].count((5.0, 2.5)) == 2


def test_text_in_an_svg_is_never_markup() -> None:
    page = Page(100, 50, (Word(5, 5, 9, "bold", "<b>&amp;</b> 1 < 2"),))
    tree = ElementTree.fromstring(drawn(page, title="<title>", says='"&'))
    assert [each.text for each in tree.iter(f"{SVG}text")] == ["<b>&amp;</b> 1 < 2"]
    assert tree.findtext(f"{SVG}title") == "<title>"


def test_a_text_that_no_font_shows_is_refused() -> None:
    from compounding.documents.chart import draw_chart

    files, problems = draw_chart(a_chart([1.0, 2.0], product="産"), "HEAD", "2026-11-23", 100)
    assert (files, {each.code for each in problems}) == ({}, {"text.cannot-print"})


def test_phases_that_begin_where_an_earlier_one_began_take_its_place() -> None:
    from compounding.records.facts import BaselineFrozen, Recorded

    points = CHARTS["steady"].points

    def frozen(entry: int, first: int, last: int) -> Recorded:
        fact = BaselineFrozen(
            product="p", strength="1 mg", trait="assay", unit="%",
            batches=tuple(point.batch for point in points[first:last]),
            mean="99", mean_range="1", sigma="1", lower="96", upper="102", range_upper="3",
        )  # fmt: skip
        return Recorded(entry, "2026-11-23T00:00:00Z", "ana", None, fact)

    def spans(*baselines: Recorded) -> list[tuple[int, int, int | None]]:
        phases: tuple[Phase, ...] = phases_of(points, baselines)
        return [(phase.start, phase.end, phase.frozen.sequence if phase.frozen else None) for phase in phases]

    assert spans(frozen(1, 0, 5), frozen(2, 10, 15)) == [(0, 10, 1), (10, 24, 2)]
    assert spans(frozen(1, 3, 8), frozen(2, 3, 12)) == [(0, 3, None), (3, 24, 2)]
    assert spans(frozen(1, 10, 15), frozen(2, 0, 5)) == [(0, 24, 2)]


def test_the_days_of_a_baseline_are_both_included() -> None:
    points = [Point(f"B{n}", f"2026-01-{n:02d}", 1.0, n) for n in range(1, 6)]
    assert [each.batch for each in baseline_chosen(points, "2026-01-02..2026-01-04", None)] == ["B2", "B3", "B4"]


def test_a_result_whose_bytes_were_changed_stops_the_chart(bench: Bench) -> None:
    import sqlite3

    with sqlite3.connect(bench.journal) as connection:
        connection.execute("DROP TRIGGER entries_refuse_update")
        changed = "UPDATE entries SET body = replace(CAST(body AS TEXT), '99.8 %', '99.9 %') WHERE kind = 'tested' AND sequence < 12"
        connection.execute(changed.replace("replace(", "CAST(replace(").replace("'99.9 %')", "'99.9 %') AS BLOB)"))
    connection.close()
    assert bench.run(CHART).codes == ["journal.damaged"]


def test_the_page_on_control_charts_says_what_its_commands_print(bench: Bench) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, bench.folder), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


def test_a_chart_is_one_json_object(steady: Bench) -> None:
    assert set(json.loads(steady.do(f"{CHART} --json").out)) >= {"batches", "phases", "capability", "rules"}
    assert replace(CHARTS["steady"], trait="pH").signals == CHARTS["steady"].signals


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    text = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        of_the_page = stocked(Path(folder))
        write(of_the_page, batches(pattern(of_the_page), STEADY))
        PAGE.write_text(rewritten(text, [said for _, said in run_all(shown_in(text), of_the_page.folder)]), "utf-8")
