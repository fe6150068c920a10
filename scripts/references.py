"""Writes docs/references.md out of docs/references.d: every source once, by subject and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"

HEAD = """\
# Sources

Every rule, figure and wording names the key of its source, and each key stands here once. This page is made from
`references.d/` by `make references`; correct a source there.

What we have read is often a copy, a summary or an abstract; the entry says so. Grades: **A** an official text or a
copy of it, **B** a publication or a guidance, **C** practice or a teaching page, **ours** computed, measured or judged
by us, and to be confirmed by a pharmacist where it is a judgement.
"""


def subjects() -> list[dict[str, Any]]:
    """The subjects, each with a title and its sources."""
    paths = sorted((DOCS / "references.d").glob("*.toml"))
    return [{"title": path.stem.capitalize()} | tomllib.loads(path.read_text("utf-8")) for path in paths]


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for subject in sorted(subjects(), key=lambda subject: subject["title"]):
        parts.append(f"\n## {subject['title']}\n\n")
        for source in sorted(subject["source"], key=lambda source: source["key"]):
            what, where = (source[name].rstrip(".") for name in ("what", "where"))
            parts.append(f"- `{source['key']}` ({source['grade']}). {what}. *{where}*\n")
    return "".join(parts)


if __name__ == "__main__":
    (DOCS / "references.md").write_text(page(), "utf-8")
