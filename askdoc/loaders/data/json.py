"""JSON and JSON lines: values with their keys, each record a paragraph that is labelled with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import HEADING_SEPARATOR, MAX_LABEL, Part, assemble
from askdoc.types import Content

MAX_DEPTH = 100  # containers inside one another
INLINE = 600  # characters up to which a container is one paragraph

Value: TypeAlias = "str | bool | list[Value] | Object | None"

_LINE_BREAK = re.compile(r"\r\n?|\n")  # unlike str.splitlines, not what may be in a JSON string


class Object(tuple[tuple[str, Value], ...]):  # a dict would drop a key's repetition without a word
    """A JSON object: pairs of key and value, in the order of the file."""

    __slots__ = ()


class _TooDeepError(Exception):
    """Containers are nested deeper than any program means."""


def load(data: bytes) -> Content:
    """Read JSON, or one JSON value a line. Numbers stay as they are written.

    What is neither is its own text, and a remark says so. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    try:
        return assemble(_parts(parse(loaded.text)), loaded.remarks)
    except (ValueError, RecursionError, _TooDeepError):
        return _as_lines(loaded)


def load_lines(data: bytes) -> Content:
    """Read JSON lines: each is a record, numbered from 1; a line that is no JSON is text. Raises as `load`."""
    loaded = plain.load(data)
    parts: list[Part] = []
    bad = 0
    for number, line in enumerate(filter(None, map(str.strip, _LINE_BREAK.split(loaded.text))), 1):
        try:
            parts.extend(_parts(parse(line), (_record(number),), in_record=True))
        except (ValueError, RecursionError, _TooDeepError):
            parts.append(Part(_record(number), line))
            bad += 1
    remark = f"{bad} {'lines are' if bad > 1 else 'line is'} not JSON, and read as text"
    return assemble(parts, (*loaded.remarks, remark) if bad else loaded.remarks)


def parse(text: str) -> Value:
    """JSON as strings, lists and `Object`s; raises ValueError or RecursionError for what is not JSON."""
    value: Value = json.loads(
        text, object_pairs_hook=Object, parse_int=str, parse_float=str, parse_constant=str, strict=False
    )
    return value


def _as_lines(loaded: Content) -> Content:
    """Perhaps JSON lines under a wrong name; else the text as it is."""
    first, line_break, _ = loaded.text.lstrip().partition("\n")
    try:
        if line_break and first.startswith(("{", "[")) and parse(first):
            lines = load_lines(loaded.text.encode())
            return replace(lines, remarks=(*loaded.remarks, *lines.remarks))
    except (ValueError, RecursionError):
        pass
    return replace(loaded, remarks=(*loaded.remarks, "not valid JSON; read as plain text"))


def _record(number: int) -> str:
    return f"record {number}"


def _parts(value: Value, path: tuple[str, ...] = (), *, in_record: bool = False) -> Iterator[Part]:
    """The parts of the value at `path`. A record, which is an item of a list, is kept whole where it is short."""
    if len(path) > MAX_DEPTH:
        raise _TooDeepError
    if isinstance(value, Object):
        yield from _object(value, path, in_record=in_record)
    elif isinstance(value, list):
        yield from _list(value, path)
    else:
        yield Part(_label(path), _scalar(value))


def _object(value: Object, path: tuple[str, ...], *, in_record: bool) -> Iterator[Part]:
    name = "" if in_record or not path else f"{path[-1]}: "  # the key is often what is asked for: a name, a number
    texts: list[str] = []
    for key, member in value:
        text = _inline(member, whole=in_record)
        if text is None:
            yield from _paragraphs(texts, "; ", path, name)
            texts = []
            yield from _member(key, member, path, in_record=in_record)
        elif text:
            texts.append(f"{key}: {text}")
    yield from _paragraphs(texts, "; ", path, name)


def _member(key: str, member: Value, path: tuple[str, ...], *, in_record: bool) -> Iterator[Part]:
    """A member that is too long to share a line with others."""
    if isinstance(member, Object | list):
        yield from _parts(member, (*path, key), in_record=in_record and isinstance(member, Object))
    else:
        yield Part(_label((*path, key)), f"{key}: {_scalar(member)}")


def _list(value: list[Value], path: tuple[str, ...]) -> Iterator[Part]:
    texts: list[str] = []
    for number, item in enumerate(value, 1):
        if isinstance(item, Object | list):
            yield from _parts(item, (*path, _record(number)), in_record=True)
        else:
            texts.append(_scalar(item))
    yield from _paragraphs(texts, ", ", path, f"{path[-1]}: " if path else "")


def _paragraphs(texts: Sequence[str], separator: str, path: tuple[str, ...], name: str) -> Iterator[Part]:
    """Short texts, as many to a paragraph as fit."""
    line: list[str] = []
    length = 0
    for text in texts:
        if line and length + len(text) > INLINE:
            yield Part(_label(path), name + separator.join(line))
            line, length = [], 0
        line.append(text)
        length += len(text)
    if line:
        yield Part(_label(path), name + separator.join(line))


def _label(path: tuple[str, ...]) -> str | None:
    return HEADING_SEPARATOR.join(path)[:MAX_LABEL] or None


def _inline(value: Value, *, whole: bool) -> str | None:
    """A value as part of a line, empty if it holds nothing; None if it is too long, or has records of its own."""
    has_own = isinstance(value, Object) or (
        isinstance(value, list) and any(isinstance(v, Object | list) for v in value)
    )
    if has_own and value and not whole:
        return None
    pieces: list[str] = []
    length = 0
    for piece in _pieces(value, 0):
        pieces.append(piece)
        length += len(piece)
        if length > INLINE:
            return None
    return " ".join("".join(pieces).split())


def _pieces(value: Value, depth: int) -> Iterator[str]:
    """What a line says of a value, piece by piece: `sea, travel`, and `(city: Bern; staff: 12)`."""
    if depth > MAX_DEPTH:
        raise _TooDeepError
    if isinstance(value, Object):
        for at, (key, member) in enumerate(value):
            yield ("; " if at else "(") + f"{key}: "
            yield from _pieces(member, depth + 1)
        yield ")" if value else ""
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield ", " if at else ""
            yield from _pieces(item, depth + 1)
    else:
        yield _scalar(value)


def _scalar(value: Value) -> str:
    return {True: "true", False: "false", None: ""}[value] if isinstance(value, bool | None) else str(value)
