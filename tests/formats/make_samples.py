"""Make the sample documents anew, with the programs that people make such documents with.

    python tests/formats/make_samples.py

Needs pandoc, pdflatex, LibreOffice (writer, calc, impress) and qpdf on the PATH, and weasyprint, openpyxl, python-pptx
and Pillow in the environment. The samples are stored, since these programs write other bytes in every version.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
import tempfile
from pathlib import Path

import openpyxl
import weasyprint
from openpyxl.chart import BarChart, Reference
from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.util import Cm

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
SAMPLES = HERE / "samples"
FERRY = HERE / "ferry"  # one sentence in every format, for what every loader promises


def main() -> None:
    """Make every sample; each function says with which program."""
    SAMPLES.mkdir(exist_ok=True)
    shutil.copy(SOURCES / "bridge.html", SAMPLES)
    with_pandoc()
    with_latex()
    with_weasyprint()
    with_openpyxl()
    with_python_pptx()
    with_libreoffice()
    without_text()
    ferry()


def run(*words: str | Path, folder: Path = SAMPLES) -> None:
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def with_pandoc() -> None:
    for source, sample in (
        ("lighthouse.md", "lighthouse.docx"),
        ("lighthouse.md", "lighthouse.odt"),
        ("lighthouse.md", "lighthouse.rtf"),
        ("orchard.md", "orchard.epub"),
        ("reef_talk.md", "reef.pptx"),
    ):
        run("pandoc", "--standalone", SOURCES / source, "--output", sample)


def with_latex() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            run("pdflatex", "-interaction=batchmode", SOURCES / "glacier.tex", folder=Path(folder))
        shutil.copy(Path(folder) / "glacier.pdf", SAMPLES)


def with_weasyprint() -> None:
    weasyprint.HTML(SOURCES / "minutes.html").write_pdf(SAMPLES / "minutes.pdf")


def with_openpyxl() -> None:
    book = openpyxl.Workbook()
    budget = book.active
    budget.title = "Budget"
    budget.append(["Budget of the Mill Lane theatre"])
    budget.append([])
    budget.append(["Department", "Head", "Spending", "Change", "Approved on"])
    for row in (
        ["Costumes", "Odile Marchetti", 18250.5, 0.125, datetime.date(2024, 3, 5)],
        ["Lighting", "Bram Okonjo", 31400, -0.04, datetime.date(2024, 3, 19)],
        ["Stage machinery", "Tilda Rask", 77120.25, 0.3, datetime.date(2024, 4, 2)],
    ):
        budget.append(row)
        for cell, pattern in zip(budget[budget.max_row][2:], ("#,##0.00 €", "0.0%", "dd/mm/yyyy"), strict=True):
            cell.number_format = pattern
    chart = BarChart()
    chart.add_data(Reference(budget, min_col=3, min_row=3, max_row=6), titles_from_data=True)
    budget.add_chart(chart, "H2")
    plays = book.create_sheet("Plays")
    plays.append(["Play", "Author", "Seats sold"])
    plays.append(["The Glass Ferryman", "Ignatius Bell", 1312])
    plays.append(["Winter Wheat", "Carla Dunmore", 980])
    plays.merge_cells("A5:C5")
    plays["A5"] = "Tickets are sold by Agnes Holloway at the bakery."
    hidden = book.create_sheet("Salaries")
    hidden.append(["Odile Marchetti earns 61,000 a year."])
    hidden.sheet_state = "hidden"
    book.save(SAMPLES / "theatre.xlsx")


def with_python_pptx() -> None:
    show = Presentation()
    first = show.slides.add_slide(show.slide_layouts[5])
    first.shapes.title.text = "Founding of the choir"
    group = first.shapes.add_group_shape()
    group.shapes.add_textbox(
        Cm(2), Cm(5), Cm(10), Cm(2)
    ).text_frame.text = "The choir of Saltmarsh was founded by Dorothea Quill in 1962."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Concerts"
    cells = second.shapes.add_table(3, 2, Cm(2), Cm(5), Cm(14), Cm(4)).table
    for at, words in enumerate((("Town", "Visitors"), ("Elmhaven", "450"), ("Brackwater", "1,125"))):
        cells.cell(at, 0).text, cells.cell(at, 1).text = words
    second.notes_slide.notes_text_frame.text = "The piano was lent by the baker Emil Fonseca."
    third = show.slides.add_slide(show.slide_layouts[5])
    third.shapes.title.text = "Left out"
    third._element.set("show", "0")
    show.save(SAMPLES / "choir.pptx")


def with_libreoffice() -> None:
    """Samples of other programs, converted: what LibreOffice writes differs from what they write."""
    with tempfile.TemporaryDirectory() as profile:

        def convert(source: Path, ending: str, name: str) -> None:
            folder = Path(profile) / "out"
            run("soffice", f"-env:UserInstallation=file://{profile}/user", "--headless", "--convert-to", ending,
                "--outdir", folder, source)  # fmt: skip
            made = folder / f"{source.stem}.{ending.partition(':')[0]}"
            shutil.move(made, SAMPLES / name)

        for ending in ("docx", "odt", "rtf", "pdf"):
            convert(SOURCES / "contract.fodt", ending, f"contract.{ending}")
        convert(SAMPLES / "lighthouse.docx", "pdf", "lighthouse.pdf")
        run("pandoc", "--standalone", SOURCES / "memo.md", "--output", Path(profile) / "memo.docx")
        convert(Path(profile) / "memo.docx", "rtf", "memo.rtf")
        convert(SOURCES / "stock.csv", "ods", "stock.ods")
        convert(SAMPLES / "theatre.xlsx", "ods", "theatre.ods")
        convert(SAMPLES / "choir.pptx", "odp", "choir.odp")
        convert(SAMPLES / "choir.pptx", "pptx", "choir_libreoffice.pptx")
        convert(SAMPLES / "theatre.ods", "xlsx", "theatre_libreoffice.xlsx")


def without_text() -> None:
    """A page as a scanner makes it, and documents that need a password."""
    page = Image.new("1", (600, 400), 1)
    ImageDraw.Draw(page).text((40, 40), "The scanned letter was written by Percy Almond.")
    page.save(SAMPLES / "scan.pdf")
    run("qpdf", "--encrypt", "secret", "secret", "256", "--", "scan.pdf", "encrypted.pdf")


def ferry() -> None:
    """The sentence of `tests/contracts/test_loaders.py` in every format, with the smallest files that do."""
    shutil.rmtree(FERRY, ignore_errors=True)
    FERRY.mkdir()
    sentence = "The ferry to Özgür Island leaves at nine."
    page = (
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>F</title></head><body><p>{sentence}</p></body></html>'
    )
    for ending in (".html", ".htm", ".xhtml"):
        (FERRY / f"ferry{ending}").write_text(page, encoding="utf-8")
    for ending in ("epub", "docx", "odt", "rtf", "pptx"):
        words = ["pandoc", "--standalone", "--metadata", "title=F", "--output", f"ferry.{ending}"]
        subprocess.run(words, cwd=FERRY, input=f"{sentence}\n", text=True, check=True)
    weasyprint.HTML(string=page).write_pdf(FERRY / "ferry.pdf")
    book = openpyxl.Workbook()
    book.active.append([sentence])
    book.save(FERRY / "ferry.xlsx")
    with tempfile.TemporaryDirectory() as profile:
        for source, ending in (("ferry.xlsx", "ods"), ("ferry.pptx", "odp")):
            run("soffice", f"-env:UserInstallation=file://{profile}/user", "--headless", "--convert-to", ending, source,
                folder=FERRY)  # fmt: skip
    for twin in ("docm", "pptm", "xlsm"):
        shutil.copy(FERRY / f"ferry.{twin[:-1]}x", FERRY / f"ferry.{twin}")


if __name__ == "__main__":
    main()
