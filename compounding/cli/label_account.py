"""``compounding label account``: where every label of a batch is; ``label lost``: one that never came out."""

from __future__ import annotations

import click

from compounding.cli.app import App, Decision
from compounding.cli.ids import BATCH, LABEL
from compounding.cli.show import emit, json_option, say
from compounding.problems import Problem, Refused
from compounding.records.facts import PrintFailed
from compounding.records.issued import Sticker, labels_of, stickers_of
from compounding.work.accounting import account_labels


@click.command()
@click.argument("id", type=BATCH)
@click.option("--applied", required=True, type=int, metavar="N", help="Labels on containers.")
@click.option("--spoiled", default=0, type=int, metavar="N", help="Labels that came out unusable.")
@click.option("--destroyed", default=0, type=int, metavar="N", help="Good labels, or void ones, that were destroyed.")
@json_option
@click.pass_obj
def account(app: App, id: str, applied: int, spoiled: int, destroyed: int, as_json: bool) -> None:
    """Close the labelling of a batch: every label that was printed is applied, spoiled or destroyed.

    Stickers and auxiliary labels are not counted: they stay in the pharmacy, or name no product.

    \b
    compounding label account 2026-0001 --applied 3 --spoiled 1
    """

    def decide() -> Decision:
        batch = app.batch(id)
        fact, problems = account_labels(batch, applied, spoiled, destroyed)
        seen = {f"batch:{id}": batch.last_seen}
        return Decision([(fact, (f"batch:{id}",))] if fact else [], problems, seen)

    _, entries = app.record(decide)
    if as_json:
        emit({"batch": id, "entry": entries[0].sequence, "labels": dict(entries[0].body), "problems": []})
        return
    total = applied + spoiled + destroyed
    say(
        f"Labels of {id} accounted for: {total} printed, {applied} applied, {spoiled} spoiled, "
        f"{destroyed} destroyed (entry {entries[0].sequence})"
    )


@click.command()
@click.argument("id", type=LABEL)
@click.option("--reason", required=True, help="How you know that it never came out.")
@json_option
@click.pass_obj
def lost(app: App, id: str, reason: str, as_json: bool) -> None:
    """Record that a label was sent to a printer and never came out: it counts as not printed.

    Stickers that were sent together count as not printed together.

    \b
    compounding label lost L0000001A --reason "the printer was off; its memory is empty"
    """
    label_id = id.upper()

    def decide() -> Decision:
        facts = app.recorded(f"label:{label_id}")
        label = labels_of(facts).get(label_id) or stickers_of(facts).get(label_id)
        if label is None:
            return Decision([], [Problem("label.unknown", f"Label {id} was never printed here", id)], {})
        if label.state != "sent":
            text = f"Label {label_id} is {label.state}: only one whose print nobody knows the end of can be lost"
            return Decision([], [Problem("label.not-sent", text, id)], {})
        batch = label.printed.batch
        fact = PrintFailed(batch=batch, label=label_id, sent_to=label.printed.sent_to or "")
        ids = label.printed.labels if isinstance(label, Sticker) else (label_id,)
        subjects = [f"label:{each}" for each in ids]
        seen = app.journal.last_seen(subjects) | {f"label:{label_id}": facts[-1].sequence}
        return Decision([(fact, (f"batch:{batch}", *subjects))], [], seen, reason=reason)

    if not reason.strip():
        raise Refused(Problem("label.reason", "Say how you know: give --reason", id))
    _, entries = app.record(decide)
    if as_json:
        emit({"label": label_id, "entry": entries[0].sequence, "problems": []})
    else:
        say(f"Label {label_id} counts as not printed (entry {entries[0].sequence})")
