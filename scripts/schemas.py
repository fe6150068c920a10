"""Writes docs/schemas out of the records: what commands print with --json, what a formula and the settings may hold, and
what stands in the journal.

    python scripts/schemas.py

JSON Schema 2020-12. A command may gain keys, so outputs leave room for them; formulas and settings refuse a key that they
do not know.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from compounding.records.facts import KINDS
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.records.record import Record
from compounding.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
Schema = dict[str, Any]

# What the grammar of a text leaves as a pattern; the tool itself reads more strictly.
_TEXTS: dict[str, Schema] = {
    "QuantityText": {"type": "string", "pattern": r"^[0-9][0-9,]*(\.[0-9]+)? \S.*$"},
    "NumberText": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    "PercentText": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? %$"},
    "DateText": {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
}
PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "A stable name; compounding explain tells what it means."},
        "text": {"type": "string"},
        "where": {"type": ["string", "null"]},
        "stops": {"type": "boolean"},
        "source": {"type": ["string", "null"]},
    },
    "required": ["code", "text", "where", "stops", "source"],
}
PROBLEMS: Schema = {"type": "array", "items": PROBLEM}


def schemas() -> dict[str, Schema]:
    """Every schema by the name of its file."""
    plan = _printed(_schema_of(Plan))
    plan["properties"] |= {"concentration": {"type": "string"}, "problems": PROBLEMS}
    plan["required"].append("problems")
    lot = _lot()
    return {
        "plan": _titled(plan, "plan --json", "One plan; a liquid has its concentration beside the strength."),
        "lots": _titled(_list("lots", lot), "lot list --json", "Every lot as it stands."),
        "batch": _titled(_batch(), "batch show --json", "A batch: its plan, and every fact with its place in the journal."),
        "uniformity": _titled(_uniformity(), "qc uniformity --json", "The judgement of single values."),
        "status": _titled(_rows("items", "group", "about", "says", "command", date="day"), "status --json", "What waits, in groups, each with the command that comes next."),
        "doctor": _titled(_doctor(), "doctor --json", "What was looked at, and how many things would fail."),
        "explain": _titled(_explained(), "explain --json", "What a code of a problem means."),
        "problems": _titled({"type": "object", "properties": {"problems": PROBLEMS}, "required": ["problems"]}, "any command that is refused, with --json", "Why not."),
        "formula": _titled(_schema_of(Formula), "formulas/*.toml", "A master formulation record."),
        "settings": _titled(_schema_of(Settings), "settings.toml", "One pharmacy at one site."),
        "facts": _titled(_facts(), "the journal", "One entry's kind and body; a kind is forever."),
    }  # fmt: skip


def _titled(schema: Schema, title: str, says: str) -> Schema:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "description": says}
    return head | {key: value for key, value in schema.items() if key not in head}


def _schema_of(record: type[msgspec.Struct]) -> Schema:
    """The schema of a record whose definitions stand beside it; texts with a grammar get its pattern."""
    (root,), definitions = msgspec.json.schema_components([record])
    name = root["$ref"].rpartition("/")[2]
    known = {each.__name__: each for each in _structs()}
    for title, definition in definitions.items():
        _with_patterns(definition, known[title])
    own = definitions.pop(name)
    return own | ({"$defs": definitions} if definitions else {})


def _structs() -> list[type[msgspec.Struct]]:
    """Every record that is defined."""
    found: list[type[msgspec.Struct]] = [msgspec.Struct]
    for each in found:
        found += each.__subclasses__()
    return found


def _with_patterns(definition: Schema, record: type[msgspec.Struct]) -> None:
    for base in reversed(record.__mro__):
        if not issubclass(base, Record):
            continue
        for field, annotation in base.__dict__.get("__annotations__", {}).items():  # noqa: RUF063
            kind = next((name for name in _TEXTS if re.search(rf"\b{name}\b", str(annotation))), None)
            schema = definition.get("properties", {}).get(field)
            if kind and schema:
                _put(schema, _TEXTS[kind])


def _put(schema: Schema, text: Schema) -> None:
    """The pattern, wherever in a field's schema its text stands."""
    if schema.get("type") == "string":
        schema.update(text)
    for inner in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ()), *schema.get("prefixItems", ())):
        if isinstance(inner, dict):
            _put(inner, text)


def _printed(schema: Schema) -> Schema:
    """As a command prints it: percentages are numbers, and there is room for more keys."""
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            if name.endswith("_percent") or name == "tablets_exact":
                null = any(inner.get("type") == "null" for inner in each.get("anyOf", ()))
                schema["properties"][name] = {"type": ["number", "null"] if null else "number"}
        schema.pop("additionalProperties", None)
        for each in schema.values():
            for inner in each if isinstance(each, list) else (each,):
                if isinstance(inner, dict):
                    _printed(inner)
    return schema


def _list(name: str, item: Schema) -> Schema:
    definitions = item.pop("$defs", {})
    return {"type": "object", "properties": {name: {"type": "array", "items": item}}, "required": [name], "$defs": definitions}  # fmt: skip


def _lot() -> Schema:
    lot = _printed(_schema_of(KINDS["lot-received"]))
    text: Schema = {"type": "string"}
    lot["properties"] |= {
        "left": _TEXTS["QuantityText"],
        "average_weight": {"type": ["string", "null"]},
        "quarantined": {"type": ["string", "null"], "description": "Why it may not be used."},
        "used": {"type": "array", "items": {"type": "object", "properties": dict.fromkeys(("batch", "line", "amount"), text), "required": ["batch", "line", "amount"]}},
    }  # fmt: skip
    lot["required"] += ["left", "average_weight", "quarantined", "used"]
    return lot


def _batch() -> Schema:
    plan = _printed(_schema_of(Plan))
    definitions = plan.pop("$defs")
    fact = {
        "type": "object",
        "properties": {"entry": {"type": "integer", "minimum": 1}, "time": {"type": "string"}, "person": {"type": "string"}, "reason": {"type": ["string", "null"]}},
        "required": ["entry", "time", "person"],
    }  # fmt: skip
    groups = ("weighed", "steps", "yielded", "tested", "accepted", "verified", "labels", "lots")
    properties: Schema = {"id": {"type": "string"}, "state": {"enum": ["open", "released", "rejected", "recalled"]}, "held": {"type": "boolean"}, "plan": plan}  # fmt: skip
    properties |= {name: {"type": "array", "items": fact} for name in groups}
    return {"type": "object", "properties": properties, "required": list(properties), "$defs": definitions}


def _uniformity() -> Schema:
    number: Schema = {"type": "number"}
    names = ("mean_percent", "sd_percent", "reference_value_percent", "acceptability_constant", "acceptance_value", "limit")
    properties: Schema = {"n": {"enum": [10, 30]}, **dict.fromkeys(names, number)}
    properties |= {
        "stage": {"enum": [1, 2]},
        "out_of_range": {"type": "array"},
        "verdict": {"enum": ["pass", "fail", "test_20_more"]},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _rows(name: str, *texts: str, **beside: str) -> Schema:
    """A list of records of texts, and texts beside it."""
    text: Schema = {"type": "string"}
    item = {"type": "object", "properties": dict.fromkeys(texts, text), "required": list(texts)}
    properties: Schema = {name: {"type": "array", "items": item}} | {key: text | {"description": says} for key, says in beside.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _doctor() -> Schema:
    schema = _rows("findings", "what", "state", "says")
    schema["properties"]["findings"]["items"]["properties"]["state"] = {"enum": ["well", "look", "fails"]}
    schema["properties"]["fails"] = {"type": "integer", "minimum": 0}
    schema["required"].append("fails")
    return schema


def _explained() -> Schema:
    always: Schema = {key: {"type": "string"} for key in ("code", "about", "why", "mend")}
    properties = always | {key: {"type": ["string", "null"]} for key in ("means", "source")}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _facts() -> Schema:
    """Kind and body of every fact; the definitions of all of them stand side by side."""
    definitions: Schema = {}
    ways = []
    for kind, record in KINDS.items():
        schema = _schema_of(record)
        definitions |= schema.pop("$defs", {})
        definitions[record.__name__] = schema
        body = {"$ref": f"#/$defs/{record.__name__}"}
        ways.append({"properties": {"kind": {"const": kind}, "body": body}, "required": ["kind", "body"]})
    return {"type": "object", "oneOf": ways, "$defs": definitions}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")
