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

    It is closed when nobody holds it any longer: so a question that has begun on a state ends on it, whatever is
    written or opened meanwhile.
    """

    def __init__(self, opened: IndexReader, embedder: Embedder) -> None:
        self.opened, self.embedder = opened, embedder
        self._close = weakref.finalize(self, opened.close)

    def close(self) -> None:
        self._close()

    def rankings(self, text: str, limit: int) -> dict[str, list[Scored]]:
        """The rankings for a question, by their names: at most `limit` passages each.

        An English embedder has nothing to say to a question in another script.
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
        """The best passages, at most `limit`, near-duplicates collapsed, and the paths that are not current any more.

        weights: of the rankings. pool: passages taken from each. is_current: is a file still what was indexed?
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
            passages = self.opened.passages([fused.id for fused in some])
            for fused in some:
                if fused.id in passages:
                    yield fused, passages[fused.id]
