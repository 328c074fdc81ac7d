"""Pairs of a question and the passage that answers it, and batches of them that are hard to tell apart.

An embedder learns from the other passages of its batch, which are wrong for the question. Random ones are too easy, so
a batch is a chain: each passage looks, by its words, like an answer to the question of an earlier one. So every hard
negative is also some other question's right passage, and is encoded once.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from askdoc.evaluation.beir import load_beir
from askdoc.evaluation.squad import load_squad
from askdoc.training.batches import seeded
from askdoc.training.negatives import STOP

NEAR = 8  # look-alikes kept for each question
_LOOKED_AT = 24  # passages looked at for them, since those that hold an answer fall out


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, the passage that answers it, and the answers' words where they are known."""

    question: str
    passage: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairSet:
    """One set's pairs; `near[n]` are the numbers of pairs whose passages look right for question n and are not."""

    name: str
    pairs: tuple[Pair, ...]
    near: tuple[tuple[int, ...], ...]


def squad_pairs(path: Path) -> list[Pair]:
    """The answerable questions of a SQuAD-format file. Raises ValueError or OSError like `load_squad`."""
    dataset = load_squad(path)
    return [
        Pair(one.text.strip(), dataset.paragraphs[one.paragraph].text, tuple({gold.text for gold in one.answers}))
        for one in dataset.questions
        if one.answerable
    ]


def retrieval_pairs(folder: Path) -> list[Pair]:
    """Each query with its best document of a BEIR folder. Raises ValueError or OSError like `load_beir`."""
    loaded = load_beir(folder)
    contents = {document.id: document.content for document in loaded.documents}
    return [
        Pair(query.text.strip(), contents[max(query.grades, key=lambda one: (query.grades[one], one))])
        for query in loaded.queries
    ]


def pair_set(name: str, pairs: Sequence[Pair]) -> PairSet:
    """Find each question's look-alikes by TF-IDF (scikit-learn), leaving out passages that hold one of its answers."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    of_passage: dict[str, list[int]] = {text: [] for text in passages}
    for number, pair in enumerate(pairs):
        of_passage[pair.passage].append(number)
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words=sorted(STOP), dtype=np.float32)
    columns = vectorizer.fit_transform(passages).T.tocsc()
    near: list[tuple[int, ...]] = []
    for first in range(0, len(pairs), 512):
        block = pairs[first : first + 512]
        scores = (vectorizer.transform([pair.question for pair in block]) @ columns).toarray()
        best = np.argsort(-scores, axis=1, kind="stable")[:, :_LOOKED_AT]
        for pair, row, score in zip(block, best, scores, strict=True):
            wrong = [passages[at] for at in row if score[at] > 0 and not _answers(passages[at], pair)]
            near.append(tuple(number for text in wrong[:NEAR] for number in of_passage[text]))
    return PairSet(name, tuple(pairs), tuple(near))


def batches(among: PairSet, *, size: int, rng: random.Random) -> Iterator[list[Pair]]:
    """All pairs of the set once, in chains of `size` with no passage twice; what is left at the end is dropped."""
    left = list(range(len(among.pairs)))
    rng.shuffle(left)
    unused, starts = set(left), deque(left)
    while len(unused) >= size:
        chain = _chain(among, starts, unused, size, rng)
        if len(chain) < size:
            return  # only questions on the same few passages are left
        unused.difference_update(chain)
        yield [among.pairs[number] for number in chain]


def round_batches(
    sets: Sequence[tuple[PairSet, int]], *, size: int, number: int, seed: int
) -> list[tuple[str, list[Pair]]]:
    """Round `number`'s batches with their set's name, shuffled: of each set, at most the given number of batches."""
    rng = seeded(seed, number)
    chosen: list[tuple[str, list[Pair]]] = []
    for one, most in sets:
        made = list(batches(one, size=size, rng=rng))
        chosen += [(one.name, batch) for batch in rng.sample(made, min(most, len(made)))]
    rng.shuffle(chosen)
    return chosen


def _chain(among: PairSet, starts: deque[int], unused: set[int], size: int, rng: random.Random) -> list[int]:
    """Pairs by breadth from an unused one; where the look-alikes run out, another unused one goes on."""
    chain: list[int] = []
    passages: set[str] = set()
    taken: set[int] = set()
    waiting: deque[int] = deque()
    passed: list[int] = []
    while len(chain) < size and (waiting or starts):
        number = waiting.popleft() if waiting else starts.popleft()
        if number not in unused or number in taken:
            continue
        if among.pairs[number].passage in passages:
            passed.append(number)
            continue
        chain.append(number)
        taken.add(number)
        passages.add(among.pairs[number].passage)
        near = [one for one in among.near[number] if one in unused]
        rng.shuffle(near)
        waiting.extend(near[:NEAR])
    starts.extend(passed)
    return chain


def _answers(passage: str, pair: Pair) -> bool:
    lowered = passage.lower()
    return passage == pair.passage or any(answer.lower() in lowered for answer in pair.answers)
