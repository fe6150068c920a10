"""Labels a second in one file, against a bare canvas and other libraries; and what one proved label costs.

    python benchmarks/labels.py [--labels 1000] [--json] [--write]

Ours: every label is checked, laid out and painted, with words of its own. The bare canvas of ReportLab is told where
each box, word and barcode of the same labels lies, and only draws. fpdf2 and WeasyPrint make a like label: the same
words, a box, no barcode; they are kept in build/peers. CPU time; ours and the bare canvas are the median of the ratios of
interleaved pairs. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "build" / "peers"
sys.path.insert(0, str(ROOT))

from compounding.documents import pdf  # noqa: E402
from compounding.documents.boxes import Box, Page, Rule, Symbol, Word  # noqa: E402
from compounding.documents.label import draw_label, layout_label  # noqa: E402
from compounding.documents.profiles import read_profile  # noqa: E402
from compounding.documents.proof import prove_label  # noqa: E402
from compounding.documents.stocks import read_stock  # noqa: E402
from compounding.documents.templates import read_template, under  # noqa: E402
from compounding.records.label import LabelText  # noqa: E402
from compounding.work.labelling import label_id  # noqa: E402
from tests.documents.samples import CAPSULE  # noqa: E402

STOCK = read_stock("4x2")
TEMPLATE = under(read_template(), read_profile("us-ca"))
PAIRS = 5
BARE_AT_LEAST = 0.6
WEASYPRINT_AT_LEAST = 2.0
PROVED_AT_MOST = 0.3  # seconds of CPU


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    asked = parser.parse_args()
    texts = [
        replace(CAPSULE, patient=f"Alex {number} Sample", prescription=f"{number:07d}", identifier=label_id(number))
        for number in range(1, asked.labels + 1)
    ]
    pages = laid_out(texts)
    ratios, ours = [], []
    for _ in range(PAIRS):
        mine, bare = spent(lambda: draw_label(*laid_out(texts), title="x")), spent(lambda: drawn_bare(pages))
        ratios.append(bare / mine)
        ours.append(mine)
    mine = statistics.median(ours)
    figures: dict[str, float | None] = {
        "labels_per_second": asked.labels / mine,
        "of_bare_canvas": statistics.median(ratios),
        "of_fpdf2": None,
        "of_weasyprint": None,
        "one_proved_label_seconds": statistics.median(spent(lambda: proved(texts[0])) for _ in range(PAIRS)),
    }
    few = texts[: max(20, asked.labels // 20)]
    if peers_are_there():
        each = mine / asked.labels
        figures["of_fpdf2"] = spent(lambda: with_fpdf2(few)) / len(few) / each
        figures["of_weasyprint"] = spent(lambda: with_weasyprint(few)) / len(few) / each
    if asked.json:
        print(json.dumps(figures))
    table, met = told(figures)
    if not asked.json:
        print(table)
    if asked.write:
        from page import write_table

        write_table("labels", table)
    return 0 if met else 1


def spent(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def laid_out(texts: list[LabelText]) -> list[Page]:
    pages = []
    for text in texts:
        page, problems = layout_label(text, STOCK, TEMPLATE)
        assert page is not None, problems
        pages.append(page)
    return pages


def proved(text: LabelText) -> None:
    """One label as the command makes it: checked, laid out, painted, read back."""
    page, problems = layout_label(text, STOCK, TEMPLATE)
    assert page is not None, problems
    assert prove_label(draw_label(page, title="x"), text, STOCK, TEMPLATE) == []


def drawn_bare(pages: list[Page]) -> bytes:
    """The same marks on a canvas, without anything that decides where they go."""
    from reportlab.pdfgen.canvas import Canvas

    file = BytesIO()
    canvas: Any = Canvas(file, pagesize=(STOCK.width, STOCK.height), pageCompression=1)
    for page in pages:
        for mark in page.marks:
            match mark:
                case Word(x, y, size, font, text, grey):
                    canvas.setFillGray(grey)
                    canvas.setFont(pdf.FONT_NAMES[font], size)
                    canvas.drawString(x, y, text)
                case Box(x, y, width, height, fill, line, _):
                    canvas.setFillGray(fill or 0)
                    canvas.setLineWidth(line)
                    canvas.rect(x, y, width, height, stroke=int(line > 0), fill=int(fill is not None))
                case Rule(x, y, to_x, to_y, width, _):
                    canvas.setLineWidth(width)
                    canvas.line(x, y, to_x, to_y)
                case Symbol(x, y, dot, dots, rows):
                    side = dot * dots
                    path = canvas.beginPath()
                    for down, row in enumerate(reversed(rows)):
                        for across, dark in enumerate(row):
                            if dark == "1":
                                path.rect(x + across * side, y + down * side, side, side)
                    canvas.setFillGray(0)
                    canvas.drawPath(path, stroke=0, fill=1)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def lines_of(text: LabelText) -> list[tuple[str, int, bool]]:
    """What a like label says: words, size, bold."""
    head = f"{text.pharmacy_name}  {text.pharmacy_address}  {text.pharmacy_phone}"
    foot = f"Rx {text.prescription}  Qty {text.quantity}  {text.prescriber}  Filled {text.filled_on}  {text.storage}"
    return [
        (head, 7, False),
        (text.patient, 14, True),
        (f"{text.drug} {text.strength} {text.dosage_form}", 14, True),
        (text.directions, 14, False),
        (f"For: {text.purpose}", 12, False),
        (f"{text.warning.heading}. {text.warning.text}", 8, True),
        (f"Lot {text.batch}  Use by {text.beyond_use_date}  {text.compounded_statement}", 7, True),
        (foot, 6, False),
    ]


def peers_are_there() -> bool:
    """The two libraries, in build/peers; fetched once."""
    if not (PEERS / "weasyprint").is_dir():
        fetch = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(PEERS), "fpdf2", "weasyprint"]
        subprocess.run(fetch, check=False, capture_output=True)
    if str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))
    try:
        import fpdf  # noqa: F401
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def with_fpdf2(texts: list[LabelText]) -> bytes:
    from fpdf import FPDF

    paper: Any = FPDF(unit="pt", format=(STOCK.width, STOCK.height))
    paper.set_auto_page_break(False)
    paper.add_font("label", "", str(pdf.FONT_FILES["regular"]))
    paper.add_font("label", "B", str(pdf.FONT_FILES["bold"]))
    for text in texts:
        paper.add_page()
        paper.set_xy(5, 4)
        for words, size, bold in lines_of(text):
            paper.set_font("label", "B" if bold else "", size)
            paper.multi_cell(STOCK.width - 10, size * 1.15, words, border=int(size == 8), new_x="LEFT", new_y="NEXT")
    return bytes(paper.output())


def with_weasyprint(texts: list[LabelText]) -> bytes:
    from html import escape

    from weasyprint import HTML

    faces = "".join(
        f"@font-face{{font-family:label;font-weight:{weight};src:url({file.as_uri()})}}"
        for weight, file in (("400", pdf.FONT_FILES["regular"]), ("700", pdf.FONT_FILES["bold"]))
    )
    style = f"@page{{size:4in 2in;margin:4pt 5pt}}{faces}section{{break-after:page;font-family:label;line-height:1.15}}"
    sections = "".join(
        "<section>"
        + "".join(
            f'<div style="font-size:{size}pt{";font-weight:700" if bold else ""}{";border:1pt solid" if size == 8 else ""}">'
            f"{escape(words)}</div>"
            for words, size, bold in lines_of(text)
        )
        + "</section>"
        for text in texts
    )
    return bytes(HTML(string=f"<style>{style}</style>{sections}").write_pdf())


def told(figures: dict[str, float | None]) -> tuple[str, bool]:
    """The table, and whether every goal that could be measured is met."""
    goals: list[tuple[str, str, str, bool | None]] = []
    rate, bare, proved_in = (figures[key] for key in ("labels_per_second", "of_bare_canvas", "one_proved_label_seconds"))
    assert rate and bare and proved_in
    goals.append(("labels a second, one file", f"{rate:.0f}", "stated", None))
    goals.append(("against a bare ReportLab canvas", f"{bare:.2f}", f"at least {BARE_AT_LEAST}", bare >= BARE_AT_LEAST))
    fpdf2, weasyprint = figures["of_fpdf2"], figures["of_weasyprint"]
    goals.append(("against fpdf2", f"{fpdf2:.1f}" if fpdf2 else "not here", "stated", None))
    met = weasyprint >= WEASYPRINT_AT_LEAST if weasyprint else None
    seen = f"{weasyprint:.1f}" if weasyprint else "not here"
    goals.append(("against WeasyPrint", seen, f"at least {WEASYPRINT_AT_LEAST:g}", met))
    goals.append(
        ("one label with its full proof", f"{proved_in:.2f} s of CPU", f"at most {PROVED_AT_MOST} s", proved_in <= PROVED_AT_MOST)
    )
    head = ["| labels | | goal | |", "|---|---|---|---|"]
    rows = [
        f"| {what} | {figure} | {goal} | {'' if ok is None else 'met' if ok else 'missed'} |" for what, figure, goal, ok in goals
    ]
    return "\n".join(head + rows), all(ok is not False for *_, ok in goals)


if __name__ == "__main__":
    sys.exit(main())
