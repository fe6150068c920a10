"""The master formulation record: how one preparation is made, checked, stored and labelled."""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import quantity, ratio
from compounding.records.record import NumberText, QuantityText, Record, read_toml, validated

# What a step may name in braces; the plan fills it in. A component is named by its material.
PLACEHOLDERS = frozenset({"tablets", "source", "filler", "filler_material", "units", "size", "volume"})


class Limits(Record):
    """From and to, both included. The maximum lies below ten times the minimum, so a slip of ten always leaves it."""

    minimum: QuantityText
    maximum: QuantityText

    @model_validator(mode="after")
    def _a_slip_of_ten_leaves_the_range(self) -> Limits:
        times = ratio(quantity(self.maximum), quantity(self.minimum)) if quantity(self.minimum) else Fraction(10)
        if not 1 <= times < 10:
            raise ValueError(
                f"{self.minimum} to {self.maximum}: the maximum must lie from the minimum to below ten times it, "
                "so that a slip of the decimal point always leaves the range"
            )
        return self


class Source(Record):
    """What the active may be taken from."""

    kind: Literal["tablet"]
    label_claim: QuantityText
    content_percent: tuple[NumberText, NumberText]
    note: str


class RefusedMaterial(Record):
    """A filler that this formula must not use, and why."""

    material: str
    reason: str
    source: str


class Filler(Record):
    """What fills the capsule beside the source."""

    material: str
    grade: str
    note: str
    alternatives: tuple[str, ...] = ()
    refused: tuple[RefusedMaterial, ...] = ()


class Component(Record):
    """An ingredient of a liquid beside the source; its amount for a volume of the finished liquid."""

    material: str
    role: str | None = None
    grade: str
    amount: QuantityText | None = None
    range: tuple[QuantityText, QuantityText] | None = None
    source: str | None = None
    note: str | None = None


class Tolerance(Record):
    """How far a reading may lie from its target, in percent of it."""

    weighing_percent: NumberText
    volume_percent: NumberText
    source: str


class Study(Record):
    """A published stability study of this preparation."""

    days: int = Field(gt=0, le=3650)
    storage: Literal["room", "refrigerator"]
    what: str
    source: str


class BeyondUse(Record):
    """The class that the beyond-use rule judges by, the storage, and the studies behind it."""

    category: Literal["aqueous_nonpreserved", "aqueous_preserved", "nonaqueous_oral_liquid", "nonaqueous_other"] = (
        Field(alias="class")
    )
    storage: Literal["room", "refrigerator"]
    storage_text: str
    study: tuple[Study, ...] = ()


class Test(Record):
    """A quality test with its expected result. Unverified limits say so on every paper."""

    __test__ = False

    trait: str
    kind: Literal["weights", "assay", "observation", "number", "volume"]
    method: str
    expected: str
    source: str
    low: NumberText | None = None
    high: NumberText | None = None
    rule: str | None = None
    units: int | None = Field(default=None, gt=0)
    required: bool = True
    verified: bool = True


class Formula(Record):
    """One master formulation record, of one version.

    Source:
        nmac (the elements that a master formulation record holds)
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{2,60}$")
    version: str = Field(pattern=r"^[0-9]{1,4}$")
    name: str
    dosage_form: Literal["capsule", "oral liquid"]
    route: str
    substance: str
    strength_basis: str
    description: str
    container: str
    equipment: tuple[str, ...]
    references: tuple[str, ...]
    notes: tuple[str, ...] = ()
    approval: dict[str, str]
    strength: Limits
    dose: Limits | None = None
    batch: Limits
    source: tuple[Source, ...] = Field(min_length=1)
    filler: Filler | None = None
    component: tuple[Component, ...] = ()
    vehicle: Component | None = None
    tolerance: Tolerance
    overage: str
    overage_on: Literal["batch", "active"]
    beyond_use: BeyondUse
    step: tuple[dict[str, str], ...] = Field(min_length=1)
    test: tuple[Test, ...] = Field(min_length=1)
    yield_limits: dict[str, str | tuple[str, str]] = Field(alias="yield")
    label: dict[str, str | tuple[str, ...]]

    @model_validator(mode="after")
    def _holds_what_its_form_needs(self) -> Formula:
        needs = {"capsule": ("filler",), "oral liquid": ("vehicle", "dose", "component")}[self.dosage_form]
        for key in needs:
            if not getattr(self, key):
                raise ValueError(f"a formula for a {self.dosage_form} needs [{key}]: add it")
        if self.filler and any(refused.material == self.filler.material for refused in self.filler.refused):
            raise ValueError(f"the filler {self.filler.material} is also on the list of refused fillers")
        known = PLACEHOLDERS | {part.material.replace(" ", "_") for part in self.component}
        for number, step in enumerate(self.step, 1):
            unknown = set(re.findall(r"\{([^}]*)\}", step.get("do", ""))) - known
            if "do" not in step or unknown:
                raise ValueError(
                    f'step {number} needs do = "..." and may name only {", ".join(sorted(known))} in braces'
                )
        for key in ("prepared_by", "approved_by", "change_reason"):
            if key not in self.approval:
                raise ValueError(f"approval.{key} is missing: say who or why")
        if "warning" not in self.label:
            raise ValueError("label.warning is missing: name the warning text that every label carries")
        return self


def digest_of(text: str) -> str:
    """The SHA-256 of a formula's file, by which a batch pins the exact text it was made from."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read_formula(text: str, where: str) -> Formula:
    """Read a master formulation record from TOML.

    Raises:
        NotUnderstood: every key that is missing, unknown or wrong, with file, key and what to write.
    """
    formula = validated(Formula, read_toml(text, where), where)
    per = "mg" if formula.dosage_form == "capsule" else "mg/mL"
    problems = [
        Problem("formula.unit", f"{where}: strength.{key} is {text}: write it in {per}", f"{where}: strength.{key}")
        for key, text in (("minimum", formula.strength.minimum), ("maximum", formula.strength.maximum))
        if quantity(text).dimensionality != quantity(f"1 {per}").dimensionality
    ]
    if problems:
        raise NotUnderstood(problems)
    return formula
