"""Replies without models: two documents, and an index that answers by looking the question up."""

from __future__ import annotations

from dataclasses import dataclass, field

from askdoc.errors import UsageError
from askdoc.types import Answer, Hit, IndexInfo, Passage, Reply, Source

NEWS = (
    "On September 11, Minsk released 52 political prisoners, among them a journalist. In return, the US offered to\n"
    "lift sanctions on the Belarusian state airline, Belavia, and spoke of reopening its embassy. Officials in Minsk\n"
    "called it a first step, while the opposition warned that more than a thousand people were still in prison."
)
NOTES = "Belavia is the state airline of Belarus. The sanctions on it were lifted on September 12."
HOSTILE = (
    "Press \x1b]0;owned\x07 the \x9b31m button [bold]now[/bold] *or* \u202enever\u2069, \x7f <b>he</b> said.\r\nEnd."
)


def passage(text: str = NEWS, *, document: str = "seeds/news.txt", start: int = 2310, line: int = 31) -> Passage:
    return Passage(source=Source(document, "ab" * 32, 5000, 1), text=text, start=start, line=line)


def hit(found: Passage, *, rank: int = 1, score: float = 0.83214, **ranks: int) -> Hit:
    ranks = ranks or {"dense": 2, "lexical": 1}
    return Hit(found, rank, score, ranks, dict.fromkeys(ranks, 0.5))


def answer(
    found: Hit, span: str, *, sentence: str | None = None, confidence: float = 0.91234, supporters: tuple[Hit, ...] = ()
) -> Answer:
    text = found.passage.text
    start, around = text.index(span), text.index(sentence or text)
    return Answer(found, start, start + len(span), around, around + len(sentence or text), confidence, supporters)


def reply(*answers: Answer, hits: tuple[Hit, ...] = (), question: str = "what did the US offer?") -> Reply:
    found = hits or tuple({one.hit.rank: one.hit for one in answers}.values())
    return Reply(
        question=question,
        answers=answers,
        hits=found,
        min_confidence=0.4,
        index=IndexInfo(path="index", root=".", documents=2, passages=17),
        timing_ms={"load": 80.04, "retrieve": 1.26, "read": 40.0, "total": 121.3},
    )


OFFER = NEWS[NEWS.index("lift") : NEWS.index(", and spoke")]
SENTENCE = NEWS[NEWS.index("In return") : NEWS.index(" Officials")]
FIRST = hit(passage())
SECOND = hit(passage(NOTES, document="notes/air lines.md", start=0, line=1), rank=2, score=0.4, dense=11)

ANSWERED = reply(
    answer(FIRST, OFFER, sentence=SENTENCE, supporters=(SECOND,)),
    answer(SECOND, "were lifted on September 12", confidence=0.42),
    hits=(FIRST, SECOND),
)
UNANSWERED = reply(hits=(FIRST, SECOND), question="How old is Keith Kellogg?")


@dataclass
class LookUpIndex:
    """Says what it was told to say; a question with "bad" in it fails, one with "stop" is interrupted."""

    info: IndexInfo = ANSWERED.index
    asked: list[tuple[str, int, int | None, float | None]] = field(default_factory=list)
    closed: bool = False
    refreshed: int = 0

    def refresh(self, *, progress: object = None) -> None:
        self.refreshed += 1

    def ask(
        self,
        question: str,
        *,
        answers: int = 3,
        passages: int | None = None,
        min_confidence: float | None = None,
        min_accuracy: float | None = None,
    ) -> Reply:
        self.asked.append((question, answers, passages, min_confidence))
        if "bad" in question:
            raise UsageError("a bad question", hint="ask another")
        if "stop" in question:
            raise KeyboardInterrupt
        known = ANSWERED if "offer" in question else UNANSWERED
        return reply(*known.answers[:answers], hits=known.hits, question=question)

    def search(self, query: str, *, passages: int = 10) -> Reply:
        found = () if "nothing" in query else UNANSWERED.hits[:passages]
        return Reply(query, (), found, 0.0, self.info)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> LookUpIndex:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()
