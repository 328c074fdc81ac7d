"""Training questions from retrieval sets: a reader marks the answer in the sentence that is known to hold it.

    python -m askdoc.training.self_label OUT.json.gz RETRIEVAL_FOLDER… --reader MODEL_FOLDER… [--surer-than 0.25]

A RETRIEVAL_FOLDER is in the BEIR layout, its documents are sentences. Told the right sentence, a reader finds the
answer more often than in a whole passage, so what it marks there can teach it to find it in one (self-training).
Sentences are joined into paragraphs: with their neighbours where the corpus is in reading order, else with those that
share rare words. The result is a SQuAD-format file for `askdoc.training.reader --also`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from askdoc.evaluation.squad import load_squad
from askdoc.training.batches import Window, load_tokenizer, pad, windows
from askdoc.training.measure import characters, grouped, logits, span_logits
from askdoc.training.negatives import words
from askdoc.training.network import load_ensemble
from askdoc.training.run import device

BLOCK = 5  # sentences a paragraph
MARKS = 8  # annotators that a reader stands in for
_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]"}  # as the Penn Treebank writes them
_COMMON = 0.02  # a word in more than this share of the sentences says nothing about their likeness


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the number of the sentence that answers it."""

    id: str
    text: str
    sentence: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A question with the answers that a reader marked, characters [start, end) of the sentence.

    They are drawn from its distribution over spans, as if by `MARKS` annotators, so that its doubts are passed on too.
    """

    asked: Asked
    spans: tuple[tuple[int, int], ...]


def load_retrieval(folder: Path) -> tuple[list[str], list[Asked]]:
    """The sentences, in the corpus's order, and the questions of a BEIR folder; brackets as people write them.

    Raises OSError, KeyError or ValueError if it is none.
    """
    corpus = [json.loads(line) for line in _lines(folder / "corpus.jsonl.gz")]
    numbers = {entry["_id"]: number for number, entry in enumerate(corpus)}
    judged = csv.DictReader(_lines(folder / "qrels.tsv.gz"), delimiter="\t")
    right = {row["query-id"]: numbers[row["corpus-id"]] for row in judged if int(row["score"]) > 0}
    queries = [json.loads(line) for line in _lines(folder / "queries.jsonl.gz")]
    asked = [
        Asked(entry["_id"], _typed(entry["text"]), right[entry["_id"]]) for entry in queries if entry["_id"] in right
    ]
    return [_typed(entry["text"]) for entry in corpus], asked


def mark(
    model: nn.Module, tokenizer: Tokenizer, sentences: Sequence[str], asked: Sequence[Asked], *, surer_than: float
) -> list[Marked]:
    """Marks in its sentence for each question whose best span is more probable than `surer_than`.

    The draws follow PyTorch's global generator.
    """
    parts = [
        (number, windows(question.text, sentences[question.sentence], tokenizer, length=384)[0])
        for number, question in enumerate(asked)
    ]
    parts.sort(key=lambda part: len(part[1].ids))
    found: list[Marked] = []
    for group in grouped(parts, tokens=6144):
        marks = _drawn(model, [window for _, window in group])
        for (number, _), (probability, spans) in zip(group, marks, strict=True):
            if probability > surer_than:
                found.append(Marked(asked[number], tuple(spans)))
    return found


def normal(question: str) -> str:
    """A question by its words alone, to tell whether two are the same."""
    return " ".join(words(question))


def reading_order(sentences: Sequence[str]) -> list[list[int]]:
    """Blocks of neighbouring sentences."""
    return [list(range(first, min(first + BLOCK, len(sentences)))) for first in range(0, len(sentences), BLOCK)]


def by_likeness(sentences: Sequence[str]) -> list[list[int]]:
    """Blocks of sentences that share rare words: the first that is left over takes the nearest that are left over."""
    postings: dict[str, list[int]] = defaultdict(list)
    for number, sentence in enumerate(sentences):
        for word in dict.fromkeys(words(sentence)):
            postings[word].append(number)
    rare = {word: numbers for word, numbers in postings.items() if len(numbers) <= max(2, _COMMON * len(sentences))}
    free = dict.fromkeys(range(len(sentences)))
    blocks = []
    while free:
        first = next(iter(free))
        near = _nearest(sentences[first], rare, free, first)[: BLOCK - 1]
        blocks.append(sorted([first, *near]))
        for number in blocks[-1]:
            del free[number]
    return blocks


def in_reading_order(asked: Sequence[Asked]) -> bool:
    """Whether neighbouring sentences of the corpus seem to come from one text: ids of the questions rise with them."""
    numbers = [int("".join(filter(str.isdigit, question.id)) or 0) for question in asked]
    rising = sum(left <= right for left, right in pairwise(numbers))
    return rising > 0.95 * len(numbers)


def articles(
    name: str, sentences: Sequence[str], marked: Iterable[Marked], blocks: Iterable[Sequence[int]]
) -> list[Any]:
    """The blocks as SQuAD articles of one paragraph each, with the marked questions."""
    by_sentence: dict[int, list[Marked]] = defaultdict(list)
    for each in marked:
        by_sentence[each.asked.sentence].append(each)
    result = []
    for number, block in enumerate(blocks):
        context, questions = "", []
        for sentence in block:
            start = len(context)
            questions += [_question(name, each, sentences[sentence], start) for each in by_sentence[sentence]]
            context += sentences[sentence] + " "
        if questions:
            paragraph = {"context": context.rstrip(), "qas": questions}
            result.append({"title": f"{name}/{number}", "paragraphs": [paragraph]})
    return result


def _question(name: str, marked: Marked, sentence: str, offset: int) -> dict[str, Any]:
    answers = [{"text": sentence[start:end], "answer_start": offset + start} for start, end in marked.spans]
    return {"id": f"{name}/{marked.asked.id}", "question": marked.asked.text, "answers": answers}


def _drawn(model: nn.Module, some: Sequence[Window]) -> list[tuple[float, list[tuple[int, int]]]]:
    """For each window the best span's probability, and `MARKS` spans drawn from the distribution over spans."""
    start, end = logits(model, pad(some).to(next(model.parameters()).device))
    probabilities = span_logits(start, end, some).flatten(1).softmax(dim=1)  # (windows, length * length)
    drawn = torch.multinomial(probabilities, MARKS, replacement=True)  # (windows, MARKS)
    best = probabilities.max(dim=1).values.tolist()
    places = [[divmod(at, start.shape[1]) for at in row] for row in drawn.tolist()]
    spans = [[characters(window, *place) for place in row] for window, row in zip(some, places, strict=True)]
    return list(zip(best, spans, strict=True))


def _nearest(sentence: str, rare: Mapping[str, list[int]], free: Mapping[int, None], first: int) -> list[int]:
    shared: Counter[int] = Counter()
    for word in dict.fromkeys(words(sentence)):
        for number in rare.get(word, ()):
            if number in free and number != first:
                shared[number] += 1
    return sorted(shared, key=lambda number: (-shared[number], number))


def _typed(text: str) -> str:
    for token, bracket in _BRACKETS.items():
        text = text.replace(token, bracket)
    return text


def _lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Mark answers in the sentences of retrieval sets.")
    parser.add_argument("out", type=Path, help="SQuAD-format file to write, .json.gz")
    parser.add_argument("folders", type=Path, nargs="+", help="retrieval sets in the BEIR layout")
    parser.add_argument("--reader", type=Path, nargs="+", required=True, help="model folders; several mark together")
    parser.add_argument(
        "--known", type=Path, nargs="*", default=[], help="leave out the questions of these SQuAD files"
    )
    parser.add_argument("--surer-than", type=float, default=0.25, help="least probability of a mark (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = load_ensemble(options.reader).to(device())
    tokenizer = load_tokenizer(options.reader[0])
    known = {normal(question.text) for path in options.known for question in load_squad(path).questions}
    data: list[Any] = []
    for folder in options.folders:
        sentences, asked = load_retrieval(folder)
        asked = [question for question in asked if normal(question.text) not in known]
        blocks = reading_order(sentences) if in_reading_order(asked) else by_likeness(sentences)
        marked = mark(model, tokenizer, sentences, asked, surer_than=options.surer_than)
        data += articles(folder.name, sentences, marked, blocks)
        sys.stderr.write(f"{folder.name}: {len(asked)} questions, {len(marked)} marked, {len(blocks)} paragraphs\n")
    options.out.write_bytes(gzip.compress(json.dumps({"version": "self-labelled", "data": data}).encode("utf-8")))


if __name__ == "__main__":
    main()
