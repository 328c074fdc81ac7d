"""Train the span reader: one program, on a CPU or a GPU, that can be stopped and continued at any step.

    python -m askdoc.training.reader DATA_FOLDER --encoder ENCODER_FOLDER --out RUN_FOLDER --tokens 20e6

DATA_FOLDER holds `train/` and `dev/` with SQuAD-format files, ENCODER_FOLDER what `encoder` wrote; the run folder gets
what `run` says. --from begins at a reader's weights instead of a new head. While the file named by --pause exists, the
run waits before its next step. SIGTERM and SIGINT store a checkpoint and end it. With another mixture, a continued run
goes on at the beginning of the next round.

With --groups, the passages of a question are read together (`groups`). With --soft, the windows of `distill` take the
place of the mixture. A larger network that is to teach is trained by the same program.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from askdoc.evaluation.squad import Dataset, load_squad
from askdoc.training import run
from askdoc.training.batches import Batch, Feature, collate, load_features, load_tokenizer
from askdoc.training.groups import GroupStream, group_loss
from askdoc.training.measure import measure, sample
from askdoc.training.mixture import MIXTURES, load_sources
from askdoc.training.network import Logits, Reader, load_model, save_layers, span_loss
from askdoc.training.retrieved import load_groups
from askdoc.training.stream import Place, Stream

DEV_SAMPLES = {  # questions scored now and then; the first two say which weights are best
    "squad_v1.1_dev_a": 300,
    "squad_v2.0_dev_a": 400,
    "xquad_de": 100,
    "xquad_ru": 100,
    "tydiqa_fi": 100,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(run.Settings):
    """`batch_tokens` is the length of a step, `length` that of a window; the first `frozen` layers are not trained."""

    rate: float = 2e-4
    warmup_tokens: int = 100_000
    average: float = 0.999
    batch_tokens: int = 2048
    length: int = 144
    dropout: float = 0.0
    frozen: int = 0


class Run(run.Run[list[Feature]]):
    """A run that trains a reader; best by the mean F1 of the dev samples at their best thresholds."""

    def __init__(
        self,
        folder: Path,
        encoder: Path,
        start: Path | None,
        stream: Stream | GroupStream,
        dev: Sequence[Dataset],
        settings: Settings,
        loss: Callable[[Logits, Batch], Tensor] = span_loss,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.stream, self.dev, self.span_loss = stream, dev, loss
        self.device = run.device()
        network = load_model(encoder, start)
        self.reader = Reader(network, dropout=settings.dropout, frozen=settings.frozen).to(self.device)
        super().__init__(folder, self.reader, settings)

    @property
    def data(self) -> str:
        """The mixture or the groups."""
        return self.stream.description

    def batches(self, start: Place) -> Iterator[tuple[Place, list[Feature]]]:
        """Those of the stream."""
        return self.stream.batches(start)

    def loss(self, batch: list[Feature]) -> tuple[Tensor, int]:
        """The span loss, or that of the groups."""
        collated = collate(batch).to(self.device)
        inputs = collated.inputs
        logits = self.reader(input_ids=inputs.ids, attention_mask=inputs.mask)
        return self.span_loss(logits, collated), inputs.ids.numel()

    def score(self) -> tuple[float, dict[str, Any]]:
        """EM and F1 on the dev samples."""
        results = [measure(self.reader, self.stream.tokenizer, dataset) for dataset in self.dev]
        mean = sum(each.best_f1 for each in results[:2]) / max(1, len(results[:2]))
        return mean, {"mean": mean, **{each.dataset: each.figures() for each in results}}

    def save(self, values: Mapping[str, Tensor], folder: Path) -> None:
        """All of the network but its word table."""
        network = self.reader.network
        self.reader.show(values)
        save_layers(network, folder)
        self.reader.show(self.weights.master)


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Train the span reader, or go on with a run.")
    parser.add_argument("data", type=Path, help="folder with train/ and dev/ in SQuAD format")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder, tokenizer.json in it")
    parser.add_argument("--from", dest="start", type=Path, help="folder of a reader to begin from")
    parser.add_argument("--out", type=Path, required=True, help="run folder; a run in it is continued")
    parser.add_argument("--tokens", type=float, required=True, help="train on this many in all, padding counted")
    parser.add_argument("--soft", type=Path, nargs="*", help="files of askdoc.training.distill, instead of the mixture")
    parser.add_argument("--mixture", choices=MIXTURES, default="squad", help="how much of each set (%(default)s)")
    parser.add_argument("--groups", type=Path, help="train on this file of askdoc.training.retrieved, and nothing else")
    parser.add_argument("--batch-tokens", type=int, default=defaults.batch_tokens, help="tokens a step (%(default)s)")
    parser.add_argument("--length", type=int, default=defaults.length, help="tokens of a window (%(default)s)")
    parser.add_argument("--frozen", type=int, default=defaults.frozen, help="lowest layers left as they are")
    run.add_options(parser, defaults)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(
        tokens=int(options.tokens),
        batch_tokens=options.batch_tokens,
        length=options.length,
        rate=options.rate,
        frozen=options.frozen,
        seed=options.seed,
    )
    fixed = (load_tokenizer(options.encoder), settings.batch_tokens, settings.length, settings.seed)
    stream: Stream | GroupStream
    if options.groups:
        stream = GroupStream(load_groups(options.groups), *fixed)
    else:
        ready = [window for path in options.soft or () for window in load_features(path)]
        sources = [] if ready else load_sources(options.data / "train", MIXTURES[options.mixture])
        stream = Stream(sources, *fixed, ready)
    samples = [sample(load_squad(options.data / "dev" / f"{name}.json.gz"), n) for name, n in DEV_SAMPLES.items()]
    loss = group_loss if options.groups else span_loss
    run.carry_out(Run(options.out, options.encoder, options.start, stream, samples, settings, loss), options)


if __name__ == "__main__":
    main()
