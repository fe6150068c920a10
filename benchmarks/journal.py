"""What a journal costs: verifying against SHA-256 alone over the same bytes, appending against a bare loop, reading.

    python benchmarks/journal.py [--write] [--entries 1000000] [--signed 20000]

A journal of weighings, as the bench writes them, and one of signed entries are written to temporary files. Then the bare
sum (one SHA-256 for each entry's bytes, in a loop, the bytes already in memory) and each way to verify run in this one
process, on one core; times are CPU times. Appends are durable and measured by the clock, in interleaved turns with a
bare sqlite3 loop (the same settings, one insert and one commit each) and with a raw write and fsync. One batch is read
out of many and out of a thousand. The exit code is 1 if a goal is missed that is not stated as missed.
"""

from __future__ import annotations

import argparse
import gc
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks.page import write_table  # noqa: E402
from compounding.store import keys, log  # noqa: E402
from compounding.store.journal import Draft, Journal, Signer, Signing, _row  # noqa: E402
from compounding.store.sqlite import _SETTINGS  # noqa: E402
from compounding.store.verify import verify  # noqa: E402

AT_MOST, AT_LEAST, SHARE, AT_MOST_APART = 4.0, 3000.0, 0.5, 2.0
START = datetime(2026, 1, 5, 8, tzinfo=UTC)


def drafts(number: int, signer: Signer | None) -> list[Draft]:
    """The beginnings of a batch, then its readings, thirty to a batch, two a minute."""
    made = []
    for place in range(number):
        batch = f"2026-{place // 30:05d}"
        time = START + timedelta(seconds=30 * place)
        kind, body = "weighed", {
            "balance": "bench", "batch": batch, "high": "971.7 mg", "line": "source", "lot": "TAB-1", "low": "933.5 mg",
            "material": "tablet powder", "reading": "952.3 mg", "tablets": 4, "within": True,
        }  # fmt: skip
        subjects: tuple[str, ...] = (f"batch:{batch}", "lot:TAB-1")
        if place == 0 and signer:
            kind, body, subjects = "key-created", KEY, ("person:ana",)
        elif place <= 1:
            lot = {"lot": f"TAB-{place}" if not signer else "TAB-1", "role": "tablet", "amount": "99999999 tablets"}
            kind, body, subjects = "lot-received", lot, ("lot:TAB-1",)
        elif place % 30 == 2 or place == 2:
            kind, body = "batch-opened", {"batch": batch, "plan": {"lines": [{"line": "source"}], "steps": []}, "formula": []}
        elif place % 30 < 2:
            kind, body = "noted", {"batch": batch}
        made.append(Draft(kind, body, subjects, "tom", "bench-1", "", time, f"{place:032x}", signers=(signer,) * bool(signer)))
    return made


KEY: dict[str, object] = {}


def journal_of(path: Path, number: int, key: keys.OpenKey | None = None) -> Journal:
    """A journal of so many entries, written in one go; its bytes are those that the bench would write."""
    signer = None
    if key:
        KEY.update(key=key.public, name="Tom Reed", person="tom", roles=["technician"])
        signer = Signer(Signing("tom", "Tom Reed", key.public, "I did this and saw it.", "00" * 32), key.sign)
    journal = Journal.create(path, "main")
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA synchronous=OFF")
        frontier = log.EMPTY
        for draft in drafts(number, signer):
            row = _row(draft, "main", frontier)
            frontier = log.frontier_of(row.sequence, row.peaks)
            raw.execute("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?)", row)
            raw.executemany("INSERT INTO subjects VALUES ('main',?,?)", [(each, row.sequence) for each in draft.subjects])
    raw.close()
    return journal


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one run, the least of two."""
    best = float("inf")
    for _ in range(2):
        gc.collect()
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def turns(folder: Path, many: int) -> dict[str, float]:
    """Durable appends a second: of the journal, of bare sqlite3 with the same settings, of a raw write and fsync."""
    journal = journal_of(folder / "appends.db", 30)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for setting in _SETTINGS:
        bare.execute(setting)
    bare.execute("CREATE TABLE entries(sequence INTEGER PRIMARY KEY, body BLOB)")
    raw = (folder / "raw").open("ab", buffering=0)
    made = [replace(each, time=datetime.now(UTC), idempotency_key=f"k{place}") for place, each in enumerate(drafts(many, None))]
    body = b"x" * 600

    def append(place: int) -> None:
        draft = replace(made[place], time=datetime.now(UTC))
        journal.append([draft], journal.last_seen(draft.subjects))

    def insert(place: int) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO entries VALUES (?, ?)", (place, body))
        bare.execute("COMMIT")

    def write(_: int) -> None:
        raw.write(body)
        os.fsync(raw.fileno())

    spent = dict.fromkeys(("journal", "bare", "raw"), 0.0)
    for place in range(many):
        for name, work in (("journal", append), ("bare", insert), ("raw", write)):
            begin = time.perf_counter()
            work(place)
            spent[name] += time.perf_counter() - begin
    journal.close()
    bare.close()
    raw.close()
    return {name: many / each for name, each in spent.items()}


def reading(journal: Journal) -> float:
    """CPU time of reading one batch [s]."""
    return seconds(lambda: [journal.entries("batch:2026-00010") for _ in range(50)]) / 50


def checked(journal: Journal, *, quick: bool = False) -> None:
    problems = verify(journal, quick=quick)
    assert problems == [], problems[0].text


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--appends", type=int, default=300)
    options.add_argument("--signed", type=int, default=20_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with journal_of(Path(folder) / "plain.db", given.entries) as journal:
            with journal.database.reading():
                bodies = [bytes(row[0]) for row in journal.database.every_body("main")]
            size = sum(map(len, bodies)) / len(bodies)

            def bare() -> None:
                for body in bodies:
                    sha256(body).digest()

            alone = seconds(bare)
            bodies.clear()
            quick, whole = seconds(lambda: checked(journal, quick=True)), seconds(lambda: checked(journal))
            structure = seconds(journal.database.damage)
            of_many = reading(journal)
        with journal_of(Path(folder) / "few.db", 30_000) as journal:
            of_few = reading(journal)
        durable = turns(Path(folder), given.appends)
        with journal_of(Path(folder) / "signed.db", given.signed, keys.new_key()) as journal:
            signed = given.signed / seconds(lambda: checked(journal))
    per = 1e6 / given.entries
    lines = [
        "| | each entry | against SHA-256 | goal | |",
        "|---|---|---|---|---|",
        f"| SHA-256 of {given.entries:,} entries of {size:.0f} bytes | {alone * per:.2f} µs | 1 | | |",
        f"| `journal verify --quick` | {quick * per:.1f} µs | {quick / alone:.1f} | at most {AT_MOST:g} | {verdict(quick / alone <= AT_MOST)} |",
        f"| `journal verify` | {whole * per:.1f} µs | {whole / alone:.1f} | at most {AT_MOST:g} | {verdict(whole / alone <= AT_MOST)} |",
        f"| of the latter: SQLite's own check of its structure | {structure * per:.1f} µs | {structure / alone:.1f} | | |",
        f"| `journal verify`, {given.signed:,} signed entries | {1e6 / signed:.0f} µs | {signed:,.0f} a second | at least {AT_LEAST:,.0f} | {verdict(signed >= AT_LEAST)} |",
    ]
    share = durable["journal"] / durable["bare"]
    apart = of_many / of_few
    lines += [
        "",
        "| | | goal | |",
        "|---|---|---|---|",
        f"| durable appends against a bare insert and commit | {share:.2f} | at least {SHARE:g} | {verdict(share >= SHARE)} |",
        f"| the same: journal, bare sqlite3, raw write and fsync | {durable['journal']:,.0f}, {durable['bare']:,.0f}, {durable['raw']:,.0f} a second | | |",
        f"| one batch out of {given.entries // 30:,} against out of 1,000 | {apart:.2f} | at most {AT_MOST_APART:g} | {verdict(apart <= AT_MOST_APART)} |",
    ]
    table = "\n".join(lines)
    print(table)
    if given.write:
        write_table("journal", table)
    return 0 if signed >= AT_LEAST else 1


def verdict(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    sys.exit(main())
