"""Unanswerable questions from answerable ones: the same question on a passage that looks right but is not.

A reader gets such passages from a retriever. Both functions return None rather than a passage that may answer the
question: one wrong "no answer" does more harm than several right ones do good. The same seed gives the same passages.
"""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from askdoc.evaluation.squad import UNSPACED
from askdoc.training.batches import Example, words

NEAR = 12  # passages looked at
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"\u201d')\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9])|\n+")
_SPACED = rf"[^\W{UNSPACED}]"  # a letter of a script with spaces, whose words have beginnings and ends
_BEGINS, _ENDS = rf"(?:(?<!{_SPACED})|(?=[{UNSPACED}]))", rf"(?:(?!{_SPACED})|(?<=[{UNSPACED}]))"
_STOP = frozenset("""
    a an the of in on at to for from by with and or as is are was were be been do does did has have had what which who
    whom whose when where why how many much long name type kind it its he she they his her their this that these those
    than not there would could can will may about into during after before between also most more one other some such no
    according
""".split())  # fmt: skip


@dataclass(frozen=True, slots=True)
class Corpus:
    """The passages of one set, and for each word the numbers of those that hold it."""

    passages: tuple[str, ...]
    postings: Mapping[str, tuple[int, ...]]


def corpus(passages: Iterable[str]) -> Corpus:
    """A corpus of these passages, each once."""
    texts = tuple(dict.fromkeys(passages))
    postings: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for word in dict.fromkeys(words(text)):
            postings[word].append(number)
    return Corpus(texts, {word: tuple(numbers) for word, numbers in postings.items()})


def sentences(passage: str) -> list[tuple[int, int]]:
    """The character ranges [start, end) of the passage's sentences, in order, without the white space between them."""
    ranges, start = [], 0
    for found in _SENTENCE_BREAK.finditer(passage):
        end = found.start() + len(found.group().rstrip())
        ranges.append((start, end))
        start = found.end()
    ranges.append((start, len(passage)))
    return [(left, right) for left, right in ranges if passage[left:right].strip()]


def elsewhere(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question on one of the three passages that share most of its rare words and hold none of its answers."""
    scores: Counter[int] = Counter()
    for word in dict.fromkeys(words(example.question)):
        numbers = among.postings.get(word, ())
        if word not in _STOP and 0 < len(numbers) <= len(among.passages) // 10:
            scores.update(dict.fromkeys(numbers, math.log(len(among.passages) / len(numbers))))
    ranked = sorted(scores, key=lambda number: (-scores[number], number))[:NEAR]
    near = [among.passages[number] for number in ranked]
    wrong = [text for text in near if text != example.passage and not holds_answer(text, example)][:3]
    return Example(example.question, rng.choice(wrong), ()) if wrong else None


def cut(example: Example) -> Example | None:
    """The question on its own passage without the sentences that hold, or repeat, an answer."""
    kept = [
        example.passage[left:right]
        for left, right in sentences(example.passage)
        if not holds_answer(example.passage[left:right], example)
        and not any(start < right and end > left for start, end in example.spans)
    ]
    rest = " ".join(kept)
    return Example(example.question, rest, ()) if len(rest.split()) >= 40 else None


def unanswerable(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question made unanswerable in one of the two ways, in the other if the first finds no passage."""
    if rng.random() < rng.random():  # a fair coin
        return cut(example) or elsewhere(example, among, rng)
    return elsewhere(example, among, rng) or cut(example)


def holds_answer(text: str, example: Example) -> bool:
    """Whether an answer to the question occurs in the text, in whatever case, and not within a longer word."""
    answers = {example.passage[start:end].lower().strip() for start, end in example.spans}
    return any(re.search(_BEGINS + re.escape(answer) + _ENDS, text.lower()) for answer in answers)
