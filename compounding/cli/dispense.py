"""``compounding dispense``: a labelled container goes out."""

from __future__ import annotations

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.ids import LABEL
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import Problem, Refused
from compounding.records.facts import LabelPrinted
from compounding.work.dispensing import dispense as decide_dispense
from compounding.work.scanning import meant_label, read_scan


@click.command()
@click.argument("label", type=LABEL)
@click.option("--reason", help="Why there is more to go out than the tests can have left.")
@json_option
@click.pass_obj
def dispense(app: App, label: str, reason: str | None, as_json: bool) -> None:
    """Record that a labelled container goes out; scan or type its label. What it is and for whom, the label says.

    \b
    compounding dispense L00000018
    """
    id = next(filter(None, map(meant_label, read_scan(label).ids)), label)
    printed = _printed(app, id)

    def decide() -> Decision:
        batch = app.batch(printed.batch)
        leaflets = app.recorded(f"rx:{printed.prescription}")
        fact, problems = decide_dispense(batch, id, app.today(), reason, leaflets)
        subjects = (f"batch:{batch.id}", f"label:{id}", f"rx:{printed.prescription}")
        return Decision([(fact, subjects)] if fact else [], problems, {f"batch:{batch.id}": batch.last_seen}, reason)

    decision, entries = app.record(decide)
    if as_json:
        emit({"label": id, "batch": printed.batch, "prescription": printed.prescription,
              "quantity": printed.quantity, "leaflet": entries[0].body.get("leaflet"), "entry": entries[0].sequence,
              "problems": [vars(each) for each in decision.problems]})  # fmt: skip
    else:
        says = f"{printed.quantity} of batch {printed.batch} dispensed for Rx {printed.prescription}"
        say(f"{says}, label {id}. (entry {entries[0].sequence})")
        for problem in decision.problems:
            notice(f"{problem.text} [{problem.code}]")


def _printed(app: App, id: str) -> LabelPrinted:
    for each in app.recorded(f"label:{id}"):
        if isinstance(each.fact, LabelPrinted):
            return each.fact
    text = f"{id} is no label that was printed here{nearest(id, app.ids('label:'))}"
    raise Refused(Problem("dispense.label", text, id))
