"""Dates in a calendar file, read back by icalendar."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from tests.bench import Bench, stocked

TITRATION = 'titrate --start "1 mg" --to "4.5 mg" --step "0.5 mg" --every "7 days" --strengths "0.5 mg,1.5 mg"'


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("calendar"))
    made.do('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id CAPS-1')
    return made


def events(path: Path) -> list[Any]:
    return list(Calendar.from_ical(path.read_bytes()).walk("VEVENT"))


def test_a_titration_is_a_calendar_whose_steps_follow_each_other_without_a_gap(bench: Bench, tmp_path: Path) -> None:
    steps = bench.do(f"{TITRATION} --ics {tmp_path}/steps.ics --json").json["steps"]
    found = events(tmp_path / "steps.ics")
    assert [str(each["dtstart"].dt) for each in found] == [step["from"] for step in steps]
    assert [str(each["dtend"].dt - timedelta(days=1)) for each in found] == [step["until"] for step in steps]
    assert found[0]["summary"] == "1 mg: 2 capsules of 0.5 mg a day"
    assert found[-1]["summary"] == "4.5 mg: 3 capsules of 1.5 mg a day"
    assert len({each["uid"] for each in found}) == len(found)


def test_the_calendar_holds_each_use_by_date_of_the_shelf(bench: Bench, tmp_path: Path) -> None:
    bench.do(f"calendar --out {tmp_path}/use-by.ics")
    dates = {str(each["summary"]): str(each["dtstart"].dt) for each in events(tmp_path / "use-by.ics")}
    assert dates.pop("Use-by date of batch CAPS-1") == bench.do("batch show CAPS-1 --json").json["plan"]["beyond_use"]["date"]
    lots = bench.do("lot list --json").json["lots"]
    assert dates == {f"Lot {lot['lot']} expires": lot["expires"] for lot in lots}
    assert bench.run(f"calendar --out {tmp_path}/use-by.ics").codes == ["file.exists"]
    assert bench.run(f"calendar --out {tmp_path}/use-by.txt").codes == ["file.name"]
