"""``compounding verify``: an exported batch, judged by the small program that an inspector can read and run alone."""

from __future__ import annotations

import io
import re
import runpy
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import click

from compounding.cli.show import emit, json_option
from compounding.data_files import data_folder
from compounding.problems import Problem

_NAMED = re.compile(r"ALTERED: (?P<why>.*) \[(?P<code>[a-z0-9.-]+)\]")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--head", metavar="CODE", help="Head from a paper of that time, which the file must have.")
@json_option
def verify(file: Path, head: str | None, as_json: bool) -> None:
    """Check an exported batch FILE: every byte, signature, key and duty. Needs neither journal nor settings.

    \b
    compounding verify CAPS-1.batch
    The same by itself: python3 verify_batch.py CAPS-1.batch
    """
    program = runpy.run_path(str(data_folder("verifier") / "verify_batch.py"))
    arguments = [str(file), *(["--head", head] if head else [])]
    if not as_json:
        raise click.exceptions.Exit(program["main"](arguments))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = program["main"](arguments)
    told = err.getvalue().splitlines()
    problems = [Problem(f"verify.{found['code']}", found["why"], str(file)) for line in told if (found := _NAMED.fullmatch(line))]
    if code and not problems:
        problems = [Problem("verify.cannot-tell", " ".join(told), str(file))]
    emit({"file": str(file), "holds": code == 0, "says": out.getvalue().splitlines(), "problems": [vars(each) for each in problems]})
    raise click.exceptions.Exit(code)
