"""One batch in one file that proves itself: its entries, their way to the head, keys, files, and a signature.

The file is JSON objects, one a line; ``verifier/verify_batch.py`` says what each holds and checks it with
nothing of this tool. Beside the entries about the batch stand those that they rest on: what is known of its
lots (not what else was made of them), every approval of its formula, every key of the site, and what befell the journal. An
entry names the one before it about the same thing, so that none in between can be left out.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from compounding.problems import Problem, Refused
from compounding.store import log
from compounding.store.journal import Entry, Journal, Signing, written_time

FORMAT = "compounding-batch-export/1"


def export_batch(
    journal: Journal,
    batch: str,
    time: datetime,
    exporter: Signing | None,
    sign: Callable[[bytes], bytes] | None,
    attachments: Mapping[str, tuple[str, bytes]],
) -> bytes:
    """The content of the file.

    Args:
        journal: an open journal.
        batch: id of the batch.
        time: when it is exported.
        exporter: who exports it, with which key; None at a site without keys.
        sign: makes the signature of the bytes above it; there if an exporter is.
        attachments: name and content of each file that an entry names, by its SHA-256 in hexadecimal.

    Raises:
        Refused: the journal does not hold what was recorded.
    """
    with journal.database.reading():
        rows = journal.database.every_row(journal.site)
        tree = log.Tree([row.leaf for row in rows])
        entries = _entries(journal, batch)
    head = tree.head()
    if head != journal.head():
        text = "The journal is not what was written: nothing was exported. Run compounding journal verify"
        raise Refused(Problem("journal.damaged", text))
    first: dict[str, Any] = {
        "format": FORMAT,
        "batch": batch,
        "origin": journal.origin,
        "size": head.size,
        "root": head.root.hex(),
        "exported": {
            "key": exporter.key if exporter else "",
            "name": exporter.name if exporter else "",
            "person": exporter.person if exporter else "",
            "time": written_time(time),
        },
    }
    lines = [first, *(_line(entry, tree) for entry in entries)]
    lines += [
        {"attachment": digest, "name": name, "base64": b64encode(content).decode("ascii")}
        for digest, (name, content) in sorted(attachments.items())
    ]
    above = b"".join(map(_written, lines))
    return above + _written({"signature": sign(above).hex() if sign else ""})


def _entries(journal: Journal, batch: str) -> list[Entry]:
    """The entries about a batch, and those that they rest on, in the order of the journal."""
    own = journal.entries(f"batch:{batch}")
    found = {entry.sequence: entry for entry in own}
    subjects = {subject for entry in own for subject in entry.subjects}
    for subject in sorted(each for each in subjects if each.startswith("lot:")):
        found |= {entry.sequence: entry for entry in journal.entries(subject) if entry.kind.startswith("lot-")}
    formulas = {str(entry.body["plan"]["formula"]["id"]) for entry in own if entry.kind == "batch-opened"}
    for formula in sorted(formulas):
        found |= {entry.sequence: entry for entry in journal.entries(f"formula:{formula}")}
    for subject in (*journal.subjects("person:"), *journal.subjects("journal:")):
        found |= {entry.sequence: entry for entry in journal.entries(subject)}
    return [found[sequence] for sequence in sorted(found)]


def _line(entry: Entry, tree: log.Tree) -> dict[str, Any]:
    line: dict[str, Any] = {
        "sequence": entry.sequence,
        "raw": entry.raw.decode("utf-8"),
        "signatures": entry.signatures.hex(),
        "proof": [step.hex() for step in tree.inclusion_proof(entry.sequence - 1)],
    }
    if entry.signing:
        line["before"] = [step.hex() for step in tree.consistency_proof(entry.head.size)]
    return line


def _written(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
