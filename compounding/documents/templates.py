"""Label templates: which words go where, at which sizes. One that could lose the warning does not load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter

from compounding.data_files import Table, data_folder, read_table
from compounding.documents.boxes import LEADING_MOST, NBSP
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import FIELD_NAMES

# The four items that a patient looks for, and their least size in sans serif (ccr-16-1707-5; ismp-label-principles).
CRITICAL_FIELDS = frozenset({"patient", "drug", "strength", "directions", "purpose"})
CRITICAL_FLOOR = 12.0
CRITICAL_SHARE = 0.5
# Bold at 203 dots per inch stays readable down to here; a thinner or smaller warning does not.
WARNING_FLOOR = 7.5
# Below this strokes break at 203 dots per inch.
LEAST_FLOOR = 6.0
LEAST_LEADING = 1.15

# A label keeps its sense without these: the route stands in the directions, and the day of compounding in the
# batch's record (usp-795-label).
OPTIONAL_FIELDS = frozenset({"compounded_on", "route"})

# Strings of these fields stay on one line, or the label is refused: a strength or a date is read at a glance.
WHOLE_FIELDS = frozenset(
    {"strength", "dosage_form", "quantity", "pharmacy_phone", "prescription", "prescriber", "batch", "identifier"}
)


@dataclass(frozen=True)
class Part:
    """A piece of a row: a pattern, its weight, and the fields that it holds."""

    say: str
    bold: bool
    fields: frozenset[str]


@dataclass(frozen=True)
class RowPattern:
    """One row of a zone, with one size for each step of the zone's ladder, in points, largest first.

    Args:
        parts: pieces that follow each other with a wide space between them.
        floor: the smallest size; ``floor_on`` holds another one for some stocks.
        spread: on one line the parts are driven apart to fill it.
        one_line: a smaller size that keeps the row on one line is better than a larger one on two.
    """

    parts: tuple[Part, ...]
    sizes: tuple[float, ...]
    floor: float
    floor_on: tuple[tuple[str, float], ...] = ()
    spread: bool = False
    one_line: bool = False

    def floor_for(self, stock: str) -> float:
        """The smallest size on a stock [pt]."""
        return dict(self.floor_on).get(stock, self.floor)


@dataclass(frozen=True)
class ZonePattern:
    """One zone across the label: rows above each other.

    Args:
        leading: line spacing of each step, in sizes.
        least_share: the part of the label's area that the zone keeps for itself [1; from 0 to 1].
        heading: pattern of the white words on a black tag; a zone with one is drawn as a box.
        symbol: True if the barcode stands at the right of this zone.
        rule: True if a thin line closes the zone below.
    """

    name: str
    rows: tuple[RowPattern, ...]
    leading: tuple[float, ...]
    least_share: float = 0.0
    heading: str = ""
    symbol: bool = False
    rule: bool = False


@dataclass(frozen=True)
class Template:
    """A label's arrangements, in the order in which they are tried.

    Args:
        padding: white inside the stock's margin, left and right; ``gap`` between zones [pt].
        may_leave_out: the fields that an arrangement may lack; all others stand in each one.
    """

    id: str
    revision: int
    name: str
    padding: float
    gap: float
    may_leave_out: frozenset[str]
    arrangements: tuple[tuple[ZonePattern, ...], ...]

    @property
    def fixed_words(self) -> frozenset[str]:
        """The words that stand in the template itself: ``Lot``, ``Use``, ``by``."""
        patterns = [
            part.say for zones in self.arrangements for zone in zones for row in zone.rows for part in row.parts
        ]
        literals = [literal for pattern in patterns for literal, *_ in Formatter().parse(pattern)]
        return frozenset(word for literal in literals for word in literal.replace("~", " ").split())

    def floor_of(self, field: str, stock: str) -> float:
        """The smallest size at which a field may stand on a stock, in any arrangement [pt]."""
        floors = [
            row.floor_for(stock)
            for zones in self.arrangements
            for zone in zones
            for row in zone.rows
            if any(field in part.fields for part in row.parts) or field in fields_of(zone.heading)
        ]
        return min(floors, default=LEAST_FLOOR)


def read_template(name: str = "prescription", folder: Path | None = None) -> Template:
    """The template of that name, checked.

    Args:
        name: the file's name without ``.toml``.
        folder: a pharmacy's own folder of templates; ours without it.

    Raises:
        NotUnderstood: there is no such template, it lacks the warning or another field, or a size
            lies below its floor.
    """
    table = read_table((folder or data_folder("labels") / "templates") / f"{name}.toml")
    arrangements = _arrangements(table)
    zone_tables = table.tables("zone")
    zones = tuple(_zone(zone) for zone in zone_tables)
    template = Template(
        id=table.take("id", str),
        revision=table.take("revision", int),
        name=table.take("name", str),
        padding=table.take("padding", float),
        gap=table.take("gap", float),
        may_leave_out=frozenset(map(str, table.take("may_leave_out", list, []))),
        arrangements=tuple(_arranged(zones, words) for words in arrangements),
    )
    table.take("sources", list)
    table.end()
    if not template.may_leave_out <= OPTIONAL_FIELDS:
        raise table.wrong("may_leave_out", f"may hold {' and '.join(sorted(OPTIONAL_FIELDS))} only.")
    for arrangement in template.arrangements:
        _check(arrangement, template.may_leave_out, table)
    return template


def fields_of(pattern: str) -> frozenset[str]:
    """Names of the fields in a pattern.

    Example:
        >>> sorted(fields_of("{drug} {strength}"))
        ['drug', 'strength']
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(pattern) if name)


def written(part: Part, fields: dict[str, str]) -> str:
    """The words of one part; nothing if none of its fields has words.

    Strengths, quantities and the like are glued with no-break spaces.
    """
    if not any(fields[name] for name in part.fields):
        return ""
    glued = {name: fields[name].replace(" ", NBSP) if name in WHOLE_FIELDS else fields[name] for name in part.fields}
    return part.say.replace("~", NBSP).format_map(glued)


def _arrangements(table: Table) -> list[dict[str, str]]:
    arrangements = []
    for choice in table.tables("arrangement"):
        arrangements.append({key: choice.take(key, str) for key in list(choice.values)})
    return arrangements or [{}]


def _zone(table: Table) -> ZonePattern:
    rows = tuple(_row(row) for row in table.tables("row"))
    zone = ZonePattern(
        name=table.take("name", str),
        rows=rows,
        leading=table.numbers("leading"),
        least_share=table.take("least_share", float, 0.0),
        heading=table.take("heading", str, ""),
        symbol=table.take("symbol", bool, False),
        rule=table.take("rule", bool, False),
    )
    if not all(LEAST_LEADING <= leading <= LEADING_MOST for leading in zone.leading):
        raise table.wrong("leading", f"must lie between {LEAST_LEADING} and {LEADING_MOST}.")
    if any(len(row.sizes) != len(zone.leading) for row in rows):
        raise table.wrong("leading", "must hold one number for each size of each row.")
    table.end()
    return zone


def _row(table: Table) -> RowPattern:
    bold = table.take("bold", bool, False)
    says = table.take("parts", list)
    floor_on = table.take("floor_on", dict, {})
    row = RowPattern(
        parts=tuple(Part(str(say).removeprefix("*"), bold or str(say).startswith("*"), frozenset()) for say in says),
        sizes=table.numbers("sizes"),
        floor=table.take("floor", float),
        floor_on=tuple((str(stock), float(floor)) for stock, floor in floor_on.items()),
        spread=table.take("spread", bool, False),
        one_line=table.take("one_line", bool, False),
    )
    table.end()
    if list(row.sizes) != sorted(row.sizes, reverse=True) or row.sizes[-1] < row.floor:
        raise table.wrong("sizes", f"must go from large to small and stay at {row.floor:g} pt or above.")
    if any(not row.floor <= floor <= row.sizes[0] for _, floor in row.floor_on):
        raise table.wrong("floor_on", "may raise the floor, not lower it, and not above the largest size.")
    return row


def _arranged(zones: tuple[ZonePattern, ...], words: dict[str, str]) -> tuple[ZonePattern, ...]:
    """The zones with the arrangement's own patterns put in their places."""
    arranged = []
    for zone in zones:
        rows = []
        for row in zone.rows:
            says = [(_put(part.say, words), part.bold) for part in row.parts]
            parts = tuple(Part(say, bold, fields_of(say)) for say, bold in says if say)
            rows.append(replace(row, parts=parts))
        arranged.append(replace(zone, rows=tuple(rows)))
    return tuple(arranged)


def _put(say: str, words: dict[str, str]) -> str:
    for name, pattern in words.items():
        say = say.replace("{" + name + "}", pattern)
    return say


def fields_in(zones: tuple[ZonePattern, ...]) -> frozenset[str]:
    """Names of the fields that an arrangement holds."""
    return frozenset(field for zone in zones for row in zone.rows for part in row.parts for field in part.fields)


def _check(zones: tuple[ZonePattern, ...], may_leave_out: frozenset[str], table: Table) -> None:
    """Every field is placed, the warning in its box, and no floor lies below what the sources ask."""
    _check_warning(zones, table)
    placed = [
        (field, zone, row) for zone in zones for row in zone.rows for part in row.parts for field in sorted(part.fields)
    ]
    for field in sorted(FIELD_NAMES - fields_in(zones) - may_leave_out - {"warning_heading", "identifier"}):
        raise table.wrong("zone", f"no row says {{{field}}}: a label needs it.")
    for field, zone, row in placed:
        if field not in FIELD_NAMES:
            known = ", ".join(sorted(FIELD_NAMES))
            raise table.wrong("zone", f"{{{field}}} is not a field of a label. Known are: {known}.")
        if field in CRITICAL_FIELDS and (row.floor < CRITICAL_FLOOR or zone.least_share < CRITICAL_SHARE):
            raise table.wrong(
                f"zone {zone.name}",
                f"{{{field}}} must stand at {CRITICAL_FLOOR:g} pt or more in a zone of half of the label.",
            )
        if zone.least_share and field not in CRITICAL_FIELDS | {"dosage_form"}:
            raise table.wrong(f"zone {zone.name}", f"{{{field}}} may not stand among the items for the patient.")
        if row.floor < LEAST_FLOOR:
            raise table.wrong(f"zone {zone.name}", f"a floor below {LEAST_FLOOR:g} pt cannot be read.")
    if sum(1 for zone in zones if zone.least_share) != 1 or sum(1 for zone in zones if zone.symbol) != 1:
        raise table.wrong("zone", "exactly one zone has a least_share, and exactly one has the symbol.")


def _check_warning(zones: tuple[ZonePattern, ...], table: Table) -> None:
    boxes = [zone for zone in zones if fields_of(zone.heading) == {"warning_heading"}]
    rows = [row for zone in boxes for row in zone.rows]
    if len(rows) != 1 or [part.say for part in rows[0].parts] != ["{warning_text}"]:
        raise NotUnderstood(
            Problem(
                "template.no-warning",
                f"{table.file.name}: the opioid warning is missing or altered. Give it one zone with heading "
                '"{warning_heading}" and one row with the part "{warning_text}".',
                where=str(table.file),
            )
        )
    if rows[0].floor < WARNING_FLOOR or not rows[0].parts[0].bold:
        raise table.wrong("zone warning", f"the warning must be bold, with a floor of {WARNING_FLOOR:g} pt or more.")
