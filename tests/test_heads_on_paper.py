"""The head of the journal stands on its papers to be read and to be scanned, and proves what the journal held then."""

from __future__ import annotations

from pathlib import Path

import pytest
import zxingcpp
from pypdfium2 import PdfDocument

from tests.bench import Bench, carried_on, stocked

DOTS_PER_INCH = 200


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("heads"))
    carried_on(made, "CAPS-1", "label ")
    return made


def heads_on(paper: Path) -> tuple[set[str], set[str]]:
    """What the QR codes on the pages of a paper say, and the words after Journal head; each page has one."""
    scanned, read = set(), set()
    for page in PdfDocument(paper):
        image = page.render(scale=DOTS_PER_INCH / 72).to_pil()
        (code,) = (each.text for each in zxingcpp.read_barcodes(image) if each.format == zxingcpp.BarcodeFormat.QRCode)
        scanned.add(code)
        text = " ".join(page.get_textpage().get_text_range().split())
        read.add(text.partition("Journal head ")[2][:32])
    return scanned, read


@pytest.mark.parametrize(
    "command",
    ["worksheet CAPS-1", "certificate CAPS-1", "recall CAPS-1 --list"],
    ids=lambda command: command.split()[0],
)
def test_each_page_carries_the_head_of_its_moment_to_be_scanned(bench: Bench, command: str, tmp_path: Path) -> None:
    out = "--letter" if command.startswith("recall") else "--out"
    bench.do(f"{command} {out} {tmp_path}/paper.pdf")
    head = bench.do("journal head --json").json["head"]
    assert heads_on(tmp_path / "paper.pdf") == ({head}, {head})


def test_what_is_scanned_finds_the_journal_as_it_was_then(bench: Bench, tmp_path: Path) -> None:
    bench.do(f"worksheet CAPS-1 --out {tmp_path}/paper.pdf")
    ((code,), _) = heads_on(tmp_path / "paper.pdf")
    entries = bench.do("journal head --json").json["entries"]
    bench.do('lot quarantine MCC-1 --reason "a later entry"')
    told = bench.do(["journal", "verify", "--witness", code, "--json"]).json
    assert told["witnesses"] == [{"head": code, "entries": entries}] and told["entries"] == entries + 1
    assert bench.do(["scan", f"]Q1{code}", "--json"]).json["kind"] == "head"


def test_a_long_name_leaves_the_head_its_place(bench: Bench, tmp_path: Path) -> None:
    settings = bench.folder / "settings.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("Example Compounding Pharmacy", "Pharmacy of the Holy Ghost " * 3), "utf-8")
    bench.do(f"certificate CAPS-1 --out {tmp_path}/paper.pdf")
    settings.write_text(text, "utf-8")
    for page in PdfDocument(tmp_path / "paper.pdf"):
        words = page.get_textpage()
        (place,) = (words.get_charbox(at) for at in [words.get_text_range().find("Journal head")] if at >= 0)
        foot = words.get_text_bounded(left=0, bottom=0, right=place[0], top=52)
        assert " ".join(foot.split()).endswith("Pharmacy of the Holy Ghost")
