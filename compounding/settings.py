"""The pharmacy's settings file: who it is, where its journal lies, its people and its balances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from compounding.quantities import quantity
from compounding.records.record import (
    DateText,
    Meta,
    NameText,
    PercentText,
    QuantityText,
    Record,
    empty_table,
    read_toml,
    validated,
)

ATTACHMENTS = "attachments"

Role = Literal["pharmacist", "technician", "qc"]


class Pharmacy(Record, frozen=True, kw_only=True):
    """What stands on every label."""

    name: NameText
    address: NameText
    phone: NameText


class Person(Record, frozen=True, kw_only=True):
    """Someone who works here; the id is what the command line and the journal use."""

    name: NameText
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    retired: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name.strip():
            raise ValueError("name is empty: write the full name, as it stands on papers")


class BalanceSettings(Record, frozen=True, kw_only=True):
    """A balance: its readability, and how the least net weight that it may weigh is found.

    ``tested``: ``minimum_weight`` by its own test. ``strict``: USP <41> from ``repeatability``.
    ``compounding``: from ``sensitivity_requirement`` and ``permitted_error``.
    """

    readability: QuantityText
    mode: Literal["tested", "strict", "compounding"] = "tested"
    minimum_weight: QuantityText | None = None
    repeatability: QuantityText | None = None
    sensitivity_requirement: QuantityText | None = None
    permitted_error: PercentText | None = None
    capacity: QuantityText | None = None
    tested: str | None = None
    test_due: DateText | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one = quantity("1 mg")
        for key in ("readability", "minimum_weight", "repeatability", "sensitivity_requirement", "capacity"):
            value = quantity(getattr(self, key)) if getattr(self, key) else one
            if value.dimensionality != one.dimensionality or value.magnitude <= 0:
                raise ValueError(f"{key} is {getattr(self, key)}: write a mass above zero, such as 0.1 mg")
        if self.minimum_weight and quantity(self.minimum_weight) < quantity(self.readability):
            said = f"minimum_weight is {self.minimum_weight}, below the readability of {self.readability}"
            raise ValueError(f"{said}: write the least mass of the balance's own test, such as 20 mg")
        needs = {"tested": "minimum_weight", "strict": "repeatability", "compounding": "sensitivity_requirement"}[
            self.mode
        ]
        if getattr(self, needs) is None:
            raise ValueError(f"{needs} is missing: mode {self.mode} needs it")


class DeviceSettings(Record, frozen=True, kw_only=True):
    """A measuring device that goes out with a liquid: what it holds, and the step from mark to mark."""

    name: NameText
    capacity: QuantityText
    step: QuantityText

    def __post_init__(self) -> None:
        super().__post_init__()
        capacity, step = quantity(self.capacity), quantity(self.step)
        one = quantity("1 mL").dimensionality
        if capacity.dimensionality != one or step.dimensionality != one or not capacity > step > 0 * step:
            raise ValueError(f"{self.capacity} in steps of {self.step}: write volumes such as 5 mL and 0.2 mL")


class PrinterSettings(Record, frozen=True, kw_only=True):
    """A label printer, by the name of its queue: how far its labels are off, measured on a calibration page.

    ``offset_mm`` moves every label, right and down; ``scale`` stretches the places of the labels, across and along.
    """

    stock: str | None = None
    offset_mm: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)


class Settings(Record, frozen=True, kw_only=True):
    """One pharmacy at one site.

    ``gtins``: the trade item number of a product, ``"naltrexone-capsule 1.5 mg" = "09501101530003"``, for a pharmacy
    that has one; it belongs to a strength, so a formula could not hold it.
    ``paper``: the pages that leaflets are printed on.
    ``reorder``: by material, the amount below which it is ordered, ``"naltrexone tablets" = "60 tablets"``.
    ``fill_spread``: relative standard deviation of the fills of the pharmacy's own capsules, as it measured them.
    ``rule_sets`` are acceptance rules that decide beside those that a formula names: more can be asked for, never less.
    """

    site: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    journal: str
    formulas: str = "formulas"  # a folder beside this file; it need not be there
    stocks: str | None = None
    texts: str | None = None
    stock: str = "4x2"
    profile: str = "us-ca"
    language: str | None = None  # of labels; that of the profile, if it is not said
    printers: dict[NameText, PrinterSettings] = empty_table()
    barcode: Literal["data-matrix", "qr", "gs1-128"] = "data-matrix"
    gtins: dict[str, str] = empty_table()
    pharmacy: Pharmacy
    people: Annotated[dict[NameText, Person], Meta(min_length=1)]
    devices: dict[NameText, DeviceSettings] = empty_table()
    correction: Literal["always", "german-2-percent", "none"] = "always"
    assay_above_100: Literal["refuse", "as-stated", "as-100"] = "refuse"
    bottles: tuple[QuantityText, ...] = ()
    paper: Literal["letter", "a4"] = "letter"
    fill_spread: PercentText | None = None
    reorder: dict[str, QuantityText] = empty_table()
    rule_sets: tuple[str, ...] = ()
    balances: Annotated[dict[NameText, BalanceSettings], Meta(min_length=1)]
    # ``required``: nothing is verified, released or approved unsigned, not even before the first key is made.
    signatures: Literal["required", "optional"] = "optional"
    unapproved_formula: Literal["refuse", "warn", "allow"] = "warn"
    # A label whose words nobody approved here. Words of the pharmacy's own, and translations, are refused either way.
    unapproved_text: Literal["refuse", "warn"] = "refuse"


def read_settings(text: str, where: str) -> Settings:
    """Read a settings file.

    Raises:
        NotUnderstood: every key that is missing, unknown or wrong, with what to write.
    """
    return validated(Settings, read_toml(text, where), where)


def journal_place(settings: Settings, beside: Path) -> Path | str:
    """Where the journal lies: the address of a server, or a file, relative to the settings file unless it says otherwise."""
    if settings.journal.startswith(("postgresql://", "postgres://")):
        return settings.journal
    return beside.parent / Path(settings.journal).expanduser()


def keys_folder(beside: Path) -> Path:
    """Where the sealed keys lie: beside the settings file, one file a key."""
    return beside.parent / "keys"


def attachments_path(settings: Settings, beside: Path) -> Path:
    """Where the files lie that prove results: beside the journal, or beside the settings if the journal is a server's."""
    place = journal_place(settings, beside)
    return (place.parent if isinstance(place, Path) else beside.parent) / ATTACHMENTS
