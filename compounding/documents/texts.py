"""Approved wordings for labels, by language. A missing wording is refused, never shown in another language."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from compounding.data_files import data_folder, read_table
from compounding.documents.profiles import Profile
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import WarningText


def read_warning(name: str = "opioid", language: str = "en", folder: Path | None = None) -> WarningText:
    """A warning in its approved wording, proved unedited by its digest.

    Args:
        name: the file's name without ``.toml``.
        language: the folder of texts.
        folder: another folder of texts than ours.

    Raises:
        NotUnderstood: there is no such wording, or its words do not match its digest.
    """
    table = read_table((folder or data_folder("labels") / "texts") / language / f"{name}.toml")
    warning = WarningText(
        id=table.take("id", str),
        revision=table.take("revision", int),
        heading=table.take("heading", str),
        text=table.take("text", str),
    )
    digest = table.take("digest", str)
    if table.take("language", str) != language:
        raise table.wrong("language", f"is not {language!r}, the folder it lies in.")
    table.take("approved_by", str)
    table.take("sources", list)
    table.end()
    if warning.digest != digest:
        raise table.wrong(
            "digest",
            f"the words were changed: they give {warning.digest}. Restore them, "
            "or have a pharmacist approve the new wording as the next revision with its own digest.",
        )
    return warning


def read_auxiliary(language: str = "en", folder: Path | None = None) -> dict[str, str]:
    """The auxiliary sentences by name, such as ``shake-well``."""
    return read_texts("auxiliary", language, folder)


def read_texts(name: str, language: str, folder: Path | None = None) -> dict[str, str]:
    """The wordings of one file: ``auxiliary``, ``words``, or ``sentences`` (what the record says, in a language).

    Raises:
        NotUnderstood: there is no such file in the language, or it holds something else.
    """
    table = read_table((folder or data_folder("labels") / "texts") / language / f"{name}.toml")
    texts = table.take("text", dict)
    if table.take("language", str) != language:
        raise table.wrong("language", f"is not {language!r}, the folder it lies in.")
    if not table.take("approved_by", str).strip():
        raise table.wrong("approved_by", "is empty: write who approved these wordings, or that nobody did yet.")
    table.take("sources", list)
    table.end()
    for key, said in texts.items():
        if not isinstance(said, str) or not said.strip():
            raise table.wrong(f"text.{key}", "must be words.")
    return {str(key): str(said) for key, said in texts.items()}


def label_sentences(names: Iterable[str], profile: Profile, language: str) -> dict[str, str]:
    """The sentences of a label: those of the formula, in the place's own wording, and those that the place always wants.

    Raises:
        NotUnderstood: a sentence has no wording in the language.
    """
    known = read_auxiliary(language)
    wanted = list(dict.fromkeys([*(profile.sentences.get(name, name) for name in names), *profile.always]))
    for name in wanted:
        if name not in known:
            text = f"{name} has no {language} wording: add it to texts/{language}/auxiliary.toml, approved"
            raise NotUnderstood(Problem("label.no-wording", text, name))
    return {name: known[name] for name in wanted}
