"""A bench with labelled bottles, and everything that a leaflet for some of them tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace as with_fields

from compounding.cli.app import App
from compounding.cli.leaflet import gathered, supply_of
from compounding.records.leaflet import LeafletText
from compounding.rules.follow_up import follow_ups
from compounding.work.leaflets import Supply, Told, leaflet_texts
from tests.bench import Bench, Ran, carried_on, stocked, words_approved

DAY = date(2026, 11, 22)
USE_BY = "2027-05-20"
SPANISH = [
    "--language", "es", "--stock", "4x3", "--directions", "Tome 1 cápsula por la boca al acostarse.", "--purpose", "dolor crónico",
]  # fmt: skip
STEPS = 'Take 1 capsule by mouth at bedtime on days 1 to 7, then 2 capsules on days 8 to 14.'  # fmt: skip
RISING = ["--start", "1.5 mg", "--to", "3 mg", "--step", "1.5 mg", "--every", "7 days"]


def bottle(bench: Bench, batch: str, rx: str, quantity: str, *options: str) -> str:
    """The id of a new label."""
    words = [
        "--prescription",
        rx,
        "--patient",
        "Alex Q. Sample",
        "--prescriber",
        "Dr. J. Example",
        "--quantity",
        quantity,
    ]
    words += [*options, "--out", str(bench.folder / f"{rx}-{batch}.pdf"), "--json"]
    done = bench.do(["label", batch, *words], "tom")
    (bench.folder / f"{rx}-{batch}.pdf").unlink()
    return str(done.json["label"])


def bottled(folder: Path) -> Bench:
    """A bench with bottles of capsules (in English, in Spanish, and for a rising dose) and of liquid: L1, L2, L3, L4."""
    bench = stocked(folder)
    for batch in ("CAPS-1", "LIQ-1"):
        carried_on(bench, batch, f"label {batch}")
    words_approved(bench)
    words_approved(bench, "es")
    bottle(bench, "CAPS-1", "11", "30 capsules", "--purpose", "long-term pain")
    bottle(bench, "CAPS-1", "12", "30 capsules", *SPANISH)
    bottle(bench, "CAPS-1", "13", "21 capsules", "--stock", "4x3", "--directions", STEPS)
    bottle(bench, "LIQ-1", "14", "60 mL", "--directions", "Take 4.5 mL (4.5 mg) by mouth at bedtime.")
    return bench


def labels(bench: Bench) -> list[str]:
    """Ids of all labels, oldest first."""
    return [
        each["label"] for batch in ("CAPS-1", "LIQ-1") for each in bench.do(f"batch show {batch} --json").json["labels"]
    ]


def leaflet(bench: Bench, *ids_and_options: str, name: str = "leaflet", html: bool = True) -> Ran:
    """Write a leaflet into a file."""
    files = [
        "--out",
        str(bench.folder / f"{name}.pdf"),
        *(["--html", str(bench.folder / f"{name}.html")] if html else []),
    ]
    return bench.run(["leaflet", *ids_and_options, *files])


def told(bench: Bench, ids: Iterable[str], **changes: Any) -> Told:
    """Everything that a leaflet for some bottles tells, as if they were made on one day long ago."""
    app = App(str(bench.folder / bench.settings), "ana")
    try:
        supplies = [supply_of(app, id) for id in ids]
        known, _ = gathered(app, [_dated(each) for each in supplies], DAY, None)
    finally:
        app.close()
    return replace(known, on=DAY, follow_ups=follow_ups(DAY, DAY), **changes)


def _dated(supply: Supply) -> Supply:
    plan = supply.batch.plan
    plan = with_fields(plan, beyond_use=with_fields(plan.beyond_use, date=USE_BY))
    return replace(supply, batch=replace(supply.batch, plan=plan))


def text_of_leaflet(known: Told) -> LeafletText:
    """The leaflet's first text; nothing stands against it."""
    texts, problems = leaflet_texts(known)
    assert problems == []
    return texts[0]
