"""Ids as they are typed at a bench: scanned, in another case, abbreviated; and every parameter that takes one says so."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from compounding.cli.ids import KNOWN, Id
from compounding.cli.main import COMMANDS
from tests.bench import Bench, stocked

OPEN = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id'
# Arguments called by these names that are no ids of things there are: a new one, or the language of a text.
NEW = {"lot receive ID", "person add ID"}
NAMES = {"id", "batch_id", "formula_id", "lot_id", "source", "stock", "balance", "syringe", "shells", "filler", "others"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("ids"))
    for id in ("CAPS-1", "CAPS-10", "PM-7"):
        made.do(f"{OPEN} {id}")
    return made


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("batch show CAPS-1 --json", "CAPS-1"),
        ("batch show caps-1 --json", "CAPS-1"),
        ("batch show ]d291PM-7 --json", "PM-7"),
        ("batch show ]C0PM-7 --json", "PM-7"),
        ("batch show pm --json", "PM-7"),
        ("batch show CAPS-10 --json", "CAPS-10"),
    ],
)
def test_a_batch_is_scanned_abbreviated_or_typed_in_any_case(bench: Bench, command: str, shown: str) -> None:
    assert bench.do(command).json["id"] == shown


def test_what_was_meant_is_said_where_it_is_not_what_was_typed(bench: Bench) -> None:
    assert bench.do("batch show pm").err == "pm: PM-7\n"
    assert bench.do("batch show PM-7").err == ""


def test_a_lot_label_that_says_it_is_gs1_and_is_not_is_read(bench: Bench) -> None:
    assert bench.do("lot show ]C1TAB-1").err == "]C1TAB-1: TAB-1\n"


def test_several_that_begin_so_are_listed_and_none_is_taken(bench: Bench) -> None:
    refused = bench.run("batch show caps")
    assert (refused.code, refused.codes) == (2, ["id.ambiguous"])
    assert "CAPS-1, CAPS-10" in refused.err


def test_a_number_is_not_cut(bench: Bench) -> None:
    bench.do(f"{OPEN} LIQ-30")
    assert bench.run("batch show LIQ-3").codes == ["batch.unknown"]


def test_a_lot_in_the_hand_is_not_abbreviated(bench: Bench) -> None:
    before = bench.head()
    refused = bench.run('batch weigh PM-7 source "952.4 mg" --lot TAB')
    assert refused.codes == ["lot.unknown"] and "TAB-1" in refused.err
    assert bench.head() == before


def test_a_lot_in_the_hand_is_scanned(bench: Bench) -> None:
    planned = bench.do("batch show PM-7 --json").json["plan"]["source"]["weigh"]
    assert "]C1tab-1: TAB-1" in bench.do(["batch", "weigh", "PM-7", "source", planned, "--lot", "]C1tab-1"]).err


def test_a_formula_is_abbreviated(bench: Bench) -> None:
    assert bench.do("formula show naltrexone-cap").err == "naltrexone-cap: naltrexone-capsule\n"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner
            yield from commands(inner, f"{name} {each}")
    else:
        yield name, command


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name, (module, _) in COMMANDS.items():
        yield from commands(getattr(importlib.import_module(f"compounding.cli.{module}"), name), name)


def test_each_parameter_that_takes_an_id_says_which() -> None:
    seen = 0
    for name, command in every_command():
        for parameter in command.params:
            kind = parameter.type
            if parameter.name not in NAMES or isinstance(kind, click.Path | click.Choice):
                continue
            metavar = parameter.metavar or ""
            if f"{name} {metavar}" in NEW or name.startswith("label text ") or (name, parameter.name) in {("batch open", "id"), ("plan", "filler"), ("options", "filler")}:
                continue
            assert isinstance(kind, Id) and set(kind.kinds) <= set(KNOWN), f"{name}: {parameter.name}"
            seen += 1
    assert seen > 60


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        ("person retire", ("person",)),
        ("label reprint", ("label",)),
        ("dispense", ("label",)),
        ("recall", ("lot", "batch")),
        ("trace", ("lot", "batch", "rx", "label")),
        ("qc investigate show", ("investigation",)),
    ],
)
def test_the_first_argument_of_a_command_completes_what_it_takes(command: str, kinds: tuple[str, ...]) -> None:
    first = dict(every_command())[command].params[0]
    assert isinstance(first.type, Id) and first.type.kinds == kinds


def test_without_settings_an_id_is_taken_as_it_is(tmp_path: Path) -> None:
    assert Bench(tmp_path).run("batch show pm").codes == ["file.missing"]
