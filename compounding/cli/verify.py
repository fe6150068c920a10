"""``compounding verify``: an exported batch, judged by the small program that an inspector can read and run alone."""

from __future__ import annotations

import runpy
from pathlib import Path

import click

from compounding.data_files import data_folder


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--head", metavar="CODE", help="Head from a paper of that time, which the file must have.")
def verify(file: Path, head: str | None) -> None:
    """Check an exported batch FILE: every byte, signature, key and duty. Needs neither journal nor settings.

    \b
    compounding verify CAPS-1.batch
    The same by itself: python3 verify_batch.py CAPS-1.batch
    """
    program = runpy.run_path(str(data_folder("verifier") / "verify_batch.py"))
    raise click.exceptions.Exit(program["main"]([str(file), *(["--head", head] if head else [])]))
