"""Print the pins of the wordings in labels/texts, as they stand in compounding/documents/texts.py.

    PYTHONPATH=. python scripts/wordings.py

Words that were shipped never change under their revision: give the new ones the next, and keep the old pin beside it.
"""

from __future__ import annotations

from compounding.documents import texts


def main() -> None:
    """One line for each wording; those that are not pinned, or differ, are marked."""
    for language in texts.languages():
        for id in texts.wording_ids(language):
            # Read as a pharmacy's own, so that words whose pin is missing are read at all.
            wording = texts.parsed(id.partition("/")[2], language, texts.shipped_texts())
            pinned = texts.SHIPPED.get((wording.id, wording.revision))
            mark = "" if pinned == wording.digest else "  # not pinned" if pinned is None else "  # DIFFERS: raise the revision"
            print(f'    ("{wording.id}", {wording.revision}): "{wording.digest}",{mark}')


if __name__ == "__main__":
    main()
