"""Jupyter notebooks: prose, code and what the code printed, each cell labelled with its headings and its number."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from askdoc.loaders.text import plain
from askdoc.loaders.text.markdown import MAX_CHARACTERS, headings
from askdoc.loaders.textbuilder import HEADING_SEPARATOR, Outline, Part, assemble
from askdoc.types import Content

MAX_OUTPUT = 10_000  # characters of what one cell printed

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")  # colours


def load(data: bytes) -> Content:
    """Read a notebook of format 3 or 4. Pictures and long outputs are left out, and counted in `remarks`.

    What is no notebook is its own text, and a remark says so. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    try:
        cells = _cells(json.loads(loaded.text, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        cells = None
    if cells is None:
        return replace(loaded, remarks=(*loaded.remarks, "not a notebook; read as plain text"))
    left_out: Counter[tuple[str, str]] = Counter()
    parts = list(_parts(cells, left_out))
    remarks = [f"{count} {one if count == 1 else many}" for (one, many), count in sorted(left_out.items())]
    return assemble(parts, (*loaded.remarks, *([f"left out: {', '.join(remarks)}"] if remarks else [])))


def _cells(notebook: Any) -> list[dict[str, Any]] | None:
    """The cells of a notebook, or None if it is none. Format 3 keeps them on sheets."""
    if not isinstance(notebook, dict):
        return None
    sheets = [sheet for sheet in _list(notebook.get("worksheets")) if isinstance(sheet, dict)]
    if not isinstance(notebook.get("cells"), list) and not sheets:
        return None
    holders = sheets or [notebook]
    return [cell for holder in holders for cell in _list(holder.get("cells")) if isinstance(cell, dict)]


def _parts(cells: Iterable[dict[str, Any]], left_out: Counter[tuple[str, str]]) -> Iterator[Part]:
    outline = Outline()
    for number, cell in enumerate(cells, 1):
        source = _text(cell.get("source", cell.get("input")))
        kind = cell.get("cell_type")
        if kind == "heading":  # format 3
            source, kind = f"{'#' * _level(cell)} {source}", "markdown"
        if kind == "markdown":
            yield from _sections(source, outline, number)
        else:
            texts = [source, *_outputs(_list(cell.get("outputs")), left_out)]
            yield from (Part(_label(outline, number), text) for text in texts)


def _level(cell: dict[str, Any]) -> int:
    level = str(cell.get("level"))
    return int(level) if level in "123456" else 1


def _label(outline: Outline, number: int) -> str:
    return HEADING_SEPARATOR.join(filter(None, (outline.label, f"cell {number}")))


def _sections(source: str, outline: Outline, number: int) -> Iterator[Part]:
    """A cell of Markdown, cut at its headings. One without text has no cell in its label: the text is in another."""
    cuts = list(headings(source)) if len(source) <= MAX_CHARACTERS else []
    yield Part(_label(outline, number), source[: cuts[0].start if cuts else None])
    for heading, following in pairwise([*cuts, None]):
        assert heading is not None  # noqa: S101  # only the last is
        outline.enter(heading.level, heading.title)
        text = source[heading.start : following.start if following else None].strip()
        alone = len(text.splitlines()) == 1
        yield Part(outline.label if alone else _label(outline, number), text)


def _outputs(outputs: Iterable[Any], left_out: Counter[tuple[str, str]]) -> Iterator[str]:
    """What a cell printed, showed as text, or failed with."""
    room = MAX_OUTPUT
    for output in outputs:
        text = _shown(output, left_out) if isinstance(output, dict) else ""
        if len(text) > room:
            left_out["end of a long output", "ends of long outputs"] += 1
        yield text[:room]
        room -= min(room, len(text))


def _shown(output: dict[str, Any], left_out: Counter[tuple[str, str]]) -> str:
    data = output.get("data", output)
    if any(key.startswith("image/") or key in ("png", "jpeg", "svg") for key in data if isinstance(data, dict)):
        left_out["picture", "pictures"] += 1
    text = _text(data.get("text/plain", data.get("text"))) if isinstance(data, dict) else ""
    error = ": ".join(filter(None, (_text(output.get("ename")), _text(output.get("evalue")))))
    return _ESCAPE.sub("", text or error)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A text, which notebooks also keep as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
