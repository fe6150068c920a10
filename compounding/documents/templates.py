"""Label templates: which words go where, at which sizes. One that could lose the warning does not load."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from string import Formatter

from compounding.data_files import Table, data_folder, read_table
from compounding.documents.boxes import LEADING_MOST, NBSP
from compounding.documents.profiles import Profile
from compounding.documents.stocks import Stock
from compounding.documents.texts import read_texts
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import ADDED_FIELDS, FIELD_NAMES, MAY_BE_EMPTY, LabelText, printed_fields

# The four items that a patient looks for, and their least size in sans serif (ccr-16-1707-5; ismp-label-principles).
CRITICAL_FIELDS = frozenset({"patient", "drug", "strength", "directions", "purpose"})
CRITICAL_FLOOR = 12.0
CRITICAL_SHARE = 0.5
# Bold at 203 dots per inch stays readable down to here; a thinner or smaller warning does not.
WARNING_FLOOR = 7.5
WARNING_FLOOR_WIDE = 8.0
# Below this strokes break at 203 dots per inch.
LEAST_FLOOR = 6.0
LEAST_LEADING = 1.15

# A label keeps its sense without these: the route stands in the directions, and the day of compounding in the
# batch's record (usp-795-label).
OPTIONAL_FIELDS = frozenset({"compounded_on", "route"})

# What each kind of template places, whatever else it places; the warning beside it. A label that leaves to a patient
# holds every field of the first labels; a syringe is one dose of a preparation whose label goes with it. What names
# the product carries the warning: a sticker too, because it may be the one that is read. An auxiliary label names no
# product, stands beside a label that does, and has no room for more than its sentence.
PATIENT_FIELDS = FIELD_NAMES - ADDED_FIELDS - {"warning_heading", "warning_text", "identifier"}
PLACED = {
    "patient": PATIENT_FIELDS,
    "dose": frozenset({"patient", "drug", "strength", "dose", "route", "batch", "beyond_use_date"}),
    "pharmacy": frozenset({"drug", "strength", "batch"}),
    "auxiliary": frozenset({"sentence"}),
}
# Begins the name of a short word that the language's texts hold: {say_lot}.
SAY = "say_"

# Strings of these fields stay on one line, or the label is refused: a strength or a date is read at a glance.
WHOLE_FIELDS = frozenset(
    {
        "strength",
        "dosage_form",
        "quantity",
        "pharmacy_phone",
        "prescription",
        "prescriber",
        "batch",
        "identifier",
        "dose",
    }
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
        floor: the smallest size; ``floor_wide`` is the one on labels about 4 inches wide.
        spread: on one line the parts are driven apart to fill it.
        one_line: a smaller size that keeps the row on one line is better than a larger one on two.
    """

    parts: tuple[Part, ...]
    sizes: tuple[float, ...]
    floor: float
    floor_wide: float = 0.0
    spread: bool = False
    one_line: bool = False

    def floor_on(self, is_wide: bool) -> float:
        """The smallest size on a label that is about 4 inches wide, or on another one [pt]."""
        return max(self.floor, self.floor_wide if is_wide else 0.0)


@dataclass(frozen=True, eq=False)
class ZonePattern:
    """One zone across the label: rows above each other.

    Args:
        leading: line spacing of each step, in sizes.
        least_share: the part of the label's area that the zone keeps for itself [1; from 0 to 1].
        heading: pattern of the white words on a black tag; a zone with one is drawn as a box.
        symbol: True if the barcode stands at the right of this zone.
        rule: True if a thin line closes the zone below.
        grows: True for the one zone that takes what the others leave; it has the ``least_share``, if any has.
        piece: which label of a set the zone stands on, from 1.
    """

    name: str
    rows: tuple[RowPattern, ...]
    leading: tuple[float, ...]
    least_share: float = 0.0
    heading: str = ""
    symbol: bool = False
    rule: bool = False
    grows: bool = False
    piece: int = 1


@dataclass(frozen=True)
class Template:
    """A label's arrangements, in the order in which they are tried.

    Args:
        kind: a key of `PLACED`.
        language: of the words that stand in it.
        padding: white inside the stock's margin, left and right; ``gap`` between zones [pt].
        may_leave_out: the fields that an arrangement may lack; all others stand in each one.
        requires: the fields that must have words.
        pieces: the labels of a set, each a template of its own; empty for one label.
    """

    id: str
    revision: int
    name: str
    kind: str
    language: str
    padding: float
    gap: float
    may_leave_out: frozenset[str]
    requires: frozenset[str]
    arrangements: tuple[tuple[ZonePattern, ...], ...]
    pieces: tuple[Template, ...] = ()

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that stand in any arrangement."""
        return frozenset(field for zones in self.arrangements for field in fields_in(zones))

    @property
    def has_symbol(self) -> bool:
        """True if the label carries a barcode."""
        return any(zone.symbol for zone in self.arrangements[0])

    @property
    def statements(self) -> tuple[str, ...]:
        """What the template itself says, such as ``QUARANTINE``: parts without a field."""
        parts = [part for zone in self.arrangements[0] for row in zone.rows for part in row.parts]
        return tuple(part.say.replace("~", " ") for part in parts if not part.fields)

    @property
    def fixed_words(self) -> frozenset[str]:
        """The words that stand in the template itself: ``Lot``, ``Use``, ``by``."""
        patterns = [
            part.say for zones in self.arrangements for zone in zones for row in zone.rows for part in row.parts
        ]
        literals = [literal for pattern in patterns for literal, *_ in Formatter().parse(pattern)]
        return frozenset(word for literal in literals for word in literal.replace("~", " ").split())

    def floor_of(self, field: str, stock: Stock) -> float:
        """The smallest size at which a field may stand on a stock, in any arrangement [pt]."""
        floors = [
            row.floor_on(stock.is_wide)
            for zones in self.arrangements
            for zone in zones
            for row in zone.rows
            if any(field in part.fields for part in row.parts) or field in fields_of(zone.heading)
        ]
        return min(floors, default=LEAST_FLOOR)


def read_template(
    name: str = "prescription", folder: Path | None = None, language: str = "en", texts: Path | None = None
) -> Template:
    """The template of that name, checked, in a language.

    Args:
        name: the file's name without ``.toml``.
        folder: a pharmacy's own folder of templates; ours without it.
        language: of the short words that stand in it.
        texts: a pharmacy's own folder of texts, which comes before ours.

    Raises:
        NotUnderstood: there is no such template, it lacks the warning or another field, a size lies below its
            floor, or a word is missing in the language.
    """
    table = read_table((folder or data_folder("labels") / "templates") / f"{name}.toml")
    words = {f"{SAY}{name}": said.replace(" ", "~") for name, said in read_texts("words", language, texts).items()}
    arrangements = _arrangements(table)
    zones = tuple(_zone(zone) for zone in table.tables("zone"))
    kind = table.take("kind", str)
    if kind not in PLACED:
        raise table.wrong("kind", f"{kind!r} is none of {', '.join(PLACED)}.")
    template = Template(
        id=table.take("id", str),
        revision=table.take("revision", int),
        name=table.take("name", str),
        kind=kind,
        language=language,
        padding=table.take("padding", float),
        gap=table.take("gap", float),
        may_leave_out=frozenset(map(str, table.take("may_leave_out", list, []))),
        requires=frozenset(),
        arrangements=_shared(tuple(_arranged(zones, chosen, words, table) for chosen in arrangements)),
    )
    may_be_empty = MAY_BE_EMPTY - set(map(str, table.take("requires", list, [])))
    table.take("sources", list)
    table.end()
    if not template.may_leave_out <= OPTIONAL_FIELDS:
        raise table.wrong("may_leave_out", f"may hold {' and '.join(sorted(OPTIONAL_FIELDS))} only.")
    for arrangement in template.arrangements:
        _check(arrangement, template, table)
    template = replace(template, requires=template.fields - may_be_empty)
    return replace(template, pieces=_pieces(template))


def _shared(arrangements: tuple[tuple[ZonePattern, ...], ...]) -> tuple[tuple[ZonePattern, ...], ...]:
    """The same arrangements, with zones that are alike as one object: what was measured for it holds in each."""
    known: dict[str, ZonePattern] = {}
    return tuple(tuple(known.setdefault(repr(zone), zone) for zone in zones) for zones in arrangements)


def _pieces(template: Template) -> tuple[Template, ...]:
    """Each label of a set as a template of its own."""
    count = max(zone.piece for zone in template.arrangements[0])
    if count == 1:
        return ()
    pieces = []
    for piece in range(1, count + 1):
        zones = tuple(tuple(zone for zone in each if zone.piece == piece) for each in template.arrangements)
        own = replace(template, arrangements=zones, name=f"{template.name}, {piece} of {count}")
        pieces.append(
            replace(own, requires=template.requires & own.fields, may_leave_out=template.may_leave_out & own.fields)
        )
    return tuple(pieces)


def under(template: Template, profile: Profile) -> Template:
    """The template as a profile wants it: its share for the patient's items, its fields, its floor for the warning.

    Raises:
        NotUnderstood: the template has no place for a field that the profile requires.
    """
    if template.kind == "auxiliary":
        return template
    wanted = profile.requires if template.kind == "patient" else frozenset()
    missing = sorted(wanted - template.fields)
    if missing:
        text = f"Profile {profile.id} requires {', '.join(missing)}: template {template.id} has no place for it. Choose another"
        raise NotUnderstood(Problem("profile.no-place", text, template.id, source=profile.sources[0]))
    arrangements = tuple(tuple(_zone_under(zone, profile) for zone in zones) for zones in template.arrangements)
    changed = replace(
        template,
        arrangements=_shared(tuple(zones for zones in arrangements if wanted <= fields_in(zones))),
        requires=template.requires | wanted,
        may_leave_out=template.may_leave_out - wanted,
    )
    return replace(changed, pieces=_pieces(changed))


def _zone_under(zone: ZonePattern, profile: Profile) -> ZonePattern:
    share = profile.patient_share if zone.least_share else 0.0
    if not zone.heading:
        return replace(zone, least_share=share)
    rows = tuple(replace(row, floor=max(row.floor, profile.warning_floor)) for row in zone.rows)
    return replace(zone, rows=rows)


def fields_of(pattern: str) -> frozenset[str]:
    """Names of the fields in a pattern.

    Example:
        >>> sorted(fields_of("{drug} {strength}"))
        ['drug', 'strength']
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(pattern) if name)


def written(part: Part, fields: dict[str, str]) -> str:
    """The words of one part; nothing if it has fields and none of them has words.

    Strengths, quantities and the like are glued with no-break spaces.
    """
    if part.fields and not any(fields[name] for name in part.fields):
        return ""
    glued = {name: fields[name].replace(" ", NBSP) if name in WHOLE_FIELDS else fields[name] for name in part.fields}
    return part.say.replace("~", NBSP).format_map(glued)


def template_fields(text: LabelText, template: Template) -> dict[str, str]:
    """The words of a label that its template places, the barcode's identifier among them."""
    held = template.fields | {name for zone in template.arrangements[0] for name in fields_of(zone.heading)}
    if template.has_symbol:
        held |= {"identifier"}
    return {name: words for name, words in printed_fields(text).items() if name in held}


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
        grows=table.take("grows", bool, False),
        piece=table.take("piece", int, 1),
    )
    zone = replace(zone, grows=zone.grows or zone.least_share > 0)
    if not all(LEAST_LEADING <= leading <= LEADING_MOST for leading in zone.leading):
        raise table.wrong("leading", f"must lie between {LEAST_LEADING} and {LEADING_MOST}.")
    if any(len(row.sizes) != len(zone.leading) for row in rows):
        raise table.wrong("leading", "must hold one number for each size of each row.")
    table.end()
    return zone


def _row(table: Table) -> RowPattern:
    bold = table.take("bold", bool, False)
    says = table.take("parts", list)
    row = RowPattern(
        parts=tuple(Part(str(say).removeprefix("*"), bold or str(say).startswith("*"), frozenset()) for say in says),
        sizes=table.numbers("sizes"),
        floor=table.take("floor", float),
        floor_wide=table.take("floor_wide", float, 0.0),
        spread=table.take("spread", bool, False),
        one_line=table.take("one_line", bool, False),
    )
    table.end()
    if list(row.sizes) != sorted(row.sizes, reverse=True) or row.sizes[-1] < row.floor:
        raise table.wrong("sizes", f"must go from large to small and stay at {row.floor:g} pt or above.")
    if row.floor_wide and not row.floor <= row.floor_wide <= row.sizes[0]:
        raise table.wrong("floor_wide", "may raise the floor, not lower it, and not above the largest size.")
    return row


def _arranged(
    zones: tuple[ZonePattern, ...], chosen: dict[str, str], words: dict[str, str], table: Table
) -> tuple[ZonePattern, ...]:
    """The zones with the arrangement's own patterns, and the language's words, put in their places."""
    arranged = []
    for zone in zones:
        rows = []
        for row in zone.rows:
            says = [(_put(_put(part.say, chosen), words), part.bold) for part in row.parts]
            parts = tuple(Part(say, bold, fields_of(say)) for say, bold in says if say)
            for part in parts:
                for missing in sorted(field for field in part.fields if field.startswith(SAY)):
                    raise table.wrong(
                        "zone", f"{{{missing}}} has no wording: add {missing.removeprefix(SAY)} to words.toml."
                    )
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


def _check(zones: tuple[ZonePattern, ...], template: Template, table: Table) -> None:
    """Every field is placed, the warning in its box, and no floor lies below what the sources ask."""
    _check_warning(zones, template, table)
    placed = [
        (field, zone, row) for zone in zones for row in zone.rows for part in row.parts for field in sorted(part.fields)
    ]
    for field in sorted(PLACED[template.kind] - fields_in(zones) - template.may_leave_out):
        raise table.wrong("zone", f"no row says {{{field}}}: a label needs it.")
    for field, zone, row in placed:
        if field not in FIELD_NAMES:
            known = ", ".join(sorted(FIELD_NAMES))
            raise table.wrong("zone", f"{{{field}}} is not a field of a label. Known are: {known}.")
        _check_place(field, zone, row, template, table)
    pieces = sorted({zone.piece for zone in zones})
    if pieces != list(range(1, len(pieces) + 1)) or any(
        sum(1 for zone in zones if zone.grows and zone.piece == piece) != 1 for piece in pieces
    ):
        raise table.wrong("zone", "exactly one zone of each piece grows: give it a least_share, or grows = true.")
    if sum(1 for zone in zones if zone.symbol) != (template.kind != "auxiliary"):
        raise table.wrong("zone", "exactly one zone has the symbol, and none of an auxiliary label.")


def _check_place(field: str, zone: ZonePattern, row: RowPattern, template: Template, table: Table) -> None:
    # A set's second label repeats whose it is; what a patient reads stands on the first.
    repeated = template.kind == "patient" and field == "patient" and zone.piece > 1
    critical = field in CRITICAL_FIELDS and template.kind in ("patient", "dose") and not repeated
    share = CRITICAL_SHARE if template.kind == "patient" else 0.0
    if critical and (row.floor < CRITICAL_FLOOR or zone.least_share < share):
        half = " in a zone of half of the label" if share else ""
        raise table.wrong(f"zone {zone.name}", f"{{{field}}} must stand at {CRITICAL_FLOOR:g} pt or more{half}.")
    if zone.least_share and field not in CRITICAL_FIELDS | {"dosage_form"}:
        raise table.wrong(f"zone {zone.name}", f"{{{field}}} may not stand among the items for the patient.")
    if row.floor < LEAST_FLOOR:
        raise table.wrong(f"zone {zone.name}", f"a floor below {LEAST_FLOOR:g} pt cannot be read.")
    if template.kind == "auxiliary" and field != "sentence":
        raise table.wrong(
            f"zone {zone.name}", f"{{{field}}} may not stand on an auxiliary label: it carries no warning."
        )


def _check_warning(zones: tuple[ZonePattern, ...], template: Template, table: Table) -> None:
    if template.kind == "auxiliary":
        return
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
    row = rows[0]
    if row.floor < WARNING_FLOOR or row.floor_wide < WARNING_FLOOR_WIDE or not row.parts[0].bold:
        raise table.wrong(
            "zone warning",
            f"the warning must be bold, with a floor of {WARNING_FLOOR:g} pt or more and a floor_wide of "
            f"{WARNING_FLOOR_WIDE:g} pt or more.",
        )
