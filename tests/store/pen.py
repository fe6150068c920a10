"""Journals of stories about one batch, written past the command line by somebody who holds the file and some keys.

They are exported, and judged again by the program for inspectors, which shares nothing with the tool.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compounding.store import keys
from compounding.store.export import export_batch
from compounding.store.journal import Journal, Signer, Signing
from tests.store.journals import START, draft

VERIFIER = Path(__file__).parents[2] / "verifier" / "verify_batch.py"
offline = runpy.run_path(str(VERIFIER))
NAMES = {"ana": "Ana Ortiz", "ben": "Ben Fox", "tom": "Tom Reed", "kim": "Kim Lane", "eve": "Eve Moss"}
ROLES = {"ana": ["pharmacist"], "ben": ["pharmacist"], "tom": ["technician"], "kim": ["qc"], "eve": ["pharmacist"]}
BATCH = {"batch": "B-1"}
LOT = {"lot": "L-1", "role": "powder", "amount": "10 mg"}
FORMULA = ["[[test]]", 'trait = "assay"', "[[test]]", 'trait = "colour"', "required = false"]
PLAN = {"formula": {"id": "some-formula"}, "lines": [{"line": "source"}], "steps": [{"number": 1}]}
OPENED = BATCH | {"plan": PLAN, "formula": FORMULA}
WEIGHED = BATCH | {"line": "source", "lot": "L-1", "reading": "1 mg", "low": "0.9 mg", "high": "1.1 mg", "within": True}
YIELDED = BATCH | {"made": "10 capsules", "within": True}
TESTED = BATCH | {"trait": "assay", "verdict": "pass"}
CLOCK = {"after": 6, "was": "2040-01-01T00:00:00+00:00"}
RESUMED = {"seen_entries": 99, "seen_root": "00" * 32}
LABEL = BATCH | {"label": "L0000001A", "quantity": "10 capsules", "prescription": "1234"}


class Pen:
    """Writes entries as anybody could who holds the file and some keys; it keeps no rule."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.keys = {person: keys.new_key() for person in NAMES}

    def write(
        self,
        kind: str,
        person: str,
        body: dict[str, Any],
        *signers: str,
        subject: str = "",
        back: int = 0,
        **changed: str,
    ) -> int:
        """One entry, signed by these people; ``changed`` alters what the first signature says.

        ``back`` is how many minutes before its turn it is dated.
        """
        made = []
        for place, signer in enumerate(signers):
            key = self.keys[signer]
            stated = {"person": signer, "name": NAMES[signer.split("-")[0]], "key": key.public} | (
                changed if place == 0 else {}
            )
            made.append(Signer(Signing(meaning="as it says", shown="00" * 32, **stated), key.sign))
        subjects = [subject or ("batch:B-1" if "batch" in body else f"lot:{body.get('lot', 'none')}")]
        subjects += [f"lot:{body['lot']}"] if "batch" in body and "lot" in body else []
        when = {"minute": self.journal.head().size - back, "clock_set_back": bool(back)}
        (entry,) = self.journal.append(
            [draft(kind, *subjects, person=person, body=body, signers=tuple(made), **when)], {}
        )
        return entry.sequence

    def key(self, person: str, *others: str, by: str = "", **changed: Any) -> int:
        body = {"person": person, "name": NAMES[person], "roles": ROLES[person], "key": self.keys[person].public}
        return self.write("key-created", by or person, body | changed, person, *others, subject=f"person:{person}")

    def end(self, kind: str, person: str, *signers: str) -> int:
        body = {"person": person, "key": self.keys[person].public}
        return self.write(kind, signers[0] if signers else "ana", body, *signers, subject=f"person:{person}")

    def revoked_since(self, person: str, since: int, subject: str = "batch:B-1") -> int:
        """By Ana: the key of somebody, and what it signed since an entry."""
        body = {"person": person, "key": self.keys[person].public, "since": since}
        key = self.keys["ana"]
        signer = Signer(Signing("ana", NAMES["ana"], key.public, "as it says", "00" * 32), key.sign)
        told = draft("key-revoked", f"person:{person}", *filter(None, [subject]), person="ana", body=body, signers=(signer,),
                     minute=self.journal.head().size)  # fmt: skip
        return self.journal.append([told], {})[0].sequence

    def people(self) -> None:
        self.key("ana")
        for person in ("ben", "tom", "kim"):
            self.key(person, "ana", by="ana")

    def opened(self) -> None:
        self.write("lot-received", "tom", LOT)
        self.write("batch-opened", "ana", OPENED, subject="batch:B-1")

    def weighed(self, reading: str = "1 mg", by: str = "tom", **changed: Any) -> int:
        return self.write("weighed", by, WEIGHED | {"reading": reading} | changed)

    def made(self) -> None:
        self.opened()
        self.weighed()
        self.write("step-done", "tom", BATCH | {"number": 1})
        self.write("yielded", "tom", YIELDED)

    def tested(self) -> None:
        self.made()
        self.write("tested", "kim", TESTED)

    def verified(self) -> None:
        self.tested()
        self.write("verified", "ben", BATCH, "ben")

    def released(self) -> None:
        self.verified()
        self.write("released", "ana", BATCH, "ana")

    def labelled(self) -> None:
        self.released()
        self.write("label-printed", "tom", LABEL)

    def dispensed(self) -> None:
        self.labelled()
        self.write("dispensed", "tom", LABEL)


def exported(pen: Pen, exporter: str = "ana") -> bytes:
    key = pen.keys[exporter]
    stated = Signing(exporter, NAMES[exporter], key.public, "", "")
    return export_batch(pen.journal, "B-1", START, stated, lambda content: key.sign(content, keys.EXPORT_TYPE), {})


def named(wrong: list[str]) -> list[str]:
    return [each.split(" ")[0] for each in wrong]


def told_of(pen: Pen) -> str:
    """The verdict about the batch, in a file that holds."""
    told: list[str] = []
    assert offline["check"](exported(pen), told) == []
    return told[-1].split(";")[0].strip()


# ---- stories ----

INQUIRY = BATCH | {"investigation": "INV-1"}
CONCLUDED = (("investigation-concluded", "kim", INQUIRY),)
# A failing result that its investigation sets aside, and the retest that is planned for it.
ASIDE = ("result-invalidated", "ana", INQUIRY)
RESAMPLED = ("resampled", "ana", INQUIRY | {"plan": "ten from all over"})
VERIFIED = ("verified", "ben", BATCH, "ben")


def planned(retests: int, sample: str = "original") -> tuple[Any, ...]:
    return ("retest-planned", "ana", INQUIRY | {"retests": retests, "sample": sample})


def retested(number: int, found: str = "2026-02-28") -> tuple[Any, ...]:
    """Found on the day of its plan: the journal begins on 2026-03-01 in UTC; here it may still be the day before."""
    return ("tested", "kim", INQUIRY | TESTED | {"retest": number, "found": found})


PLANNED, RETEST = planned(1), retested(1)


def investigated(begin: str, *entries: tuple[Any, ...]) -> Callable[[Pen], object]:
    """A beginning, an investigation that Kim opened, and what came after."""
    return after(begin, ("investigation-opened", "kim", INQUIRY), *entries)


def failed(begin: str, *entries: tuple[Any, ...]) -> Callable[[Pen], object]:
    """A beginning, a failing assay with the investigation that it opens, and what came after."""
    return investigated(begin, ("tested", "kim", INQUIRY | TESTED | {"verdict": "fail"}), *entries)


def closing(by: str, disposition: str = "release") -> tuple[Any, ...]:
    return ("investigation-closed", by, INQUIRY | {"disposition": disposition}, by)


def after(begin: str, *entries: Any) -> Callable[[Pen], object]:
    """A beginning, and more entries: one, or several as tuples."""

    def story(pen: Pen) -> None:
        getattr(pen, begin)()
        for kind, person, body, *signers in entries if isinstance(entries[0], tuple) else [entries]:
            pen.write(kind, person, body, *signers)

    return story
