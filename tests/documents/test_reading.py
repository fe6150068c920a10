"""Random labels are read back, clean, turned, blurred and pale; `benchmarks/barcodes.py` does it with a thousand."""

from __future__ import annotations

from benchmarks.barcodes import reading


def test_sixty_random_labels_are_read_in_every_way() -> None:
    read, missed = reading(20, seed=7)
    assert missed == []
    assert len(read) == 15 and set(read.values()) == {20}
