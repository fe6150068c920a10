"""Which words a label is written in: the language that was asked for, or that of the settings, or that of the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compounding.cli.app import App


def label_language(app: App, asked: str | None = None) -> str:
    """The language of a label's own words: what was asked for, else the settings', else the profile's.

    Raises:
        NotUnderstood: the settings name a profile that there is not.
    """
    if asked or app.settings.language:
        return asked or str(app.settings.language)
    from compounding.documents.profiles import read_profile

    return read_profile(app.settings.profile).language
