"""The numbers and bullets of lists in Word documents: Word stores how to count, not what it shows."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

from askdoc.loaders.xml import Element, attribute, child, children

BULLET = "•"
_MAX_LEVELS = 9
_PLACE = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


class _Level(NamedTuple):
    form: str  # "decimal", "bullet", …
    text: str  # "%1.%2)"
    start: int


class Numbering:
    """Counts the items of all lists of a document, in the order of the document."""

    def __init__(self, root: Element | None) -> None:
        plans = {attribute(plan, "abstractNumId"): plan for plan in children(root, "abstractNum")}
        self._plans: dict[str, str] = {}  # list → plan; lists of one plan go on counting where another stopped
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: defaultdict[str, list[int | None]] = defaultdict(lambda: [None] * _MAX_LEVELS)
        for number in children(root, "num"):
            plan = (
                attribute(child(number, "abstractNumId"), "val") if child(number, "abstractNumId") is not None else None
            )
            name = attribute(number, "numId") or ""
            restarts = bool(children(number, "lvlOverride"))
            self._plans[name] = f"list {name}" if restarts else f"plan {plan}"
            self._levels[name] = _levels(plans.get(plan)) | {
                at: level for override in children(number, "lvlOverride") for at, level in _levels(override).items()
            }

    def next(self, number: str, level: int) -> str:
        """The number or bullet of a list's next item, such as "2.1"; "" if the list is unknown or shows nothing."""
        levels = self._levels.get(number, {})
        here = levels.get(level)
        if here is None or level >= _MAX_LEVELS or here.form == "none":
            return ""
        if here.form == "bullet":
            return BULLET
        counts = self._counts[self._plans[number]]
        before = counts[level]
        counts[level] = here.start if before is None else before + 1
        counts[level + 1 :] = [None] * (_MAX_LEVELS - level - 1)
        return _PLACE.sub(lambda place: _shown(levels, counts, int(place[1]) - 1), here.text).strip()


def _levels(parent: Element | None) -> dict[int, _Level]:
    levels = {}
    for level in children(parent, "lvl"):
        at, start = attribute(level, "ilvl") or "", _value(level, "start")
        if at.isdecimal():
            form, text = _value(level, "numFmt"), _value(level, "lvlText")
            levels[int(at)] = _Level(form or "decimal", text, int(start) if start.isdecimal() else 1)
    return levels


def _value(parent: Element, name: str) -> str:
    element = child(parent, name)
    return "" if element is None else attribute(element, "val") or ""


def _shown(levels: dict[int, _Level], counts: list[int | None], at: int) -> str:
    level, count = levels.get(at), counts[at]
    if level is None:
        return ""
    return formatted(level.start if count is None else count, level.form)


def formatted(count: int, form: str) -> str:
    """A count as Word's number formats show it; those that are not known as decimal numbers."""
    if form in ("lowerLetter", "upperLetter") and 0 < count < 1000:
        text = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
    elif form in ("lowerRoman", "upperRoman") and 0 < count < 4000:
        text = _roman(count)
    else:
        text = f"{count:02}" if form == "decimalZero" else str(count)
    return text.upper() if form.startswith("upper") else text


def _roman(count: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * (count // value)
        count %= value
    return text
