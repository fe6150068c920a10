"""``compounding label stocks`` and ``label calibrate``: what labels are printed on, and setting a printer right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compounding.cli.app import App, nearest
from compounding.cli.ids import STOCK
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused

if TYPE_CHECKING:
    from compounding.documents.sheets import Shift
    from compounding.documents.stocks import Stock


def own_stocks(app: App) -> Path | None:
    """The pharmacy's own folder of stocks, if its settings name one."""
    if not app.has_settings or not app.settings.stocks:
        return None
    return app.settings_file.parent / app.settings.stocks


def printer_of(app: App, printer: str | None, queue: str | None) -> str | None:
    """The printer whose stock and calibration hold: the one that was named, else the queue, if the settings know it."""
    return printer or (queue if queue and queue in app.settings.printers else None)


def printer_shift(app: App, printer: str | None) -> Shift:
    """How a printer is set right; not at all without a printer.

    Raises:
        NotUnderstood: the settings have no such printer.
    """
    from compounding.documents.sheets import NONE, shift_of

    if printer is None:
        return NONE
    known = app.settings.printers
    if printer not in known:
        near = nearest(printer, known)
        text = f"{printer} is no printer of the settings{near}{'' if near.endswith('?') else '.'} Write [printers.{printer}] there"
        raise NotUnderstood(Problem("printer.unknown", text, printer))
    return shift_of(known[printer].offset_mm, known[printer].scale)


@click.group()
def stocks() -> None:
    """Label stocks: the rolls and sheets that labels are printed on.

    \b
    compounding label stocks list
    compounding label stocks show 5163
    compounding label stocks import avery-us-templates.xml --part 5163
    """


@stocks.command("list")
@list_options
@click.pass_obj
def list_stocks(app: App, /, **wanted: Any) -> None:
    """List the stocks there are; the pharmacy's own come before ours."""
    from compounding.documents.stocks import read_stock, stock_names

    folder = own_stocks(app)
    found = [read_stock(name, folder) for name in stock_names(folder)]
    rows = [
        (each.id, each.kind, str(len(each.places)), "{} x {}".format(*_as_data(each)["label_mm"]), each.name)
        for each in found
    ]
    head = ("stock", "kind", "labels", "label, mm", "name")
    show_list("stocks", head, rows, lambda: [_as_data(each) for each in found], right=(2,), **wanted)


@stocks.command()
@click.argument("name", type=STOCK, metavar="NAME")
@json_option
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show one stock: its sizes, its margin, where its labels lie; a size such as 83x54mm is a stock too."""
    from compounding.documents.stocks import read_stock

    data = _as_data(read_stock(name, own_stocks(app)))
    if as_json:
        emit(data)
        return
    for key, value in data.items():
        if key != "places_mm" and value != "":
            shown = " x ".join(map(str, value)) if isinstance(value, list) else value
            say(f"{key.replace('_mm', ', mm').replace('_', ' '):17} {shown}")
    for number, (left, top) in enumerate(data["places_mm"], 1):
        say(f"{'label ' + str(number):17} {left} from the left, {top} from the top")


def _as_data(stock: Stock) -> dict[str, Any]:
    from compounding.documents.stocks import POINTS_PER_MM

    def mm(*points: float) -> list[float]:
        return [round(each / POINTS_PER_MM, 2) for each in points]

    return {
        "id": stock.id,
        "name": stock.name,
        "kind": stock.kind,
        "labels": len(stock.places),
        "label_mm": mm(stock.width, stock.height),
        "page_mm": mm(stock.page_width, stock.page_height),
        "margin_mm": mm(stock.margin)[0],
        "dots_per_inch": stock.dots_per_inch,
        "media": stock.media,
        "next_larger": stock.next_larger,
        "places_mm": [mm(left, top) for left, top in stock.places],
    }


@stocks.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--part", "parts", multiple=True, help="Only this part, such as 5163; may be given more than once.")
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder; default: the settings'."
)
@json_option
@click.pass_obj
def import_(app: App, file: Path, parts: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Make stocks of gLabels' XML templates; those whose own numbers do not add up are refused by name.

    \b
    compounding label stocks import avery-us-templates.xml --part 5163 --to stocks
    """
    from compounding.documents.glabels import read_glabels, some
    from compounding.store.files import write_whole

    folder = folder or own_stocks(app)
    if folder is None:
        text = 'There is no folder for stocks: give --to, or write stocks = "stocks" into the settings'
        raise NotUnderstood(Problem("stocks.no-folder", text, "--to"))
    try:
        data = file.read_bytes()
    except OSError as error:
        raise NotUnderstood(Problem("file.missing", f"{file} cannot be read: {error.strerror}", str(file))) from None
    found = list(some(read_glabels(data, file.name), parts))
    good = {each.stock.id: each for each in found if each.stock}
    problems = [each.problem for each in found if each.problem]
    if not good:
        raise Refused(problems)
    there = [name for name in good if (folder / f"{name}.toml").exists()]
    if there:
        text = f"{folder} holds {', '.join(there[:5])} already: nothing was written. Move them away, or give --part"
        raise Refused(Problem("file.exists", text, str(folder)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFails(Problem("environment.os", f"{folder}: {error.strerror}", str(folder))) from None
    for name, each in good.items():
        write_whole(folder / f"{name}.toml", each.toml.encode())
    if as_json:
        emit({"folder": str(folder), "stocks": list(good), "problems": [vars(each) for each in problems]})
        return
    for problem in problems:
        notice(f"{problem.text} [{problem.code}]")
    kept = f"{len(good)} stocks" if len(good) > 1 else next(iter(good))
    refused = f"; {len(problems)} were refused" if problems else ""
    say(f"{kept} written to {folder}{refused}. Print a calibration page before the first label.")


@click.command()
@click.option("--stock", type=STOCK, metavar="NAME", help="Label stock; default: the printer's, else the settings'.")
@click.option("--printer", metavar="NAME", help="Apply this printer's offset and scale, to see that they are right.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.pdf")
@json_option
@click.pass_obj
def calibrate(app: App, stock: str | None, printer: str | None, out: Path, as_json: bool) -> None:
    """Write a page of outlines and crosses for a stock; held against the stock, it shows how far a printer is off.

    \b
    compounding label calibrate --stock 5163 --out calibration.pdf
    """
    from compounding.documents import pdf
    from compounding.documents.sheets import calibration, spans
    from compounding.documents.stocks import read_stock
    from compounding.store.files import check_paper, write_whole

    check_paper(out, may_replace=True)
    paper = read_stock(stock_name(app, stock, printer), own_stocks(app))
    shift = printer_shift(app, printer)
    write_whole(out, pdf.paint([calibration(paper, shift)], title=f"Calibration of {paper.id}"))
    across, along = spans(paper)
    if as_json:
        emit(
            {
                "file": str(out),
                "stock": paper.id,
                "labels": len(paper.places),
                "across_mm": f"{across:.2f}",
                "along_mm": f"{along:.2f}",
            }
        )
        return
    say(f"Calibration page of {paper.name} written to {out}")
    for line in _advice(printer or "NAME", len(paper.places), across, along):
        say(f"  {line}")


def stock_name(app: App, stock: str | None, printer: str | None) -> str:
    """The stock that was asked for, else the printer's, else the settings'."""
    if stock:
        return stock
    if printer and printer in app.settings.printers and app.settings.printers[printer].stock:
        return str(app.settings.printers[printer].stock)
    return app.settings.stock


def _advice(printer: str, labels: int, across: float, along: float) -> list[str]:
    lines = [
        "Print it at full size (no fit to page) on plain paper, and hold it with the stock against the light.",
        "Measure how far an outline would have to move, right and down; left and up are below zero:",
        f"  [printers.{printer}]",
        "  offset_mm = [RIGHT, DOWN]",
    ]
    if labels > 1 and max(across, along) > 0:
        lines += [
            f"Measure from the first to the last cross: {across:.2f} mm across and {along:.2f} mm down are right.",
            "  scale = [RIGHT ONE / MEASURED, RIGHT ONE / MEASURED]   (1 where there is but one column or row)",
        ]
    return lines
