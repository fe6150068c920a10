"""The page on balances, devices and corrections names every setting of the bench, and its figures are those of the tool."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import msgspec

from compounding.quantities import told
from compounding.settings import BalanceSettings, DeviceSettings, read_settings
from compounding.work.gathering import balance_in
from tests.bench import begun

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "set-up-the-bench.md").read_text("utf-8")
TODAY = date(2026, 11, 22)


def test_the_settings_of_the_page_are_understood_and_give_its_least_masses(tmp_path: Path) -> None:
    written = (begun(tmp_path).folder / "settings.toml").read_text("utf-8")
    [block] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    top, mark, tables = block.partition("# By its own test")
    keys = set(re.findall(r"^(\w+) =", top, re.MULTILINE))
    kept, dropped = [], False
    for line in written.splitlines():
        if line.startswith("["):
            dropped = line.startswith(("[balances.", "[devices."))
        if not dropped and line.partition(" =")[0] not in keys:
            kept.append(line)
    settings = read_settings("\n".join([top, *kept, mark + tables]), "settings.toml")
    assert settings.fill_spread == "1.8 %" and len(settings.balances) == 3
    for name, balance in settings.balances.items():
        least = balance_in(balance, name, TODAY).minimum_weight
        assert f"{name}: {told(least)} |" in PAGE


def test_the_page_names_every_setting_of_a_balance_and_of_a_device() -> None:
    fields = [each.name for kind in (BalanceSettings, DeviceSettings) for each in msgspec.structs.fields(kind)]
    named = ("correction", "assay_above_100", "bottles", "fill_spread")
    missing = [name for name in (*fields, *named) if not re.search(rf"\b{name}\b", PAGE)]
    assert missing == []
