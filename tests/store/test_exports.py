"""An exported batch, altered by somebody with or without a key: the program for inspectors finds it.

What each file is altered from holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compounding.store import keys
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.enforced import rule
from tests.store.pen import (
    ASIDE,
    BATCH,
    CONCLUDED,
    PLANNED,
    RETEST,
    VERIFIED,
    VERIFIER,
    Pen,
    after,
    closing,
    exported,
    failed,
    investigated,
    named,
    offline,
    told_of,
)


@pytest.fixture
def good(pen: Pen) -> bytes:
    pen.labelled()
    return exported(pen)


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def signed_again(pen: Pen, lines: list[dict[str, Any]], by: str = "ana") -> bytes:
    """An altered file, with a fresh signature by an insider who may export."""
    above = b"".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines[:-1]
    )
    return above + b'{"signature":"%s"}\n' % pen.keys[by].sign(above, keys.EXPORT_TYPE).hex().encode()


def judged(content: bytes) -> list[str]:
    """Names of what does not hold; ``cannot-tell`` if it is no export any more."""
    try:
        return named(offline["check"](content, []))
    except offline["CannotTell"]:
        return ["cannot-tell"]


@rule("REC-33")
def test_every_flipped_bit_of_an_export_is_found(good: bytes) -> None:
    for place in range(0, len(good), 7):
        for bit in (0, 5):
            spoiled = bytearray(good)
            spoiled[place] ^= 1 << bit
            assert judged(bytes(spoiled)), place


@rule("REC-33")
def test_a_cut_export_is_never_taken_for_whole(good: bytes) -> None:
    for end in range(0, len(good) - 1, 97):
        assert judged(good[:end])
    assert judged(b"".join(good.splitlines(keepends=True)[:-1]))


def change_raw(what: str, to: str) -> Callable[[dict[str, Any]], None]:
    def change(line: dict[str, Any]) -> None:
        assert what in line["raw"]
        line["raw"] = line["raw"].replace(what, to)

    return change


@rule("REC-02", "REC-33")
@pytest.mark.parametrize(
    "part",
    ["body", "head", "idempotency_key", "kind", "person", "reason", "schema", "sequence", "site", "subjects", "time",
     "workstation", "signing"],
)  # fmt: skip
def test_each_changed_part_of_an_entry_is_found_even_if_an_insider_signs_the_file_again(
    pen: Pen, good: bytes, part: str
) -> None:
    lines = lines_of(good)
    for line in lines[1:-1]:
        said = json.loads(line["raw"])
        if part not in said:
            continue
        old = said[part]
        said[part] = (
            old + 1 if isinstance(old, int) else old + "x" if isinstance(old, str)
            else [*old, old[0]] if isinstance(old, list) else old | {"size": 0, "more": "x"}
        )  # fmt: skip
        altered = [other if other is not line else line | {"raw": json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)} for other in lines]  # fmt: skip
        found = judged(signed_again(pen, altered))
        assert {"entry.bytes", "entry.place", "entry.order", "entry.site"} & set(found), (part, found)


def test_swapped_entries_are_found(pen: Pen, good: bytes) -> None:
    lines = lines_of(good)
    for place in range(1, len(lines) - 2):
        swapped = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        assert "entry.order" in judged(signed_again(pen, swapped))


@rule("REC-33")
def test_an_entry_left_out_between_two_about_the_batch_is_found_although_an_insider_signs_the_file_again(
    pen: Pen, good: bytes
) -> None:
    lines = lines_of(good)
    about = [at for at, line in enumerate(lines) if '"batch:B-1"' in line.get("raw", "")]
    assert len(about) > 6
    for at in about[:-1]:
        assert "entry.missing" in judged(signed_again(pen, [*lines[:at], *lines[at + 1 :]])), at
    assert (
        judged(signed_again(pen, [*lines[: about[-1]], *lines[about[-1] + 1 :]])) == []
    )  # hence the word of the exporter


@rule("REC-33")
def test_a_failing_result_that_is_left_out_is_found_whatever_came_after_it(pen: Pen) -> None:
    failed("tested", PLANNED, ASIDE, RETEST, *CONCLUDED, closing("ben"), VERIFIED)(pen)
    assert verify(pen.journal) == []
    lines = lines_of(exported(pen))
    without = [line for line in lines if not any(each in line.get("raw", "") for each in ('"fail"', "INV-1"))]
    assert len(without) == len(lines) - 7
    assert set(judged(signed_again(pen, without))) == {"entry.missing"}


@rule("REC-33")
@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (after("opened", "lot-measured", "tom", {"lot": "L-1"}), "open"),
        (after("labelled", "lot-measured", "tom", {"lot": "L-1"}), "released"),
        (after("labelled", "recalled", "ana", BATCH), "RECALLED"),
        (investigated("labelled"), "released, HELD BY the open investigation INV-1"),
        (failed("labelled"), "released, HELD BY assay (fail), the open investigation INV-1"),
        (failed("made"), "open, HELD BY assay (fail), the open investigation INV-1"),
        (
            failed("labelled", *CONCLUDED, closing("ben", "reject"), ("rejected", "ana", BATCH, "ana")),
            "rejected, HELD BY assay (fail)",
        ),
        (after("tested", "rejected", "ana", BATCH, "ana"), "rejected"),
    ],
)
def test_the_verdict_says_what_became_of_the_batch(pen: Pen, story: Callable[[Pen], object], verdict: str) -> None:
    story(pen)
    assert told_of(pen) == verdict


def spoiled(value: Any) -> list[Any]:
    """Something else in the place of a value, and in the place of whatever it holds."""
    found = [each for each in (None, 7, "x", [], {}, [None], True) if each != value]
    parts = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, part in parts:
        for each in spoiled(part):
            found.append(value | {key: each} if isinstance(value, dict) else [each, *value[1:]])
    return found


def test_whatever_stands_in_a_line_in_the_place_of_what_belongs_there_is_answered_in_a_sentence(
    pen: Pen, good: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, file = lines_of(good), tmp_path / "file"
    for at in (0, 1, 7, len(lines) - 1):
        for other in spoiled(lines[at]):
            altered = [*lines[:at], other, *lines[at + 1 :]]
            above = b"".join(
                json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for each in altered
            )
            file.write_bytes(above if at == len(lines) - 1 else signed_again(pen, altered))
            assert offline["main"]([str(file)]) in (1, 2), other
            assert capsys.readouterr().err.startswith(("Cannot tell: ", "ALTERED: ")), other


def test_whatever_stands_in_an_entry_in_the_place_of_what_belongs_there_is_no_crash(pen: Pen, good: bytes) -> None:
    """Of a whole journal an insider could make such entries, with fitting hashes: their parts are judged one by one."""
    for line in lines_of(good)[1:-1]:
        said = json.loads(line["raw"])
        for part in ("body", "subjects", "previous", "signing", "time", "head"):
            for other in spoiled(said.get(part)):
                record = offline["Record"]("B-1")
                raw = json.dumps(said | {part: other}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                try:
                    record.take(offline["Entry"](line | {"raw": raw}))
                except (offline["CannotTell"], offline["Altered"], *offline["MISSHAPEN"]):
                    continue


@rule("REC-02")
def test_a_signature_moved_to_another_entry_is_found(pen: Pen, good: bytes) -> None:
    lines = lines_of(good)
    signed = [place for place, line in enumerate(lines) if line.get("signatures")]
    for place in signed:
        other = next(each for each in signed if each != place)
        moved = [line | {"signatures": lines[other]["signatures"]} if line is lines[place] else line for line in lines]
        assert "entry.bytes" in judged(signed_again(pen, moved))


def test_a_replaced_key_is_found(pen: Pen, good: bytes) -> None:
    lines = lines_of(good)
    change_raw(pen.keys["ben"].public, keys.new_key().public)(lines[2])
    assert "entry.bytes" in judged(signed_again(pen, lines))


def test_a_left_out_key_an_unknown_exporter_and_a_missing_signature_are_found(pen: Pen, good: bytes) -> None:
    lines = lines_of(good)
    assert "duty.key-unknown" in judged(signed_again(pen, [*lines[:2], *lines[3:]]))
    assert "export.signature" in judged(signed_again(pen, lines, by="ben"))
    lines[0]["exported"] |= {"key": keys.new_key().public}
    assert "export.key" in judged(signed_again(pen, lines))
    lines[0]["exported"] |= {"key": "", "name": ""}
    assert "export.unsigned" in judged(signed_again(pen, lines))


def test_an_entry_of_another_history_is_found(pen: Pen, good: bytes, tmp_path: Path) -> None:
    with Journal.create(tmp_path / "other.db", "main") as journal:
        other = Pen(journal)
        other.keys = pen.keys
        other.people()
        other.labelled()
        theirs = lines_of(exported(other))
    lines = lines_of(good)
    mixed = [*lines[:6], theirs[6], *lines[7:]]
    assert "entry.bytes" in judged(signed_again(pen, mixed))


def test_a_head_from_paper_is_compared(good: bytes, pen: Pen) -> None:
    code = pen.journal.short_code()
    assert offline["check"](good, [], code.lower().replace("-", " ")) == []
    wrong = offline["check"](good, [], "0" + code[1:] if code[0] != "0" else "1" + code[1:])
    assert named(wrong) == ["head.other"]


def test_the_verifier_is_one_small_program_that_shares_nothing(good: bytes, tmp_path: Path) -> None:
    source = VERIFIER.read_text("utf-8")
    assert len(source.splitlines()) <= 500
    words = [line.split() for line in source.splitlines() if line.strip().startswith(("import ", "from "))]
    assert {word[1].split(".")[0] for word in words} <= {*sys.stdlib_module_names, "cryptography"}


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[]\n" * 5, b"[" * 100_000, b'{"format":"compounding-batch-export/2"}\n{}\n{}\n{"signature":""}\n', b"\xff\n" * 9]
)  # fmt: skip
def test_what_is_no_export_cannot_be_told(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert offline["main"]([str(file)]) == 2
    assert capsys.readouterr().err.startswith("Cannot tell:")


def test_a_name_in_a_file_never_steers_the_terminal(
    good: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(good.replace(b"Ben Fox", b"Ben\\u001b[2JFox"))
    assert offline["main"]([str(file)]) in (1, 2)
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
