"""The registry of Pint that is made without its reader of unit files."""

import subprocess
import sys
from fractions import Fraction

import pint
import pytest

from compounding import units

# The same units as Pint reads them from a file, and names of its own for what has none.
FILE = """
gram = [mass]
liter = [volume]
millimeter = [length]
day = [time]
tablet = [tablet]
capsule = [capsule]
dose = [dose]
drop = [drop]
kilogram = 1000 * gram
milligram = gram / 1000
microgram = gram / 1000000
nanogram = gram / 1000000000
milliliter = liter / 1000
"""


def test_each_unit_is_worth_what_pint_reads_from_a_file() -> None:
    read = pint.UnitRegistry(None, non_int_type=Fraction)
    read.load_definitions(FILE.splitlines())
    names = [line.split(" = ")[0] for line in FILE.split("\n") if line]
    assert names == [*units._BASE, *units._PARTS]
    for name in names:
        ours, theirs = units.REGISTRY.Quantity(Fraction(1), units.unit(name)), read.Quantity(Fraction(1), name)
        assert ours.to_base_units().m == theirs.to_base_units().m
        assert type(ours.to_base_units().m) is Fraction
        assert str(ours.to_base_units().u) == str(theirs.to_base_units().u)


def test_a_unit_is_defined_once() -> None:
    with pytest.raises(pint.RedefinitionError):
        units.define_base("gram", "weight")


def run(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True, stderr=subprocess.STDOUT).strip()


def test_whoever_reads_a_unit_file_after_it_has_the_reader() -> None:
    code = (
        "import sys, compounding.units, pint\n"
        "assert 'flexparser' not in sys.modules\n"
        "print(pint.UnitRegistry()('5 mg').to('g').m, 'flexparser' in sys.modules)"
    )
    assert run(code) == "0.005 True"


def test_where_pint_was_imported_before_it_is_used_as_it_is() -> None:
    assert (
        run("import pint, compounding.units as units; print(units.REGISTRY.Quantity(1, units.unit('gram')))")
        == "1 gram"
    )
