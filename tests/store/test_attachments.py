"""Attached files are kept under their digest; whatever happens to one later is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compounding.problems import EnvironmentFails, NotUnderstood, Refused
from compounding.store import attachments
from compounding.store.attachments import LARGEST, check, keep, read, read_given

REPORT = b"%PDF-1.4 assay 98.7 %"


def code_of(refusal: pytest.ExceptionInfo[NotUnderstood] | pytest.ExceptionInfo[Refused]) -> list[str]:
    return [problem.code for problem in refusal.value.problems]


def test_what_is_kept_is_read_back_and_kept_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "attachments"
    digest = keep(folder, REPORT)
    assert keep(folder, REPORT) == digest == attachments.digest_of(REPORT)
    assert [file.name for file in folder.iterdir()] == [digest.removeprefix("sha256:")]
    assert read(folder, digest) == REPORT
    assert check(folder, [digest]) == []


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (None, "attachment.lost"),
        (b"", "attachment.changed"),
        (REPORT[:-1], "attachment.changed"),
        (REPORT + b" ", "attachment.changed"),
        (REPORT.replace(b"98", b"89"), "attachment.changed"),
    ],
)
def test_a_file_that_is_lost_or_differs_is_told_and_never_given_out(
    tmp_path: Path, now: bytes | None, code: str
) -> None:
    digest = keep(tmp_path, REPORT)
    kept = tmp_path / digest.removeprefix("sha256:")
    kept.unlink()
    if now is not None:
        kept.write_bytes(now)
    with pytest.raises(Refused) as refusal:
        read(tmp_path, digest)
    assert code_of(refusal) == [problem.code for problem in check(tmp_path, [digest, digest])] == [code]


def test_attaching_the_file_again_heals_the_copy(tmp_path: Path) -> None:
    digest = keep(tmp_path, REPORT)
    (tmp_path / digest.removeprefix("sha256:")).write_bytes(b"spoiled")
    keep(tmp_path, REPORT)
    assert read(tmp_path, digest) == REPORT


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "a" * 64])
def test_what_is_no_digest_leads_nowhere(tmp_path: Path, digest: str) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        read(tmp_path, digest)
    assert code_of(refusal) == ["attachment.digest"]


def test_a_file_that_cannot_be_a_certificate_is_refused(tmp_path: Path) -> None:
    empty, large, pipe = (tmp_path / name for name in ("empty.pdf", "large.pdf", "pipe.pdf"))
    empty.touch()
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    os.mkfifo(pipe)
    for file, code in (
        (tmp_path / "nowhere.pdf", "missing"),
        (tmp_path, "missing"),
        (pipe, "missing"),
        (empty, "empty"),
        (large, "too-large"),
    ):
        with pytest.raises(NotUnderstood) as refusal:
            read_given(file)
        assert code_of(refusal) == [f"attachment.{code}"]
    with large.open("wb") as file:
        file.truncate(LARGEST)
    assert len(read_given(large)) == LARGEST


def test_a_folder_that_cannot_be_made_is_an_environment_that_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFails):
        keep(tmp_path / "file" / "attachments", REPORT)
    assert (tmp_path / "file").read_bytes() == b""
