"""Every label that leaves is known: reprints void, previews are none, and counts add up before labelling closes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from tests.bench import Bench
from tests.enforced import rule
from tests.released import PRESCRIPTION, copied, label, labelled


@pytest.fixture
def bench(ready: Bench, tmp_path: Path) -> Bench:
    return copied(ready, tmp_path / "bench")


def again(bench: Bench, id: str, name: str, *options: str) -> list[str]:
    return ["label", "reprint", id, "--out", str(bench.folder / f"{name}.pdf"), *options]


def account(bench: Bench, applied: int, spoiled: int = 0, destroyed: int = 0) -> list[str]:
    words = f"label account CAPS-1 --applied {applied} --spoiled {spoiled} --destroyed {destroyed}"
    return bench.run(words, "tom").codes


@rule("REC-17")
def test_a_reprint_has_a_new_id_and_its_copy_number_and_voids_the_old_one(bench: Bench) -> None:
    first = labelled(bench)
    done = bench.do([*again(bench, first, "again", "--reason", "smeared"), "--json"], "tom").json
    assert (done["copy"], done["replaces"]) == (2, first)
    words = pypdfium2.PdfDocument(bench.folder / "again.pdf")[0].get_textpage().get_text_range()
    assert "Copy 2" in words and "Alex Q. Sample" in words
    assert bench.run(["scan", first]).codes == ["label.void"]
    assert bench.run(["scan", done["label"], "--json"]).json["copy"] == 2
    assert bench.run(again(bench, first, "third", "--reason", "torn")).codes == ["label.void"]
    assert bench.run(again(bench, done["label"], "third", "--reason", "torn"), "tom").code == 0


def test_a_reprint_gives_nothing_more_to_the_patient(bench: Bench) -> None:
    first = labelled(bench, quantity="103 capsules")
    assert bench.run(again(bench, first, "again", "--reason", "smeared"), "tom").code == 0
    assert label(bench, name="more", quantity="1 capsule").codes == ["label.too-much"]


def test_a_reprint_needs_a_reason_and_a_label_that_is_known(bench: Bench) -> None:
    first = labelled(bench)
    assert bench.run(again(bench, first, "again"), "tom").codes == ["usage"]
    assert bench.run(again(bench, "L0000002G", "again", "--reason", "x"), "tom").codes == ["label.unknown"]


def test_labels_of_a_batch_that_is_out_of_date_are_not_reprinted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    from compounding.cli.app import App

    first = labelled(bench)
    monkeypatch.setattr(App, "today", lambda self: date(2098, 1, 1))
    assert bench.run(again(bench, first, "again", "--reason", "x"), "tom").codes == ["label.out-of-date"]
    assert bench.run(["scan", first]).codes == ["label.out-of-date"]


def test_a_preview_is_no_label(bench: Bench) -> None:
    head = bench.head()
    picture = bench.folder / "look.png"
    bench.do(["label", "CAPS-1", *PRESCRIPTION, "--quantity", "30 capsules", "--preview", str(picture)], "tom")
    assert bench.head() == head
    with Image.open(picture) as image:
        assert (image.size, image.mode, round(image.info["dpi"][0])) == ((812, 406), "1", 203)
        (symbol,) = zxingcpp.read_barcodes(image.convert("L"))
    assert bench.run(["scan", symbol.text]).codes == ["scan.preview"]


def test_the_picture_of_a_label_shows_its_barcode(bench: Bench) -> None:
    picture = bench.folder / "look.png"
    done = label(bench, "--preview", str(picture), "--json").json
    with Image.open(picture) as image:
        (symbol,) = zxingcpp.read_barcodes(image.convert("L"))
    assert symbol.text == f"(91){done['label']}"
    fact = bench.do("batch show CAPS-1 --json").json["labels"][0]
    digest = hashlib.sha256((bench.folder / "label.pdf").read_bytes()).hexdigest()
    assert (fact["pdf"], fact["element"], fact["directions"]) == (
        f"sha256:{digest}", symbol.text, "Take 1 capsule by mouth at bedtime.")  # fmt: skip


def test_a_label_goes_one_way(bench: Bench) -> None:
    both = ["--print", "ZEBRA", "--raw", "127.0.0.1:9"]
    assert bench.run(["label", "CAPS-1", *PRESCRIPTION, "--quantity", "30 capsules", *both]).codes == ["label.ways"]
    assert bench.run(["label", "CAPS-1", *PRESCRIPTION, "--quantity", "30 capsules"]).codes == ["label.ways"]
    text = bench.folder / "settings.toml"
    assert label(bench, "--preview", str(text)).codes == ["file.not-png-name"]
    (bench.folder / "notes.png").write_text("no picture")
    assert label(bench, "--preview", str(bench.folder / "notes.png")).codes == ["file.exists"]


@rule("REC-17")
def test_labelling_closes_when_every_label_is_accounted_for(bench: Bench) -> None:
    first = labelled(bench)
    labelled(bench, "second")
    bench.do(again(bench, first, "third", "--reason", "smeared"), "tom")
    assert account(bench, applied=2) == ["labels.not-accounted"]
    assert account(bench, applied=3) == ["labels.void-applied"]
    assert account(bench, applied=3, spoiled=-1, destroyed=1) == ["labels.count", "labels.void-applied"]
    assert account(bench, applied=2, spoiled=1) == []
    (fact,) = bench.do("batch show CAPS-1 --json").json["accounted"]
    assert (fact["printed"], fact["applied"], fact["spoiled"], fact["destroyed"]) == (3, 2, 1, 0)


def test_a_label_after_the_account_opens_it_again(bench: Bench) -> None:
    assert account(bench, applied=0) == ["labels.none"]
    labelled(bench)
    assert account(bench, applied=1) == []
    labelled(bench, "second")
    assert account(bench, applied=1) == ["labels.not-accounted"]
    assert account(bench, applied=2) == []


def test_more_capsules_at_once_than_the_formula_is_for_are_told_of_before_the_label_is_used(bench: Bench) -> None:
    asked = 'label CAPS-1 --prescription 1 --patient "P" --prescriber "Dr. J. Example" --quantity "2 capsules" --purpose pain --directions'
    many = bench.run(f'{asked} "Take 10 capsules by mouth at bedtime." --out {{folder}}/many.pdf', "tom")
    assert (many.code, "15 mg, above the 4.5 mg" in many.err) == (0, True)
    fit = bench.run(f'{asked} "Take 3 capsules by mouth at bedtime." --out {{folder}}/fit.pdf', "tom")
    assert fit.code == 0 and "above the" not in fit.err


def test_a_prescription_that_is_called_1_takes_nothing_out_of_1_5_mg(bench: Bench) -> None:
    asked = 'label CAPS-1 --prescription 1 --patient "P" --prescriber "Dr. J. Example" --quantity "2 capsules" --purpose pain'
    bench.do(f"{asked} --out {{folder}}/one.pdf", "tom")
    judged = bench.run("label proof {folder}/one.pdf")
    assert judged.code == 0, judged.err
