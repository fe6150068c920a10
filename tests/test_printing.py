"""Labels go through a real CUPS, and straight to a printer's port; what arrives is decoded and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import ImageOps

from compounding.printing.queue import ask_queue, medium_for, print_label
from compounding.printing.raw import read_address
from compounding.printing.zpl import picture
from compounding.problems import NotUnderstood
from tests.bench import Bench, Ran
from tests.printers import HEAD_OPEN, OUT_OF_LABELS, READY, Cups, burned_from, cups, free_port, thermal
from tests.released import PRESCRIPTION, copied


@pytest.fixture
def bench(ready: Bench, tmp_path: Path) -> Bench:
    return copied(ready, tmp_path / "bench")


@pytest.fixture(scope="module")
def system() -> Iterator[Cups]:
    with cups() as system, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUPS_SERVER", system.server)
        yield system


def printed(bench: Bench, *way: str, patient: str = "Alex Q. Sample", quantity: str = "30 capsules") -> Ran:
    words = [*PRESCRIPTION, "--quantity", quantity, *way]
    words[words.index("Alex Q. Sample")] = patient
    return bench.run(["label", "CAPS-1", *words, "--json"], "tom")


def facts(bench: Bench, group: str) -> Any:
    return bench.do("batch show CAPS-1 --json").json[group]


def read(zpl: bytes) -> list[str]:
    return [symbol.text for symbol in zxingcpp.read_barcodes(burned_from(zpl))]


# ---- queues ----


def test_what_arrives_at_the_printer_is_the_label(bench: Bench, system: Cups) -> None:
    with thermal() as printer:
        queue = system.queue("ZEBRA", f"socket://127.0.0.1:{printer.port}")
        done = printed(bench, "--print", queue).json
        (zpl,) = printer.waited()
    assert read(zpl) == [f"(91){done['label']}"]
    assert burned_from(zpl).size == (816, 406)  # 812 dots in whole bytes
    (fact,) = facts(bench, "printing")
    assert (fact["label"], fact["sent_to"], fact["reason"]) == (done["label"], "queue ZEBRA", None)
    assert fact["job"].isdigit()
    assert "Alex" not in system.run("lpstat", "-W", "completed", "-o")


def test_a_queue_prints_on_the_stock_and_by_the_calibration_that_the_settings_give_it(bench: Bench, system: Cups) -> None:
    corners = []
    with thermal() as printer:
        queue = system.queue("MOVED", f"socket://127.0.0.1:{printer.port}")
        for offset in ("0.0, 0.0", "1.0, -0.5"):
            known = bench.under("", f'[printers.MOVED]\nstock = "4x3"\noffset_mm = [{offset}]')
            assert printed(known, "--print", queue).code == 0
        for zpl in printer.waited(2):
            dots = ImageOps.invert(burned_from(zpl))
            assert dots.size == (816, 609)
            corners.append(dots.getbbox())
    (left, top, *_), moved = corners
    assert moved[:2] == (left + 8, top - 4)


def test_a_queue_that_knows_only_letter_is_refused_before_anything_is_recorded(bench: Bench, system: Cups) -> None:
    head = bench.head()
    queue = system.queue("OFFICE", f"socket://127.0.0.1:{free_port()}", "drv:///sample.drv/laserjet.ppd")
    refused = printed(bench, "--print", queue)
    assert (refused.code, refused.codes) == (1, ["printer.resolution", "printer.media"])
    assert "na_letter_8.5x11in" in refused.err and "4.00 x 2.00 in" in refused.err
    assert bench.head() == head


def test_a_printer_that_is_away_has_printed_nothing_and_gets_nothing_later(bench: Bench, system: Cups) -> None:
    queue = system.queue("AWAY", f"socket://127.0.0.1:{free_port()}")
    failed = printed(bench, "--print", queue, "--timeout", "10", quantity="103 capsules")
    assert (failed.code, failed.codes) == (3, ["printer.away"])
    (fact,) = facts(bench, "printing")
    assert "was cancelled" in fact["reason"]
    assert bench.run(["scan", fact["label"]]).codes == ["label.print-failed"]
    assert system.run("lpstat", "-o", queue) == ""
    with thermal() as printer:
        again = printed(bench, "--raw", f"127.0.0.1:{printer.port}", "--timeout", "1", quantity="103 capsules")
        assert again.code == 0, again.err


def test_a_printer_without_labels_is_named_and_then_refused_at_once(bench: Bench, system: Cups) -> None:
    queue = system.queue("EMPTY", "noroll://here")
    failed = printed(bench, "--print", queue, "--timeout", "10")
    assert (failed.code, failed.codes) == (3, ["printer.out-of-paper"])
    assert facts(bench, "printing")[0]["reason"].startswith("The printer of EMPTY is out of labels")


def test_a_stopped_queue_and_one_that_is_not_there_are_named(bench: Bench, system: Cups) -> None:
    head = bench.head()
    queue = system.queue("STOPPED", f"socket://127.0.0.1:{free_port()}")
    system.run("cupsdisable", queue)
    assert printed(bench, "--print", queue).codes == ["printer.stopped"]
    unknown = printed(bench, "--print", "NOWHERE")
    assert (unknown.code, unknown.codes) == (3, ["printer.unknown"])
    assert "STOPPED" in unknown.err
    assert bench.head() == head


def test_a_job_that_is_accepted_and_fails_later_was_not_printed(system: Cups) -> None:
    with thermal() as printer:
        queue = ask_queue(system.queue("BROKEN", f"socket://127.0.0.1:{printer.port}"))
        medium, problems = medium_for(queue, 288, 144, 203)
        assert (medium, problems) == ("custom_4x2in_4x2in", [])
        ended = print_label(queue, medium, 203, b"%PDF-1.4\nnothing more", "label", 10)
    assert not ended.done and ended.problem and ended.problem.code == "printer.job-failed"


def test_without_a_printing_system_the_program_that_is_missing_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    failed = printed(bench, "--print", "ZEBRA")
    assert (failed.code, failed.codes) == (3, ["printer.no-system"])


# ---- straight to a printer ----


def test_a_printer_that_says_it_is_done_has_printed(bench: Bench) -> None:
    with thermal(READY) as printer:
        done = printed(bench, "--raw", f"127.0.0.1:{printer.port}")
        (zpl,) = printer.waited()
    assert read(zpl) == [f"(91){done.json['label']}"]
    assert burned_from(zpl).size == (816, 406)
    assert [fact["sent_to"] for fact in facts(bench, "printing")] == [f"raw 127.0.0.1:{printer.port}"]


def test_a_printer_that_says_nothing_is_not_believed_until_its_label_is_read_back(bench: Bench) -> None:
    with thermal() as printer:
        sent = printed(bench, "--raw", f"127.0.0.1:{printer.port}", "--timeout", "1")
        (zpl,) = printer.waited()
    id = sent.json["label"]
    assert facts(bench, "printing") == [] and "scan --printed" in sent.err
    assert bench.run(["scan", id, "--json"]).json["state"] == "sent"
    assert bench.run("label account CAPS-1 --applied 1").codes == ["labels.unknown"]
    bench.do(["scan", "--printed", "--expect", id, *read(zpl)])
    assert bench.run(["scan", id, "--json"]).json["state"] == "valid"
    bench.do("label account CAPS-1 --applied 1")


def test_a_label_that_never_came_out_is_recorded_as_lost(bench: Bench) -> None:
    with thermal() as printer:
        id = printed(bench, "--raw", f"127.0.0.1:{printer.port}", "--timeout", "1").json["label"]
    assert bench.run(["label", "lost", id], "tom").codes == ["usage"]
    bench.do(["label", "lost", id, "--reason", "its memory is empty"], "tom")
    assert bench.run(["scan", id]).codes == ["label.print-failed"]
    assert bench.run(["label", "lost", id, "--reason", "again"], "tom").codes == ["label.not-sent"]
    assert bench.run("label account CAPS-1 --applied 1").codes == ["labels.none", "labels.not-accounted",
                                                                   "labels.void-applied"]  # fmt: skip


@pytest.mark.parametrize(("answer", "code"), [(OUT_OF_LABELS, "printer.out-of-paper"), (HEAD_OPEN, "printer.open")])
def test_a_printer_that_is_not_ready_gets_nothing(bench: Bench, answer: bytes, code: str) -> None:
    head = bench.head()
    with thermal(answer) as printer:
        failed = printed(bench, "--raw", f"127.0.0.1:{printer.port}")
    assert (failed.code, failed.codes, printer.labels) == (3, [code], [])
    assert bench.head() == head


def test_a_printer_that_does_not_answer_the_call_is_away(bench: Bench) -> None:
    head = bench.head()
    failed = printed(bench, "--raw", f"127.0.0.1:{free_port()}")
    assert (failed.code, failed.codes) == (3, ["printer.away"])
    assert bench.head() == head


def test_sheets_do_not_go_through_a_thermal_printer(bench: Bench) -> None:
    assert printed(bench, "--raw", "127.0.0.1:9", "--stock", "5163").codes == ["printer.media"]


@pytest.mark.parametrize("patient", ["^XA^JUF~JA Sample", "<b>Alex</b> & Co ^FS", "Alex ~DG ^XZ"])
def test_commands_in_a_name_reach_the_printer_as_dots(bench: Bench, patient: str) -> None:
    with thermal(READY) as printer:
        done = printed(bench, "--raw", f"127.0.0.1:{printer.port}", patient=patient)
        assert done.code == 0, done.err
        (zpl,) = printer.waited()
    commands = re.findall(rb"[\^~][A-Z]{2}", zpl)
    assert commands == [b"^XA", b"^PW", b"^LL", b"^LH", b"^FO", b"^GF", b"^FS", b"^PQ", b"^XZ"]
    assert read(zpl) == [f"(91){done.json['label']}"]


def test_a_picture_comes_back_dot_for_dot() -> None:
    dots = bytes([0, 255, 255, 0, 0, 255, 255, 255, 255, 0, *[255] * 10, *[0] * 10, *[0] * 10])
    image = burned_from(picture(10, 4, dots))
    assert image.size == (16, 4)
    assert image.crop((0, 0, 10, 4)).tobytes() == dots
    assert set(image.crop((10, 0, 16, 4)).tobytes()) == {255}


@pytest.mark.parametrize("address", ["", ":9100", "host:", "host:x", "host:0", "host:70000"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(NotUnderstood):
        read_address(address)
