"""A bench with a released batch of 103 capsules, CAPS-1, and the command that labels it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.bench import Bench, Ran, carried_on, stocked, words_approved

PRESCRIPTION = ["--prescription", "1234567", "--patient", "Alex Q. Sample", "--prescriber", "Dr. J. Example"]


def released(folder: Path) -> Bench:
    """A bench where CAPS-1 is released and not labelled yet, and labels may be written in English."""
    bench = stocked(folder)
    carried_on(bench, "CAPS-1", "label CAPS-1")
    words_approved(bench)
    return bench


def copied(bench: Bench, folder: Path) -> Bench:
    """The same bench in a folder of its own."""
    shutil.copytree(bench.folder, folder)
    return Bench(folder)


def label(bench: Bench, *options: str, name: str = "label", quantity: str = "30 capsules") -> Ran:
    """Label CAPS-1 into a file."""
    out = ["--out", str(bench.folder / f"{name}.pdf")]
    return bench.run(["label", "CAPS-1", *PRESCRIPTION, "--quantity", quantity, *out, *options], "tom")


def labelled(bench: Bench, name: str = "label", quantity: str = "30 capsules") -> Any:
    """The id of a new label of CAPS-1."""
    done = label(bench, "--json", name=name, quantity=quantity)
    assert done.code == 0, done.err
    return done.json["label"]
