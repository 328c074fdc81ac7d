"""Evaluates askdoc on a set of questions: builds an index of the set's paragraphs, asks, and compares.

    data → a temporary index → an outcome for each question → a report

Every paragraph becomes a document. All paragraphs are indexed, and only the questions are sampled, so that a sample is
as hard as the whole set.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from askdoc.embedders import Embedder
from askdoc.errors import LoadError, UsageError
from askdoc.evaluation import squad
from askdoc.evaluation.beir import JudgedQuery, RetrievalSet, is_beir, load_beir
from askdoc.evaluation.outcomes import Given, Kind, Outcome, Ranking
from askdoc.evaluation.report import Report, Setting, report_answers, report_rankings
from askdoc.evaluation.squad import Dataset, Question
from askdoc.progress import Progress, no_progress
from askdoc.readers import DEFAULT, Reader
from askdoc.types import Content, Document, Hit, Reply, Source

DEPTH = 20  # passages to retrieve, for hit@20
BEIR_DEPTH = 100  # BEIR's documents are long and may be split into many passages, and nDCG@10 needs ten documents
_FORMATS = "give a SQuAD-format file (.json, .json.gz) or a folder in the BEIR layout (corpus, queries, qrels)"

_Item = TypeVar("_Item", Question, JudgedQuery)


class Askable(Protocol):
    """What an evaluation needs of an index; `askdoc.ask.Index` fits."""

    @property
    def reader(self) -> Reader: ...
    @property
    def embedder(self) -> Embedder: ...

    def ask(self, question: str, /, *, answers: int, min_confidence: float) -> Reply:
        """Answer from the whole index."""

    def search(self, query: str, /, *, passages: int) -> Reply:
        """Rank passages without reading them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    sample: int | None = None  # number of questions; None for all
    seed: int = 0  # of the sample
    off_topic: Path | None = None  # a SQuAD-format file with questions on other topics
    embedder: str | None = None  # None for the bundled one
    reader: str | None = None  # None for the bundled one
    right_f1: float = 0.5  # lowest F1 at which an answer counts as right, in (0, 1]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation. weights: name of embedder and reader → sha256 of its weights."""

    report: Report
    outcomes: tuple[Outcome | Ranking, ...]
    weights: Mapping[str, str]


OpenTexts: TypeAlias = Callable[[Sequence[str], Plan, Progress], AbstractContextManager[Askable]]


def load_data(path: Path) -> Dataset | RetrievalSet:
    """Read a SQuAD-format file or a folder in the BEIR layout. Raises `LoadError`, which names the place."""
    try:
        return load_beir(path) if is_beir(path) else squad.load_squad(path)
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror or error}", hint=_FORMATS) from error
    except ValueError as error:
        raise LoadError(str(error), hint=_FORMATS) from error


def evaluate(path: Path, plan: Plan, *, open_texts: OpenTexts | None = None, progress: Progress | None = None) -> Run:
    """Evaluate askdoc on the data at `path`. Raises `AskdocError`.

    open_texts: opens an index of texts; by default `temporary_index`.
    """
    data, open_texts, progress = load_data(path), open_texts or temporary_index, progress or no_progress
    if isinstance(data, RetrievalSet):
        return _evaluate_rankings(data, plan, open_texts, progress)
    return _evaluate_answers(data, plan, open_texts, progress)


def sample(items: Sequence[_Item], size: int | None, seed: int) -> tuple[_Item, ...]:
    """`size` of the items in their order, or all; the same on every machine. Larger samples contain smaller ones."""
    if size is None or size >= len(items):
        return tuple(items)

    def draw(number: int) -> bytes:
        return hashlib.sha256(f"{seed}:{items[number].id}:{number}".encode()).digest()

    return tuple(items[number] for number in sorted(sorted(range(len(items)), key=draw)[:size]))


def off_topic_questions(data: Dataset, other: Dataset) -> tuple[Question, ...]:
    """The questions of the other set on articles and paragraphs that are not in the data."""
    titles = {paragraph.title for paragraph in data.paragraphs} - {""}
    texts = {paragraph.text for paragraph in data.paragraphs}
    foreign = [paragraph.title not in titles and paragraph.text not in texts for paragraph in other.paragraphs]
    return tuple(question for question in other.questions if foreign[question.paragraph])


@contextmanager
def temporary_index(texts: Sequence[str], plan: Plan, progress: Progress) -> Iterator[Askable]:
    """An index of the texts, removed afterwards; the document of `texts[n]` is `document_path(n)`."""
    from askdoc.ask import open_index  # only now: `askdoc eval --help` needs no models
    from askdoc.build import index_documents

    with tempfile.TemporaryDirectory(prefix="askdoc-eval-") as name:
        folder = Path(name) / "index"
        index_documents(_documents(texts), folder, embedder=plan.embedder, progress=progress)
        with open_index(folder, refresh="never", reader=plan.reader or DEFAULT) as index:
            yield index


def document_path(number: int) -> str:
    """The path under which a paragraph is indexed."""
    return f"p{number:05d}"


def _documents(texts: Sequence[str]) -> Iterator[Document]:
    for number, text in enumerate(texts):
        raw = text.encode()
        source = Source(document_path(number), hashlib.sha256(raw).hexdigest(), len(raw), mtime_ns=0)
        if text.strip():  # some corpora have empty documents
            yield Document(source, Content(text))


def _evaluate_answers(data: Dataset, plan: Plan, open_texts: OpenTexts, progress: Progress) -> Run:
    questions = sample(data.questions, plan.sample, plan.seed)
    off_topic, off_topic_name = _off_topic(data, plan, len(questions))
    _check(data.name, [*questions, *off_topic])
    started = time.perf_counter()
    with open_texts([paragraph.text for paragraph in data.paragraphs], plan, progress) as index:
        build_seconds = time.perf_counter() - started
        asked: list[Outcome] = []
        for question in questions:
            asked.append(_outcome(question, data.paragraphs[question.paragraph].text, index))
            progress("asking", len(asked), len(questions) + len(off_topic))
        for question in off_topic:
            asked.append(_off_topic_outcome(question, index))
            progress("asking", len(asked), len(questions) + len(off_topic))
        weights = _weights(index)
    setting = _setting(data.name, len(data.paragraphs), plan, off_topic_name)
    return Run(report=report_answers(asked, setting, build_seconds), outcomes=tuple(asked), weights=weights)


def _evaluate_rankings(data: RetrievalSet, plan: Plan, open_texts: OpenTexts, progress: Progress) -> Run:
    if plan.off_topic is not None:
        raise UsageError("--off-topic needs questions with answers, and a BEIR folder has none", hint="leave it out")
    queries = sample(data.queries, plan.sample, plan.seed)
    started = time.perf_counter()
    with open_texts([document.content for document in data.documents], plan, progress) as index:
        build_seconds = time.perf_counter() - started
        rankings: list[Ranking] = []
        for query in queries:
            rankings.append(_ranking(query, data, index))
            progress("searching", len(rankings), len(queries))
        weights = _weights(index)
    setting = _setting(data.name, len(data.documents), plan, None)
    return Run(report_rankings(rankings, setting, build_seconds), outcomes=tuple(rankings), weights=weights)


def _off_topic(data: Dataset, plan: Plan, limit: int) -> tuple[tuple[Question, ...], str | None]:
    """Off-topic questions, at most `limit` so that they do not outweigh the others, and the name of their set."""
    if plan.off_topic is None:
        return (), None
    other = load_data(plan.off_topic)
    if isinstance(other, RetrievalSet):
        raise UsageError(f"{plan.off_topic} is a BEIR folder", hint="--off-topic takes a SQuAD-format file")
    foreign = off_topic_questions(data, other)
    if not foreign:
        raise UsageError(
            f"every question of {plan.off_topic} is on an article of {data.name}", hint="take questions on other topics"
        )
    return sample(foreign, limit, plan.seed), other.name


def _check(name: str, questions: Sequence[Question]) -> None:
    """Raise `LoadError` for questions that cannot be measured, before an index is built."""
    if not any(question.answerable for question in questions):
        raise LoadError(f"{name}: none of the questions has an answer", hint="a larger --sample, or other data")
    blank = next((question.id for question in questions if not question.text.strip()), None)
    if blank is not None:
        raise LoadError(f"{name}: the question {blank} is empty", hint="write or remove it")


def _setting(name: str, documents: int, plan: Plan, off_topic: str | None) -> Setting:
    return Setting(
        data=name,
        documents=documents,
        embedder=plan.embedder,
        reader=plan.reader,
        sample=plan.sample,
        seed=plan.seed,
        off_topic=off_topic,
        right_f1=plan.right_f1,
    )


def _weights(index: Askable) -> Mapping[str, str]:
    return {model.name: model.fingerprint for model in (index.embedder, index.reader)}


def _outcome(question: Question, paragraph: str, index: Askable) -> Outcome:
    golds, path = [gold.text for gold in question.answers], document_path(question.paragraph)
    found = _rank(index.search(question.text, passages=DEPTH).hits, path)
    kind = Kind.ANSWERABLE if question.answerable else Kind.UNANSWERABLE
    given = _given(question.text, paragraph, golds, index.reader)
    return _asked(question, golds, index, kind=kind, path=path, found=found, given=given)


def _off_topic_outcome(question: Question, index: Askable) -> Outcome:
    return _asked(question, [], index, kind=Kind.OFF_TOPIC, path=None, found=None, given=None)


def _asked(
    question: Question,
    golds: Sequence[str],
    index: Askable,
    *,
    kind: Kind,
    path: str | None,
    found: int | None,
    given: Given | None,
) -> Outcome:
    started = time.perf_counter()
    reply = index.ask(question.text, answers=1, min_confidence=0.0)
    seconds = time.perf_counter() - started
    prediction = reply.answers[0].text if reply.answers else ""
    return Outcome(
        id=question.id,
        question=question.text,
        kind=kind,
        prediction=prediction,
        confidence=reply.answers[0].confidence if reply.answers else 0.0,
        exact=squad.exact_match(prediction, golds),
        f1=squad.f1(prediction, golds),
        found=found,
        read=_rank(reply.hits, path) if path else None,
        given=given,
        seconds=seconds,
    )


def _given(question: str, paragraph: str, golds: Sequence[str], reader: Reader) -> Given:
    """The reader's best span, even if "no answer" scores higher: the figures decide what to withhold."""
    spans = reader.read(question, [paragraph])[0].spans
    text = paragraph[spans[0].start : spans[0].end] if spans else ""
    score = spans[0].score if spans else float("-inf")
    return Given(prediction=text, score=score, exact=squad.exact_match(text, golds), f1=squad.f1(text, golds))


def _ranking(query: JudgedQuery, data: RetrievalSet, index: Askable) -> Ranking:
    started = time.perf_counter()
    hits = index.search(query.text, passages=BEIR_DEPTH).hits
    seconds = time.perf_counter() - started
    numbers = [int(path.removeprefix("p")) for group in _documents_of(hits) for path in sorted(group)]
    documents = tuple(data.documents[number].id for number in numbers)
    return Ranking(
        id=query.id,
        query=query.text,
        documents=documents,
        grades=tuple(query.grades.get(document, 0) for document in documents),
        judged=tuple(query.grades.values()),
        seconds=seconds,
    )


def _rank(hits: Sequence[Hit], path: str) -> int | None:
    """The rank of a document: several passages of one document count once."""
    return next((rank for rank, group in enumerate(_documents_of(hits), start=1) if path in group), None)


def _documents_of(hits: Sequence[Hit]) -> list[set[str]]:
    """The new documents of each hit: its own and those of its near-duplicates, without those of earlier hits."""
    groups: list[set[str]] = []
    seen: set[str] = set()
    for hit in hits:
        new = {passage.source.path for passage in (hit.passage, *hit.also)} - seen
        if new:
            groups.append(new)
            seen |= new
    return groups
