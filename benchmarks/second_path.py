"""Random prescriptions, worked out by both paths and compared number by number; the exit code is 1 if any differs.

python benchmarks/second_path.py [--many 100000] [--seed 1] [--processes 2]
"""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.prescriptions import disagreements, prescriptions

SLICE = 1000


def differing(seed: int) -> list[str]:
    """What differs in one slice of prescriptions, in words."""
    return [f"{problem.text} ({each.typed})" for each in prescriptions(seed, SLICE) for problem in disagreements(each)]


def main() -> int:
    """Works them out, and says how many differed and how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    slices = -(-asked.many // SLICE)
    began, wrong = time.perf_counter(), []
    with Pool(asked.processes) as pool:
        for found in pool.imap_unordered(differing, range(asked.seed * 1_000_000, asked.seed * 1_000_000 + slices)):
            wrong += found
    print(f"{slices * SLICE} prescriptions, {len(wrong)} differences, {time.perf_counter() - began:.0f} s")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
