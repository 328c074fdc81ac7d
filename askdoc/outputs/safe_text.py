"""Makes text from documents, paths and questions safe to show to a person.

A document may contain escape sequences that retitle a window or move the cursor, and bidirectional overrides that make
a line read differently from how it is written. They must not reach a terminal; visible characters replace them.
"""

from __future__ import annotations

from pathlib import Path

from askdoc.types import Citation

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))

# Each character is replaced by one character, so that offsets into a text also fit its printable form.
_VISIBLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},  # ESC becomes ␛
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    **dict.fromkeys(_BIDI, _REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT),  # half a surrogate pair cannot be encoded
    **dict.fromkeys(map(ord, "\t\n\v\f\r\x85\u2028\u2029"), " "),
}


def printable(text: str) -> str:
    """Replace control characters. The length stays the same; line breaks become spaces."""
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    """The printable text with single spaces, and none at the ends."""
    return " ".join(printable(text).split())


def printable_block(text: str) -> str:
    """The printable text with its line breaks kept."""
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


def place(citation: Citation) -> str:
    """Where a quotation is, as editors and compilers write it: `path:line`, or the path alone."""
    line = "" if citation.line_start is None else f":{citation.line_start}"
    return printable(citation.document) + line


def fragment(citation: Citation, *, line: str = "") -> str:
    """The end of a link to the file: `line` and the line number, else the page as browsers take it, else nothing."""
    if citation.line_start is not None:
        return f"#{line}{citation.line_start}"
    return "" if citation.page is None else f"#page={citation.page}"


def section(citation: Citation) -> str:
    """The page and the heading of a quotation, in words; empty if the format has neither."""
    page = None if citation.page is None else f"page {citation.page}"
    label = None if citation.label is None else one_line(citation.label)
    return ", ".join(part for part in (page, label) if part)


def folder_name(folder: Path) -> str:
    """A folder as a person would type it: relative to the working directory if it is inside, and with a slash."""
    here = Path.cwd()
    near = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return printable(near.as_posix().rstrip("/")) + "/"


def percent(probability: float) -> str:
    """A probability in whole percent, never rounded to 0 % or 100 %."""
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: `1 passage`, `1,065 passages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
