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
    """A file as it was when it was read."""

    path: str  # relative to the indexed root, with forward slashes
    sha256: str  # of the file's bytes, hexadecimal
    size: int  # bytes
    mtime_ns: int  # modification time, nanoseconds since 1970


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out."""

    path: str
    reason: str  # in words for a person


@dataclass(frozen=True, slots=True)
class LeftOut:
    """All files that were left out for one reason."""

    reason: str
    count: int  # files; a folder counts as one
    examples: tuple[str, ...]  # some of their paths, sorted


@dataclass(frozen=True, slots=True)
class Mark:
    """From `start` on, the text is under this heading and on this page."""

    start: int
    label: str | None  # the heading, with the headings above it
    page: int | None  # a document with pages has one in every mark, and a mark at its start


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
    """A file, and what was read in it."""

    source: Source
    content: Content

    @property
    def text(self) -> str:
        return self.content.text


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quotation is: all that is needed to find it again and to check that it is still there."""

    document: str  # path, as in `Source`
    label: str | None  # the heading it is under
    page: int | None  # on which it starts
    line_start: int | None  # None if the text is extracted, as in `Document`
    line_end: int | None  # likewise
    char_start: int
    char_end: int
    sha256: str  # of the file that was read


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document: `text == document.text[start:end]`, and what is needed to cite any part of it."""

    source: Source
    text: str
    start: int
    line: int | None  # on which it starts; None if the text is extracted, as in `Document`
    label: str | None = None  # the heading of its section
    page: int | None = None  # on which it starts
    turns: tuple[tuple[int, int], ...] = ()  # where in `text` other pages begin, ascending, and which

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def citation(self, start: int = 0, end: int | None = None) -> Citation:
        """Cite `text[start:end]`, the whole passage by default: `askdoc.passages.cite.cite` of the passage."""
        from askdoc.passages.cite import cite  # the one import that points up: users cite the passage that they hold

        return cite(self, start, end)


def count_lines(text: str) -> int:
    r"""Count the line breaks in `text` as editors do: `\n`, `\r\n` and `\r` each end one line."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


@dataclass(frozen=True, slots=True)
class Query:
    """A question and its embedding."""

    text: str
    vector: Vectors  # (dimension,), a unit vector


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    passage: Passage
    rank: int  # in the final order, from 1
    score: float  # the fused retrieval score, in [0, 1]
    ranks: Mapping[str, int]  # its rank (from 1) in each index that found it, by the index's name
    scores: Mapping[str, float]  # its score there
    also: tuple[Passage, ...] = ()  # other passages with (nearly) the same text, shown and counted with this one


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a passage that may answer: offsets into the passage's text."""

    start: int
    end: int
    score: float  # log-odds of the span against "this passage does not answer"; 0 is a tie


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage."""

    spans: tuple[Span, ...]  # best first; empty if nothing could answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A quotation that answers: `text == hit.passage.text[start:end]`."""

    hit: Hit
    start: int
    end: int
    sentence_start: int  # of the sentence around it, in the passage's text
    sentence_end: int
    confidence: float  # probability that the answer is right, in [0, 1]
    supporters: tuple[Hit, ...] = ()  # the other hits that give the same answer

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
    """The index that was asked."""

    path: str  # as the user would type it
    root: str  # the folder that document paths start from
    documents: int
    passages: int
    stale: bool = False  # documents have changed since, and the answer does not know of it


@dataclass(frozen=True, slots=True)
class Reply:
    """All that a question brought."""

    question: str
    answers: tuple[Answer, ...]  # best first, none below `min_confidence`; empty when nothing is sure enough
    hits: tuple[Hit, ...]  # the passages that were read, best first
    min_confidence: float
    index: IndexInfo
    timing_ms: Mapping[str, float] = field(default_factory=dict)  # by stage: load, retrieve, read, total
    remarks: tuple[str, ...] = ()  # for the person who asked, such as that a file has changed
    calibrated: bool = True  # confidences were fitted for the models that gave them
    unread: str = ""  # why no answer was looked for, if none was

    @property
    def answered(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document as an index knows it."""

    id: int  # never used again in this index
    source: Source
    passages: int  # how many it has
    remarks: tuple[str, ...] = ()  # from loading it


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that was tried and could not be turned into text."""

    source: Source  # its sha256 is empty if the file could not be opened
    reason: str
