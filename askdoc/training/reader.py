"""Train the span reader: one program, on a CPU or a GPU, that can be stopped and continued at any step.

    python -m askdoc.training.reader DATA_FOLDER --encoder ENCODER_FOLDER --out RUN_FOLDER --tokens 20e6

DATA_FOLDER holds `train/` and `dev/` with SQuAD-format files, ENCODER_FOLDER what `encoder` wrote; the run folder gets
what `run` says. --from begins at a reader's weights instead of a new head. While the file named by --pause exists, the
run waits before its next step. SIGTERM and SIGINT store a checkpoint and end it. With another mixture, a continued run
goes on at the beginning of the next round.

With --groups, the passages of a question are read together (`groups`). With --soft, the windows of `distill` take the
place of the mixture. A larger network that is to teach is trained by the same program, from its own ENCODER_FOLDER.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from pathlib import Path

import torch

from askdoc.evaluation.squad import load_squad
from askdoc.training.batches import load_features, load_tokenizer
from askdoc.training.groups import GroupStream, group_loss, load_groups
from askdoc.training.measure import sample
from askdoc.training.mixture import MIXTURES, load_sources
from askdoc.training.network import span_loss
from askdoc.training.run import Run, Settings
from askdoc.training.stream import Stream

DEV_SAMPLES = {  # questions scored now and then; the first two say which weights are best
    "squad_v1.1_dev_a": 300,
    "squad_v2.0_dev_a": 400,
    "xquad_de": 100,
    "xquad_ru": 100,
    "tydiqa_fi": 100,
}


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
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate (%(default)s)")
    parser.add_argument("--go-on-at", type=float, help="continue with the rate falling from this one")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--pause", type=Path, help="hold while this file exists")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="between checkpoints (%(default)s)")
    parser.add_argument("--score-minutes", type=float, default=60.0, help="between scores on dev (%(default)s)")
    parser.add_argument("--log-every", type=int, default=20, help="steps (%(default)s)")
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
    run = Run(options.out, options.encoder, options.start, stream, samples, settings, loss)
    if options.go_on_at is not None:
        run.go_on_at(options.go_on_at)
    signal.signal(signal.SIGTERM, run.stop)
    signal.signal(signal.SIGINT, run.stop)
    run.train(
        checkpoint_seconds=60 * options.checkpoint_minutes,
        score_seconds=60 * options.score_minutes,
        log_every=options.log_every,
        pause=options.pause,
    )


if __name__ == "__main__":
    main()
