"""The command line: finds the command, runs it, and is the one place where exceptions become exit codes.

Exit codes: 0 done; 1 the answer is no; 2 input not understood; 3 the environment failed.
Each command's module is imported only when it is called.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from compounding.problems import CompoundingError, EnvironmentFails, NotUnderstood, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LONGEST = 2000  # characters of one option or argument: some thirty lines of a worksheet

# Where each command lives; its one-line help stands here so that --help imports none of them.
COMMANDS = {
    "demo": ("demo", "Make one capsule and one liquid batch in a fresh folder, from tablets to printed label."),
    "init": ("init", "Write a settings file and an empty journal."),
    "convert": ("convert", 'Write a quantity in another unit: convert "4.5 mg" mcg'),
    "formula": ("formula", "Master formulation records: list, show, check, import, approve."),
    "plan": ("plan", "Plan a batch without recording anything."),
    "options": ("options", "Every way to make an order, compared: sources, procedures, balances, shells, fillers."),
    "titrate": ("titrate", "A dose that rises in steps: calendar, capsules, labels, leaflet."),
    "lot": ("lot", "Source lots: receive, import, show, list, measure, adjust, discard, quarantine, clear."),
    "batch": ("batch", "Batches: open, weigh, step, yield, accept, verify, release, reject, show, list, export."),
    "qc": ("qc", "Quality control: weights, content, assay, observe, investigate, results, attachment, sampling, chart, baseline; uniformity."),
    "worksheet": ("paper", "The worksheet of a batch; once filled in, its compounding record."),
    "label": ("label", "A label of a batch, proved before it is written; label stocks."),
    "leaflet": ("leaflet", "What a patient is told with the bottles: leaflet, calendar, check-ups, card for the wallet."),
    "scan": ("scan", "What a scanned barcode or a typed id is; reading back a label that was printed."),
    "dispense": ("dispense", "A labelled container goes out."),
    "trace": ("trace", "Where a lot, a batch or a prescription went, and what it was made of."),
    "recall": ("recall", "Call back a batch, or every batch of a lot: what to quarantine, whom to call."),
    "calendar": ("calendar", "Use-by dates of batches and lots, for any calendar program."),
    "status": ("status", "Where things stand today, and what comes next; also compounding alone."),
    "doctor": ("doctor", "Everything that could fail later, looked at now, and how to mend it."),
    "explain": ("explain", "What the code of a problem means, why it is looked at, and what to do."),
    "completion": ("completion", "What makes bash, zsh or fish complete commands, options and ids."),
    "man": ("manual", "The manual page of each command, for man."),
    "certificate": ("certificate", "The certificate of analysis of a released batch."),
    "journal": ("journal", "The record itself: init, verify, head, backup, backup-key, restore, export, import, clock, resume."),
    "verify": ("verify", "Check an exported batch file, without database, settings or network."),
    "person": ("person", "People and their signing keys: add, list, retire, revoke, confirm; forget the name of a patient."),
}


class Commands(click.Group):
    """The commands of `COMMANDS`, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"compounding.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but among the commands that are not imported yet: the near one is suggested."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"compounding {version('compounding-pharmacy')}")
        ctx.exit()


def _people(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from compounding.cli.ids import PERSON

    return PERSON.shell_complete(ctx, parameter, incomplete)


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--settings",
    envvar="COMPOUNDING_SETTINGS",
    type=click.Path(dir_okay=False),
    help="Settings file of the pharmacy; also COMPOUNDING_SETTINGS.",
)
@click.option(
    "--as",
    "person",
    envvar="COMPOUNDING_PERSON",
    shell_complete=_people,
    help="Who you are, by id; also COMPOUNDING_PERSON.",
)
@click.option(
    "--passphrase-file",
    envvar="COMPOUNDING_PASSPHRASE_FILE",
    type=click.Path(),
    help="File with your passphrase, or folder with ID.txt for each person; for scripts. Also COMPOUNDING_PASSPHRASE_FILE.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def compounding(ctx: click.Context, settings: str | None, person: str | None, passphrase_file: str | None) -> None:
    """The bench tool of a compounding pharmacy.

    \b
    First look:       compounding demo
    A calculation:    compounding plan naltrexone-capsule --strength "1.5 mg" --count 100 \\
                        --tablet-weight "302.4 mg" --capsule-size 3 --shell-maker coni-snap \\
                        --filler-packing "135 mg" --readability "0.1 mg" --minimum-weight "20 mg"
    Your own bench:   compounding init --help
    """
    from compounding.cli.app import App

    ctx.obj = App(settings, person, passphrase_file)
    ctx.call_on_close(ctx.obj.close)
    if ctx.invoked_subcommand is None:
        _alone(ctx)


def _alone(ctx: click.Context) -> None:
    """Without a command: where things stand, or the help for someone who has no settings yet."""
    if not ctx.obj.has_settings:
        click.echo(ctx.get_help())
        return
    from compounding.cli.status import show_status

    show_status(ctx.obj)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    gc.disable()  # a command lives for a moment; collecting garbage while importing costs more than it frees
    asked = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _check_typed(asked)
        code = compounding.main(asked, prog_name="compounding", standalone_mode=False) or 0
    except CompoundingError as error:
        code = _tell(error, asked)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.UsageError as error:
        code = _usage(error, asked)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing more was recorded.", err=True)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: say nothing more
        code = 0
    except OSError as error:
        where = error.filename or "the system"
        code = _tell(
            EnvironmentFails(Problem("environment.os", f"{where}: {error.strerror or error}. Nothing more was done")),
            asked,
        )
    except Exception as error:
        if os.environ.get("COMPOUNDING_DEBUG"):
            raise
        text = f"An error of this tool, not of yours ({type(error).__name__}: {error}); set COMPOUNDING_DEBUG=1 to see where"
        code = _tell(EnvironmentFails(Problem("tool.error", text)), asked)
    gc.freeze()  # nor is there anything to find at its end
    sys.exit(code)


def _check_typed(asked: list[str]) -> None:
    """What was typed is words: none empty, none endless, no character that an eye cannot see.

    Refused here, it neither joins the record nor steers the terminal that shows a message about it.
    """
    for text in asked:
        if not text.strip():
            raise NotUnderstood(Problem("text.empty", "An empty text was given: write something, or leave it out"))
        if len(text) > LONGEST:
            seen = f"A text of {len(text):,} characters was given, {text[:40]!r} and so on"
            raise NotUnderstood(Problem("text.too-long", f"{seen}: at most {LONGEST:,} are read. Shorten it"))
        if "scan" in asked:
            text = text.replace("\x1d", "")  # the separator in a barcode; scanners type it
        if not (text.isascii() and text.isprintable()):
            from compounding.texts import plain_text

            plain_text(text, "the command line")


def _usage(error: click.UsageError, asked: list[str]) -> int:
    below = next((word for word in asked if re.match(r"-\.?[0-9]", word)), None)
    if below and isinstance(error, click.NoSuchOption):  # click takes a reading below zero for an option
        text = f"{below} is below zero: tare, and measure it again; leave out a sign that is none"
        return _tell(NotUnderstood(Problem("value.negative", text, below)), asked)
    if "--json" in asked:
        _problems_as_json([Problem("usage", error.format_message())])
    error.show()
    return 2


def _tell(error: CompoundingError, asked: list[str]) -> int:
    if "--json" in asked:
        _problems_as_json(error.problems)
    from compounding.cli.show import notice

    for problem in error.problems:
        notice(f"{problem.text} [{problem.code}]")
    return error.exit_code


def _problems_as_json(problems: Sequence[Problem]) -> None:
    click.echo(json.dumps({"problems": [vars(problem) for problem in problems]}, ensure_ascii=False))
