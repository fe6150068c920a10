"""How sure a plan is: what its dose depends on, each doubt with its origin, and the chance that the batch passes.

The models, where ``kept`` is the share of the powder that reaches the mixture:

    capsule = content * powder * kept / tablet weight / (powder + filler) * fill * mixing
    trituration = content * powder * kept / tablet weight / (powder + filler) * mixing
    liquid = content * powder * kept / tablet weight / volume * mixing

What the plan already knows exactly (rounding to the balance, overage, what a correction leaves out) is its error and no doubt. A dose drawn
into a syringe is the patient's measurement and is judged beside the device, not here.

Doubts are floats and stand beside the plan; nothing here changes a mass.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import hypot

from compounding.calc import uncertainty
from compounding.calc.chance import chances_with_assay, potency_chance
from compounding.calc.simulation import Simulated, simulated_chance
from compounding.calc.uncertainty import Budget, Contribution, Kind, Origin
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import amount, decimal_text, quantity, told
from compounding.records.aliquot import Aliquot
from compounding.records.doubt import Doubt, DoubtLine, Uniformity
from compounding.records.formula import Formula
from compounding.records.plan import Line, Plan
from compounding.records.record import replaced
from compounding.rules.doubts import assumption, cylinder_for
from compounding.work.materials import Balance, Materials

CONTENT, FILL_SPREAD = "content of the source", "fill from capsule to capsule"


def budget_of(formula: Formula, plan: Plan, materials: Materials, known: Iterable[Contribution] = ()) -> Budget:
    """The uncertainty budget of one dose of a plan.

    Args:
        formula: with the limits that its source's content keeps.
        plan: the plan, whole.
        materials: what it was made from; single tablet weights give their own scatter.
        known: what is measured or certified here; each takes the place of the one of its name, or stands beside them.

    Returns:
        The budget.
    """
    on = date.fromisoformat(plan.prepared)
    found = [*_of_the_source(formula, plan, materials, on)]
    if plan.capsule:
        found += _of_capsules(plan, materials, on)
    else:
        found += _of_a_liquid(plan, materials, on) if plan.volume else _of_a_trituration(plan, materials, on)
    if plan.aliquots:
        found += of_aliquots(plan.aliquots, materials.balance, on, _beside_the_source(plan))
    by_name = {each.source: each for each in (*found, *_certified(materials, plan), *known)}
    return uncertainty.budget(tuple(by_name.values()))


def certified_content(expanded_percent: Fraction, coverage_factor: Fraction, where: str) -> Contribution:
    """Content of the source from a certificate that states its uncertainty [percent of the content]."""
    relative = uncertainty.content_by_certificate(float(expanded_percent), float(coverage_factor))
    return Contribution(CONTENT, relative, "batch", "certificate", where)


def _certified(materials: Materials, made: Plan) -> Iterable[Contribution]:
    """The content that a certificate gives: with its own uncertainty, or for tablets with that of a laboratory."""
    tablets, powder = materials.tablets, materials.powder
    if powder and powder.assay_uncertainty is not None:
        yield certified_content(powder.assay_uncertainty * 100, Fraction(2), "certificate of the powder")
    if tablets is None or tablets.content is None:
        return
    if tablets.content_uncertainty is not None:
        yield certified_content(tablets.content_uncertainty * 100, Fraction(2), "certificate of the tablets")
    else:
        row = assumption("laboratory", date.fromisoformat(made.prepared))
        yield Contribution(
            CONTENT, row.relative, "batch", "certificate", f"certificate without uncertainty: {row.basis}"
        )


def measured_fill(rsd_percent: Fraction, where: str) -> Contribution:
    """Scatter of the fills as this pharmacy measures it [percent of the mean fill]."""
    return Contribution(FILL_SPREAD, float(rsd_percent) / 100, "unit", "measured", where)


def of_aliquots(
    aliquots: Iterable[Aliquot], balance: Balance, on: date, of_the_rest: float = 1.0
) -> tuple[Contribution, ...]:
    """What dilutions add: each weighing or volume, and how evenly each mixture was mixed when its part was taken.

        part's active = drug / (drug + diluent) * part taken

    A drug that is 1 % too heavy makes a mixture stronger by 1 % of the diluent's share of it, and so does the diluent.
    The part of a first mixture that goes into a second is weighed once: it counts as what goes in there.

    Args:
        aliquots: the dilutions of a plan, in order; at least one.
        balance: that they are weighed on.
        on: day of preparation.
        of_the_rest: how far the dose follows the last part: 1 where it is made up to a volume; where it is mixed with
            filler, the filler's share of that mixture [1].

    Returns:
        Contributions for `budget_of`; the first weighing takes the place of that of the source.
    """
    found, inside = [], ""
    for each in aliquots:
        of, by_mass = f"mixture {each.step}", each.diluent is not None
        share = float(_mg(each.diluent) / _mg(each.total)) if each.diluent is not None else 1.0
        found.append(_amount(inside or f"weighing of {each.material}", each.weigh, balance, on, share))
        if each.diluent is not None:
            found.append(_amount(f"diluent of {of}", each.diluent, balance, on, share))
        else:
            found.append(_amount(f"volume of {of}", each.total, balance, on))
        found.append(_assumed(f"mixing of {of}", "powder-mixing" if by_mass else "liquid-mixing", on))
        inside, last = f"part taken of {of}", each.take
    found.append(_amount(inside, last, balance, on, of_the_rest))
    return tuple(found)


def _of_the_source(formula: Formula, plan: Plan, materials: Materials, on: date) -> Iterable[Contribution]:
    """Content, tablets taken, powder weighed, powder left behind."""
    if plan.source.kind == "tablet":
        low, high = formula.source[0].content_percent
        relative = uncertainty.content_by_window(float(low), float(high))
        window = f"{low} to {high} % of label, all as likely (usp-naltrexone-tablets)"
        yield Contribution(CONTENT, relative, "batch", "assumed", window)
        spread = assumption("tablet-content-spread", on)
        relative = uncertainty.one_of_many(spread.relative, plan.source.tablets or 1)
        yield Contribution(
            "sampling of crushed tablets",
            relative,
            "batch",
            "assumed",
            f"{plan.source.tablets} tablets stand for their batch: {spread.basis}",
        )
    elif plan.source.kind == "trituration":
        assert materials.trituration
        laboratory = assumption("laboratory", on)
        basis = f"assay {materials.trituration.assayed} of batch {materials.trituration.batch}; {laboratory.basis}"
        yield Contribution(CONTENT, laboratory.relative, "batch", "measured", basis)
        yield _assumed("mixing of the trituration", "powder-mixing", on)
    else:
        yield _assumed(CONTENT, "powder-content", on)
    weighed = [line for line in plan.lines if line.line == "source" and line.measure == "balance"]
    if weighed and plan.source.kind == "tablet":
        yield _mean_weight(materials, on)
    for line in weighed:
        yield _amount(f"weighing of {line.material}", line.target, materials.balance, on, _beside_the_source(plan))
    yield _assumed("transfer loss", "transfer-loss", on)


def _mean_weight(materials: Materials, on: date) -> Contribution:
    """What the tablets weigh on average: from their own scatter, or as uncertain as one tablet."""
    assert materials.tablets
    weights = [float(amount(weight, "mg/tablet")) for weight in materials.tablets.weights]
    if materials.tablets.weighed and len(weights) > 1:
        basis = f"scatter of {len(weights)} tablets weighed one by one"
        return Contribution("mean tablet weight", uncertainty.mean_weight(weights), "batch", "measured", basis)
    return _assumed("mean tablet weight", "tablet-weight-spread", on)


def _of_capsules(plan: Plan, materials: Materials, on: date) -> Iterable[Contribution]:
    """Filler, mixing and filling."""
    yield from _of_the_filler(plan, materials, on)
    yield _assumed("mean fill", "mean-fill", on)
    yield _assumed("mixing", "powder-mixing", on, "unit")
    if materials.fill_spread is None:
        yield _assumed(FILL_SPREAD, "fill-spread", on, "unit")
    else:
        yield measured_fill(materials.fill_spread * 100, "measured here, as the settings say")


def _of_a_liquid(plan: Plan, materials: Materials, on: date) -> Iterable[Contribution]:
    """Volume and mixing; other ingredients do not change how much active a volume holds."""
    yield _amount("volume", plan.made, materials.balance, on)
    yield _assumed("mixing", "liquid-mixing", on, "unit")


def _of_a_trituration(plan: Plan, materials: Materials, on: date) -> Iterable[Contribution]:
    """Filler and mixing."""
    yield from _of_the_filler(plan, materials, on)
    yield _assumed("mixing", "powder-mixing", on, "unit")


def _of_the_filler(plan: Plan, materials: Materials, on: date) -> Iterable[Contribution]:
    """A filler that is 1 % too heavy dilutes the mixture by 1 % of the filler's share of it."""
    for line in _filler_weighed(plan):
        yield _amount(f"weighing of {line.material}", line.target, materials.balance, on, _beside_the_source(plan))


def _filler_weighed(plan: Plan) -> list[Line]:
    return [each for each in plan.lines if each.line == "filler" and each.measure == "balance" and _mg(each.target)]


def _beside_the_source(plan: Plan) -> float:
    """Share of the filler in its mixture with the source: how far a dose follows the mass of either.

    The dose is source / (source + filler) of a fill, and 1 where no filler is weighed beside the source.
    """
    filler = sum((_mg(line.target) for line in _filler_weighed(plan)), Fraction(0))
    source = _mg(plan.aliquots[-1].take if plan.aliquots else plan.source.weigh) if filler else Fraction(0)
    return float(filler / (source + filler)) if filler else 1.0


def _assumed(source: str, assumption_id: str, on: date, kind: Kind = "batch") -> Contribution:
    found = assumption(assumption_id, on)
    return Contribution(source, found.relative, kind, "assumed", found.basis)


def _amount(source: str, target: str, balance: Balance, on: date, share: float = 1.0) -> Contribution:
    """One weighing on a balance, or one volume in a cylinder; the share says how far the dose follows it."""
    measured = quantity(target)
    if measured.dimensionality == quantity("1 mL").dimensionality:
        ml = amount(measured, "mL")
        glass = cylinder_for(ml, on)
        relative = uncertainty.volume(float(ml), float(glass.tolerance), glass.times)
        return Contribution(source, share * relative, "batch", "assumed", glass.basis)
    step = float(amount(balance.readability, "mg"))
    if balance.repeatability is not None:
        repeats = float(amount(balance.repeatability, "mg"))
        origin: Origin = "measured"
        basis = f"{target} on {balance.name}, whose repeatability of {told(balance.repeatability)} was measured"
    else:
        assumed = assumption("balance-repeatability", on)
        repeats, origin = assumed.relative * step, "assumed"
        basis = f"{target} on {balance.name}, repeatability {assumed.basis}"
    relative = uncertainty.weighing(float(amount(measured, "mg")), step, repeats)
    return Contribution(source, share * relative, "batch", origin, basis)


def _mg(text: str) -> Fraction:
    return amount(quantity(text), "mg")


def chance_of(budget: Budget, plan: Plan) -> Uniformity:
    """The chance that the batch meets content uniformity, both stages, and 90 to 110 % potency.

    A laboratory measures the units, so its error joins theirs. Contents are taken as normal; where a window of
    the content is most of the doubt its real shape is flatter, and its tails end.

    Args:
        budget: the plan's budget.
        plan: with its expected error, that by the certificate where a correction leaves some out; only capsules are units that content uniformity judges.

    Returns:
        Chances in percent; content uniformity, and both together, are at least as likely as said.

    Source:
        usp-905-table-2; compounding-today-4-12
    """
    laboratory = 100 * assumption("laboratory", date.fromisoformat(plan.prepared)).relative
    mean = 100 + float(Fraction(plan.expected.certified_error_percent or plan.expected.error_percent))
    batch = mean * budget.batch_relative
    potency = potency_chance(mean, batch_sd=batch, assay_sd=laboratory)
    if not plan.capsule:
        return Uniformity(None, None, _percent(potency))
    spread = hypot(mean * budget.unit_relative, laboratory)
    units, both = chances_with_assay(mean, spread, batch_sd=batch, assay_sd=laboratory)
    return Uniformity(_percent(max(units.at_least, both)), _percent(units.stage_1), _percent(potency), _percent(both))


def simulated(plan: Plan, batches: int) -> Simulated:
    """The chance of content uniformity by drawing batches of the plan: a second witness beside the closed form.

    Args:
        plan: of capsules, with its budget; nothing else is judged unit by unit.
        batches: to draw [from 1].

    Raises:
        NotUnderstood: the plan makes no units.
        EnvironmentFails: numpy is not installed.
    """
    if not plan.capsule:
        text = f"--simulate draws batches of single units; {plan.form} has none. Leave it out"
        raise NotUnderstood(Problem("simulation.no-units", text, "simulate"))
    laboratory = 100 * assumption("laboratory", date.fromisoformat(plan.prepared)).relative
    mean = 100 + float(Fraction(plan.expected.certified_error_percent or plan.expected.error_percent))
    batch, unit = (
        mean * hypot(*(float(each.relative_percent) for each in plan.expected.budget if each.kind == kind)) / 100
        for kind in ("batch", "unit")
    )
    return simulated_chance(mean, hypot(unit, laboratory), batch_sd=batch, batches=batches)


def doubt_of(budget: Budget) -> Doubt:
    """A budget as a plan keeps it: percentages of the dose to two decimals."""
    lines = (
        DoubtLine(each.source, _percent(each.relative), each.kind, each.origin, each.basis)
        for each in budget.contributions
    )
    return Doubt(
        expanded_uncertainty_percent=_percent(budget.expanded_percent / 100),
        coverage_factor=budget.coverage_factor,
        batch_percent=_percent(budget.batch_relative),
        unit_percent=_percent(budget.unit_relative),
        largest=budget.largest.source if budget.largest else "",
        budget=tuple(lines),
    )


def _percent(share: float) -> str:
    return decimal_text(Fraction(share) * 100, 2)


def with_doubts(formula: Formula, made: Plan, materials: Materials, known: Iterable[Contribution] = ()) -> Plan:
    """The plan with its budget of uncertainty and its chances, worked out from what it says itself."""
    budget = budget_of(formula, made, materials, known)
    doubt = doubt_of(budget)
    expected = replaced(
        made.expected,
        expanded_uncertainty_percent=doubt.expanded_uncertainty_percent,
        coverage_factor=doubt.coverage_factor,
        largest=doubt.largest,
        budget=doubt.budget,
    )
    return replaced(made, expected=expected, uniformity=chance_of(budget, made))
