"""A small index that can be reasoned about by hand: it finds by shared words and knows its answers by heart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from askdoc.embedders.hashing import HashingEmbedder
from askdoc.evaluation.run import Plan, document_path
from askdoc.progress import Progress
from askdoc.types import Answer, Hit, IndexInfo, Passage, Reading, Reply, Source, Span


@dataclass(frozen=True)
class ByHeart:
    """A reader that finds the given words wherever they stand: question → (words, score)."""

    known: Mapping[str, tuple[str, float]]
    name: str = "by-heart"
    fingerprint: str = "f" * 64

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        return [self._read(question, passage) for passage in passages]

    def _read(self, question: str, passage: str) -> Reading:
        words, score = self.known.get(question, ("", 0.0))
        start = passage.find(words) if words else -1
        return Reading((Span(start, start + len(words), score),) if start >= 0 else ())


@dataclass(frozen=True)
class SmallIndex:
    """Ranks texts by how many words they share with the question; the score of the reader is the confidence."""

    texts: Sequence[str]
    reader: ByHeart
    embedder = HashingEmbedder()

    def search(self, query: str, /, *, passages: int) -> Reply:
        words = set(query.lower().split())
        shared = [(len(words & set(text.lower().split())), -number) for number, text in enumerate(self.texts)]
        best = [(count, -number) for count, number in sorted(shared, reverse=True)[:passages] if count]
        return self._reply(query, [_hit(self.texts[number], number, rank) for rank, (_, number) in enumerate(best, 1)])

    def ask(self, question: str, /, *, answers: int, min_confidence: float) -> Reply:
        hits = self.search(question, passages=5).hits
        readings = self.reader.read(question, [hit.passage.text for hit in hits])
        found = [_answer(hit, reading.spans[0]) for hit, reading in zip(hits, readings, strict=True) if reading.spans]
        kept = [answer for answer in found if answer.confidence >= min_confidence]
        return self._reply(question, hits, kept[:answers])

    def _reply(self, question: str, hits: Sequence[Hit], answers: Sequence[Answer] = ()) -> Reply:
        info = IndexInfo(path="index", root=".", documents=len(self.texts), passages=len(self.texts))
        return Reply(question, answers=tuple(answers), hits=tuple(hits), min_confidence=0.0, index=info)


def _hit(text: str, number: int, rank: int) -> Hit:
    passage = Passage(Source(document_path(number), "0" * 64, len(text), 0), text, start=0, line=1)
    return Hit(passage, rank=rank, score=1 / rank, ranks={}, scores={})


def _answer(hit: Hit, span: Span) -> Answer:
    sentence_end = len(hit.passage.text)
    return Answer(hit, span.start, span.end, sentence_start=0, sentence_end=sentence_end, confidence=span.score)


KNOWN = {
    "Who built the red bridge?": ("Ada Stone", 0.9),
    "When was the old mill sold?": ("in 1912", 0.6),
    "Who sold the ferry?": ("Ada Stone", 0.2),
    "What do penguins on the red ice eat?": ("red", 0.1),
}


@pytest.fixture
def open_small() -> Callable[..., object]:
    """Opens a `SmallIndex` of texts, as `temporary_index` would open a real one."""

    @contextmanager
    def open_texts(texts: Sequence[str], plan: Plan, progress: Progress) -> Iterator[SmallIndex]:
        progress("embedding", len(texts), len(texts))
        yield SmallIndex(texts, ByHeart(KNOWN))

    return open_texts


BRIDGE = "The red bridge was built by Ada Stone."
MILL = "The old mill was sold in 1912 to a baker."


def _qa(identity: str, question: str, context: str, *answers: str) -> dict[str, object]:
    golds = [{"text": answer, "answer_start": context.index(answer)} for answer in answers]
    return {"id": identity, "question": question, "answers": golds, "is_impossible": not answers}


def _squad(path: Path, title: str, paragraphs: Mapping[str, Sequence[dict[str, object]]]) -> Path:
    entries = [{"context": context, "qas": qas} for context, qas in paragraphs.items()]
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": title, "paragraphs": entries}]}))
    return path


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Two paragraphs; one question answered exactly, one half right, one that its paragraph does not answer."""
    bridge = [
        _qa("q1", "Who built the red bridge?", BRIDGE, "Ada Stone"),
        _qa("q3", "Who sold the ferry?", BRIDGE),
    ]
    mill = [_qa("q2", "When was the old mill sold?", MILL, "1912")]
    return _squad(tmp_path / "town.json", "Town", {BRIDGE: bridge, MILL: mill})


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A question on something else, and one on the town's own article."""
    ice = "Penguins on the ice eat krill."
    return _squad(
        tmp_path / "animals.json",
        "Animals",
        {
            ice: [_qa("p1", "What do penguins on the red ice eat?", ice, "krill")],
            BRIDGE: [_qa("p2", "Who built the red bridge?", BRIDGE, "Ada Stone")],
        },
    )


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Three documents, two judged queries and one without a relevant document."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    documents = [("a", "Bridges", "red and old"), ("b", "", "the old mill"), ("c", "Ice", "white")]
    rows = [{"_id": identity, "title": title, "text": text} for identity, title, text in documents]
    queries = [{"_id": "1", "text": "old mill"}, {"_id": "2", "text": "red ice"}, {"_id": "3", "text": "nothing"}]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tb\t1\n1\ta\t0\n2\tc\t1\n3\ta\t0\n")
    return folder
