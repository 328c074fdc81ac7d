"""Distillation (Hinton et al. 2015): training windows with the predictions of a larger reader, the teacher, as targets.

    python -m askdoc.training.distill OUT.jsonl.gz DATA_FOLDER --encoder FOLDER --teacher ENCODER_FOLDER READER_FOLDER

Teacher and student read the same questions and cropped passages, each in tokens of its own: --encoder is the student's,
--teacher the teacher's with its reader on it. The teacher's distributions over starts and ends become distributions
over the student's tokens by way of the characters that both cover, and are mixed with the annotated targets.
`askdoc.training.reader --soft` trains on the result. The teacher, which costs far more than a step of training, reads
each window only once. --skip continues in the mixture's examples where earlier results ended.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from askdoc.models.words import TextTokenizer, Window
from askdoc.training.batches import (
    Example,
    Feature,
    batched,
    crop,
    labelled,
    load_tokenizer,
    pad,
    seeded,
    windows,
    write_features,
)
from askdoc.training.measure import logits
from askdoc.training.mixture import MIXTURES, load_sources, round_examples
from askdoc.training.network import Reader, device, load_model
from askdoc.training.run import Settings

SHARE = 0.5  # of the teacher in the targets; the annotators have the rest
KEPT = 12  # positions of each distribution
LEAST = 0.002  # probability of a position that is kept
LONGEST = 512  # tokens that a teacher can read
BATCH = 6144  # tokens that it reads at once

Targets = tuple[tuple[int, float], ...]


def distilled(
    examples: Iterable[Example],
    teacher: nn.Module,
    tokenizer: TextTokenizer,
    their_tokenizer: TextTokenizer,
    *,
    length: int,
    rng: random.Random,
    share: float = SHARE,
) -> Iterator[list[Feature]]:
    """Batches of windows as `batches.feature` makes them, `share` of their targets the teacher's; sorted by length.

    The teacher's logits must leave out padding, as those of `network.Reader` do. What does not fit into one window of
    the teacher's is left out.
    """
    read: list[tuple[Window, Window, Feature]] = []  # what the teacher reads, the student's window, the annotated one
    for example in examples:
        cropped = crop(example, tokenizer, length=length, rng=rng)
        ours = windows(cropped.question, cropped.passage, tokenizer, length=length)
        theirs = windows(cropped.question, cropped.passage, their_tokenizer, length=LONGEST)
        if ours and len(theirs) == 1:
            marked = labelled(ours[0], cropped.spans)
            if marked.answerable == bool(example.spans):
                read.append((theirs[0], ours[0], marked))
    for batch in batched(read, lambda row: len(row[0].ids), tokens=BATCH):
        inputs = pad([their for their, _, _ in batch]).to(next(teacher.parameters()).device)
        starts, ends = (values.softmax(dim=1).tolist() for values in logits(teacher, inputs))
        yield [
            Feature(
                marked.ids,
                mixed(marked.starts, carried_over(start, their, our, ends=False), share),
                mixed(marked.ends, carried_over(end, their, our, ends=True), share),
            )
            for (their, our, marked), start, end in zip(batch, starts, ends, strict=True)
        ]


def carried_over(said: Sequence[float], their: Window, our: Window, *, ends: bool) -> dict[int, float]:
    """A distribution over the positions of one window as one over another's, that has the same passage in other tokens.

    A start goes to the token that covers the first character of theirs, an end to the one that covers the last.
    Position 0 keeps what it has; what is said of the question's tokens is lost.
    """
    starts, stops = ([offsets[side] for offsets in our.offsets] for side in (0, 1))
    carried = defaultdict(float, {0: said[0]})
    inside = said[their.first : their.first + len(their.offsets)]
    for (start, stop), probability in zip(their.offsets, inside, strict=True):
        number = bisect_left(starts, stop) - 1 if ends else bisect_right(stops, start)
        carried[our.first + min(max(number, 0), len(starts) - 1)] += probability
    return carried


def mixed(marked: Targets, said: Mapping[int, float], share: float) -> Targets:
    """The annotated targets with `share` of another distribution, of which the likeliest positions are kept."""
    likeliest = sorted(said.items(), key=lambda pair: -pair[1])[:KEPT]
    kept = likeliest[:1] + [pair for pair in likeliest[1:] if pair[1] >= LEAST]
    total = sum(probability for _, probability in kept)
    targets = defaultdict(float, {position: share * probability / total for position, probability in kept})
    for position, probability in marked:
        targets[position] += (1.0 - share) * probability
    return tuple((position, round(probability, 4)) for position, probability in sorted(targets.items()))


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Write training windows with a teacher's targets.")
    parser.add_argument("out", type=Path, help="file to write, .jsonl.gz")
    parser.add_argument("data", type=Path, help="folder with train/ in SQuAD format")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the student's encoder, or its tokenizer")
    parser.add_argument("--teacher", type=Path, nargs=2, required=True, help="folders of its encoder and of its reader")
    parser.add_argument("--mixture", choices=MIXTURES, default="squad", help="how much of each set (%(default)s)")
    parser.add_argument("--examples", type=int, default=25_000, help="read this many (%(default)s)")
    parser.add_argument("--skip", type=int, default=0, help="after this many, which earlier results have (%(default)s)")
    parser.add_argument("--length", type=int, default=defaults.length, help="tokens of a window (%(default)s)")
    parser.add_argument("--share", type=float, default=SHARE, help="of the teacher in the targets (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    tokenizers = load_tokenizer(options.encoder), load_tokenizer(options.teacher[0])
    teacher = Reader(load_model(*options.teacher), dropout=0.0).to(device())
    sources = load_sources(options.data / "train", MIXTURES[options.mixture])
    rounds = (round_examples(sources, number=number, seed=options.seed) for number in itertools.count())
    examples = itertools.islice(itertools.chain.from_iterable(rounds), options.skip, options.skip + options.examples)
    rng = seeded(options.seed, options.skip)
    batches = distilled(examples, teacher, *tokenizers, length=options.length, rng=rng, share=options.share)
    print(f"{write_features(options.out, _reported(batches))} windows")  # noqa: T201


def _reported(batches: Iterable[list[Feature]]) -> Iterator[list[Feature]]:
    count, began = 0, time.monotonic()
    for number, batch in enumerate(batches, start=1):
        yield batch
        count += len(batch)
        if number % 50 == 0:
            print(f"{count} windows, {count / (time.monotonic() - began):.1f} a second", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
