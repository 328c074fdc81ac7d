"""A reply on a terminal: first the answer, how sure it is and where it is from, then the passages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from askdoc.errors import AskdocError
from askdoc.outputs.safe_text import count, fragment, one_line, percent, place, printable_block, section
from askdoc.types import Answer, Citation, Hit, Passage, Reply

WIDEST = 100  # characters; longer lines are hard to read
SOURCES_SHOWN = 5
SNIPPET_LINES = 2
SENTENCE_LINES = 6
BAR_CELLS = 10
INDENT = 6  # of a passage below its rank
# Terminals that print an OSC 8 link's address instead of hiding it.
WITHOUT_LINKS = ("dumb", "linux", "unknown", "cons25", "vt100", "vt220")


class TerminalOutput:
    """Text for people; bold, colour and links if the terminal can show them."""

    def write(self, reply: Reply, stream: TextIO) -> None:
        page, answers = Screen.on(stream, root=reply.index.root), best_by_passage(reply.answers)
        title = "Sources" if reply.answered else "Nearest passages"
        rows = page.passages(reply.hits[:SOURCES_SHOWN], title=title, body=lambda hit: page.snippet(hit, answers))
        said = page.answers(reply.answers) if reply.answered else page.nothing(reply)
        page.show([*said, *rows, *page.footer(reply)], stream)

    def write_passages(self, reply: Reply, stream: TextIO) -> None:
        page = Screen.on(stream, root=reply.index.root)
        rows = [*page.passages(reply.hits, title="Passages", body=lambda hit: page.snippet(hit, {}))]
        page.show([*(rows or page.paragraph("Nothing was found.", style="bold")), Text()], stream)

    def write_in_full(self, reply: Reply, stream: TextIO) -> None:
        """Write all passages of a reply in full, with their own line breaks."""
        page, answers = Screen.on(stream, root=reply.index.root), best_by_passage(reply.answers)
        rows = page.passages(reply.hits, title="Passages", body=lambda hit: page.in_full(hit, answers))
        page.show([*rows, Text()], stream)

    def write_error(self, error: AskdocError, stream: TextIO) -> None:
        """Nothing: people read the error on stderr."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the stream can show: its width, and whether it shows emphasis, colours and links."""

    console: Console
    root: str

    @classmethod
    def on(cls, stream: TextIO, *, root: str) -> Screen:
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        console.width = min(console.width, WIDEST)
        return cls(console=console, root=root)

    def show(self, blocks: Iterable[RenderableType], stream: TextIO) -> None:
        """Write all blocks in one piece, so that an interrupted run leaves no part of them."""
        with self.console.capture() as captured:
            for block in blocks:
                self.console.print(block)
        lines = [line.rstrip(" ") for line in captured.get().split("\n")]
        stream.write("\n".join(lines))
        stream.flush()

    def answers(self, answers: tuple[Answer, ...]) -> Iterator[RenderableType]:
        """The best answer in full, the others in two lines each."""
        best, *others = answers
        yield from self.paragraph(Text(one_line(best.text), style="bold"))
        yield _indented(_bar(best.confidence).append(" ").append(self._evidence(best)))
        if one_line(best.sentence) != one_line(best.text):
            yield from self.paragraph(self._sentence(best))
        if others:
            yield from self.paragraph("Other answers", style="dim")
        for number, answer in enumerate(others, start=2):
            lines = Text(one_line(answer.text), style="bold").wrap(
                self.console, max(self.console.width - INDENT - 2, 20)
            )
            yield _indented(Text(f"{number:>{INDENT - 4}}  ", style="dim").append(lines[0]))
            yield from (_indented(line, by=INDENT) for line in lines[1:])
            yield _indented(self._evidence(answer), by=INDENT)

    def nothing(self, reply: Reply) -> Iterator[RenderableType]:
        """That there is no answer, and what to try."""
        if reply.unread:
            yield from self.paragraph("Not answered.", style="bold")
            yield _indented(Text(f"{reply.unread[0].upper()}{reply.unread[1:]}.", style="dim"))
            return
        yield from self.paragraph("No answer was found.", style="bold")
        if reply.hits and reply.min_confidence > 0:
            threshold = percent(reply.min_confidence)
            hint = f"Nothing is at least {threshold} likely to be right; --min-confidence 0 shows the best guess."
            yield _indented(Text(hint, style="dim"))

    def passages(self, hits: tuple[Hit, ...], *, title: str, body: Callable[[Hit], Text]) -> Iterator[RenderableType]:
        """The passages by rank: place, score, rank in each index, and what `body` makes of their text."""
        notes = _notes(hits)
        longest = max((self._cite(hit.passage.citation()).cell_len for hit in hits), default=0)
        beside = INDENT + longest + len(notes[0] if notes else "") + 6 <= self.console.width
        if hits:
            yield from self.paragraph(title, style="dim")
        for hit, note in zip(hits, notes, strict=True):
            yield from self._head(hit, note=note, beside=beside)
            yield _indented(body(hit), by=INDENT)
            for passage in hit.also:
                yield _indented(Text("also in ", style="dim").append(self._cite(passage.citation())), by=INDENT)

    def snippet(self, hit: Hit, answers: Mapping[int, Answer]) -> Text:
        """A few lines around the answer, or from the beginning of the passage."""
        room = max(self.console.width - INDENT - 2, 20)
        return self._excerpt(hit.passage, answers.get(hit.rank), start=0, end=None, lines=SNIPPET_LINES, width=room)

    def in_full(self, hit: Hit, answers: Mapping[int, Answer]) -> Text:
        """The whole passage, followed by an empty line."""
        text, answer = hit.passage.text, answers.get(hit.rank)
        if answer is None:
            return Text(printable_block(text) + "\n")
        before, span, after = text[: answer.start], answer.text, text[answer.end :]
        return Text(printable_block(before)).append(self._span(span)).append(printable_block(after) + "\n")

    def footer(self, reply: Reply) -> Iterator[RenderableType]:
        """How much was searched, how long it took, and what is not shown."""
        hidden = len(reply.hits) - SOURCES_SHOWN
        more = [f"{count(hidden, 'more passage')} with --json"] if hidden > 0 else []
        total = reply.timing_ms.get("total")
        took = [] if total is None else [f"{total / 1000:.2f} s"]
        searched = f"{count(reply.index.documents, 'document')}, {count(reply.index.passages, 'passage')}"
        yield from self.paragraph(" · ".join([*more, searched, *took]), style="dim")
        yield Text()

    def paragraph(self, text: str | Text, *, style: str = "") -> Iterator[RenderableType]:
        """An empty line and a wrapped paragraph."""
        yield Text()
        yield _indented(Text(text, style=style) if isinstance(text, str) else text)

    def _evidence(self, answer: Answer) -> Text:
        """How sure the answer is, where it is from, and how many passages agree."""
        text = Text(f"{percent(answer.confidence)}  ").append(self._cite(answer.citation))
        others = answer.support - 1
        agree = f"  +{count(others, 'passage')} {'agrees' if others == 1 else 'agree'}"
        return text.append(agree, style="dim") if others else text

    def _cite(self, citation: Citation) -> Text:
        """The citation, with a link to its line if the terminal shows links."""
        linked = self.console.is_terminal and os.environ.get("TERM", "") not in WITHOUT_LINKS
        uri = file_uri(self.root, citation) if linked else None
        text = Text().append(place(citation), style=Style(color="cyan", link=uri))
        where = section(citation)
        return text.append(f" ({where})", style="dim") if where else text

    def _sentence(self, answer: Answer) -> Text:
        """The sentence around an answer; a very long one is cut around it."""
        start, end, room = answer.sentence_start, answer.sentence_end, self.console.width - 4
        return self._excerpt(answer.hit.passage, answer, start=start, end=end, lines=SENTENCE_LINES, width=room)

    def _excerpt(
        self, passage: Passage, answer: Answer | None, *, start: int, end: int | None, lines: int, width: int
    ) -> Text:
        """At most `lines` lines of `text[start:end]`, with the answer among them."""
        end, room = len(passage.text) if end is None else end, lines * width
        first = _first_shown(passage.text, answer, start=start, room=room * 4 // 5)  # wrapping leaves gaps
        last = min(end, first + 3 * room)  # enough to fill the lines; a passage may be one huge line
        shown = self._marked(passage.text, first, last, answer)
        wrapped = (Text("… ").append(shown) if first > start else shown).wrap(self.console, width)
        if len(wrapped) > lines or last < end:
            _end_with_ellipsis(wrapped[:lines][-1], width=width)
        return Text("\n").join(wrapped[:lines])

    def _marked(self, text: str, start: int, end: int, answer: Answer | None) -> Text:
        """A part of a passage as one paragraph, with the answer marked in it."""
        if answer is None or not start <= answer.start < end:
            return Text(one_line(text[start:end]))
        pieces = text[start : answer.start], text[answer.end : max(end, answer.end)]
        before, after = (one_line(f"|{piece}|")[1:-1] for piece in pieces)  # the bars keep the spaces at the seams
        return Text(before.lstrip()).append(self._span(one_line(answer.text))).append(after.rstrip())

    def _span(self, text: str) -> Text:
        """An answer inside its sentence: emphasised, and «like this» if the terminal cannot emphasise."""
        if self.console.color_system is None:
            return Text(f"«{text}»")
        return Text(text, style="bold underline" if self.console.no_color else "bold cyan")

    def _head(self, hit: Hit, *, note: str, beside: bool) -> Iterator[RenderableType]:
        """Rank and place, with the note at the right edge, or below if the longest line leaves no room."""
        head = Text(f"{hit.rank:>{INDENT - 4}}  ", style="dim").append(self._cite(hit.passage.citation()))
        if not beside:
            yield from (_indented(head), _indented(Text(note, style="dim"), by=INDENT))
            return
        gap = self.console.width - 4 - head.cell_len - len(note)
        yield _indented(head.append(" " * gap + note, style="dim"))


def file_uri(root: str, citation: Citation) -> str:
    """The file, with the line as the fragment, as kitty and WezTerm understand it."""
    return (Path(root).absolute() / citation.document).as_uri() + fragment(citation)


def best_by_passage(answers: tuple[Answer, ...]) -> Mapping[int, Answer]:
    """The best answer of each passage, by the passage's rank."""
    return {answer.hit.rank: answer for answer in reversed(answers)}


def _indented(text: Text, *, by: int = 2) -> Padding:
    return Padding(text, (0, 2, 0, by))


def _bar(confidence: float) -> Text:
    colour = "green" if confidence >= 0.7 else "yellow" if confidence >= 0.4 else "red"
    filled = max(1, round(confidence * BAR_CELLS))
    return Text().append("━" * filled, style=colour).append("╌" * (BAR_CELLS - filled), style="dim")


def _notes(hits: tuple[Hit, ...]) -> list[str]:
    """`0.83  dense  2 · lexical  1` for each hit, all equally wide; a dash if an index did not find it."""
    names = list(dict.fromkeys(name for hit in hits for name in hit.ranks))
    widths = {name: max(len(str(hit.ranks.get(name, "-"))) for hit in hits) for name in names}
    return [
        f"{hit.score:.2f}  " + " · ".join(f"{name} {hit.ranks.get(name, '-'):>{widths[name]}}" for name in names)
        for hit in hits
    ]


def _first_shown(text: str, answer: Answer | None, *, start: int, room: int) -> int:
    """Where an excerpt begins: at `start` or at the sentence if the answer fits in, else near the answer."""
    if answer is None or answer.end - start <= room:
        return start
    if answer.sentence_start > start and answer.end - answer.sentence_start <= room:
        return answer.sentence_start
    near = max(answer.start - room // 3, start)
    space = text.find(" ", near, answer.start)
    return near if space < 0 else space + 1


def _end_with_ellipsis(line: Text, *, width: int) -> None:
    """Shorten a line by whole words until an ellipsis fits behind it."""
    line.rstrip()
    while line.cell_len > width - 2 and " " in line.plain.strip():
        line.right_crop(len(line.plain) - line.plain.rstrip().rindex(" "))
    line.truncate(width - 2)
    line.append(" …")
