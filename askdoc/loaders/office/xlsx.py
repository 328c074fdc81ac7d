"""Excel workbooks (XLSX): each row cited by sheet and row number, values as Excel shows them."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import openpyxl

from askdoc.loaders.guard import guarded
from askdoc.loaders.office.package import Package
from askdoc.loaders.textbuilder import TextBuilder
from askdoc.types import Content

_MAX_COLUMNS = 1000  # that are read of a row
_MAX_ROWS = 1_048_576  # of a sheet, as in Excel
_DIGITS = 11  # significant ones, as Excel shows in its format "General"
_XML = (".xml", ".rels")

_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]')
_IGNORED = re.compile(r"_.|\*.|\[[^\]]*\]|[()?#0,.%E+]|(?<=0)/|@")


@guarded("Excel workbook")
def load(data: bytes) -> Content:
    """Read the sheets that are shown, formulas as their results; charts, pictures and comments are left out."""
    package = Package(data)
    for name, size in package.sizes().items():
        if name.endswith(_XML):
            package.count(size)  # openpyxl reads them itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what openpyxl cannot keep when it saves a file does not matter here
        book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    builder = TextBuilder()
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            builder.sheet(sheet.title, _rows(sheet, builder))
        else:
            builder.leave_out("hidden sheet")
    _leave_out_drawings(package, builder)
    return builder.content()


def _leave_out_drawings(package: Package, builder: TextBuilder) -> None:
    for folder, what in (("charts/chart", "chart"), ("media/", "picture"), ("comments", "sheet's comments")):
        drawings = [name for name in package.names if name.startswith(f"xl/{folder}") and not name.endswith("/")]
        builder.leave_out(what, len(drawings))


def _rows(sheet: Any, builder: TextBuilder) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, by their numbers, from 1."""
    sheet.reset_dimensions()  # what a file says of its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > _MAX_ROWS:  # a damaged number; the rows before it are empty, and there may be billions of them
            builder.remark(f"what is below row {_MAX_ROWS:,} of the sheet {sheet.title} was left out")
            return
        read = cells[:_MAX_COLUMNS]
        shown = [_shown(cell.value, cell.number_format) if cell.value is not None else "" for cell in read]
        if any(shown):
            yield number, shown


def _shown(value: object, pattern: str | None) -> str:
    """A value as Excel shows it, but for what only looks different; dates in ISO form, which cannot be misread."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat("minutes")
    if isinstance(value, int | float):
        return _number(value, pattern or "General")
    return str(value)


def _number(value: float, pattern: str) -> str:
    """A number with the places, the thousands' commas, the per cent and the currency of its format."""
    sections = pattern.split(";")
    section = sections[1] if value < 0 and len(sections) > 1 else sections[0]
    literal = _QUOTED.sub("", section)
    if not re.search(r"[0#?]", literal) or re.search(r"[/E]", literal):
        return _general(value)
    percent = "%" in literal
    places = re.search(r"\.([0#?]*)", literal)
    digits = len(places[1]) if places else 0
    text = f"{abs(value) * (100 if percent else 1):{',' if ',' in literal else ''}.{digits}f}"
    if places and "#" in places[1]:
        text = text.rstrip("0").rstrip(".")
    before, after = _around(section)
    sign = "-" if value < 0 and text.strip("0.,") else ""
    return f"{sign}{before}{text}{'%' if percent else ''}{after}"


def _around(section: str) -> tuple[str, str]:
    """What a number format writes before and after the number, such as a currency."""
    marked = _QUOTED.sub(lambda found: "\x00" + (found[1] or found[2] or found[3] or "") + "\x01", section)
    found = re.search(r"[0#?][0#?,.]*", re.sub("\x00[^\x01]*\x01", lambda part: "\x02" * len(part[0]), marked))
    start, end = found.span() if found else (len(marked), len(marked))
    return _literal(marked[:start]).lstrip(), _literal(marked[end:]).rstrip()


def _literal(text: str) -> str:
    parts = re.split("\x00([^\x01]*)\x01", text)
    return "".join(part if at % 2 else _IGNORED.sub("", part).replace("-", "") for at, part in enumerate(parts))


def _general(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.{_DIGITS}g}"
