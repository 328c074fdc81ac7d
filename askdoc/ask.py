"""The reading story: question → query → hits → readings → answers → reply."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from askdoc import embedders, ranking, readers, store
from askdoc.confidence import UNFITTED, Calibration
from askdoc.embedders import Embedder
from askdoc.errors import AskdocError, IndexMismatchError, ModelError, UsageError
from askdoc.fusion import Fused, fuse
from askdoc.indexes import Scored
from askdoc.indexes.dense import DenseIndex, structure_today
from askdoc.indexes.lexical import ANALYSER, LexicalIndex
from askdoc.models import BUNDLED, FITTED, bundled
from askdoc.passages import SPLITTER, sentences
from askdoc.ranking import Candidate, Settings
from askdoc.readers import Reader
from askdoc.scripts import is_foreign
from askdoc.store import Manifest, Recipe
from askdoc.types import Answer, Hit, IndexInfo, Passage, Query, Reading, Reply, Skipped, Source

REFRESH = ("auto", "always", "never")
SMALL_FILES, SMALL_BYTES = 20, 2_000_000  # changes up to this size are indexed while the asker waits
HASHED_BYTES = 64_000_000  # files that only look changed are read up to this size to find out
UNREAD = "the reader knows only English, and {} in another script: no answer was looked for"
RETRIES = 5  # times that opening starts over because a writer replaced the generation meanwhile


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds and whether that is still so.

    recipe: as in the manifest. documents: path, passages, and "fresh", "changed" or "missing". new: files that are not
    indexed yet. bytes: of the index on disk. damaged: its files that are not as they were written. unread: documents
    that were still to be read when the indexing was interrupted. reader: by its name; calibrated: its confidences were
    fitted for it and the embedder.
    """

    folder: Path
    root: Path
    format: int
    generation: int
    created: str
    recipe: Mapping[str, str | int]
    documents: tuple[tuple[str, int, str], ...]
    skipped: tuple[Skipped, ...]
    new: tuple[str, ...]
    bytes: int
    damaged: tuple[str, ...]
    unread: int
    reader: str = readers.DEFAULT
    calibrated: bool = True


def open_index(folder: Path | str | None = None, *, refresh: str = "auto", reader: str | None = None) -> Index:
    """Open an index to ask it.

    folder: by default `ASKDOC_INDEX`, else the nearest `index/` from the working directory upwards.
    refresh: "auto" indexes small changes of the documents first and says so of large ones; "always" indexes all changes
    first; "never" looks at no document but those that are cited. reader: by default the one that the index remembers.
    Raises `AskdocError` if there is no sound index.
    """
    started = time.perf_counter()
    if refresh not in REFRESH:
        raise UsageError(f"there is no refresh {refresh!r}", hint=f"known are: {', '.join(REFRESH)}")
    folder = Path(folder).expanduser() if folder is not None else store.find_index()
    manifest = store.read_manifest(folder)
    stale, remarks = (False, ()) if refresh == "never" else _refresh(folder, manifest, always=refresh == "always")
    opened = _open(folder, open_reader=reader)
    opened.stale, opened.remarks = stale, remarks
    opened.load_ms = (time.perf_counter() - started) * 1000
    return opened


def _open(folder: Path, *, open_reader: str | None) -> Index:
    """Open the generation that the manifest names; if a writer replaces it in between, the next one."""
    for attempt in range(RETRIES):
        manifest = store.read_manifest(folder)
        try:
            store.check(folder, manifest)
            return Index(folder, manifest, reader_name=open_reader)
        except AskdocError:
            if attempt == RETRIES - 1 or store.read_manifest(folder).generation == manifest.generation:
                raise
    raise AssertionError  # not reached: the last attempt returns or raises


def _refresh(folder: Path, manifest: Manifest, *, always: bool) -> tuple[bool, tuple[str, ...]]:
    """Bring the index up to date if that is quick (or asked for); else say that it is stale, and why."""
    if manifest.unread and not always:  # to go on from there may take hours
        return True, (f"{manifest.unread} documents are not indexed yet; to go on with them: askdoc index",)
    changes = _changes(folder, manifest)
    if not changes and not always:
        return False, ()
    small = len(changes) <= SMALL_FILES and sum(changes.values()) <= SMALL_BYTES
    if not small and not always:
        return True, (f"{len(changes)} documents changed since they were indexed; to include them: askdoc index",)
    from askdoc import build  # only now: who asks a fresh index does not need to write one

    try:
        report = build.index((), folder, wait=60.0 if always else 2.0)
    except AskdocError as error:
        if always:
            raise
        return True, (f"the documents changed, and the index could not be updated: {error.message}",)
    return False, _update_remarks(report.added, report.changed, report.removed)


def _update_remarks(added: int, changed: int, removed: int) -> tuple[str, ...]:
    counts = {"added": added, "changed": changed, "removed": removed}
    named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return (f"the documents changed, the index was updated ({named})",) if named else ()


def _changes(folder: Path, manifest: Manifest) -> dict[str, int]:
    """The documents that changed, are gone, or are new, and their size in bytes."""
    if not manifest.paths:  # made of documents that stand in no files
        return {}
    changes: dict[str, int] = {}
    hashed = 0
    for entry in store.suspects(folder, manifest):
        size = _size(folder / manifest.root / entry.source.path)
        hashed += size if size == entry.source.size else 0
        # Copying or checking out changes the time alone; reading the file tells, as long as that is quick.
        if size == entry.source.size and hashed <= HASHED_BYTES and store.is_intact(folder, manifest, entry.source):
            continue
        changes[entry.source.path] = size
    return changes | _new_files(folder, manifest)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


WALKED = 2000  # files of a collection up to which asking looks for new ones, which takes a few milliseconds


def _new_files(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Files below the indexed paths that are not indexed, and their sizes; none in a collection too large to walk."""
    if len(manifest.documents) + len(manifest.skipped) > WALKED:
        return {}
    from askdoc.files import find_files

    root = (folder / manifest.root).resolve()
    known = {entry.source.path for entry in manifest.documents} | {skipped.path for skipped in manifest.skipped}
    there = [root / path for path in manifest.paths if (root / path).exists()]
    found = {store.relative_to(file, root): file for file in find_files(there).files}
    return {path: _size(file) for path, file in found.items() if path not in known}


class Index:
    """An open index. Asking it is safe while another process updates it: it goes on with what it opened."""

    def __init__(self, folder: Path, manifest: Manifest, *, reader_name: str | None = None) -> None:
        self.folder = folder
        self.manifest = manifest
        self.stale = False
        self.remarks: tuple[str, ...] = ()
        self.load_ms = 0.0
        self._reader_name = reader_name
        self._sources = manifest.sources()
        self._standing: dict[str, bool] = {}  # path → is the file still what was indexed? Asked anew for each question
        self.embedder: Embedder = embedders.open_embedder(manifest.recipe.embedder)
        embedder = self.embedder
        structure = structure_today(manifest.recipe.structure)
        store.check_recipe(
            folder,
            manifest,
            Recipe(embedder.name, embedder.fingerprint, embedder.dimension, SPLITTER, ANALYSER, structure),
        )
        generation = store.generation_folder(folder, manifest)
        self._dense = DenseIndex(generation / "dense", dimension=manifest.recipe.dimension)
        self._lexical = LexicalIndex(generation / "lexical")

    @property
    def info(self) -> IndexInfo:
        root = os.path.normpath(self.folder.absolute() / self.manifest.root)
        counts = len(self.manifest.documents), self.manifest.passages
        return IndexInfo(_as_typed(self.folder), root, *counts, stale=self.stale)

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
        said = (*self.remarks, *remarks)
        return Reply(question, given, tuple(hits), threshold, self.info, clock.stop(), said, self.calibrated, unread)

    def search(self, query: str, *, passages: int = 10) -> Reply:
        """Find passages without reading them: a reply without answers."""
        clock = _Clock(self.load_ms)
        text = _clean(query)
        _check(passages=passages)
        with clock.stage("retrieve"):
            hits, remarks = self.retrieve(text, passages)
        self.load_ms = 0.0
        return Reply(query, (), tuple(hits), 0.0, self.info, clock.stop(), (*self.remarks, *remarks))

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
    changed = _changes(folder, manifest)
    root = Path(os.path.normpath(folder.absolute() / manifest.root))
    states = {path: "changed" if (root / path).exists() else "missing" for path in changed}
    known = {entry.source.path for entry in manifest.documents}
    return Status(
        folder=folder,
        root=root,
        format=store.FORMAT,
        generation=manifest.generation,
        created=manifest.created,
        recipe=dataclasses.asdict(manifest.recipe),
        documents=tuple(
            (entry.source.path, entry.passages, states.get(entry.source.path, "fresh")) for entry in manifest.documents
        ),
        skipped=manifest.skipped,
        new=tuple(path for path in changed if path not in known),
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
