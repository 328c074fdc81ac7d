"""A question and hits → ranked answers, and the hits in the order of their answers.

    Hit → Reading → Candidate → Evidence → Answer

An `Answerer` does not depend on an index: it takes hits from any. There may be several, with different readers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from askdoc.answering import ranking
from askdoc.answering.confidence import Calibration
from askdoc.answering.fitted import Fitted
from askdoc.answering.ranking import Candidate, Settings
from askdoc.models.script import is_foreign
from askdoc.passages.sentences import sentences
from askdoc.readers import Reader
from askdoc.types import Answer, Hit, Reading

UNREAD = "the reader knows only English, and {} in another script: no passage was read"

_NOTHING = Reading(())


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to a question, and the hits that were read."""

    answers: tuple[Answer, ...]  # best first, of any confidence
    hits: tuple[Hit, ...]  # all hits, in the order of their best answers, with new ranks
    unread: str = ""  # why the hits were not read; empty if they were


@dataclass(frozen=True, slots=True)
class Answerer:
    """A reader, with the settings and the calibration that were fitted for it. Threads may share it."""

    reader: Reader
    settings: Settings
    calibration: Calibration
    calibrated: bool  # the calibration was fitted for this reader and for the embedder that finds the hits

    @classmethod
    def of(cls, reader: Reader, fitted: Fitted, *, embedder: str) -> Answerer:
        """Make an answerer of a reader. embedder: fingerprint of the embedder that finds the hits."""
        calibration = fitted.calibration_of(reader.fingerprint)
        return cls(reader, fitted.settings, calibration, fitted.is_for(reader.fingerprint, embedder))

    def threshold(self, min_confidence: float | None, min_accuracy: float | None) -> float:
        """The lowest confidence of an answer that is shown: the higher of the two limits, by default the fitted one.

        Raises `UsageError` if no confidence level reaches `min_accuracy`.
        """
        if min_accuracy is not None:
            return max(min_confidence or 0.0, self.calibration.threshold_for(min_accuracy))
        return self.calibration.threshold if min_confidence is None else min_confidence

    def answer(self, question: str, hits: Sequence[Hit], *, limit: int) -> Answered:
        """Read the hits, and give at most `limit` different answers. Their hits have the new ranks."""
        readings, unread = self._read(question, hits)
        merged = ranking.rank(hits, readings, self.settings)
        ordered = ranking.rerank(hits, merged)
        reranked = {(hit.passage.source.path, hit.passage.start): hit for hit in ordered}
        answers = []
        for position, candidate in enumerate(merged[:limit]):
            confidence = self.calibration.probability(ranking.evidence(question, merged, position, hits))
            hit, *supporters = (
                reranked[hit.passage.source.path, hit.passage.start] for hit in (candidate.hit, *candidate.supporters)
            )
            answers.append(_answer(dataclasses.replace(candidate, hit=hit, supporters=tuple(supporters)), confidence))
        return Answered(tuple(answers), tuple(ordered), unread)

    def _read(self, question: str, hits: Sequence[Hit]) -> tuple[list[Reading], str]:
        """A reading of each hit, and why no hit was read, if that is so: an English reader knows no other scripts."""
        texts = [hit.passage.text for hit in hits]
        foreign = [self.reader.english and is_foreign(text) for text in texts]
        if self.reader.english and is_foreign(question):
            return [_NOTHING] * len(texts), UNREAD.format("the question is")
        if texts and all(foreign):
            return [_NOTHING] * len(texts), UNREAD.format("the passages are")
        readable = [text for text, skip in zip(texts, foreign, strict=True) if not skip]
        readings = iter(self.reader.read(question, readable))
        return [_NOTHING if skip else next(readings) for skip in foreign], ""


def _answer(candidate: Candidate, confidence: float) -> Answer:
    start, end = candidate.span.start, candidate.span.end
    sentence = _sentence(candidate.hit.passage.text, start, end)
    return Answer(candidate.hit, start, end, *sentence, confidence, candidate.supporters)


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence around a span, or the sentences that it spans."""
    around = [(first, last) for first, last in sentences(text) if first < end and last > start]
    return (around[0][0], around[-1][1]) if around else (start, end)
