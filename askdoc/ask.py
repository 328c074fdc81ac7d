"""The reading story: question → query → hits → readings → answers → reply.

Several threads may ask one `Index` at the same time. Everything that a question needs is in one `_State`, which never
changes: a question takes the current state, and `refresh` replaces it by a new one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType

from askdoc import embedders, freshness, readers
from askdoc.answering.answerer import Answerer
from askdoc.answering.fitted import Fitted, fitted_for
from askdoc.answering.ranking import Settings
from askdoc.embedders import Embedder
from askdoc.errors import IndexMismatchError, UsageError
from askdoc.freshness import Freshness
from askdoc.progress import Progress
from askdoc.readers import Reader
from askdoc.retrieval.retriever import Retriever
from askdoc.sources.changes import is_intact
from askdoc.stores import Address, Head, IndexStore, Recipe, Scored, check_recipe, find_index, open_store
from askdoc.types import Hit, IndexInfo, Reply, Source


def open_index(
    folder: Address | None = None,
    *,
    refresh: str = "auto",
    reader: str | None = None,
    progress: Progress | None = None,
) -> Index:
    """Open an index to ask it.

    folder: by default `ASKDOC_INDEX`, else the nearest `index/` from the working directory upwards.
    refresh: "auto" indexes small changes first, and mentions large ones in its replies; "always" indexes all changes
    first; "never" checks only the documents that it cites. reader: a name, or the folder of a model; by default the
    reader that the index remembers. Raises `AskdocError` if there is no index or it cannot be used.
    """
    started = time.perf_counter()
    freshness.check_refresh(refresh)
    store = open_store(folder if folder is not None else find_index())
    fresh = freshness.bring_up_to_date(store, refresh, progress=progress)
    state = _State(_open(store), fresh)
    return Index(store, state, reader=reader, refresh=refresh, load_ms=(time.perf_counter() - started) * 1000)


def _open(store: IndexStore, embedder: Embedder | None = None) -> Retriever:
    """Open the newest state of an index. Raises `AskdocError` if it is damaged, or made by other models or code.

    embedder: already loaded; used if the index was made with it.
    """
    # First the recipe: an index of another recipe would look damaged.
    embedder = _fitting_embedder(store, store.state().head.recipe, embedder)
    opened = store.open()
    return Retriever(opened, _fitting_embedder(store, opened.head.recipe, embedder))


def _fitting_embedder(store: IndexStore, made: Recipe, embedder: Embedder | None) -> Embedder:
    if embedder is None or embedder.name != made.embedder:
        embedder = embedders.open_embedder(made.embedder)
    check_recipe(store.address, made, store.recipe(embedder, made.structure))
    return embedder


@dataclass(frozen=True, slots=True)
class _State:
    """What a question needs: an open index, and whether it has all changes of its documents."""

    retriever: Retriever
    freshness: Freshness
    reported: threading.Event = field(default_factory=threading.Event)  # set when a reply carries its remarks

    @property
    def head(self) -> Head:
        return self.retriever.opened.head


class Index:
    """An open index; threads may share it.

    It answers from the state that it opened, also while another process updates the index, until `refresh` is called.
    """

    def __init__(
        self, store: IndexStore, state: _State, *, reader: str | None, refresh: str, load_ms: float = 0.0
    ) -> None:
        self.store = store
        self._state = state
        self._reader = reader  # None: the reader that the index remembers
        self._refresh = refresh
        self._load_ms = load_ms  # time of opening, reported in the first reply
        self._readers: dict[tuple[str, str], Reader] = {}  # by name and fingerprint; "" if the index remembers none
        self._lock = threading.Lock()  # guards `_load_ms` and `_readers`
        self._refreshing = threading.Lock()

    def ask(
        self,
        question: str,
        *,
        answers: int = 3,
        passages: int | None = None,
        min_confidence: float | None = None,
        min_accuracy: float | None = None,
    ) -> Reply:
        """Answer a question from the documents.

        answers: maximum number of answers. passages: number of passages to read (default: fitted). min_confidence: in
        [0, 1]; answers below it are left out (default: fitted). min_accuracy: in [0, 1]; only answers at confidence
        levels that were right at least this often in calibration. Raises `UsageError` for an empty question or a
        number out of range.
        """
        text = _clean(question)
        _check(answers=answers, passages=passages, min_confidence=min_confidence, min_accuracy=min_accuracy)
        state, clock = self._state, _Clock(self._load_time())
        with clock.stage("load"):
            answerer = self._answerer(state)
        threshold = answerer.threshold(min_confidence, min_accuracy)
        with clock.stage("retrieve"):
            hits, changed = self._retrieve(state, text, passages or answerer.settings.passages)
        with clock.stage("read"):
            answered = answerer.answer(text, hits, limit=answers)
        return Reply(
            question=question,
            answers=tuple(answer for answer in answered.answers if answer.confidence >= threshold),
            hits=answered.hits,
            min_confidence=threshold,
            index=self._info(state, stale=bool(changed)),
            timing_ms=clock.stop(),
            remarks=_remarks(state, changed, answered.unread),
            calibrated=answerer.calibrated,
            unread=answered.unread,
        )

    def search(self, query: str, *, passages: int = 10) -> Reply:
        """Find passages without reading them: a reply without answers."""
        text = _clean(query)
        _check(passages=passages)
        state, clock = self._state, _Clock(self._load_time())
        with clock.stage("retrieve"):
            hits, changed = self._retrieve(state, text, passages)
        info, remarks = self._info(state, stale=bool(changed)), _remarks(state, changed)
        return Reply(query, (), tuple(hits), 0.0, info, clock.stop(), remarks)

    def refresh(self, *, progress: Progress | None = None) -> None:
        """Check the documents for changes again, as when the index was opened; call it between questions.

        Afterwards the newest state of the index is open, whichever process wrote it; the models stay loaded. If that
        fails, `AskdocError` is raised, and the state before stays open.
        """
        with self._refreshing:
            fresh = freshness.bring_up_to_date(self.store, self._refresh, progress=progress)
            before = self._state
            retriever = before.retriever
            if self.store.state().version != retriever.opened.version:
                retriever = _open(self.store, retriever.embedder)
            unreported = () if before.reported.is_set() else before.freshness.remarks
            remarks = tuple(dict.fromkeys((*unreported, *fresh.remarks)))
            self._state = _State(retriever, Freshness(fresh.stale, remarks))

    def close(self) -> None:
        self._state.retriever.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The parts of an open index

    @property
    def info(self) -> IndexInfo:
        return self._info(self._state)

    @property
    def retriever(self) -> Retriever:
        return self._state.retriever

    @property
    def embedder(self) -> Embedder:
        return self._state.retriever.embedder

    @property
    def answerer(self) -> Answerer:
        return self._answerer(self._state)

    @property
    def reader(self) -> Reader:
        return self._answerer(self._state).reader

    @property
    def settings(self) -> Settings:
        """The settings fitted for the reader; does not load it."""
        return self._fitted(self._state).settings

    # The stages of a question, public for evaluation

    def rankings(self, text: str, *, limit: int = 0) -> dict[str, list[Scored]]:
        """The rankings for a question, by their names: the best `limit` passages of each, or more."""
        return self._state.retriever.rankings(text, max(self.settings.pool, limit))

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        """The document paths of passages, by passage id."""
        return self._state.retriever.opened.paths(ids)

    def retrieve(self, text: str, limit: int) -> tuple[list[Hit], list[str]]:
        """The best passages of unchanged files, near-duplicates collapsed, and the paths of changed files."""
        return self._retrieve(self._state, text, limit)

    def _retrieve(self, state: _State, text: str, limit: int) -> tuple[list[Hit], list[str]]:
        @cache
        def is_current(source: Source) -> bool:
            return not state.head.paths or is_intact(state.head.root, source)  # documents without files cannot change

        settings = self._fitted(state).settings
        return state.retriever.retrieve(
            text, limit, weights=settings.weights, pool=settings.pool, is_current=is_current
        )

    def _fitted(self, state: _State) -> Fitted:
        return fitted_for(self._reader or state.head.reader)

    def _answerer(self, state: _State) -> Answerer:
        """The answerer for a state of the index; loads the reader when it is first needed."""
        name, remembered = self._reader, ""
        if name is None:
            name, remembered = state.head.reader, state.head.reader_fingerprint
        with self._lock:
            if (name, remembered) not in self._readers:
                self._readers[name, remembered] = _open_reader(name, remembered)
            reader = self._readers[name, remembered]
        return Answerer.of(reader, self._fitted(state), embedder=state.retriever.embedder.fingerprint)

    def _load_time(self) -> float:
        """Milliseconds that opening took, for the first question; 0 for later ones, which did not wait for it."""
        with self._lock:
            load_ms, self._load_ms = self._load_ms, 0.0
        return load_ms

    def _info(self, state: _State, *, stale: bool = False) -> IndexInfo:
        documents = state.retriever.opened.documents()
        counts = len(documents), sum(entry.passages for entry in documents)
        return IndexInfo(self.store.address, str(state.head.root), *counts, stale=stale or state.freshness.stale)


def _open_reader(name: str, fingerprint: str) -> Reader:
    """Open a reader. fingerprint: that its weights must have; empty: any."""
    reader = readers.open_reader(name)
    if fingerprint not in ("", reader.fingerprint):
        raise IndexMismatchError(
            f"the reader in {reader.name} has other weights than this index remembers",
            hint=f"to use it as it is now: askdoc index --reader {reader.name}",
        )
    return reader


def _remarks(state: _State, changed: Sequence[str], unread: str = "") -> tuple[str, ...]:
    """The remarks of a reply; marks the remarks of the state as reported."""
    state.reported.set()
    left_out = (f"{path} changed since it was indexed; its passages are left out" for path in changed)
    return (*state.freshness.remarks, *left_out, *([unread] if unread else []))


def _clean(question: str) -> str:
    """The question without lone surrogates and outer white space; raises `UsageError` if it is empty."""
    text = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not text:
        raise UsageError("the question is empty", hint='type a question: askdoc "what did the US offer?"')
    return text


def _check(
    *,
    answers: int = 1,
    passages: int | None = None,
    min_confidence: float | None = None,
    min_accuracy: float | None = None,
) -> None:
    """Raise `UsageError` for a number out of range."""
    if answers < 1:
        raise UsageError(f"{answers} answers make no sense", hint="ask for at least one: -n 1")
    if passages is not None and passages < 1:
        raise UsageError(f"{passages} passages make no sense", hint="read at least one: -k 1")
    if min_confidence is not None and not 0.0 <= min_confidence <= 1.0:
        raise UsageError(f"a confidence of {min_confidence} makes no sense", hint="give a number from 0 to 1")
    if min_accuracy is not None and not 0.0 <= min_accuracy <= 1.0:
        raise UsageError(f"an accuracy of {min_accuracy} makes no sense", hint="give a number from 0 to 1")


class _Clock:
    """Milliseconds by stage."""

    def __init__(self, load_ms: float) -> None:
        self._started = time.perf_counter()
        self._load_ms = load_ms
        self._stages = {"load": load_ms, "retrieve": 0.0, "read": 0.0}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._stages[name] += (time.perf_counter() - started) * 1000

    def stop(self) -> Mapping[str, float]:
        return self._stages | {"total": self._load_ms + (time.perf_counter() - self._started) * 1000}
