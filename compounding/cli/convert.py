"""``compounding convert``: one quantity in another unit."""

from __future__ import annotations

import click

from compounding.cli.show import emit, json_option
from compounding.quantities import in_unit, quantity, told, written


@click.command()
@click.argument("text", metavar="QUANTITY")
@click.argument("unit")
@json_option
def convert(text: str, unit: str, as_json: bool) -> None:
    """Write a quantity in another unit, exactly.

    \b
    compounding convert "4.5 mg" mcg
    compounding convert "250 mg/5 mL" mg/mL
    """
    result = in_unit(quantity(text), unit)
    if as_json:
        emit({"quantity": written(result)})
    else:
        click.echo(told(result))
