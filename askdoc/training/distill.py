"""Distillation (Hinton et al. 2015): training windows with what a larger reader, the teacher, says of them as targets.

    python -m askdoc.training.distill OUT.jsonl.gz DATA_FOLDER --teacher FOLDER… [--also SELF_LABELLED…] [--tokens 3e6]

The windows are those that `askdoc.training.reader` would train on with the same mixture, seed and length. A window's
targets are the teacher's distributions over starts and ends mixed with the annotated ones. Several teachers teach
together; all must read the same word pieces (`teacher`). `askdoc.training.reader --soft` trains on the result, as
often as wanted: the teacher, which costs far more than a step of training, reads each window once; with --but, none
that stands in earlier results.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from askdoc.training.batches import Feature, load_features, load_tokenizer, pad, write_features
from askdoc.training.measure import logits
from askdoc.training.mixture import MIXTURES, load_sources, self_labelled
from askdoc.training.network import load_ensemble
from askdoc.training.reader import Settings
from askdoc.training.run import device
from askdoc.training.stream import START, Stream

SHARE = 0.5  # of the teacher in the targets; the annotators have the rest
KEPT = 12  # positions of each distribution
_LEAST = 0.002  # probability of a position that is kept

Shares = Mapping[int, float]


def distilled(teacher: nn.Module, features: Sequence[Feature], *, share: float = SHARE) -> list[Feature]:
    """The windows with `share` of their targets from the teacher, whose least likely positions are left out.

    A teacher says what `measure` describes. The likeliest position is always kept.
    """
    inputs = pad(features).to(next(teacher.parameters()).device)
    start, end = (values.softmax(dim=1).cpu() for values in logits(teacher, inputs))  # (windows, length)
    return [
        Feature(
            item.ids,
            item.passage_from,
            _mixed(item.starts, _likeliest(start[row], len(item.ids)), share),
            _mixed(item.ends, _likeliest(end[row], len(item.ids)), share),
        )
        for row, item in enumerate(features)
    ]


def without(
    known: Iterable[Feature], batches: Iterable[Sequence[Feature]], tokenizer: Tokenizer
) -> Iterator[list[Feature]]:
    """What the batches hold beside `known` windows, whose questions may have lost or got their question mark."""
    mark = tokenizer.token_to_id("?")

    def key(window: Feature) -> tuple[tuple[int, ...], tuple[int, ...]]:
        question, passage = window.ids[: window.passage_from], window.ids[window.passage_from :]
        return tuple(piece for piece in question if piece != mark), tuple(passage)

    keys = set(map(key, known))
    for batch in batches:
        if new := [window for window in batch if key(window) not in keys]:
            yield new


def _likeliest(probabilities: Tensor, length: int) -> Shares:
    best = probabilities[:length].topk(min(KEPT, length))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    kept = {position: value for number, (position, value) in enumerate(pairs) if number == 0 or value >= _LEAST}
    total = sum(kept.values())
    return {position: value / total for position, value in kept.items()}


def _mixed(marked: Iterable[tuple[int, float]], said: Shares, share: float) -> tuple[tuple[int, float], ...]:
    mixed = {position: share * value for position, value in said.items()}
    for position, value in marked:
        mixed[position] = mixed.get(position, 0.0) + (1.0 - share) * value
    return tuple((position, round(value, 4)) for position, value in sorted(mixed.items()))


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Write training windows with a teacher's targets.")
    parser.add_argument("out", type=Path, help="file to write, .jsonl.gz")
    parser.add_argument("data", type=Path, help="folder with train/ in SQuAD format")
    parser.add_argument("--teacher", type=Path, nargs="+", required=True, help="model folders")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="files written by askdoc.training.self_label")
    parser.add_argument("--but", type=Path, nargs="*", default=[], help="earlier results, whose windows are left out")
    parser.add_argument("--mixture", choices=MIXTURES, default="reader", help="how much of each set (%(default)s)")
    parser.add_argument("--tokens", type=float, default=3e6, help="about this many, padding counted (%(default)s)")
    parser.add_argument("--length", type=int, default=defaults.length, help="tokens of a window (%(default)s)")
    parser.add_argument("--share", type=float, default=SHARE, help="of the teacher in the targets (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    teacher = load_ensemble(options.teacher).to(device())
    sources = load_sources(options.data / "train", MIXTURES[options.mixture])
    sources += [self_labelled(path) for path in options.also]
    stream = Stream(sources, load_tokenizer(options.teacher[0]), 6144, options.length, options.seed)

    known = (window for path in options.but for window in load_features(path))
    batches = without(known, (batch for _, batch in stream.batches(START)), stream.tokenizer)
    count = write_features(options.out, _read(teacher, batches, tokens=options.tokens, share=options.share))
    print(f"{count} windows")  # noqa: T201


def _read(
    teacher: nn.Module, batches: Iterable[Sequence[Feature]], *, tokens: float, share: float
) -> Iterator[Sequence[Feature]]:
    """The batches with the teacher's targets until they are `tokens` long together; says how far it is."""
    seen, began = 0, time.monotonic()
    for number, batch in enumerate(batches, start=1):
        yield distilled(teacher, batch, share=share)
        seen += len(batch) * max(len(item.ids) for item in batch)
        if number % 50 == 0:
            print(f"{seen} tokens, {seen / (time.monotonic() - began):.0f} a second", flush=True)  # noqa: T201
        if seen >= tokens:
            return


if __name__ == "__main__":
    main()
