"""A question → hits: rankings of an open index, fused, near-duplicates collapsed."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from askdoc.embedders import Embedder
from askdoc.models.script import is_foreign
from askdoc.passages.split import SPLITTER
from askdoc.retrieval.fusion import Fused, fuse
from askdoc.retrieval.near_duplicates import Shingles, nearly_same, shingles
from askdoc.stores import Scored
from askdoc.stores.folder import store
from askdoc.stores.folder.dense import DenseIndex, structure_today
from askdoc.stores.folder.lexical import ANALYSER, LexicalIndex
from askdoc.stores.folder.store import Manifest, Recipe
from askdoc.types import Hit, Passage, Query, Source


class Retriever:
    """One state of an index, open for questions from any number of threads.

    It closes itself when it is no longer referenced. So a question ends on the state that it began on, whatever is
    written or opened meanwhile.
    """

    def __init__(self, folder: Path, manifest: Manifest, embedder: Embedder) -> None:
        """Open what a manifest names. Raises `AskdocError` if it is damaged, or made by other models or code."""
        structure = structure_today(manifest.recipe.structure)
        recipe = Recipe(embedder.name, embedder.fingerprint, embedder.dimension, SPLITTER, ANALYSER, structure)
        store.check_recipe(folder, manifest, recipe)
        generation = store.generation_folder(folder, manifest)
        self.manifest = manifest
        self.embedder = embedder
        self.dense = DenseIndex(generation / "dense", dimension=manifest.recipe.dimension)
        self.lexical = LexicalIndex(generation / "lexical")
        self._sources = manifest.sources()
        self._close = weakref.finalize(self, _close_all, self.dense, self.lexical)

    def close(self) -> None:
        self._close()

    def rankings(self, text: str, limit: int) -> dict[str, list[Scored]]:
        """The ranking of each index for a question, by the index's name: at most `limit` passages.

        An English embedder has nothing to say to a question in another script.
        """
        query = Query(text, self.embedder.embed_query(text))
        lexical = self.lexical.search(query, limit)
        if self.embedder.english and is_foreign(text):
            return {"lexical": lexical}
        return {"dense": self.dense.search(query, limit), "lexical": lexical}

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        """The document paths of passages, by passage id."""
        return {id_: self._sources[stored.document].path for id_, stored in self.lexical.passages(ids).items()}

    def retrieve(
        self,
        text: str,
        limit: int,
        *,
        weights: Mapping[str, float],
        pool: int,
        is_current: Callable[[Source], bool],
    ) -> tuple[list[Hit], list[str]]:
        """The best passages, at most `limit`, near-duplicates collapsed, and the paths that are not current any more.

        weights: of the indexes. pool: passages taken from each. is_current: is a file still what was indexed?
        """
        hits: list[Hit] = []
        shown: list[Shingles] = []
        changed: dict[str, None] = {}
        ranked = fuse(self.rankings(text, max(pool, limit)), weights)
        for fused, passage in self._passages(ranked, limit + 1):
            if not is_current(passage.source):
                changed[passage.source.path] = None
                continue
            mine = shingles(passage.text)
            twin = next((place for place, others in enumerate(shown) if nearly_same(mine, others)), None)
            if twin is not None:
                hits[twin] = dataclasses.replace(hits[twin], also=(*hits[twin].also, passage))
            elif len(hits) < limit:
                shown.append(mine)
                hits.append(Hit(passage, len(hits) + 1, fused.score, fused.ranks, fused.scores))
            else:
                break
        return hits, list(changed)

    def _passages(self, ranked: Sequence[Fused], step: int) -> Iterator[tuple[Fused, Passage]]:
        """Passages in the order of the ranking, fetched `step` at a time."""
        for first in range(0, len(ranked), step):
            some = ranked[first : first + step]
            stored = self.lexical.passages([fused.id for fused in some])
            for fused in some:
                if fused.id in stored:
                    yield fused, stored[fused.id].passage(self._sources[stored[fused.id].document])


def _close_all(*indexes: DenseIndex | LexicalIndex) -> None:
    for index in indexes:
        index.close()
