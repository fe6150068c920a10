"""Which words a label is written in: its language, where its words lie, and whether they are approved here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from compounding.problems import NotUnderstood, Problem, Refused, stopping

if TYPE_CHECKING:
    from compounding.cli.app import App
    from compounding.records.facts import Recorded
    from compounding.records.label import WarningText, Wording


def label_language(app: App, asked: str | None = None) -> str:
    """The language of a label's own words: what was asked for, else the settings', else the profile's.

    Raises:
        NotUnderstood: the settings name a profile that there is not.
    """
    if asked or app.settings.language:
        return asked or str(app.settings.language)
    from compounding.documents.profiles import read_profile

    return read_profile(app.settings.profile).language


def own_texts(app: App) -> Path | None:
    """The pharmacy's own folder of texts, if its settings name one."""
    if not app.has_settings or not app.settings.texts:
        return None
    return app.settings_file.parent / app.settings.texts


def names_of_words(language: str, warning: str | None) -> tuple[str, ...]:
    """The files of words that a label takes: its warning, and what is translated if it is not in English."""
    translated = language.partition("-")[0] != "en"
    return (*([warning] if warning else []), "words", "auxiliary", *(["sentences"] if translated else []))


def check_words(app: App, language: str, names: Iterable[str]) -> list[Problem]:
    """Whether words of a language may be printed here; those that nobody approved are refused or told of.

    Raises:
        NotUnderstood: there are no such words.
        Refused: they are not approved here, and must be.
    """
    from compounding.documents.texts import read_wording
    from compounding.work.approving import check_texts

    wordings = [read_wording(name, language, own_texts(app)) for name in names]
    recorded = {each.id: app.recorded(f"text:{each.id}") for each in wordings}
    problems = check_texts(wordings, recorded, app.settings.unapproved_text)
    if stopping(problems):
        raise Refused(problems)
    return problems


def short_word(app: App, language: str, name: str) -> str:
    """One of the short words that stand on labels, in a language.

    Raises:
        NotUnderstood: the words of that language lack it.
    """
    from compounding.documents.texts import read_texts

    words = read_texts("words", language, own_texts(app))
    if name not in words:
        raise NotUnderstood(
            Problem("label.no-wording", f"{name} has no wording in {language}: add it to words.toml", name)
        )
    return words[name]


def approval_of(app: App, wording: Wording) -> Recorded | None:
    """The approval of these words by a pharmacist here, if it holds."""
    from compounding.records.facts import TextApproved
    from compounding.work.approving import text_is_approved

    recorded = app.recorded(f"text:{wording.id}") if app.has_settings else []
    approvals = [each for each in recorded if isinstance(each.fact, TextApproved)]
    return approvals[-1] if text_is_approved(wording, recorded) else None


def printed_warning(app: App, name: str, language: str, digest: str) -> WarningText | None:
    """The warning that a label was printed with: the words that stand now, or those that were approved then."""
    from compounding.documents.texts import read_wording
    from compounding.records.facts import TextApproved
    from compounding.records.label import WarningText

    now = read_wording(name, language, own_texts(app))
    if now.warning and now.digest == digest:
        return now.warning
    for each in app.recorded(f"text:{now.id}"):
        fact = each.fact
        if isinstance(fact, TextApproved) and fact.digest == digest:
            return WarningText(now.title, fact.revision, fact.words["heading"], fact.words["text"])
    return None
