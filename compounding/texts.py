"""Text that may be written down: what an eye on paper sees, in one spelling.

Characters that cannot be seen or that turn the text around (control, zero-width, bidirectional, private, unassigned)
would let a record say something else than its paper, or steer the terminal that shows it.

Source:
    unicode-15 (general categories, normal form C)
"""

from __future__ import annotations

import unicodedata

from compounding.problems import NotUnderstood, Problem

# Cc control, Cf format (zero-width, bidirectional), Cs surrogate, Co private, Cn unassigned, Zl and Zp line breaks.
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain_text(text: str, where: str) -> str:
    """Text as it may be written down: normal form C, every character visible or a space.

    Raises:
        NotUnderstood: a character that cannot be seen on paper; the message names it and its place.
    """
    if text.isascii() and text.isprintable():
        return text
    normal = unicodedata.normalize("NFC", text)
    for place, character in enumerate(normal, start=1):
        if unicodedata.category(character) in REFUSED_CATEGORIES:
            name = unicodedata.name(character, "no name")
            said = f"character {place} is U+{ord(character):04X} ({name}), which cannot be seen on paper"
            advice = "Type the text again on one line without it"
            raise NotUnderstood(Problem("canonical.character", f"{where}: {said}. {advice}.", where=where))
    return normal


def page_of(text: str) -> tuple[str, ...]:
    """A page line by line as it may be written down: normal form C, a question mark for what cannot be seen on paper."""
    lines = unicodedata.normalize("NFC", text).split("\n")
    return tuple(
        "".join("?" if unicodedata.category(each) in REFUSED_CATEGORIES else each for each in line) for line in lines
    )


def visible(text: str) -> bool:
    """True if every character can be seen on paper or is a space, and the text is in its normal form."""
    if text.isascii() and text.isprintable():
        return True
    categories = set(map(unicodedata.category, set(text)))
    if "Cn" in categories:  # the tables here are older than the text: they cannot judge its normal form
        return not categories & (REFUSED_CATEGORIES - {"Cn"})
    return not categories & REFUSED_CATEGORIES and unicodedata.is_normalized("NFC", text)
