"""Subtitles (SubRip and WebVTT): what is said as flowing text, in stretches that are labelled with their time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import Part, assemble
from askdoc.types import Content

STRETCH = 250  # characters from which on the end of a sentence ends a stretch: about 15 seconds of speech
LONGEST = 600  # characters at which a stretch ends without one: subtitles made by machines know no full stops
ROLLING = 0.05  # seconds between captions below which a line that they share was said once
PAUSE = 4.0  # seconds of silence after a sentence that end a stretch

_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_TAG = re.compile(r"</?(?:i|b|u|s|c|font|ruby|rt|lang)\b[^<>]{0,200}>|</v>|<\d[\d:.]{0,20}>|\{\\[^{}]{0,200}\}", re.I)
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,100})?\s+([^<>]{1,100})>")
_NOT_SPOKEN = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:\s.*)?")
_ENDS_SENTENCE = re.compile(r"[.!?…♪。！？][\"'”’»)\]]*\Z")
_HUGE_NUMBER = re.compile(r"&#\d{8,}+")  # no character has it, and Python refuses to read the longest ones
_SAYS = "\x1f"  # between a speaker's name and what is said


@dataclass(slots=True)
class _Cue:
    start: float  # seconds
    end: float
    lines: list[str] = field(default_factory=list)


def load(data: bytes) -> Content:
    """Join the cues, without their numbers, timings and tags; speakers stay, as `Name: …`.

    A file in which nothing is timed is its own text. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    cues = [cue for cue in _cues(loaded.text) if cue.lines]
    if not cues:
        return replace(loaded, remarks=(*loaded.remarks, "no timings were found; read as plain text"))
    return assemble(_stretches(_without_repeats(cues)), loaded.remarks)


def _cues(text: str) -> Iterator[_Cue]:
    cue: _Cue | None = None
    above, block_begins, spoken = "", True, True
    for line in text.splitlines():
        line = line.strip()
        timing = _TIMING.fullmatch(line)
        if timing:
            if cue is not None:
                yield _without_name(cue, above)
            cue, spoken = _Cue(_seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:])), True
        elif block_begins and _NOT_SPOKEN.fullmatch(line) and (cue is None or text.startswith("WEBVTT")):
            spoken = False
        elif not line:
            spoken = True
        elif cue is not None and spoken:
            cue.lines.append(line)
        above = ("" if block_begins else "\n") + line if line else ""
        block_begins = not line
    if cue is not None:
        yield cue


def _without_name(cue: _Cue, above: str) -> _Cue:
    """Take away the line right above the next timing, if it is that cue's number or name and not spoken."""
    own_block = not above.startswith("\n")
    name = above.strip()
    if cue.lines and cue.lines[-1] == name and name and (own_block or name.isdecimal()):
        cue.lines.pop()
    return cue


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _without_repeats(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Live captions show each line twice, first below and then, without a pause, above the next one."""
    last, end = "", 0.0
    for cue in cues:
        lines = [line for line in map(_spoken, cue.lines) if line]
        if lines and lines[0] == last and cue.start - end < ROLLING:
            del lines[0]
        last, end = lines[-1] if lines else last, cue.end
        yield _Cue(cue.start, cue.end, lines)


def _spoken(line: str) -> str:
    """A line as it is heard, behind the speaker's name if it is said."""
    return " ".join(unescape(_TAG.sub("", _VOICE.sub(rf"\1{_SAYS}", line))).split(" ")).strip()


def unescape(text: str) -> str:
    """The text with HTML's character references as the characters that they mean."""
    return html.unescape(_HUGE_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))


def _stretches(cues: Iterable[_Cue]) -> Iterator[Part]:
    said: list[str] = []
    length, start, end = 0, 0.0, 0.0
    for cue in cues:
        if said and _is_enough(said[-1], length, cue.start - end):
            yield Part(_time(start), _joined(said))
            said, length = [], 0
        start = start if said else cue.start
        end = cue.end
        said += cue.lines
        length += sum(map(len, cue.lines))
    yield Part(_time(start), _joined(said))


def _is_enough(last_line: str, length: int, pause: float) -> bool:
    ended = _ENDS_SENTENCE.search(last_line) is not None
    return length > LONGEST or (ended and (length > STRETCH or pause > PAUSE))


def _joined(lines: Iterable[str]) -> str:
    """One line of text for each speaker, marked by a name or a dash."""
    pieces: list[str] = []
    speaker = ""
    for line in lines:
        name, says, words = line.rpartition(_SAYS)
        if says and name != speaker:
            speaker = name
            pieces += ["\n", name, ": ", words]
        else:
            pieces += ["\n" if words.startswith(("-", "–", "—")) else " ", words]
    return "".join(pieces)


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
