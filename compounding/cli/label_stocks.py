"""``compounding label stocks``: the rolls and sheets that labels are printed on."""

from __future__ import annotations

import click

from compounding.cli.app import App
from compounding.cli.show import emit, json_option, table


@click.group()
def stocks() -> None:
    """Label stocks: the rolls and sheets that labels are printed on."""


@stocks.command("list")
@json_option
@click.pass_obj
def list_stocks(app: App, as_json: bool) -> None:
    """List the stocks there are."""
    from compounding.documents.stocks import POINTS_PER_MM, read_stock, stock_names

    found = [read_stock(name) for name in stock_names()]
    rows = [
        (each.id, each.kind, f"{each.width / POINTS_PER_MM:.1f} x {each.height / POINTS_PER_MM:.1f}", each.name)
        for each in found
    ]
    if as_json:
        emit({"stocks": [dict(zip(("id", "kind", "label_mm", "name"), row, strict=True)) for row in rows]})
    else:
        click.echo(table(("stock", "kind", "label, mm", "name"), rows))
