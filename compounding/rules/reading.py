"""How hard a text is to read: years of school for English, ease for Spanish, against the limits of `reading.toml`.

Syllables are counted by the letters, which is wrong for one word in ten or so and right for a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Final

from compounding.problems import Problem
from compounding.rules.tables import in_force

WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
SENTENCE: Final = re.compile(r"[.!?](?=\s|$)")
# Two vowels that are two syllables in Spanish: both strong, or the weak one accented.
APART: Final = re.compile(r"(?<=[aeoáéó])(?=[aeoáéóíú])|(?<=[íú])(?=[aeoáéó])")


def words_and_sentences(texts: Iterable[str]) -> tuple[list[str], int]:
    """The words of some texts without numbers and abbreviations in capitals, and how many sentences they make."""
    words: list[str] = []
    sentences = 0
    for text in texts:
        for sentence in SENTENCE.split(text):
            found = [word.lower() for word in WORD.findall(sentence) if not (len(word) > 1 and word.isupper())]
            words += found
            sentences += bool(found)
    return words, sentences


def syllables(word: str, language: str) -> int:
    """About how many syllables a word has.

    Example:
        >>> [syllables(word, "en") for word in ("take", "table", "medicine", "opioid")]
        [1, 2, 3, 3]
        >>> [syllables(word, "es") for word in ("día", "cuidado", "leer")]
        [2, 3, 2]
    """
    if language == "es":
        return max(1, len(re.findall(r"[aeiouáéíóúü]+", APART.sub("-", re.sub(r"(?<=[qg])u(?=[eiéí])", "", word)))))
    groups = len(re.findall(r"[aeiouy]+", word)) + len(re.findall(r"i[ao](?!us)|eo|ua|ying", word))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouytd]ed$|(?<=[aeiouy])le$|[^aeiouyscxzgh]es$", word) is not None
    return max(1, groups - silent)


def reading(texts: Iterable[str], language: str) -> Fraction:
    """Years of school that English texts need; the ease of Spanish ones [0 to 100].

    Source:
        flesch-kincaid; fernandez-huerta

    Example:
        >>> float(reading(["Take it at night.", "Call us."], "en")) < 2
        True
    """
    words, sentences = words_and_sentences(texts)
    if not words:
        return Fraction(0) if language == "en" else Fraction(100)
    long = Fraction(sum(syllables(word, language) for word in words), len(words))
    many = Fraction(len(words), sentences)
    if language == "es":
        return Fraction("206.84") - 60 * long - Fraction("1.02") * many
    return Fraction("0.39") * many + Fraction("11.8") * long - Fraction("15.59")


def check_reading(texts: Iterable[str], language: str, on: date) -> list[Problem]:
    """Whether texts are harder to read than a patient's should be; told, not refused."""
    said = list(texts)
    for row in in_force("reading", on):
        if row["id"] != language.partition("-")[0]:
            continue
        found = round(float(reading(said, row["id"])), 1)
        if "most" in row and found > row["most"]:
            text = f"The words need {found:g} years of school, {row['most']} at most are asked for: write shorter sentences and words"
            return [Problem("reading.hard", text, language, stops=False, source=row["source"])]
        if "least" in row and found < row["least"]:
            text = f"The words have an ease of {found:g}, {row['least']} at least are asked for: write shorter sentences and words"
            return [Problem("reading.hard", text, language, stops=False, source=row["source"])]
    return []
