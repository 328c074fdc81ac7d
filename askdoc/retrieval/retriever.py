"""A question → hits: the rankings of an open index, fused, near-duplicates collapsed."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

from askdoc.embedders import Embedder
from askdoc.models.script import is_foreign
from askdoc.retrieval.fusion import Fused, fuse
from askdoc.retrieval.near_duplicates import Shingles, nearly_same, shingles
from askdoc.stores import IndexReader, Scored
from askdoc.types import Hit, Passage, Query, Source


class Retriever:
    """One state of an index, open for questions from any number of threads.

    It closes itself when it is no longer referenced, so a question ends on the state that it began on, even if another
    state is opened meanwhile.
    """

    def __init__(self, opened: IndexReader, embedder: Embedder) -> None:
        self.opened, self.embedder = opened, embedder
        self._close = weakref.finalize(self, opened.close)

    def close(self) -> None:
        self._close()

    def rankings(self, text: str, limit: int) -> dict[str, list[Scored]]:
        """The rankings for a question, by their names: at most `limit` passages each.

        If the embedder knows only English, a question in another script has no dense ranking.
        """
        rankings = self.opened.rankings(Query(text, self.embedder.embed_query(text)), limit)
        if self.embedder.english and is_foreign(text):
            rankings.pop("dense", None)
        return rankings

    def retrieve(
        self,
        text: str,
        limit: int,
        *,
        weights: Mapping[str, float],
        pool: int,
        is_current: Callable[[Source], bool],
    ) -> tuple[list[Hit], list[str]]:
        """The best passages, at most `limit`, near-duplicates collapsed, and the paths of files that have changed.

        weights: of the rankings, by name. pool: passages taken from each. is_current: is a file still as it was
        indexed?
        """
        hits: list[Hit] = []
        shown: list[Shingles] = []
        changed: dict[str, None] = {}
        ranked = fuse(self.rankings(text, max(pool, limit)), weights)
        for fused, passage in self._passages(ranked, limit + 1):
            if not is_current(passage.source):
                changed[passage.source.path] = None
                continue
            runs = shingles(passage.text)
            twin = next((number for number, other in enumerate(shown) if nearly_same(runs, other)), None)
            if twin is not None:
                hits[twin] = dataclasses.replace(hits[twin], also=(*hits[twin].also, passage))
            elif len(hits) < limit:
                shown.append(runs)
                hits.append(Hit(passage, len(hits) + 1, fused.score, fused.ranks, fused.scores))
            else:
                break
        return hits, list(changed)

    def _passages(self, ranked: Sequence[Fused], step: int) -> Iterator[tuple[Fused, Passage]]:
        """Passages in the order of the ranking, fetched `step` at a time."""
        for first in range(0, len(ranked), step):
            batch = ranked[first : first + step]
            passages = self.opened.passages([fused.id for fused in batch])
            for fused in batch:
                if fused.id in passages:
                    yield fused, passages[fused.id]
