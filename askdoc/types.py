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
    page: int | None  # from 1; if a document has pages, every mark has one, and the first mark is at 0


@dataclass(frozen=True, slots=True)
class Content:
    """What a loader extracts from a file."""

    text: str  # for text formats the file's own, decoded, so that offsets fit the file
    marks: tuple[Mark, ...] = ()  # in ascending order of start
    remarks: tuple[str, ...] = ()  # for the report of a build, such as a guessed encoding
    skip: tuple[tuple[int, int], ...] = ()  # ranges of `text` not to be read, such as front matter; ascending, disjoint
    extracted: bool = False  # the text is not the file's own; its line numbers are not cited, as no editor shows them


@dataclass(frozen=True, slots=True)
class Document:
    """A file and its content."""

    source: Source
    content: Content

    @property
    def text(self) -> str:
        return self.content.text


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quotation is: enough to find it again and to check that it is still there."""

    document: str  # path, as in `Source`
    label: str | None  # the heading above it
    page: int | None  # the page it starts on
    line_start: int | None  # None if the text is extracted, as in `Content`
    line_end: int | None  # likewise; inclusive
    char_start: int  # in the document's text
    char_end: int
    sha256: str  # of the file that was read


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document: `text == document.text[start:end]`, with all that citing any part of it needs."""

    source: Source
    text: str
    start: int
    line: int | None  # the line it starts on; None if the text is extracted, as in `Content`
    label: str | None = None  # the heading of its section
    page: int | None = None  # the page it starts on
    turns: tuple[tuple[int, int], ...] = ()  # (offset in `text`, page) where another page begins, ascending

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def citation(self, start: int = 0, end: int | None = None) -> Citation:
        """Cite `text[start:end]`, by default the whole passage; a shorthand for `askdoc.passages.cite.cite`."""
        from askdoc.passages.cite import cite  # the only import that points up, so that users can cite a passage

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
    ranks: Mapping[str, int]  # its rank (from 1) in each ranking that has it, by the ranking's name
    scores: Mapping[str, float]  # its score in each of these rankings
    also: tuple[Passage, ...] = ()  # near-duplicates: passages with (nearly) the same text, counted with this one


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a passage that may answer: offsets into the passage's text."""

    start: int
    end: int
    score: float  # log-odds of the span against "this passage does not answer"; 0 is a tie


@dataclass(frozen=True, slots=True)
class Reading:
    """The spans that a reader found in one passage."""

    spans: tuple[Span, ...]  # best first; empty if none can answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A quotation that answers: `text == hit.passage.text[start:end]`."""

    hit: Hit
    start: int
    end: int
    sentence_start: int  # the sentence around the answer: offsets into the passage's text, like `start` and `end`
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
        """The number of passages that give this answer, its own included."""
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
    stale: bool = False  # documents have changed, and the index does not have the changes yet


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a question."""

    question: str
    answers: tuple[Answer, ...]  # best first, none below `min_confidence`; empty if no answer is sure enough
    hits: tuple[Hit, ...]  # the passages that were read, best first
    min_confidence: float
    index: IndexInfo
    timing_ms: Mapping[str, float] = field(default_factory=dict)  # milliseconds by stage: load, retrieve, read, total
    remarks: tuple[str, ...] = ()  # in words, such as that a file has changed
    calibrated: bool = True  # the confidences were fitted for the models that gave them
    unread: str = ""  # why the passages were not read; empty if they were

    @property
    def answered(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document as an index knows it."""

    id: int  # an index never gives the same id twice
    source: Source
    passages: int  # their number
    remarks: tuple[str, ...] = ()  # from loading it


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be turned into text."""

    source: Source  # its sha256 is empty if the file could not be opened
    reason: str
