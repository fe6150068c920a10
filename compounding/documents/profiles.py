"""Profiles: what the labels of one place must say, as dated data with its sources."""

from __future__ import annotations

from pathlib import Path

from compounding.data_files import data_folder, read_table
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import FIELD_NAMES

# The same as in a template: a profile may ask for more, not for less.
WARNING_FLOOR = 7.5
# What every product of a substance carries, whatever a profile says.
WARNINGS = {"naltrexone": "opioid"}


@dataclass(frozen=True)
class Profile:
    """What the labels of one place must say.

    Args:
        id, name: ``us-ca``, ``California``.
        checked: the day on which its sources were read, ISO.
        language: of the texts, unless the settings say another.
        patient_share: the part of a patient's label that the patient's items keep [1; from 0 to 1].
        warning_floor: the smallest size of the warning [pt].
        requires: fields that every patient's label has words for, beside those that each template has.
        sentences: auxiliary sentences by the name that formulas use, and the name of the place's own wording.
        always: auxiliary sentences that every patient's label has.
        warnings: the warning that each substance's labels carry.
    """

    id: str
    name: str
    checked: str
    language: str
    patient_share: float
    warning_floor: float
    requires: frozenset[str]
    sentences: dict[str, str]
    always: tuple[str, ...]
    warnings: dict[str, str]
    sources: tuple[str, ...]
    verified: bool


def read_profile(name: str, folder: Path | None = None) -> Profile:
    """The profile of that name, checked.

    Raises:
        NotUnderstood: there is no such profile, or it lacks the warning.
    """
    table = read_table((folder or data_folder("labels") / "profiles") / f"{name}.toml")
    warnings = {str(key): str(value) for key, value in table.take("warnings", dict, {}).items()}
    profile = Profile(
        id=table.take("id", str),
        name=table.take("name", str),
        checked=table.take("checked", str),
        language=table.take("language", str),
        patient_share=table.take("patient_share", float),
        warning_floor=table.take("warning_floor", float),
        requires=frozenset(map(str, table.take("requires", list))),
        sentences={str(key): str(value) for key, value in table.take("sentences", dict, {}).items()},
        always=tuple(map(str, table.take("always", list, []))),
        warnings=warnings,
        sources=tuple(map(str, table.take("sources", list))),
        verified=table.take("verified", bool),
    )
    table.end()
    for substance, warning in WARNINGS.items():
        if warnings.get(substance) != warning:
            raise NotUnderstood(
                Problem(
                    "profile.no-warning",
                    f"{table.file.name}: the warning of {substance} is missing or another one. "
                    f'Write {substance} = "{warning}" under [warnings].',
                    str(table.file),
                )
            )
    if profile.warning_floor < WARNING_FLOOR:
        raise table.wrong("warning_floor", f"must be {WARNING_FLOOR:g} pt or more.")
    if not 0 < profile.patient_share <= 0.9:
        raise table.wrong("patient_share", "must be above 0, and at most 0.9.")
    if unknown := sorted(profile.requires - FIELD_NAMES):
        raise table.wrong("requires", f"{', '.join(unknown)}: not a field of a label.")
    return profile


def profile_names(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the profiles there are."""
    return tuple(sorted(path.stem for path in (folder or data_folder("labels") / "profiles").glob("*.toml")))
