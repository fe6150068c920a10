"""The reference is what the code says: commands with their options, calculations with their equations."""

from __future__ import annotations

import pytest

from scripts.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_what_the_code_says_now(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run make references"


def test_every_command_and_every_equation_has_its_place() -> None:
    commands, calculations = (PAGES[name]() for name in ("commands.md", "calculations.md"))
    assert "### compounding plan" in commands and "#### compounding lot import" in commands
    assert "active = strength * units * (1 + overage)" in calculations and "[jcu-tablets]" in calculations
