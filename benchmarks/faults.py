"""What the journal went through and lost nothing: the fault tests at their full length.

    python benchmarks/faults.py [--write]

Each harness first catches a seeded bug (an early acknowledgement, a database that does not wait for its disk or its
standby, a writer that does not say what it saw). Needs root, for it mounts and cuts off file systems; takes about three
quarters of an hour. The exit code is that of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.page import write_table  # noqa: E402

TESTS = (
    *(f"store/test_{name}.py" for name in ("faults", "power", "commands_fail", "flips", "vectors", "places", "server_faults")),
    *("store/test_concurrency.py", "work/test_life_of_a_batch.py"),
    "test_signing.py::test_what_is_recorded_while_somebody_signs_is_on_the_signed_page_or_after_it",
)


def table(lines: list[str]) -> str:
    rows = ["| fault | runs | fired | acknowledged before | lost | seconds at most |", "|---|---|---|---|---|---|"]
    for line in lines:
        told = json.loads(line)
        figures = (
            f"{told[key]:,}" if key in told else "" for key in ("runs", "fired", "acknowledged", "lost", "seconds")
        )
        rows.append(f"| {told['what']} | {' | '.join(figures)} |")
    return "\n".join(rows)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        figures.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *(f"tests/{name}" for name in TESTS)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "COMPOUNDING_FAULTS": str(figures)}, check=False)
        told = table(figures.read_text("utf-8").splitlines())
    print(told)
    if done.returncode == 0 and "--write" in sys.argv[1:]:
        write_table("faults", told)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
