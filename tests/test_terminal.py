"""What a person sees on terminals of other widths: whole words, and nothing cut; a pipe gets every line as it is."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from tests.bench import Bench, stocked

OPEN = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id CAPS-1'


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("terminal"))
    made.do(OPEN)
    return made


def on_terminal(bench: Bench, words: list[str], columns: int) -> list[str]:
    """The lines that a terminal of this width gets."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "compounding", "--settings", str(bench.folder / "settings.toml"), "--as", "ana", *words]
    surroundings = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=surroundings)
    os.close(its)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end was closed
            break
    os.close(ours)
    process.wait()
    return shown.decode().replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "command", [["batch", "list"], ["batch", "show", "CAPS-1"], ["qc", "results", "CAPS-1"], ["status"], ["lot", "list"], ["trace", "TAB-1"]]
)
def test_no_line_is_longer_than_the_terminal_and_no_word_is_broken(bench: Bench, command: list[str], columns: int) -> None:
    piped = bench.run(command)
    words = set((piped.out + piped.err).split())
    lines = on_terminal(bench, command, columns)
    assert [line for line in lines if len(line) > columns] == []
    told = {word for word in " ".join(lines).split() if set(word) != {"-"}}
    assert told <= words


def test_a_refusal_is_told_in_whole_words(bench: Bench) -> None:
    lines = on_terminal(bench, ["batch", "weigh", "CAPS-1", "source", "952.6 mg", "--lot", "NONE-1"], 40)
    assert max(map(len, lines)) <= 40 and "[lot.unknown]" in " ".join(lines)


def test_a_pipe_gets_each_item_in_one_line(bench: Bench) -> None:
    bench.do(["lot", "quarantine", "MCC-1", "--reason", "the seal was broken when the box came in, and the supplier was told on the telephone"])
    assert "and the supplier was told on the telephone\n" in bench.do("status").out
