"""The reading story: question → query → hits → readings → answers → reply."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from askdoc import embedders, freshness, readers
from askdoc.answering import ranking
from askdoc.answering.confidence import UNFITTED, Calibration
from askdoc.answering.ranking import Candidate, Settings
from askdoc.answering.script import is_foreign
from askdoc.embedders import Embedder
from askdoc.errors import AskdocError, IndexMismatchError, ModelError, UsageError
from askdoc.freshness import Freshness
from askdoc.models.bundle import BUNDLED, FITTED, bundled
from askdoc.passages.split import SPLITTER, sentences
from askdoc.progress import Progress
from askdoc.readers import Reader
from askdoc.retrieval.fusion import Fused, fuse
from askdoc.sources.selection import Selection
from askdoc.stores import Scored
from askdoc.stores.folder import store
from askdoc.stores.folder.dense import DenseIndex, structure_today
from askdoc.stores.folder.lexical import ANALYSER, LexicalIndex
from askdoc.stores.folder.store import Manifest, Recipe
from askdoc.types import Answer, Hit, IndexInfo, Passage, Query, Reading, Reply, Skipped, Source

UNREAD = "the reader knows only English, and {} in another script: no answer was looked for"
FRESH = "fresh"  # of a document: as it was indexed
RETRIES = 5  # times that opening starts over because a writer replaced the generation meanwhile


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds and whether that is still so.

    recipe: as in the manifest. documents: path, passages, and "fresh" or what happened to it, as in
    `freshness.Change`. skipped: files left out, of those that were left out unread some for each reason; left_out: how
    many for each. new: files that are not indexed yet. bytes: of the index on disk. damaged: its files that are not as
    they were written. unread: documents that were still to be read when the indexing was interrupted. reader: by its
    name; calibrated: its confidences were fitted for it and the embedder.
    """

    folder: Path
    root: Path
    format: int
    generation: int
    created: str
    recipe: Mapping[str, str | int]
    documents: tuple[tuple[str, int, str], ...]
    selection: Selection
    skipped: tuple[Skipped, ...]
    left_out: Mapping[str, int]
    new: tuple[str, ...]
    bytes: int
    damaged: tuple[str, ...]
    unread: int
    reader: str = readers.DEFAULT
    calibrated: bool = True


def open_index(
    folder: Path | str | None = None,
    *,
    refresh: str = "auto",
    reader: str | None = None,
    progress: Progress | None = None,
) -> Index:
    """Open an index to ask it.

    folder: by default `ASKDOC_INDEX`, else the nearest `index/` from the working directory upwards.
    refresh: "auto" indexes small changes of the documents first and says so of large ones; "always" indexes all changes
    first; "never" looks at no document but those that are cited. reader: by default the one that the index remembers.
    Raises `AskdocError` if there is no sound index.
    """
    started = time.perf_counter()
    freshness.check_refresh(refresh)
    folder = Path(folder).expanduser() if folder is not None else store.find_index()
    found = freshness.bring_up_to_date(folder, refresh, progress=progress)
    opened = _open(folder, lambda manifest: Index(folder, manifest, reader_name=reader, refresh=refresh))
    opened.freshness = found
    opened.load_ms = (time.perf_counter() - started) * 1000
    return opened


_Opened = TypeVar("_Opened")


def _open(folder: Path, turn_to: Callable[[Manifest], _Opened]) -> _Opened:
    """Open the generation that the manifest names; if a writer replaces it in between, the next one."""
    for attempt in range(RETRIES):
        manifest = store.read_manifest(folder)
        try:
            store.check(folder, manifest)
            return turn_to(manifest)
        except AskdocError:
            if attempt == RETRIES - 1 or store.read_manifest(folder).generation == manifest.generation:
                raise
    raise AssertionError  # not reached: the last attempt returns or raises


class Index:
    """An open index. Asking it is safe while another process updates it: it goes on with what it opened."""

    def __init__(
        self, folder: Path, manifest: Manifest, *, reader_name: str | None = None, refresh: str = "never"
    ) -> None:
        self.folder = folder
        self.freshness = Freshness()
        self.load_ms = 0.0
        self._refresh = refresh
        self._told = False  # has a reply carried the remarks of the last look at the documents?
        self._reader_name = reader_name
        self._standing: dict[str, bool] = {}  # path → is the file still what was indexed? Asked anew for each question
        self.embedder: Embedder = embedders.open_embedder(manifest.recipe.embedder)
        self._turn_to(manifest)

    def _turn_to(self, manifest: Manifest) -> None:
        """Open what a manifest names; if that cannot be done, all stays as it is."""
        named = manifest.recipe.embedder
        embedder = self.embedder if self.embedder.name == named else embedders.open_embedder(named)
        structure = structure_today(manifest.recipe.structure)
        store.check_recipe(
            self.folder,
            manifest,
            Recipe(embedder.name, embedder.fingerprint, embedder.dimension, SPLITTER, ANALYSER, structure),
        )
        generation = store.generation_folder(self.folder, manifest)
        dense = DenseIndex(generation / "dense", dimension=manifest.recipe.dimension)
        lexical = LexicalIndex(generation / "lexical")
        self.manifest = manifest
        self.embedder = embedder
        self._sources = manifest.sources()
        self._dense, self._lexical = dense, lexical

    def refresh(self, *, progress: Progress | None = None) -> None:
        """Before the next of several questions: look at the documents again, as when the index was opened.

        What this or another process changed in the index is there afterwards; the models stay loaded.
        """
        found = freshness.bring_up_to_date(self.folder, self._refresh, progress=progress)
        untold = () if self._told else self.freshness.remarks
        self.freshness = Freshness(found.stale, tuple(dict.fromkeys((*untold, *found.remarks))))
        self._told = False
        if store.read_manifest(self.folder).generation != self.manifest.generation:
            before = self._dense, self._lexical
            _open(self.folder, self._turn_to)
            for index in before:
                index.close()

    @property
    def info(self) -> IndexInfo:
        root = os.path.normpath(self.folder.absolute() / self.manifest.root)
        counts = len(self.manifest.documents), self.manifest.passages
        return IndexInfo(_as_typed(self.folder), root, *counts, stale=self.freshness.stale)

    @cached_property
    def reader(self) -> Reader:
        if self._reader_name is not None:
            return readers.open_reader(self._reader_name)
        reader = readers.open_reader(self.manifest.reader)
        if self.manifest.reader_fingerprint not in ("", reader.fingerprint):
            raise IndexMismatchError(
                f"the reader in {reader.name} is not the one that this index was to be asked with",
                hint=f"to take it as it is now: askdoc index --reader {reader.name}",
            )
        return reader

    @cached_property
    def _fitted(self) -> Mapping[str, Any]:
        return fitted_for(self._reader_name or self.manifest.reader)

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_dict(self._fitted["ranking"])

    @cached_property
    def calibration(self) -> Calibration:
        """What was fitted for this very reader; for any other, its own log-odds."""
        fitted = self._fitted["confidence"]
        return Calibration.from_dict(fitted) if fitted["reader"] == self.reader.fingerprint else UNFITTED

    @property
    def calibrated(self) -> bool:
        """Was the confidence fitted for these very models?"""
        return is_calibrated(self._fitted, self.reader.fingerprint, self.embedder.fingerprint)

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

        answers: how many at most. passages: how many are read (default: fitted). min_confidence: in [0, 1]; no answer
        below it is given (default: fitted). min_accuracy: in [0, 1]; only answers of such a confidence that, when it
        was fitted, this share of them was right. Raises `UsageError` for an empty question or numbers out of range.
        """
        clock = _Clock(self.load_ms)
        text = _clean(question)
        _check(answers=answers, passages=passages, min_confidence=min_confidence, min_accuracy=min_accuracy)
        with clock.stage("load"):
            reader, calibration = self.reader, self.calibration
        threshold = _threshold(calibration, min_confidence, min_accuracy)
        with clock.stage("retrieve"):
            hits, remarks = self.retrieve(text, passages or self.settings.passages)
        with clock.stage("read"):
            readings, unread = _read(reader, text, hits)
            merged = ranking.judge(hits, readings, self.settings)
            found = _answers(text, merged, hits, calibration, limit=answers)
        found, hits = _ranked_again(found, hits, merged)
        given = tuple(answer for answer in found if answer.confidence >= threshold)
        self.load_ms = 0.0  # only the first question waited for it
        remarks += [unread] if unread else []
        info, said = self._info(remarks), self._remarks(remarks)
        return Reply(question, given, tuple(hits), threshold, info, clock.stop(), said, self.calibrated, unread)

    def search(self, query: str, *, passages: int = 10) -> Reply:
        """Find passages without reading them: a reply without answers."""
        clock = _Clock(self.load_ms)
        text = _clean(query)
        _check(passages=passages)
        with clock.stage("retrieve"):
            hits, remarks = self.retrieve(text, passages)
        self.load_ms = 0.0
        return Reply(query, (), tuple(hits), 0.0, self._info(remarks), clock.stop(), self._remarks(remarks))

    def _info(self, remarks: Sequence[str]) -> IndexInfo:
        """The index as a question found it. remarks: on documents that were noticed to have changed."""
        return dataclasses.replace(self.info, stale=self.freshness.stale or bool(remarks))

    def _remarks(self, remarks: Sequence[str]) -> tuple[str, ...]:
        self._told = True
        return (*self.freshness.remarks, *remarks)

    def close(self) -> None:
        self._dense.close()
        self._lexical.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rankings(self, text: str, *, limit: int = 0) -> dict[str, list[Scored]]:
        """The ranking of each index for a question, by the index's name; at least `limit` passages of each.

        An English embedder has nothing to say to a question in another script.
        """
        query = Query(text, self.embedder.embed_query(text))
        pool = max(self.settings.pool, limit)
        lexical = self._lexical.search(query, pool)
        if self.embedder.english and is_foreign(text):
            return {"lexical": lexical}
        return {"dense": self._dense.search(query, pool), "lexical": lexical}

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        """The document paths of passages, by passage id."""
        return {id_: self._sources[one.document].path for id_, one in self._lexical.passages(ids).items()}

    def retrieve(self, text: str, limit: int) -> tuple[list[Hit], list[str]]:
        """The best passages that still stand in their files, near-duplicates collapsed; remarks on the others."""
        hits: list[Hit] = []
        seen: list[frozenset[tuple[str, ...]]] = []
        changed: dict[str, None] = {}
        self._standing.clear()
        for fused, passage in self._walk(fuse(self.rankings(text, limit=limit), self.settings.weights), limit):
            if not self._stands(passage.source):
                changed[passage.source.path] = None
                continue
            triples = ranking.triples(passage.text)
            twin = next((at for at, others in enumerate(seen) if ranking.same_text(triples, others)), None)
            if twin is not None:
                hits[twin] = dataclasses.replace(hits[twin], also=(*hits[twin].also, passage))
            elif len(hits) < limit:
                seen.append(triples)
                hits.append(Hit(passage, len(hits) + 1, fused.score, fused.ranks, fused.scores))
            else:
                break
        return hits, [f"{path} changed since it was indexed; its passages are left out" for path in changed]

    def _walk(self, ranked: Sequence[Fused], step: int) -> Iterator[tuple[Fused, Passage]]:
        """Passages in the order of the ranking, fetched a few at a time."""
        for first in range(0, len(ranked), step + 1):
            some = ranked[first : first + step + 1]
            stored = self._lexical.passages([one.id for one in some])
            for one in some:
                if one.id in stored:
                    yield one, stored[one.id].passage(self._sources[stored[one.id].document])

    def _stands(self, source: Source) -> bool:
        """Is the file that would be cited still what was indexed? Documents that stand in no files cannot change."""
        if not self.manifest.paths:
            return True
        if source.path not in self._standing:
            self._standing[source.path] = store.is_intact(self.folder, self.manifest, source)
        return self._standing[source.path]


def _as_typed(folder: Path) -> str:
    """A folder as a user in the working directory would type it: relative if it lies inside."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


@cache
def fitted_for(reader: str) -> Mapping[str, Any]:
    """What was fitted for a reader: beside it, if it has a folder of its own, else for the bundled one."""
    folder = readers.folder_of(reader)
    path = folder / FITTED if folder else BUNDLED / FITTED
    try:
        data: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        Settings.from_dict(data["ranking"])
        Calibration.from_dict(data["confidence"])
    except FileNotFoundError:
        return fitted_for(readers.DEFAULT)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be understood: {error!r}", hint="make it again, or remove it") from error
    return data


def is_calibrated(fitted: Mapping[str, Any], reader: str, embedder: str) -> bool:
    """Was this fitted for a reader and an embedder with these fingerprints? The bundled one is the usual embedder."""
    made_for = fitted["confidence"].get("embedder") or bundled("embedder").fingerprint
    return bool(fitted["confidence"]["reader"] == reader and made_for == embedder)


def _read(reader: Reader, question: str, hits: Sequence[Hit]) -> tuple[list[Reading], str]:
    """A reading of each hit, and why none was read, if none was: English readers can make nothing of other scripts."""
    texts = [hit.passage.text for hit in hits]
    foreign = [reader.english and is_foreign(text) for text in texts]
    if reader.english and is_foreign(question):
        return [Reading(())] * len(texts), UNREAD.format("the question is")
    if texts and all(foreign):
        return [Reading(())] * len(texts), UNREAD.format("the passages are")
    read = iter(reader.read(question, [text for text, skip in zip(texts, foreign, strict=True) if not skip]))
    return [Reading(()) if skip else next(read) for skip in foreign], ""


def _clean(question: str) -> str:
    """A question as the models can take it; raises `UsageError` if nothing is asked."""
    text = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not text:
        raise UsageError("the question is empty", hint='type one: askdoc "what did the US offer?"')
    return text


def _check(
    *,
    answers: int = 1,
    passages: int | None = None,
    min_confidence: float | None = None,
    min_accuracy: float | None = None,
) -> None:
    if answers < 1:
        raise UsageError(f"{answers} answers make no sense", hint="ask for at least one: -n 1")
    if passages is not None and passages < 1:
        raise UsageError(f"{passages} passages make no sense", hint="read at least one: -k 1")
    if min_confidence is not None and not 0.0 <= min_confidence <= 1.0:
        raise UsageError(f"a confidence of {min_confidence} makes no sense", hint="give a number from 0 to 1")
    if min_accuracy is not None and not 0.0 <= min_accuracy <= 1.0:
        raise UsageError(f"an accuracy of {min_accuracy} makes no sense", hint="give a number from 0 to 1")


def _threshold(calibration: Calibration, min_confidence: float | None, min_accuracy: float | None) -> float:
    """The stricter of the two wishes; without any, what was fitted."""
    if min_accuracy is not None:
        return max(min_confidence or 0.0, calibration.threshold_for(min_accuracy))
    return calibration.threshold if min_confidence is None else min_confidence


def _answers(
    question: str, merged: Sequence[Candidate], hits: Sequence[Hit], calibration: Calibration, *, limit: int
) -> list[Answer]:
    found = []
    for at, candidate in enumerate(merged[:limit]):
        confidence = calibration.probability(ranking.evidence(question, merged, at, hits))
        start, end = _sentence(candidate.hit.passage.text, candidate.span.start, candidate.span.end)
        found.append(
            Answer(
                candidate.hit, candidate.span.start, candidate.span.end, start, end, confidence, candidate.supporters
            )
        )
    return found


def _ranked_again(
    found: Sequence[Answer], hits: Sequence[Hit], merged: Sequence[Candidate]
) -> tuple[list[Answer], list[Hit]]:
    """Put the passages in the order of their answers, and let the answers point at them."""
    ordered = ranking.rerank(hits, merged)
    by_place = {(hit.passage.source.path, hit.passage.start): hit for hit in ordered}

    def now(hit: Hit) -> Hit:
        return by_place[hit.passage.source.path, hit.passage.start]

    answers = [
        dataclasses.replace(answer, hit=now(answer.hit), supporters=tuple(map(now, answer.supporters)))
        for answer in found
    ]
    return answers, ordered


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence or sentences that a span stands in."""
    around = [(first, last) for first, last in sentences(text) if first < end and last > start]
    return (around[0][0], around[-1][1]) if around else (start, end)


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


def status(folder: Path | str | None = None) -> Status:
    """What an index holds, compared with its documents as they are now; reads all files of the index."""
    folder = Path(folder).expanduser() if folder is not None else store.find_index()
    manifest = store.read_manifest(folder)
    damaged = store.damaged_files(folder, manifest, hashed_up_to=float("inf"))
    changed = freshness.changes(folder, manifest)
    root = Path(os.path.normpath(folder.absolute() / manifest.root))
    return Status(
        folder=folder,
        root=root,
        format=store.FORMAT,
        generation=manifest.generation,
        created=manifest.created,
        recipe=dataclasses.asdict(manifest.recipe),
        documents=tuple(
            (
                entry.source.path,
                entry.passages,
                changed[entry.source.path].what if entry.source.path in changed else FRESH,
            )
            for entry in manifest.documents
        ),
        selection=manifest.selection,
        skipped=manifest.skipped,
        left_out=manifest.reasons(),
        new=tuple(path for path, change in changed.items() if change.what == "new"),
        bytes=sum(int(stated["size"]) for stated in manifest.files.values()),
        damaged=tuple(damaged),
        reader=manifest.reader,
        calibrated=is_calibrated(
            fitted_for(manifest.reader), _reader_fingerprint(manifest), manifest.recipe.fingerprint
        ),
        unread=manifest.unread,
    )


def _reader_fingerprint(manifest: Manifest) -> str:
    """As it was remembered, without opening it."""
    return manifest.reader_fingerprint or (bundled("reader").fingerprint if manifest.reader == readers.DEFAULT else "")
