"""Lots out of a table: an opening stock, or a delivery that the supplier lists. All of them, or every reason why not."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from compounding.problems import CompoundingError, NotUnderstood, Problem
from compounding.records.facts import LotReceived
from compounding.records.national_code import national_code
from compounding.records.record import validated
from compounding.work.stocking import check_received

# The headings that a table may have; those of a certificate follow. Cells that hold several values part them by ;.
HEADINGS: Final = (
    *("lot", "role", "material", "supplier", "supplier_lot", "expires", "received", "amount", "price", "ndc"),
    *("label_claim", "content", "content_uncertainty", "size", "maker", "volume", "weights", "packing"),
    *("tapped_density", "bulk_density"),
)
CERTIFICATE: Final = {
    **{name: name for name in ("form", "assay", "assay_basis", "assay_of", "water", "loss_on_drying", "solvents")},
    "certificate": "number",
}
ROLES: Final = ("tablet", "powder", "filler", "shell", "ingredient")


def lots_from(
    rows: Sequence[tuple[str, Mapping[str, str]]], known: Collection[str], received: date
) -> tuple[list[LotReceived], list[Problem]]:
    """The lots of a table.

    Args:
        rows: where each row stands, and its cells by heading.
        known: ids of lots that were received before.
        received: the day of receipt of rows that do not say it.

    Returns:
        The lots of the rows that are right, and every problem of the others, each with its row.
    """
    headings = {heading for _, cells in rows for heading in cells}
    if problems := [_unknown(each) for each in sorted(headings - {*HEADINGS, *CERTIFICATE})]:
        return [], problems
    lots: list[LotReceived] = []
    taken = set(known)
    for where, cells in rows:
        lot, wrong = _lot(cells, where, received)
        if lot is not None and lot.lot in taken:
            text = f"Lot {lot.lot} was received before, or stands in another row: give this one another id"
            wrong.append(Problem("lot.known", text, lot.lot))
        if lot is not None and not any(each.stops for each in wrong):
            taken.add(lot.lot)
            lots.append(lot)
        problems += [replace(each, text=f"{where}: {each.text}", where=where) for each in wrong]
    return lots, problems


def _unknown(heading: str) -> Problem:
    near = difflib.get_close_matches(heading, (*HEADINGS, *CERTIFICATE), n=1)
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join((*HEADINGS, *CERTIFICATE))}"
    return Problem("column.unknown", f"{heading} is no heading of a lot: {advice}", heading)


def _lot(cells: Mapping[str, str], where: str, received: date) -> tuple[LotReceived | None, list[Problem]]:
    """One row as a lot, and what is wrong with it."""
    if (role := cells.get("role")) not in ROLES:
        text = f"role is {role or 'empty'}: write one of {', '.join(ROLES)}"
        return None, [Problem("lot.role", text, where)]
    try:
        lot = validated(LotReceived, _body(cells, received), where)
    except CompoundingError as refusal:
        return None, [replace(each, text=each.text.removeprefix(f"{where}: ")) for each in refusal.problems]
    return lot, check_received(lot, received)


def _body(cells: Mapping[str, str], received: date) -> dict[str, Any]:
    body: dict[str, Any] = {name: text for name, text in cells.items() if name in HEADINGS}
    body.setdefault("received", received.isoformat())
    certificate = {key: cells[name] for name, key in CERTIFICATE.items() if name in cells}
    if certificate:
        body["certificate"] = certificate
    if "ndc" in cells:
        body["national_code"] = national_code(cells["ndc"])
    for several in ("weights", "packing"):
        if several in body:
            body[several] = tuple(each.strip() for each in body[several].split(";") if each.strip())
    if "packing" in body:
        body["packing"] = [_packing(each) for each in body["packing"]]
    return body


def _packing(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3:
        says = f'{text!r} is not a packing: write SIZE:MAKER:MASS, such as "3:coni-snap:135 mg"'
        raise NotUnderstood(Problem("lot.packing", says, text))
    return dict(zip(("size", "maker", "mass"), parts, strict=True))
