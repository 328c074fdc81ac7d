"""The nouns, in the order in which data flows. Each holds the one before it, so a citation is a walk.

    Source → Document (with Marks) → Passage → Hit → Answer → Reply        and beside them Query, Span, Reading

All offsets are counted in characters (Unicode code points), from 0, end exclusive; lines and pages from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # numpy is not needed to describe an answer, and `askdoc --help` must not pay for it
    import numpy as np
    import numpy.typing as npt

    Vectors: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was when it was read.

    path: relative to the indexed root, with forward slashes.
    sha256: of the file's bytes, hexadecimal. size: bytes. mtime_ns: modification time, nanoseconds since 1970.
    """

    path: str
    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why, in words for a person."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """All that was left out for one reason: how many files (a folder counts as one), and some of the paths, sorted."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """From `start` on, the text stands under this heading (`label`) and on this `page`."""

    start: int
    label: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a loader reads in a file."""

    text: str  # for formats that are text the file's own, decoded, so offsets fit the file
    marks: tuple[Mark, ...] = ()  # in ascending order of start
    remarks: tuple[str, ...] = ()  # what a reader of the report should know, such as a guessed encoding
    skip: tuple[tuple[int, int], ...] = ()  # ranges of `text` not to be read, such as front matter; ascending, disjoint
    extracted: bool = False  # the text is not the file's own; so its lines, which no editor shows, are not cited


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text. For formats that are text it is the file's own decoded text, so offsets fit the file.

    marks: in ascending order of start. remarks: what a reader of the report should know, such as a guessed encoding.
    skip: ranges (start, end) of `text` that are not to be read, such as front matter; ascending and disjoint.
    extracted: the text is not the file's own, as that of a mail is not; so its lines, which no editor shows, are not
    cited.
    """

    source: Source
    text: str
    marks: tuple[Mark, ...] = ()
    remarks: tuple[str, ...] = ()
    skip: tuple[tuple[int, int], ...] = ()
    extracted: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quotation stands: all that is needed to find it again and to check that it is still there.

    line_start, line_end: None if the text is extracted, as in `Document`.
    """

    document: str
    label: str | None
    page: int | None
    line_start: int | None
    line_end: int | None
    char_start: int
    char_end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document: `text == document.text[start:end]`.

    line: on which it starts; None if the text is extracted, as in `Document`.
    page: on which it starts. turns: where in `text` other pages begin, ascending, and which.
    """

    source: Source
    text: str
    start: int
    line: int | None
    label: str | None = None
    page: int | None = None
    turns: tuple[tuple[int, int], ...] = ()

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def citation(self, start: int = 0, end: int | None = None) -> Citation:
        """Cite `text[start:end]`, the whole passage by default. Offsets are relative to the passage."""
        end = len(self.text) if end is None else end
        return Citation(
            document=self.source.path,
            label=self.label,
            page=next((page for turn, page in reversed(self.turns) if turn <= start), self.page),
            line_start=None if self.line is None else self.line + count_lines(self.text[:start]),
            line_end=None if self.line is None else self.line + count_lines(self.text[:end]),
            char_start=self.start + start,
            char_end=self.start + end,
            sha256=self.source.sha256,
        )


def count_lines(text: str) -> int:
    r"""Count the line breaks in `text` as editors do: `\n`, `\r\n` and `\r` each end one line."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


@dataclass(frozen=True, slots=True)
class Query:
    """A question and its embedding, a unit vector of shape (dimension,)."""

    text: str
    vector: Vectors


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    rank: place in the final order, from 1. score: the fused retrieval score in [0, 1].
    ranks, scores: place (from 1) and score in each index that found it, by the index's name.
    also: other passages with (nearly) the same text; they are shown and counted with this one.
    """

    passage: Passage
    rank: int
    score: float
    ranks: Mapping[str, int]
    scores: Mapping[str, float]
    also: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a passage that may answer: offsets into the passage's text.

    score: how much more the reader believes in it than in "this passage does not answer" (log-odds; 0 is a tie).
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage: its best spans, best first; empty if it found nothing that could answer."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A quotation that answers: `text == hit.passage.text[start:end]`.

    sentence_start, sentence_end: the sentence around it, offsets into the passage's text.
    confidence: probability in [0, 1] that the answer is right.
    supporters: the other hits that give the same answer.
    """

    hit: Hit
    start: int
    end: int
    sentence_start: int
    sentence_end: int
    confidence: float
    supporters: tuple[Hit, ...] = ()

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.start : self.end]

    @property
    def sentence(self) -> str:
        return self.hit.passage.text[self.sentence_start : self.sentence_end]

    @property
    def support(self) -> int:
        """In how many different passages the answer was found, this one included."""
        return 1 + len(self.supporters)

    @property
    def citation(self) -> Citation:
        return self.hit.passage.citation(self.start, self.end)


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The index that was asked. path: as the user would type it. root: the folder that document paths start from.

    stale: documents have changed since, and the answer does not know of it.
    """

    path: str
    root: str
    documents: int
    passages: int
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """All that a question brought.

    answers: best first, none below `min_confidence`; empty when the documents do not say.
    hits: the passages that were read, best first. timing_ms: milliseconds by stage
    (load, retrieve, read, total). remarks: what the asker should know, such as a file that changed.
    calibrated: confidences were fitted for the models that gave them. unread: why no answer was looked for, if so.
    """

    question: str
    answers: tuple[Answer, ...]
    hits: tuple[Hit, ...]
    min_confidence: float
    index: IndexInfo
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    calibrated: bool = True
    unread: str = ""

    @property
    def answered(self) -> bool:
        return bool(self.answers)
