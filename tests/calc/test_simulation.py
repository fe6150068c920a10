"""Batches that are drawn pass as often as the closed form says; numpy is asked for there and nowhere else.

numpy lies in build/simulation, so that Pint does not find it, and is imported in another process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compounding.calc.chance import chance_to_pass
from compounding.calc.simulation import simulated_chance
from compounding.problems import CannotCompute, EnvironmentFails

ROOT = Path(__file__).parent.parent.parent
BATCHES = (
    (100, 5, 0, 100),
    (98, 5.8, 0, 100),
    (96, 4, 3, 100),
    (105.9, 5, 0, 100),
    (104, 5, 2, 105),
    (100, 0.5, 0, 100),
)
DRAW = """
import json, sys
from dataclasses import asdict
from compounding.calc.simulation import simulated_chance
print(json.dumps([
    asdict(simulated_chance(mean, sd, batch_sd=batch_sd, target=target, batches=60_001))
    for mean, sd, batch_sd, target in json.loads(sys.argv[1])
]))
"""
# Everyone who asks for numpy, found or not: the module whose code runs the import.
WHO_ASKS = """
import sys

class Watch:
    askers = []
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            self.askers.append(frame.f_globals["__name__"])

sys.meta_path.insert(0, Watch())
from compounding.cli.main import run
try:
    run(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
sys.stdout.flush()
print("asked for by", *sorted(set(Watch.askers)), file=sys.stderr)
"""
PLAN = """plan naltrexone-capsule --strength 1.5_mg --count 100 --from tablet --tablet-weight 302.4_mg --capsule-size 3
--shell-maker coni-snap --filler-packing 135_mg --readability 0.1_mg --minimum-weight 20_mg --json"""


def test_drawn_batches_pass_as_often_as_the_closed_form_says() -> None:
    subprocess.run(["sh", ROOT / "scripts/setup-tests.sh", "simulation"], check=True)
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build/simulation"), str(ROOT)])}
    command = [sys.executable, "-c", DRAW, json.dumps(BATCHES)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for (mean, sd, batch_sd, target), seen in zip(BATCHES, json.loads(done.stdout), strict=True):
        expected = chance_to_pass(mean, sd, batch_sd=batch_sd, target=target)
        within = 4 * (expected.stage_1 * (1 - expected.stage_1) / seen["batches"]) ** 0.5 + 1e-12
        assert seen["stage_1"] == pytest.approx(expected.stage_1, abs=within)
        # The bound is at most the chance; and no batch passes whose two acceptance values both fail.
        most = min(1, expected.stage_1 + expected.stage_2_value)
        assert expected.at_least - 4 * seen["standard_error"] <= seen["chance"] <= most + 4 * seen["standard_error"]
        assert seen["stage_1"] <= seen["chance"]
        assert 0 < seen["standard_error"] < 0.003


def test_without_numpy_the_simulation_says_what_to_install() -> None:
    with pytest.raises(EnvironmentFails, match=r"compounding-pharmacy\[simulation\]"):
        simulated_chance(100, 5)


@pytest.mark.parametrize("spoilt", [{"mean": 0}, {"sd": 0}, {"batch_sd": -1}, {"batches": 0}, {"target": float("nan")}])
def test_batches_that_cannot_be_are_not_drawn(spoilt: dict[str, float]) -> None:
    with pytest.raises(CannotCompute, match="check the batch"):
        simulated_chance(**{"mean": 100, "sd": 5, **spoilt})  # type: ignore[arg-type]


@pytest.mark.parametrize(("command", "asked"), [("--help", False), ("--version", False), (PLAN, True)])
def test_help_and_plan_never_ask_for_numpy_themselves(command: str, asked: bool, tmp_path: Path) -> None:
    words = [word.replace("_", " ") for word in command.split()]
    done = subprocess.run([sys.executable, "-c", WHO_ASKS, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    askers = done.stderr.splitlines()[-1].removeprefix("asked for by").split()
    # A plan needs Pint, which asks for numpy by itself; nothing else needs even that.
    assert {asker.split(".")[0] for asker in askers} <= {"pint", "uncertainties"}
    assert ("pint.compat" in askers) == asked


def test_a_plan_draws_batches_on_request_and_they_pass_as_often_as_its_bound_says(tmp_path: Path) -> None:
    subprocess.run(["sh", ROOT / "scripts/setup-tests.sh", "simulation"], check=True)
    words = [word.replace("_", " ") for word in f"{PLAN} --simulate 20000".split()]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build/simulation"), str(ROOT)])}
    command = [sys.executable, "-m", "compounding", *words]
    done = subprocess.run(command, env=surroundings, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    drawn, said = made["simulated"], made["uniformity"]
    assert drawn["batches"] == 20000 and 0 < drawn["standard_error_percent"] < 0.5
    assert drawn["chance_percent"] >= float(said["chance_to_pass_percent"]) - 4 * drawn["standard_error_percent"]
    assert drawn["stage_1_percent"] == pytest.approx(float(said["stage_1_percent"]), abs=1.5)


def test_a_plan_that_is_to_be_simulated_needs_numpy_and_single_units(tmp_path: Path) -> None:
    words = [word.replace("_", " ") for word in f"{PLAN} --simulate 100".split()]
    of_a_liquid = "plan naltrexone-oral-liquid --concentration 1_mg/mL --volume 60_mL --tablet-weight 302.4_mg --simulate 9"
    liquid = [word.replace("_", " ") for word in f"{of_a_liquid} --readability 0.1_mg --minimum-weight 20_mg --json".split()]
    for asked, code, problem in ((words, 3, "simulation.numpy-missing"), (liquid, 2, "simulation.no-units")):
        command = [sys.executable, "-m", "compounding", *asked]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert [each["code"] for each in json.loads(done.stdout)["problems"]] == [problem]
