"""The patient's leaflet before anything is filled in: where each text stands, and its words in a language, for a place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from compounding.data_files import Table, data_folder, read_table
from compounding.documents.profiles import Profile
from compounding.documents.texts import read_wording
from compounding.problems import NotUnderstood, Problem
from compounding.records.leaflet import LeafletWording, Paragraph, Part, WordingSection, listed
from compounding.rules.tables import rows

SHEETS: Final = ("leaflet", "calendar", "card")
INSERTS: Final = ("warning", "directions", "calendar", "bottles", "follow-up")
# What may be true of a leaflet: its form, whether it is shaken, whether the dose rises, and where the calendar stands.
CONDITIONS: Final = ("liquid", "shake", "still", "steady", "here", "apart")
# Words that stand in no section, and how many there are in those that are lists.
WORDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("title", "record", "record-several", "page", "code", "for", "purpose", "first-dose", "and"), 1),
    **dict.fromkeys(("none", "draft", "approved", "date", "day", "between", "use-by", "capsules-of"), 1),
    **dict.fromkeys(("calendar-sheet", "card-sheet", "card-front", "card-back"), 1),
    "months": 12, "months-short": 12, "weekdays-short": 7, "calendar": 3, "bottles": 4, "follow-up": 3,
}  # fmt: skip
# Words that there are one of for each form, and for each test.
KINDS: Final = ("form-", "test-")
# The places that words may be for: the first part of a profile's id.
PLACES: Final = ("us", "ca", "uk", "de")
_LEAD: Final = re.compile(r"\*\*(.+?)\*\* (.+)")


def read_leaflet(
    language: str, profile: Profile, own: Path | None = None, structure: Path | None = None
) -> LeafletWording:
    """The leaflet's words in a language, for a place.

    Args:
        language: the folder of texts.
        profile: the place that the leaflet is for.
        own: the pharmacy's own folder of texts, which comes before ours.
        structure: another file than the one that says where each text stands.

    Raises:
        NotUnderstood: there are no such words, some are missing or too many, they are not for this place, or the
            warning is not among what stands there.
    """
    wording = read_wording("leaflet", language, own)
    table = read_table(structure or data_folder("labels") / "leaflets" / "patient.toml")
    words = _Words(wording.id, wording.words, profile)
    table.take("id", str)
    sources = {*map(str, table.take("sources", list))}
    sections = tuple(_section(each, words, sources) for each in table.tables("section"))
    card = Table(table.take("card", dict), table.file, "card")
    faces = [tuple(words[str(name)] for name in card.take(side, list)) for side in ("front", "back")]
    _check_sources(card, sources)
    card.end()
    table.end()
    if not any(part.insert == "warning" and not part.when for section in sections for part in section.parts):
        text = "the opioid warning is missing: a section must insert it, on every leaflet. Put it back."
        raise table.wrong("section", text)
    for name, many in WORDS.items():
        if len(listed(words[name])) != many:
            text = f"{wording.id}: {name} has {len(listed(words[name]))} words of {many}: “{words[name]}”"
            raise NotUnderstood(Problem("leaflet.words", text, name))
    for row in rows("follow_up"):
        words[f"test-{row['id']}"]
    words.end()
    return LeafletWording(
        id=wording.id,
        revision=wording.revision,
        language=wording.language,
        words={name: words[name] for name in (*WORDS, *words.of_kinds)},
        sections=sections,
        card=(faces[0], faces[1]),
        digest=wording.digest,
    )


class _Words:
    """The words by their names, those of the place first; what nothing asked for in the end was misspelt."""

    def __init__(self, id: str, words: Mapping[str, str], profile: Profile) -> None:
        self.id, self.words, self.profile = id, words, profile
        self.place = profile.id.partition("-")[0]
        self.asked: set[str] = set()
        self.of_kinds = [name for name in words if name.startswith(KINDS)]

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        for each in (f"{name}-{self.place}", name):
            if each in self.words:
                return self.words[each]
        if others := [each for each in PLACES if f"{name}-{each}" in self.words]:
            text = (
                f"{self.id} has no words for {self.profile.name}: {name} is written for {', '.join(others)} alone. "
                f"Write {name}-{self.place} in your own texts, and have a pharmacist approve them"
            )
            raise NotUnderstood(Problem("leaflet.place", text, name))
        text = f"{self.id} has no words for {name}: write them in your own texts, and have a pharmacist approve them"
        raise NotUnderstood(Problem("leaflet.no-wording", text, name))

    def end(self) -> None:
        known = {*self.asked, *self.of_kinds}
        for name in self.words:
            root, _, place = name.rpartition("-")
            if name not in known and not (place in PLACES and root in known):
                text = f"{self.id}: {name} stands nowhere on the leaflet: correct or remove it"
                raise NotUnderstood(Problem("leaflet.words", text, name))


def _section(table: Table, words: _Words, sources: set[str]) -> WordingSection:
    id, sheet = table.take("id", str), table.take("sheet", str)
    if sheet not in SHEETS:
        raise table.wrong("sheet", f"{sheet!r} is none of {', '.join(SHEETS)}.")
    section = WordingSection(
        id=id,
        sheet=sheet,
        heading=words[f"{id}-heading"],
        parts=tuple(_part(each, words, sources) for each in table.tables("part")),
    )
    table.end()
    return section


def _part(table: Table, words: _Words, sources: set[str]) -> Part:
    text, items, insert = table.take("text", str, ""), table.take("items", list, []), table.take("insert", str, "")
    when = tuple(map(str, table.take("when", list, [])))
    _check_sources(table, sources)
    table.end()
    if [bool(text), bool(items), bool(insert)].count(True) != 1:
        raise table.wrong("text", "a part is a text, a list of items, or an insert.")
    if insert and insert not in INSERTS:
        raise table.wrong("insert", f"{insert!r} is none of {', '.join(INSERTS)}.")
    if unknown := [each for each in when if each not in CONDITIONS]:
        raise table.wrong("when", f"{unknown[0]!r} is none of {', '.join(CONDITIONS)}.")
    return Part(
        texts=tuple(_lead(words[str(name)]) for name in ([text] if text else items)),
        is_list=bool(items),
        insert=insert,
        when=when,
    )


def _check_sources(table: Table, known: set[str]) -> None:
    named = table.take("sources", list)
    if not named or not known.issuperset(named):
        raise table.wrong("sources", f"name what the words restate, of {', '.join(sorted(known))}.")


def _lead(words: str) -> Paragraph:
    """A text, and the bold words that lead it in."""
    if found := _LEAD.fullmatch(words):
        return Paragraph(found[2], found[1])
    return Paragraph(words)
