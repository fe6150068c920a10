"""``compounding label text``: the words that labels are written with, and their approval by a pharmacist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import emit, json_option
from compounding.cli.wording import approval_of, own_texts
from compounding.problems import NotUnderstood, Problem

if TYPE_CHECKING:
    from compounding.records.facts import Recorded
    from compounding.records.label import Wording


@click.group()
def text() -> None:
    """The words of labels: the opioid warning first. A pharmacist approves them once, before the first label.

    \b
    compounding label text list
    compounding label text show en
    compounding --as ana label text approve en
    """


@text.command("list")
@list_options
@click.pass_obj
def list_texts(app: App, /, **wanted: Any) -> None:
    """List the words that there are, ours and your own, and who approved them."""
    from compounding.documents.texts import languages

    found = [(each, approval_of(app, each)) for language in languages(own_texts(app)) for each in _texts(app, language)]
    rows = [
        (
            each.id,
            str(each.revision),
            "your own" if each.own else "shipped",
            f"{app.names.get(by.person, by.person)}, {by.time[:10]}, entry {by.sequence}" if by else "nobody yet",
        )
        for each, by in found
    ]
    show_list(
        "texts",
        ("text", "revision", "words are", "approved by"),
        rows,
        lambda: [_as_data(each, by) for each, by in found],
        right=(1,),
        **wanted,
    )


@text.command()
@click.argument("id", metavar="LANGUAGE[/TEXT]")
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show the words of a language, or one of its texts, whole.

    \b
    compounding label text show en/opioid
    """
    found = _texts(app, id)
    if as_json:
        emit({"texts": [_as_data(each, approval_of(app, each)) | {"words": dict(each.words)} for each in found]})
    else:
        click.echo("\n\n".join(_in_words(each, _state(app, each)) for each in found))


@text.command()
@click.argument("id", metavar="LANGUAGE[/TEXT]")
@json_option
@click.pass_obj
def approve(app: App, id: str, as_json: bool) -> None:
    """Approve the words of a language, or one of its texts, as a pharmacist: these words and no others; you sign.

    A translation is approved by itself, and its labels are refused until it is.

    \b
    compounding --as ana label text approve en
    """
    from compounding.work.approving import approve_text, text_is_approved

    found = _texts(app, id)

    def decide() -> Decision:
        earlier = {each.id: app.recorded(f"text:{each.id}") for each in found}
        # Of a whole language only what is not approved yet is left to do.
        left = [each for each in found if not text_is_approved(each, earlier[each.id])] or found
        facts, problems = [], []
        for each in left:
            fact, wrong = approve_text(each, earlier[each.id], app.person)
            problems += wrong
            facts += [(fact, (f"text:{each.id}",))] if fact else []
        seen = {f"text:{name}": about[-1].sequence if about else 0 for name, about in earlier.items()}
        shown = "\n\n".join(_in_words(each, "to be approved") for each in left)
        return Decision([] if problems else facts, list(dict.fromkeys(problems)), seen, shown=shown)

    _, entries = app.record(decide)
    approved = [
        {"text": entry.body["text"], "revision": entry.body["revision"], "digest": entry.body["digest"], "entry": entry.sequence}
        for entry in entries
    ]
    if as_json:
        emit({"approved": approved, "problems": []})
        return
    for each in approved:
        click.echo(f"{each['text']} revision {each['revision']} approved by {app.person.name} (entry {each['entry']})")


def _texts(app: App, id: str) -> list[Wording]:
    """The texts of a language, or the one that is named.

    Raises:
        NotUnderstood: there are none, or one of them cannot be used.
    """
    from compounding.documents.texts import languages, read_wording, wording_ids

    own = own_texts(app)
    language, _, name = id.partition("/")
    ids = wording_ids(language, own) if language in languages(own) else ()
    wanted = [each for each in ids if not name or each == id]
    if not wanted:
        known = ids if ids and name else languages(own)
        what = "words of labels" if name else "language of labels"
        raise NotUnderstood(Problem("text.unknown", f"{id} is no {what} here{nearest(id, known)}", id))
    return [read_wording(each.partition("/")[2], language, own) for each in wanted]


def _state(app: App, wording: Wording) -> str:
    by = approval_of(app, wording)
    return f"approved by {app.names.get(by.person, by.person)} on {by.time[:10]} (entry {by.sequence})" if by else "not approved here"


def _as_data(wording: Wording, by: Recorded | None) -> dict[str, Any]:
    return {
        "text": wording.id,
        "revision": wording.revision,
        "own": wording.own,
        "digest": wording.digest,
        "sources": list(wording.sources),
        "approved_by": by.person if by else None,
        "approved": by.time if by else None,
        "entry": by.sequence if by else None,
    }


def _in_words(wording: Wording, state: str) -> str:
    """A text whole, as it is read before it is approved."""
    of = "your own words" if wording.own else "shipped"
    lines = [
        f"{wording.id}, revision {wording.revision}, {of}: {state}",
        f"  {wording.digest}",
        f"  from: {', '.join(wording.sources)}",
        f"  approval in the file: {wording.approved_by}",
        "",
    ]
    if wording.title:
        return "\n".join([*lines, f"  {wording.words['heading']}", f"  {wording.words['text']}"])
    width = min(30, max(map(len, wording.words)))
    return "\n".join([*lines, *(f"  {name:<{width}}  {said}" for name, said in wording.words.items())])
