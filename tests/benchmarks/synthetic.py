"""Collections of any size that look like real ones to an index: words, and vectors, drawn after real paragraphs.

Words have the real paragraphs' frequencies, continued by made-up names after Zipf's law, since a larger collection has
more of them. Passages come by subjects, 32 of each, and the subjects in the order of the real paragraphs, as files in
folders do. A subject's vector is a real paragraph's with noise, a passage's vector its subject's with more noise; the
noise has the real vectors' covariance. Texts begin with their subject's number, from which the embedder knows it.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from askdoc.embedders import open_embedder
from askdoc.evaluation.squad import load_squad

if TYPE_CHECKING:
    from askdoc.types import Vectors

NAME = "synthetic"
SHARED = 32  # passages on a subject
NAMES = 200_000  # made-up words
SUBJECT_NOISE, PASSAGE_NOISE = 0.7, 0.6  # of the length of a vector
REAL = "real.npz"


def prepare(data: Path, work: Path) -> None:
    """Embed the real paragraphs and questions of a folder of SQuAD files, once."""
    if (work / REAL).exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    datasets = [load_squad(path) for path in sorted(data.glob("*.json.gz"))]
    texts = list(dict.fromkeys(paragraph.text for dataset in datasets for paragraph in dataset.paragraphs))
    questions = list(dict.fromkeys(question.text for dataset in datasets for question in dataset.questions))[::20]
    vectors = open_embedder("askdoc-embedder").embed_passages(texts)
    np.savez(work / REAL, texts=np.array(texts), vectors=vectors, questions=np.array(questions))


def questions(work: Path, number: int) -> list[str]:
    """Real questions, evenly spread over the articles."""
    found = np.load(work / REAL)["questions"]
    return [str(question) for question in found[:: max(1, len(found) // number)][:number]]


def write_files(work: Path, folder: Path, *, passages: int, files: int) -> None:
    """Write a collection as text files of equally many paragraphs."""
    words, cumulated = _vocabulary(str(text) for text in np.load(work / REAL)["texts"])
    rng = np.random.default_rng(0)
    each = passages // files
    for number in range(files):
        place = folder / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        lengths = rng.integers(40, 110, size=each)
        drawn = np.searchsorted(cumulated, rng.random(int(lengths.sum())))
        text = iter([words[at] for at in drawn])
        paragraphs = [
            f"Subject {(number * each + at) // SHARED}. {' '.join(next(text) for _ in range(length))}."
            for at, length in enumerate(lengths)
        ]
        (place / f"{number:05d}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")


def _vocabulary(texts: Iterator[str]) -> tuple[list[str], np.ndarray]:
    """Words and their cumulated frequencies."""
    counted = Counter(word for text in texts for word in text.split() if word.isalpha()).most_common()
    words = [word for word, _ in counted] + [f"Nam{at:x}" for at in range(NAMES)]
    last, ranks = counted[-1][1], len(counted) + np.arange(NAMES)
    weights = np.concatenate([[count for _, count in counted], last * len(counted) / ranks])
    return words, np.cumsum(weights / weights.sum())


class SyntheticEmbedder:
    """Passages get the vectors that they were given; questions are embedded by the bundled model."""

    name = NAME
    fingerprint = "0" * 64
    dimension = 384

    def __init__(self, argument: str = "") -> None:
        work, _, passages = argument.rpartition(":")
        self.name = f"{NAME}:{argument}"
        self._bundled = open_embedder("askdoc-embedder")
        real: Vectors = np.load(Path(work) / REAL)["vectors"]
        centred = real - real.mean(axis=0)
        covariance = centred.T @ centred / len(real) + 1e-4 * np.eye(self.dimension) / self.dimension
        self._noise = np.linalg.cholesky(covariance).T.astype(np.float32)
        subjects = 1 + int(passages) // SHARED
        rng = np.random.default_rng(1)
        drawn = rng.standard_normal((subjects, self.dimension), dtype=np.float32)
        self._subjects = self._near(real[np.arange(subjects) * len(real) // subjects], drawn, SUBJECT_NOISE)

    def _near(self, centres: Vectors, drawn: Vectors, noise: float) -> Vectors:
        vectors = centres + noise * (drawn @ self._noise)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        subjects = [int(text[8 : text.index(".")]) for text in texts]
        seeds = [zlib.crc32(text.encode()) for text in texts]
        drawn = [np.random.default_rng(seed).standard_normal(self.dimension, dtype=np.float32) for seed in seeds]
        return self._near(self._subjects[subjects], np.array(drawn), PASSAGE_NOISE)

    def embed_query(self, text: str) -> Vectors:
        return self._bundled.embed_query(text)
