"""The master formulation record: how one preparation is made, checked, stored and labelled."""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import number, percent, quantity, ratio
from compounding.records.record import (
    MaterialText,
    NumberText,
    PercentText,
    QuantityText,
    Record,
    named,
    read_toml,
    validated,
)

# What a step may name in braces; the plan fills it in. A component is named by its material.
PLACEHOLDERS = frozenset({"tablets", "source", "filler", "filler_material", "additions", "units", "size", "volume"})


class Limits(Record, frozen=True, kw_only=True):
    """From and to, both included. The maximum lies below ten times the minimum, so a slip of ten always leaves it."""

    minimum: QuantityText
    maximum: QuantityText

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = quantity(self.minimum), quantity(self.maximum)
        if low.dimensionality != high.dimensionality:
            raise ValueError(f"{self.minimum} to {self.maximum}: write both in the same unit")
        times = ratio(high, low) if low else Fraction(10)
        if not 1 <= times < 10:
            raise ValueError(
                f"{self.minimum} to {self.maximum}: the maximum must lie from the minimum to below ten times it, "
                "so that a slip of the decimal point always leaves the range"
            )


class Source(Record, frozen=True, kw_only=True):
    """What the active may be taken from; ``materials`` are the names under which a lot of it is received."""

    kind: Literal["tablet"]
    materials: Annotated[tuple[MaterialText, ...], Meta(min_length=1)]
    label_claim: QuantityText
    content_percent: tuple[NumberText, NumberText]
    note: str


class PowderSource(Record, frozen=True, kw_only=True):
    """Bulk powder as a source: the names of its lots, what the formula says of it, how much of it water dissolves."""

    materials: Annotated[tuple[MaterialText, ...], Meta(min_length=1)]
    note: str
    solubility: QuantityText | None = None
    source: str


class RefusedMaterial(Record, frozen=True, kw_only=True):
    """A filler that this formula must not use, and why; ``also`` are other names of it, brands and short ones."""

    material: MaterialText
    reason: str
    source: str
    also: tuple[str, ...] = ()

    def is_named(self, name: str) -> bool:
        """Whether a name holds one of its names, in any case: ``Hypromellose 2910`` is hypromellose."""
        return any(each.casefold() in name.casefold() for each in (self.material, *self.also))


class Filler(Record, frozen=True, kw_only=True):
    """What fills the capsule, or dilutes in a trituration, beside the source."""

    material: MaterialText
    grade: str
    note: str
    alternatives: tuple[MaterialText, ...] = ()
    refused: tuple[RefusedMaterial, ...] = ()


class Shell(Record, frozen=True, kw_only=True):
    """The empty shells that are filled; size, maker, volume and weight are those of the lot."""

    material: MaterialText
    note: str


class Component(Record, frozen=True, kw_only=True):
    """An ingredient of a liquid beside the source; its amount for a volume of the finished liquid.

    ``solubility`` is how much of it one volume of the vehicle dissolves: what is too little to weigh is then taken from
    a stock solution.
    """

    material: MaterialText
    role: str | None = None
    grade: str
    amount: QuantityText | None = None
    range: tuple[QuantityText, QuantityText] | None = None
    source: str | None = None
    note: str | None = None
    solubility: QuantityText | None = None


class Tolerance(Record, frozen=True, kw_only=True):
    """How far a reading may lie from its target, in percent of it."""

    weighing_percent: NumberText
    volume_percent: NumberText
    source: str


class Study(Record, frozen=True, kw_only=True):
    """A published stability study of this preparation."""

    days: Annotated[int, Meta(gt=0, le=3650)]
    storage: Literal["room", "refrigerator"]
    what: str
    source: str


class BeyondUse(Record, frozen=True, kw_only=True):
    """The class that the beyond-use rule judges by, the storage, and the studies behind it."""

    category: Literal["aqueous_nonpreserved", "aqueous_preserved", "nonaqueous_oral_liquid", "nonaqueous_other"] = (
        named("class")
    )
    storage: Literal["room", "refrigerator"]
    storage_text: str
    study: tuple[Study, ...] = ()


class Sample(Record, frozen=True, kw_only=True):
    """What one test takes from the batch, and whether any of it comes back.

    ``take`` is the same of each batch, such as ``10 capsules`` or ``20 mL``; ``share`` is a part of it, such as ``5 %``. Where
    both are said the larger is taken.
    """

    take: QuantityText | None = None
    share: PercentText | None = None
    destroyed: bool
    source: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.take is None and self.share is None:
            raise ValueError("take: say what the test takes, such as 10 capsules, or a share of the batch, such as 5 %")
        if self.share is not None and not 0 < percent(self.share) <= 1:
            raise ValueError(f"share: {self.share} is not a part of a batch: write from above 0 % to 100 %")


class Test(Record, frozen=True, kw_only=True):
    """A quality test with its expected result. Unverified limits say so on every paper.

    ``number`` is read on an instrument, and ``possible`` is what it can read at all; ``count`` is a number of colonies
    in ``unit``; ``absence`` asks whether an organism was found; ``ingredient`` is the content of the component ``of`` in
    percent of the formula's amount. Of ``content``, ``target`` is the content aimed at in percent of label, 100 if it is not
    said, and ``by_weight`` lets net weights and the assay stand for assays of single units where a pharmacopoeia does.
    """

    __test__ = False

    trait: str
    kind: Literal["weights", "content", "assay", "observation", "number", "volume", "count", "absence", "ingredient"]
    method: str
    expected: str
    source: str
    low: NumberText | None = None
    high: NumberText | None = None
    possible: tuple[NumberText, NumberText] | None = None
    unit: str | None = None
    of: MaterialText | None = None
    rules: tuple[str, ...] = ()
    units: Annotated[int, Meta(gt=0)] | None = None
    target: NumberText | None = None
    by_weight: bool = False
    sample: Sample | None = None
    required: bool = True
    verified: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind in ("assay", "number", "volume", "count", "ingredient") and self.low is self.high is None:
            raise ValueError(f"high: {self.trait} has no limit: write low, high or both")
        if self.low is not None and self.high is not None and number(self.low) > number(self.high):
            raise ValueError(f"low: {self.low} lies above high, {self.high}: exchange them")
        if self.kind == "count" and (self.low is not None or not (self.high or "").isdigit()):
            raise ValueError(f"high: {self.trait} is counted: write the greatest count as a whole number, and no low")
        for key in ("target", "by_weight"):
            if getattr(self, key) and self.kind != "content":
                raise ValueError(f"{key}: {self.trait} is no test of the contents of single units: leave it out")
        for key, kind in (("unit", "count"), ("of", "ingredient")):
            if (getattr(self, key) is not None) != (self.kind == kind):
                raise ValueError(f"{key}: a test of kind {kind} needs it, and no other has it")


class YieldLimits(Record, frozen=True, kw_only=True):
    """How much must come out, in percent of the plan, and how much mixture may be lost, in percent of what went in."""

    units_percent: tuple[NumberText, NumberText]
    loss_percent: NumberText | None = None
    source: str


class LabelWords(Record, frozen=True, kw_only=True):
    """Words for the label: the warning that every label carries, auxiliary sentences, the directions by default."""

    warning: str
    auxiliary: tuple[str, ...] = ()
    directions: str


class Alternative(Record, frozen=True, kw_only=True):
    """Another procedure for the same preparation."""

    method: Literal["volume-completion", "whole-tablets"]
    note: str
    source: str
    step: Annotated[tuple[dict[str, str], ...], Meta(min_length=1)]


class Filtering(Record, frozen=True, kw_only=True):
    """How the liquid is freed of the tablets' grit."""

    do: str
    note: str
    source: str


# What each dosage form is called in a sentence, and the tables without which it cannot be planned.
_NEEDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "capsule": ("capsules", ("filler", "shell")),
    "oral liquid": ("an oral liquid", ("vehicle", "dose", "component")),
    "trituration": ("a trituration", ("filler",)),
}
# The units that strength and batch size are written in.
_UNITS = {"capsule": ("mg", "capsules"), "oral liquid": ("mg/mL", "mL"), "trituration": ("mg/g", "g")}


class Formula(Record, frozen=True, kw_only=True):
    """One master formulation record, of one version.

    Source:
        nmac (the elements that a master formulation record holds)
    """

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{2,60}$")]
    version: Annotated[str, Meta(pattern=r"^[0-9]{1,4}$")]
    name: str
    dosage_form: Literal["capsule", "oral liquid", "trituration"]
    route: str
    substance: MaterialText
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
    source: Annotated[tuple[Source, ...], Meta(min_length=1)]
    powder: PowderSource | None = None
    tablet_notes: tuple[str, ...] = ()
    filler: Filler | None = None
    shell: Shell | None = None
    component: tuple[Component, ...] = ()
    vehicle: Component | None = None
    tolerance: Tolerance
    overage: PercentText
    overage_on: Literal["batch", "active"]
    alternative: tuple[Alternative, ...] = ()
    filtering: Filtering | None = None
    beyond_use: BeyondUse
    step: Annotated[tuple[dict[str, str], ...], Meta(min_length=1)]
    test: Annotated[tuple[Test, ...], Meta(min_length=1)]
    yield_limits: YieldLimits = named("yield")
    label: LabelWords

    def __post_init__(self) -> None:
        super().__post_init__()
        form, needs = _NEEDS[self.dosage_form]
        for key in needs:
            if not getattr(self, key):
                raise ValueError(f"a formula for {form} needs [{key}]: add it")
        if percent(self.overage) > Fraction(1, 4):
            raise ValueError(f"overage is {self.overage}: at most 25 % replaces losses, more would add to a dose")
        for component in self.component:
            if component.amount is None:
                raise ValueError(f'the component {component.material} needs an amount, such as "0.5 g/100 mL": add it')
            if component.range:
                low, high = map(quantity, component.range)
                if not low <= quantity(component.amount) <= high:
                    raise ValueError(
                        f"the component {component.material} is {component.amount}, outside its range of "
                        f"{component.range[0]} to {component.range[1]}"
                    )
        components = {component.material: component.amount for component in self.component}
        for test in self.test:
            if test.of is not None and test.of not in components:
                there = ", ".join(components) or "none"
                raise ValueError(f"the test {test.trait} is of {test.of}, which is no component: there are {there}")
        if self.filler:
            refused = {each.material for each in self.filler.refused}
            for name in (self.filler.material, *self.filler.alternatives):
                if name in refused:
                    raise ValueError(f"the filler {name} is also on the list of refused fillers")
        known = PLACEHOLDERS | {part.material.replace(" ", "_") for part in self.component}
        steps = [*self.step, *(step for other in self.alternative for step in other.step)]
        for place, step in enumerate(steps, 1):
            if "do" not in step:
                raise ValueError(f'step {place} needs do = "...": say what is done')
            unknown = set(re.findall(r"\{([^}]*)\}", step["do"])) - known
            if unknown:
                names = [f"{{{name}}}" for name in sorted(known)]
                raise ValueError(
                    f"step {place} names {', '.join(f'{{{name}}}' for name in sorted(unknown))}; "
                    f"it may name only {', '.join(names[:-1])} or {names[-1]}"
                )
        for key in ("prepared_by", "approved_by", "change_reason"):
            if key not in self.approval:
                raise ValueError(f"approval.{key} is missing: say who or why")


def digest_of(text: str) -> str:
    """The SHA-256 of a formula's file, by which a batch pins the exact text it was made from."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@lru_cache(maxsize=16)  # the batches of a list are mostly made by the same few
def read_formula(text: str, where: str) -> Formula:
    """Read a master formulation record from TOML.

    Raises:
        NotUnderstood: every key that is missing, unknown or wrong, with file, key and what to write.
    """
    formula = validated(Formula, read_toml(text, where), where)
    problems = [
        Problem("formula.unit", f"{where}: {key} is {text}: write it in {' or '.join(units)}", f"{where}: {key}")
        for key, text, units in _measures(formula)
        if quantity(text).dimensionality not in [quantity(f"1 {unit}").dimensionality for unit in units]
    ]
    if problems:
        raise NotUnderstood(problems)
    return formula


def _measures(formula: Formula) -> list[tuple[str, str, tuple[str, ...]]]:
    """Key, text and possible units of every quantity whose unit its dosage form decides."""
    strength, batch = _UNITS[formula.dosage_form]
    limits = [("strength", formula.strength, strength), ("batch", formula.batch, batch)]
    if formula.dose:
        limits.append(("dose", formula.dose, "mg"))
    measures = [
        (f"{key}.{end}", getattr(between, end), (unit,))
        for key, between, unit in limits
        for end in ("minimum", "maximum")
    ]
    measures += [
        (f"test.{n}.sample.take", each.sample.take, (batch,))
        for n, each in enumerate(formula.test, 1)
        if each.sample and each.sample.take is not None
    ]
    measures += [(f"source.{n}.label_claim", each.label_claim, ("mg",)) for n, each in enumerate(formula.source, 1)]
    return measures + [
        (f"component.{n}.amount", each.amount, ("g/mL", "mL/mL"))
        for n, each in enumerate(formula.component, 1)
        if each.amount is not None
    ]
