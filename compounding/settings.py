"""The pharmacy's settings file: who it is, where its journal lies, its people and its balances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from compounding.quantities import quantity
from compounding.records.record import QuantityText, Record, read_toml, validated

Role = Literal["pharmacist", "technician", "qc"]


class Pharmacy(Record, frozen=True, kw_only=True):
    """What stands on every label."""

    name: str
    address: str
    phone: str


class Person(Record, frozen=True, kw_only=True):
    """Someone who works here; the id is what the command line and the journal use."""

    name: str
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    retired: bool = False


class BalanceSettings(Record, frozen=True, kw_only=True):
    """A balance: its readability, and the least net weight that its last test allows."""

    readability: QuantityText
    minimum_weight: QuantityText
    tested: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one = quantity("1 mg")
        for key in ("readability", "minimum_weight"):
            value = quantity(getattr(self, key))
            if value.dimensionality != one.dimensionality or value.magnitude <= 0:
                raise ValueError(f"{key} is {getattr(self, key)}: write a mass above zero, such as 0.1 mg")


class Settings(Record, frozen=True, kw_only=True):
    """One pharmacy at one site."""

    site: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    journal: str
    formulas: str | None = None
    stock: str = "4x2"
    pharmacy: Pharmacy
    people: Annotated[dict[str, Person], Meta(min_length=1)]
    balances: Annotated[dict[str, BalanceSettings], Meta(min_length=1)]


def read_settings(text: str, where: str) -> Settings:
    """Read a settings file.

    Raises:
        NotUnderstood: every key that is missing, unknown or wrong, with what to write.
    """
    return validated(Settings, read_toml(text, where), where)


def journal_path(settings: Settings, beside: Path) -> Path:
    """Where the journal lies: relative to the settings file, unless it says otherwise."""
    return beside.parent / Path(settings.journal).expanduser()
