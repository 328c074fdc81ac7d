"""Texts → sentences: exact offsets, nothing lost, nothing twice. By rules, for the scripts of many languages."""

from __future__ import annotations

import re
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]

LINE_BREAK = r"(?>\r\n?|\n)"
PARAGRAPH_BREAK = rf"{LINE_BREAK}[^\S\r\n]*+{LINE_BREAK}\s*+|[\f\u2029]\s*+"

_LIST_ITEM = r"(?:[-*+•‣◦][ \t]|\(?\d{1,3}[.)][ \t]|\||\#{1,6}[ \t]|```|~~~)"
_SENTENCE_BREAK = re.compile(
    rf"""
    (?P<sure> {PARAGRAPH_BREAK}
            | {LINE_BREAK}[^\S\r\n]*+(?={_LIST_ITEM})
            | (?<![^\r\n])\#{{1,6}}[ \t][^\r\n]*+               # a Markdown heading
            | (?<=[\r\n])(?:={{3,}}+|-{{3,}}+)[ \t]*+(?=[\r\n])  # the line under one
            | [。！？｡।॥။។៕።፧]++[」』”’）】》〉»"')]*+            # without a space after it
            | ．++(?!\d)
            | (?<=[\u0370-\u03ff])[;\u037e](?=\s)               # the Greek question mark
            | (?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3])
              [.!?]++(?=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff]) )
    | (?<![.!?…؟۔։།])[.!?…؟۔։།]++["'”’»)\]*_]*+(?:\[\d{{1,4}}\])*+(?=\s)
    """,
    re.VERBOSE,
)
_NEXT_WORD = re.compile(r"\s*+[\"'“”„‘«»(\[¿¡*_]*+(?P<word>[^\W_]{0,20}+)(?P<dot>\.?)(?P<char>.?)", re.DOTALL)
_LAST_WORD = re.compile(r"[^\s(\[\"'“„‘’«—–/][^\s(\[\"“„«—–/]*\Z")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlc]{1,5})\)?")
_ACRONYM = re.compile(r"[^\W\d_](?:\.?[^\W\d_]{1,2})*?(?:\.[^\W\d_]{1,3})+|[^\W\d_]")  # "U.S", "a.m", "Ph.D", "J"
_ROMAN = re.compile(r"[IVXLC]+")

# Abbreviations, in lower case, without their last full stop. These never end a sentence before a capital;
_NEVER_LAST = frozenset(
    "mr mrs ms mx dr drs prof sen rep gov gen col sgt lt capt cmdr adm maj rev hon st mt ft fr pres supt messrs mme "
    "mlle sra hr vs viz cf ca approx esp incl e.g i.e z.b d.h".split()
)
# these never before a number;
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs vol vols p pp art sec ch chap eq jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# these, like initials and acronyms, only before a word that often starts a sentence.
_SELDOM_LAST = frozenset("inc ltd co corp jr sr bros etc al dept ave blvd rd est univ assn bzw usw".split())
_STARTERS = frozenset(
    "The A An And But Or So If In On At By As For From With He She It We They You His Her Its Their Our My This That "
    "These Those There Here When While Where What Who Why How After Before Since During Although Though Because "
    "However Moreover Meanwhile Then Thus Also Some Many Most All Both Each Every Another Other One Two Despite "
    "According Once Until Now Today".split()
)


def sentences(text: str) -> list[Range]:
    """The sentences of a text as offsets [start, end), ascending, disjoint, without white space around them.

    Every character but white space is in exactly one. Headings, list items and table rows count as sentences.
    """
    ranges: list[Range] = []
    start = 0
    for stop in _SENTENCE_BREAK.finditer(text):
        if stop["sure"] is not None or _ends_sentence(text, start, stop):
            sentence = stripped(text, start, stop.end())
            ranges.extend([sentence] if sentence else [])
            start = stop.end()
    rest = stripped(text, start, len(text))
    return [*ranges, rest] if rest else ranges


def stripped(text: str, start: int, end: int) -> Range | None:
    """The offsets of `text[start:end]` without white space around it; None if it is all white space."""
    piece = text[start:end]
    indent = len(piece) - len(piece.lstrip())
    return (start + indent, start + len(piece.rstrip())) if indent < len(piece) else None


def _ends_sentence(text: str, start: int, stop: re.Match[str]) -> bool:
    """Does the full stop (or "?", "...") end the sentence that began at about `start`?"""
    following = _NEXT_WORD.match(text, stop.end())
    if following is None or not following["word"]:
        return following is None or (following["dot"] or following["char"]) not in {*".,;:!?…)"}
    if following["word"][0].islower():
        return False
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    return not _is_abbreviation(text, start, stop.start(), following)


def _is_abbreviation(text: str, start: int, stop: int, following: re.Match[str]) -> bool:
    last = _LAST_WORD.search(text[max(start, stop - 24) : stop])
    if last is None:
        return False
    token, word = last[0].lower(), following["word"]
    if _ENUMERATOR.fullmatch(last[0]) and not text[start : stop - len(token)].strip():
        return True
    if token in _NEVER_LAST:
        return True
    if token in _BEFORE_NUMBER and (word[0].isdigit() or _ROMAN.fullmatch(word)):
        return True
    starts = word in _STARTERS and not (len(word) == 1 and following["dot"])  # in "J. A. Smith" the A is an initial
    return (token in _SELDOM_LAST or _ACRONYM.fullmatch(last[0]) is not None) and not starts
