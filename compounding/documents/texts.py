"""Wordings for labels, by language. A missing wording is refused, never shown in another language.

The words that are shipped are pinned here, each file at its revision: one that was edited does not load, whatever it says
of itself. A pharmacy's own words lie in a folder of its own, and come before ours; that they are used only once they are
approved is for `work.approving` to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from compounding.data_files import data_folder, read_table
from compounding.documents.profiles import Profile
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import WarningText, Wording

# The digest of every wording that is shipped, by its id and revision. It changes with a revision, and only with one.
SHIPPED: Final = {
    ("en/auxiliary", 1): "sha256:6546b851389db5ee8309719c87f3114ebbbbfb7b89897a2998c43a4ce27ebedc",
    ("en/leaflet", 1): "sha256:75f34d2a6b2b2a3f6f90f32efbc498b882a5ab0e864800f5d5e13f8a3636604b",
    ("en/opioid", 1): "sha256:8265c4b95e79d8ff741bb9d20a48d2534e9cd25781f365fbc9f021f077868876",
    ("en/words", 1): "sha256:e70f0d5a82252f21d9872f88826a810a51cf55e265921ecaf83522f1d5da757b",
    ("es/auxiliary", 1): "sha256:316332aa4c2b813bdfcd8ce066e5df67af5692ed866f356c796e90d6820ae91a",
    ("es/leaflet", 1): "sha256:f2c8c0dd1c264d16448c93956862ab4d436b872fc3406429b0fc86769b28099f",
    ("es/opioid", 1): "sha256:203b62cf553a1418d744509e5c2dd2e7fdb68fcabbcef7f56d54776ee95a80da",
    ("es/sentences", 1): "sha256:dce6e20940f5106202267c0e831cb067e1caf161c3f814d8fa07ae5e1e28782b",
    ("es/words", 1): "sha256:3a7dc594b08a1fc24d928630327e963a7f8e09e6f8b661f93fa1ed21c244b0c6",
}


def shipped_texts() -> Path:
    """The folder of the wordings that are shipped, one folder in it for each language."""
    return data_folder("labels") / "texts"


def wording_ids(language: str, own: Path | None = None) -> tuple[str, ...]:
    """Ids of the wordings that there are in a language, ours and a pharmacy's own."""
    found = {path.stem for each in (shipped_texts(), own) if each for path in (each / language).glob("*.toml")}
    return tuple(f"{language}/{name}" for name in sorted(found))


def languages(own: Path | None = None) -> tuple[str, ...]:
    """Languages that there are any wordings in."""
    found = {path.parent.name for each in (shipped_texts(), own) if each for path in each.glob("*/*.toml")}
    return tuple(sorted(found))


def read_wording(name: str, language: str, own: Path | None = None, ours: Path | None = None) -> Wording:
    """One file of words: a warning, or sentences by their names.

    Args:
        name: the file's name without ``.toml``.
        language: the folder of texts.
        own: the pharmacy's own folder of texts, which comes before ours.
        ours: another folder of shipped texts than the one that is installed.

    Raises:
        NotUnderstood: there is no such wording, it says not where it comes from, or its words are not those of its
            revision.
    """
    mine = own is not None and (own / language / f"{name}.toml").is_file()
    wording = parsed(name, language, own if own and mine else ours or shipped_texts(), own=mine)
    _check_words(wording)
    return wording


def parsed(name: str, language: str, folder: Path, *, own: bool = False) -> Wording:
    """The words of one file, whether or not they are those that were shipped."""
    table = read_table(folder / language / f"{name}.toml")
    if table.take("language", str) != language:
        raise table.wrong("language", f"is not {language!r}, the folder it lies in.")
    title, words = "", table.values.pop("text", None)
    if isinstance(words, str):
        title, words = table.take("id", str).strip(), {"heading": table.take("heading", str), "text": words}
        if not title:
            raise table.wrong("id", "is empty: a warning has a name.")
    if not isinstance(words, dict) or not words:
        raise table.wrong("text", "is missing. Write a table of words there; a warning has id, heading and text.")
    for key, said in words.items():
        if not isinstance(said, str) or not said.strip():
            raise table.wrong(f"text.{key}", "must be words.")
    wording = Wording(
        id=f"{language}/{name}",
        revision=table.take("revision", int),
        words=words,
        title=title,
        sources=tuple(str(each).strip() for each in table.take("sources", list)),
        approved_by=table.take("approved_by", str).strip(),
        own=own,
    )
    digest = table.take("digest", str, wording.digest)
    table.end()
    if not wording.sources or not all(wording.sources):
        raise table.wrong("sources", "is empty: write where the words come from.")
    if not wording.approved_by:
        raise table.wrong("approved_by", "is empty: write who approved these words, or that nobody did yet.")
    if digest != wording.digest:
        raise table.wrong("digest", "the words were changed after it was written. Restore them, or take the digest out.")
    return wording


def _check_words(wording: Wording) -> None:
    """Words that are shipped, and words that say they are, are those that were shipped."""
    pinned = SHIPPED.get((wording.id, wording.revision))
    if wording.own:
        todo = "Give your own words the next revision, and have a pharmacist approve them"
    else:
        todo = "Install the tool anew; words of your own lie in the folder that texts names in the settings"
    if pinned is None and not wording.own:
        text = f"{wording.id}: there is no revision {wording.revision} of it among the words that are shipped. {todo}"
        raise NotUnderstood(Problem("text.changed", text, wording.id))
    if pinned is not None and wording.digest != pinned:
        text = f"{wording.id}: the words were changed: revision {wording.revision} says something else as it is shipped. {todo}"
        raise NotUnderstood(Problem("text.changed", text, wording.id))


def read_warning(name: str = "opioid", language: str = "en", own: Path | None = None) -> WarningText:
    """A warning in its wording of a language.

    Args:
        name: the file's name without ``.toml``.

    Raises:
        NotUnderstood: there is no such warning, or its words are not those of its revision.
    """
    wording = read_wording(name, language, own)
    if wording.warning is None:
        text = f"{wording.id} is no warning: it has no heading. Write id, heading and text"
        raise NotUnderstood(Problem("label.no-wording", text, wording.id))
    return wording.warning


def read_auxiliary(language: str = "en", own: Path | None = None) -> dict[str, str]:
    """The auxiliary sentences by name, such as ``shake-well``."""
    return read_texts("auxiliary", language, own)


def read_texts(name: str, language: str, own: Path | None = None) -> dict[str, str]:
    """The words of one file: ``auxiliary``, ``words``, or ``sentences`` (what the record says, in a language).

    Raises:
        NotUnderstood: there is no such file in the language, or its words are not those of its revision.
    """
    return dict(read_wording(name, language, own).words)


def label_sentences(names: Iterable[str], profile: Profile, language: str, own: Path | None = None) -> dict[str, str]:
    """The sentences of a label: those of the formula, in the place's own wording, and those that the place always wants.

    Raises:
        NotUnderstood: a sentence has no wording in the language.
    """
    known = read_auxiliary(language, own)
    wanted = list(dict.fromkeys([*(profile.sentences.get(name, name) for name in names), *profile.always]))
    for name in wanted:
        if name not in known:
            text = f"{name} has no {language} wording: add it to texts/{language}/auxiliary.toml, approved"
            raise NotUnderstood(Problem("label.no-wording", text, name))
    return {name: known[name] for name in wanted}
