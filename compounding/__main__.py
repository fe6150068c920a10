"""``python -m compounding``."""

from compounding.cli.main import run

run()
