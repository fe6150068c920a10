"""The analysis of a released batch as FHIR R5 resources, in the shape of Pharmaceutical Quality.

A batch analysis is a report about a medication that was made: its substance, the specification that it was tested
against, and each result with its number, limits, method, person and time. Nothing is said here that its record does not
say. Which resource carries what follows the implementation guide (hl7-pharm-quality); no profile of it is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from compounding.frozen import dataclass
from compounding.quantities import quantity, written
from compounding.records.analysis import AnalysisText
from compounding.records.batch import Batch
from compounding.records.facts import Recorded, Released
from compounding.records.formula import Test
from compounding.rules.tables import in_force
from compounding.settings import Pharmacy
from compounding.work.results import ResultRow, result_rows

Resource = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
UNII = "http://fdasis.nlm.nih.gov"
# How our units are spelled in UCUM; the others are spelled alike.
_SPELLED = {"mcg": "ug", "CFU/mL": "[CFU]/mL", "CFU/g": "[CFU]/g", "capsule": "{capsule}", "tablet": "{tablet}"}
# Number and unit at the beginning of what was observed, such as ``98.7 % of label`` or ``<10 CFU/mL``.
_NUMBER = re.compile(r"(?P<sign>[<>]?)\s?(?P<value>\d+(?:\.\d+)?)(?: (?P<unit>%|[A-Za-zµ]+(?:/[A-Za-z]+)?))?")
# What a volume comes to, in percent of the plan: its limits are percent too.
_OF_THE_PLAN = re.compile(r"(?P<sign>)(?P<value>\d+(?:\.\d+)?) (?P<unit>%) of the")
_MEASURED = ("assay", "number", "volume", "count", "ingredient")
_VERDICTS = {"pass": "meets its limits", "fail": "does not meet its limits"}


@dataclass(frozen=True)
class _Named:
    """A resource with the address that the others call it by."""

    url: str
    resource: Resource

    @property
    def reference(self) -> Resource:
        return {"reference": self.url}


def bundle_of(batch: Batch, names: Mapping[str, str], pharmacy: Pharmacy, site: str, text: AnalysisText) -> Resource:
    """The bundle of one released batch.

    Args:
        batch: the batch, released.
        names: printed names of people by id.
        pharmacy: who made and tested it.
        site: with the batch's id it makes each resource's address, the same every time.
        text: its certificate, whose conclusion and notes stand in the report.
    """

    def named(what: str, resource: Resource) -> _Named:
        return _Named(f"urn:uuid:{uuid5(NAMESPACE_URL, f'compounding/{site}/{batch.id}/{what}')}", resource)

    rows = [row for row in result_rows(batch, names) if row.entry]
    maker = named("pharmacy", _organization(pharmacy))
    ended = batch.ended
    assert ended is not None and isinstance(ended.fact, Released)
    people = {
        name: named(f"person {name}", _practitioner(name))
        for name in sorted({row.person for row in rows} | {names.get(ended.person, ended.person)})
    }
    substance = named("substance", _substance(batch))
    product = named("product", _medication(batch, substance, maker))
    specification = named("specification", _specification(batch, product))
    results = [named(f"result {row.entry}", _observation(batch, row, product, people[row.person])) for row in rows]
    report = named("report", _report(batch, ended, product, specification, maker, people, results, names, text))
    every = [report, product, substance, specification, maker, *people.values(), *results]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": f"urn:compounding:{site}:batch", "value": batch.id},
        "timestamp": ended.time,
        "entry": [{"fullUrl": each.url, "resource": each.resource} for each in every],
    }


def _organization(pharmacy: Pharmacy) -> Resource:
    contact = {"telecom": [{"system": "phone", "value": pharmacy.phone}], "address": {"text": pharmacy.address}}
    return {"resourceType": "Organization", "active": True, "name": pharmacy.name, "contact": [contact]}


def _practitioner(name: str) -> Resource:
    return {"resourceType": "Practitioner", "name": [{"text": name}]}


def _codes(batch: Batch) -> Resource:
    """The active by name, and by its register number where one is known."""
    name = batch.plan.active.substance
    rows = in_force("substances", batch.prepared, kind="form", id=name)
    coding = [{"system": UNII, "code": row["unii"], "display": name} for row in rows if "unii" in row]
    return ({"coding": coding} if coding else {}) | {"text": name}


def _substance(batch: Batch) -> Resource:
    rows = in_force("substances", batch.prepared, kind="form", id=batch.plan.active.substance)
    structure = {"structure": {"molecularFormula": rows[0]["formula"]}} if rows else {}
    return {"resourceType": "SubstanceDefinition", "code": [{"code": _codes(batch)}], **structure}


def _medication(batch: Batch, substance: _Named, maker: _Named) -> Resource:
    plan = batch.plan
    strength = quantity(plan.strength)
    number, _, unit = written(strength).partition(" ")
    top, _, bottom = unit.partition("/")
    bottom = bottom or ("capsule" if plan.form == "capsule" else "1")
    ratio = {"numerator": _amount(number, top), "denominator": _amount("1", bottom)}
    return {
        "resourceType": "Medication",
        "identifier": [{"system": "urn:compounding:batch", "value": batch.id}],
        "status": "active",
        "code": {"text": f"{plan.name}, {plan.strength}"},
        "doseForm": {"text": plan.form},
        "marketingAuthorizationHolder": maker.reference,
        "ingredient": [
            {
                "item": {"concept": _codes(batch), "reference": substance.reference},
                "isActive": True,
                "strengthRatio": ratio,
            }
        ],
        "batch": {"lotNumber": batch.id, "expirationDate": plan.beyond_use.date},
    }


def _specification(batch: Batch, product: _Named) -> Resource:
    """What the formula asks of every batch: a goal for each test, and the action that shows whether it is reached."""
    formula = batch.plan.formula
    goals, actions = [], []
    for number, test in enumerate(batch.formula.test, 1):
        target = {"target": [{"measure": {"text": test.trait}, **_limits_as_target(test)}]}
        goals.append({"id": f"g{number}", "description": {"text": test.expected}, **target})
        actions.append({"title": test.trait, "description": test.method, "goalId": [f"g{number}"]})
    return {
        "resourceType": "PlanDefinition",
        "identifier": [{"system": "urn:compounding:formula", "value": formula.digest}],
        "version": formula.version,
        "title": f"Specification of {formula.id}",
        "status": "active",
        "subjectReference": product.reference,
        "goal": goals,
        "action": actions,
    }


def _limits_as_target(test: Test) -> Resource:
    limits = _limits(test)
    return {"detailRange": limits} if limits else {"detailString": test.expected}


def _limits(test: Test) -> Resource:
    """Low and high of a measured test; nothing for one that is looked at."""
    if test.kind not in _MEASURED:
        return {}
    unit = {"number": "", "count": test.unit or ""}.get(test.kind, "%")
    ends = {"low": test.low, "high": test.high}
    return {name: _amount(each, unit) for name, each in ends.items() if each is not None}


def _observation(batch: Batch, row: ResultRow, product: _Named, person: _Named) -> Resource:
    """One result: its number, limits, method, verdict, who and when; what was set aside says so."""
    test = next(each for each in batch.formula.test if each.trait == row.trait)
    limits = _limits(test) | {"text": row.limits}
    notes = [*row.findings, *(f"File {each.name}, {each.digest}" for each in row.attachments)]
    notes += [f"Found by {row.laboratory}"] if row.laboratory else []
    resource: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": row.trait},
        "subject": product.reference,
        "effectiveDateTime": row.found or row.time,
        "issued": row.time,
        "performer": [person.reference],
        **_value(test, row.observed),
        "interpretation": [{"text": _VERDICTS.get(row.verdict, row.verdict.replace("_", " "))}],
        "method": {"text": row.method},
        "referenceRange": [limits],
    }
    if notes:
        resource["note"] = [{"text": note} for note in notes]
    if len(row.values) > 1:
        resource["component"] = list(_components(row.values))
    return resource


def _value(test: Test, observed: str) -> Resource:
    found = (
        (_OF_THE_PLAN.search if test.kind == "volume" else _NUMBER.match)(observed) if test.kind in _MEASURED else None
    )
    if found is None:
        return {"valueString": observed}
    sign = {"comparator": found["sign"]} if found["sign"] else {}
    return {"valueQuantity": {**sign, **_amount(found["value"], found["unit"] or "")}}


def _components(values: Sequence[str]) -> Iterator[Resource]:
    """The single values behind a result, in the order they were read."""
    for number, text in enumerate(values, 1):
        found = _NUMBER.fullmatch(text)
        value = {"valueQuantity": _amount(found["value"], found["unit"] or "")} if found else {"valueString": text}
        yield {"code": {"text": f"value {number}"}, **value}


def _amount(number: str, unit: str) -> Resource:
    """A number with its unit; its digits stay as they are, trailing zeros too."""
    code = _SPELLED.get(unit, unit)
    return {"value": Decimal(number)} | ({"unit": unit, "system": UCUM, "code": code} if unit else {})


def _report(
    batch: Batch,
    ended: Recorded,
    product: _Named,
    specification: _Named,
    maker: _Named,
    people: Mapping[str, _Named],
    results: Sequence[_Named],
    names: Mapping[str, str],
    text: AnalysisText,
) -> Resource:
    by = people[names.get(ended.person, ended.person)]
    return {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "urn:compounding:batch-analysis", "value": batch.id}],
        "status": "final",
        "code": {"text": "Batch analysis"},
        "subject": product.reference,
        "effectiveDateTime": ended.time,
        "issued": ended.time,
        "performer": [maker.reference],
        "resultsInterpreter": [by.reference],
        "result": [each.reference for each in results],
        "note": [{"text": note} for note in text.notes],
        "conclusion": f"{text.conclusion.text} Specification: {specification.resource['title']}, version "
        f"{text.formula_version}. Journal head {text.head}.",
    }
