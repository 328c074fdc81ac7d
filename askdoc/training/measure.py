"""Scores of a reader on SQuAD-format questions, each with its gold paragraph.

    python -m askdoc.training.measure ENCODER_FOLDER READER_FOLDER DATASET… [--sample N]

prints one JSON line for each dataset: EM and F1 of the best span over the answerable questions; its F1 in characters,
for languages written without spaces; and, if there are unanswerable questions, the SQuAD 2.0 best-threshold scores over
all questions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from askdoc.evaluation.squad import (
    Dataset,
    Scored,
    best_threshold_exact,
    best_threshold_f1,
    character_f1,
    exact_match,
    f1,
    load_squad,
)
from askdoc.models.words import TextTokenizer, Window
from askdoc.readers.spans import MAX_SPAN
from askdoc.readers.windows import STRIDE_TOKENS, WINDOW_TOKENS
from askdoc.training.batches import Inputs, batched, load_tokenizer, pad, windows
from askdoc.training.network import device, load_model

_NEVER = -1e9


@dataclass(frozen=True, slots=True)
class Prediction:
    """The best span of a passage, and the null logit less the span's logit: high means "no answer"."""

    text: str
    no_answer: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over a dataset, in percent.

    `has_answer_*` score the best span, without threshold, where there is an answer; `best_*` are SQuAD 2.0's over all
    questions at the best threshold.
    """

    dataset: str
    questions: int
    has_answer_exact: float
    has_answer_f1: float
    has_answer_character_f1: float
    best_exact: float
    best_f1: float

    def figures(self) -> dict[str, float]:
        """The numbers by their names, for a log."""
        return {key: round(value, 3) for key, value in asdict(self).items() if key != "dataset"}


def measure(model: nn.Module, tokenizer: TextTokenizer, dataset: Dataset) -> Scores:
    """The reader's scores on the dataset, of windows and spans as long as those that ship.

    `model` takes a batch's inputs and gives an object with `start_logits` and `end_logits`, each (windows, length).
    """
    asked = [(question.text, dataset.paragraphs[question.paragraph].text) for question in dataset.questions]
    predictions = predict(model, tokenizer, asked, length=WINDOW_TOKENS, stride=STRIDE_TOKENS, tokens=6144)
    results, characters = [], []
    for question, prediction in zip(dataset.questions, predictions, strict=True):
        golds = [gold.text for gold in question.answers]
        exact, overlap = exact_match(prediction.text, golds), f1(prediction.text, golds)
        results.append(Scored(question.answerable, prediction.no_answer, exact, overlap))
        if question.answerable:
            characters.append(character_f1(prediction.text, golds))
    answerable = [result for result in results if result.answerable]
    return Scores(
        dataset=dataset.name,
        questions=len(results),
        has_answer_exact=_percent([result.exact for result in answerable]),
        has_answer_f1=_percent([result.f1 for result in answerable]),
        has_answer_character_f1=_percent(characters),
        best_exact=100.0 * best_threshold_exact(results).score,
        best_f1=100.0 * best_threshold_f1(results).score,
    )


def _percent(values: Sequence[float]) -> float:
    return 100.0 * sum(values) / max(1, len(values))


def sample(dataset: Dataset, count: int, *, seed: int = 0) -> Dataset:
    """A fixed random part of a dataset's questions, in the dataset's order."""
    rng = random.Random(seed)  # noqa: S311  # to be repeatable, not secret
    chosen = sorted(rng.sample(range(len(dataset.questions)), min(count, len(dataset.questions))))
    return Dataset(dataset.name, dataset.paragraphs, tuple(dataset.questions[number] for number in chosen))


def predict(
    model: nn.Module,
    tokenizer: TextTokenizer,
    asked: Sequence[tuple[str, str]],
    *,
    length: int,
    stride: int,
    tokens: int,
) -> list[Prediction]:
    """The best span for each (question, passage), over all windows of the passage; `tokens` bounds a batch."""
    parts = [
        (number, window)
        for number, (question, passage) in enumerate(asked)
        for window in windows(question, passage, tokenizer, length=length, stride=stride)
    ]
    spans: list[list[tuple[float, int, int]]] = [[] for _ in asked]
    nulls: list[list[float]] = [[] for _ in asked]
    for group in batched(parts, lambda part: len(part[1].ids), tokens=tokens):
        for (number, _), (null, span) in zip(group, best_spans(model, [part for _, part in group]), strict=True):
            spans[number].append(span)
            nulls[number].append(null)
    result = []
    for (_, passage), found, without in zip(asked, spans, nulls, strict=True):
        score, start, end = max(found, default=(_NEVER, 0, 0))  # no window: a passage without tokens
        result.append(Prediction(passage[start:end], min(without, default=0.0) - score))
    return result


def best_spans(model: nn.Module, some: Sequence[Window]) -> list[tuple[float, tuple[float, int, int]]]:
    """For each window the null logit (start plus end at position 0) and the best span: its logit and its characters."""
    start, end = logits(model, pad(some).to(next(model.parameters()).device))
    best, where = span_logits(start, end, some).flatten(1).max(dim=1)  # (windows,)
    nulls = (start[:, 0] + end[:, 0]).tolist()
    result = []
    for window, null, score, at in zip(some, nulls, best.tolist(), where.tolist(), strict=True):
        first, last = (position - window.first for position in divmod(at, start.shape[1]))
        result.append((null, (score, window.offsets[first][0], window.offsets[last][1])))
    return result


def span_logits(start: Tensor, end: Tensor, some: Sequence[Window]) -> Tensor:
    """Start plus end logit of every pair of positions, (windows, length, length); hugely negative where no span is.

    A span lies in the passage, does not end before it starts, and has at most `MAX_SPAN` tokens.
    """
    inside = torch.zeros(start.shape, dtype=torch.bool)
    for row, window in enumerate(some):
        inside[row, window.first : window.first + len(window.offsets)] = True
    outside = ~inside.to(start.device)
    pairs = start.masked_fill(outside, _NEVER)[:, :, None] + end.masked_fill(outside, _NEVER)[:, None, :]
    reach = torch.ones(pairs.shape[1:], dtype=torch.bool, device=start.device).triu().tril(MAX_SPAN - 1)
    return pairs.masked_fill(~reach, 2 * _NEVER)


@torch.no_grad()
def logits(model: nn.Module, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Start and end logits in float32, each (windows, length), in evaluation mode."""
    was_training = model.training
    model.eval()
    output = model(input_ids=inputs.ids, attention_mask=inputs.mask)
    model.train(was_training)
    return output.start_logits.float(), output.end_logits.float()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Score a reader on SQuAD-format questions with their paragraphs.")
    parser.add_argument("encoder", type=Path, help="the encoder's folder, tokenizer.json in it")
    parser.add_argument("reader", type=Path, help="a reader's folder, as a run writes it")
    parser.add_argument("datasets", type=Path, nargs="+", help="SQuAD-format files, .json or .json.gz")
    parser.add_argument("--sample", type=int, help="score this many random questions of each (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    model = load_model(options.encoder, options.reader).to(device())
    tokenizer = load_tokenizer(options.encoder)
    for path in options.datasets:
        dataset = load_squad(path)
        chosen = sample(dataset, options.sample, seed=options.seed) if options.sample else dataset
        started = time.perf_counter()
        result = asdict(measure(model, tokenizer, chosen))
        sys.stdout.write(json.dumps({**result, "seconds": round(time.perf_counter() - started, 1)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
