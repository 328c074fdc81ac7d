"""Train the span reader: one program, on a CPU or a GPU, that can be stopped and continued at any step.

    python -m askdoc.training.reader DATA_FOLDER --from MODEL_FOLDER --out RUN_FOLDER --tokens 10e6

DATA_FOLDER holds `train/` and `dev/` with SQuAD-format files. The run folder gets

    state.pt        the newest checkpoint; the same command goes on from it, also with other --tokens
    log.jsonl       one object a line: "train" every --log-every steps, "dev" at each checkpoint
    newest/ best/   the averaged weights as model folders: the newest, and the best on the dev samples

While the file named by --pause exists, the run waits before its next step. SIGTERM and SIGINT store a checkpoint and
end it. With --groups, the passages of a question are read together (`groups`). With another mixture, a continued run
goes on at the beginning of the next round.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from askdoc.evaluation.squad import Dataset, load_squad
from askdoc.training.batches import Batch, Feature, collate, load_features, load_tokenizer
from askdoc.training.groups import GroupStream, group_loss
from askdoc.training.measure import Scores, measure, sample
from askdoc.training.mixture import MIXTURES, load_sources, self_labelled
from askdoc.training.network import TOKENIZER_FILES, Logits, Reader, Weights, load_model, span_loss
from askdoc.training.retrieved import load_groups
from askdoc.training.schedule import Progress, learning_rate, with_rate, with_total
from askdoc.training.stream import Place, Stream

DEV_SAMPLES = {"squad_v1.1_dev_a": 300, "squad_v2.0_dev_a": 400}  # questions scored at each checkpoint


@dataclass(frozen=True, slots=True)
class Settings:
    """What fixes a run's result, besides its data and the model it begins from.

    `tokens` is the length of the run, padding counted, `batch_tokens` that of a step, `length` that of a window;
    the first `frozen` layers are not trained.
    """

    tokens: int
    batch_tokens: int = 3072
    length: int = 288
    rate: float = 2e-4
    warmup_tokens: int = 150_000
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    dropout: float = 0.1
    frozen: int = 0
    seed: int = 1


class Run:
    """A training run in its folder; a run that the folder already holds is continued."""

    def __init__(
        self,
        folder: Path,
        model: Path,
        stream: Stream | GroupStream,
        dev: Sequence[Dataset],
        settings: Settings,
        loss: Callable[[Logits, Batch], Tensor] = span_loss,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        self.folder, self.model, self.stream, self.dev, self.settings = folder, model, stream, dev, settings
        self.loss = loss
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        attention = "eager" if self.device.type == "cpu" else "sdpa"
        network = load_model(model, attention=attention)
        self.reader = Reader(network, dropout=settings.dropout, frozen=settings.frozen).to(self.device)
        self.weights = Weights(self.reader, average=settings.average, decay=settings.decay, clip=settings.clip)
        self.progress = Progress(total_tokens=settings.tokens, anchor_tokens=0, anchor_rate=settings.rate)
        self.stopped = False
        if (folder / "state.pt").exists():
            self._restore()

    def train(self, *, checkpoint_seconds: float, log_every: int, pause: Path | None = None) -> None:
        """Train to the end, or until `stop`; leaves a checkpoint either way."""
        self.reader.train()
        stored, meter = time.monotonic(), Meter()
        for place, features in self.stream.batches(self.progress.place):
            meter.skip(wait_while(pause))
            if self.stopped or self.progress.done:
                break
            self._step(place, features, meter)
            if self.progress.steps % log_every == 0:
                self._log("train", {**meter.read(), "rate": self._rate()})
            if time.monotonic() - stored > checkpoint_seconds:
                self.checkpoint()
                stored = time.monotonic()
                meter.read()  # the time it took is not training's
        self.checkpoint()

    def stop(self, *_: object) -> None:
        """End `train` after the step under way; usable as a signal's handler."""
        self.stopped = True

    def go_on_at(self, rate: float) -> None:
        """Let the learning rate fall from `rate` here, instead of from where it is."""
        self.progress = with_rate(self.progress, rate)

    def checkpoint(self) -> None:
        """Score the averaged weights on the dev samples, store them as a model folder, and store the state."""
        self.reader.show(self.weights.average)
        results = [measure(self.reader, self.stream.tokenizer, dataset) for dataset in self.dev]
        self.reader.show(self.weights.master)
        mean = sum(each.best_f1 for each in results) / max(1, len(results))
        self._export("newest", results)
        if mean >= self.progress.best:
            self._export("best", results)
            self.progress = replace(self.progress, best=mean)
        self._store()
        self._log("dev", {"mean": mean, **{each.dataset: each.figures() for each in results}})

    def _step(self, place: Place, features: Sequence[Feature], meter: Meter) -> None:
        batch = collate(features).to(self.device)
        loss = self.loss(self._logits(batch), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self.weights.step(rate=self._rate(), number=self.progress.steps)
        tokens = batch.inputs.ids.numel()
        meter.add(tokens, loss=float(loss.detach()), norm=norm)
        done = self.progress
        self.progress = replace(done, tokens=done.tokens + tokens, steps=done.steps + 1, place=place.after())

    def _logits(self, batch: Batch) -> Any:
        inputs = batch.inputs
        return self.reader(input_ids=inputs.ids, token_type_ids=inputs.types, attention_mask=inputs.mask)

    def _rate(self) -> float:
        return learning_rate(self.progress, self.settings.warmup_tokens)

    def _log(self, kind: str, line: Mapping[str, Any]) -> None:
        log(self.folder, kind, self.progress, line)

    def _export(self, name: str, results: Sequence[Scores]) -> None:
        """Store the averaged weights as the model folder `name`; an older one stays until the new one is whole."""
        fresh = self.folder / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        model = load_model(self.model)
        model.load_state_dict({**model.state_dict(), **self.weights.average})
        model.save_pretrained(fresh)
        for file in TOKENIZER_FILES:
            if (self.model / file).exists():
                shutil.copyfile(self.model / file, fresh / file)
        made = {"settings": asdict(self.settings), **position(self.progress), "mixture": self.stream.description}
        made["dev_samples"] = [asdict(each) for each in results]
        (fresh / "run.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(self.folder / name, ignore_errors=True)
        fresh.rename(self.folder / name)

    def _store(self) -> None:
        state = {
            "weights": self.weights.state(),
            "progress": asdict(self.progress),
            "mixture": self.stream.description,
            "random": torch.get_rng_state(),
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location=self.device, weights_only=True)
        self.weights.restore(state["weights"])
        place = Place(**state["progress"]["place"])
        if state.get("mixture") != self.stream.description:
            place = Place(place.round + 1, 0, 0)  # places in a round of another mixture mean nothing
        progress = Progress(**{**state["progress"], "place": place})
        self.progress = with_total(progress, self.settings.tokens)
        torch.set_rng_state(state["random"].cpu())


def position(progress: Progress) -> dict[str, int]:
    """How far a run is, as its log and its models say it."""
    return {"tokens": progress.tokens, "steps": progress.steps, "round": progress.place.round}


def log(folder: Path, kind: str, progress: Progress, line: Mapping[str, Any]) -> None:
    """Add a line to the log of a run's folder."""
    rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
    line = {"time": time.strftime("%H:%M:%S"), "kind": kind, **position(progress), **rounded}
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


class Meter:
    """What happened since it was last read."""

    def __init__(self) -> None:
        self._reset()

    def add(self, tokens: int, *, loss: float, norm: float) -> None:
        """Count one step."""
        self.steps += 1
        self.tokens += tokens
        self.loss += loss
        self.norm += norm

    def skip(self, seconds: float) -> None:
        """Leave these seconds out of the speed."""
        self.started += seconds

    def read(self) -> dict[str, float]:
        """Mean loss and gradient norm, and tokens a second; starts anew."""
        steps, seconds = max(1, self.steps), time.monotonic() - self.started
        result = {"loss": self.loss / steps, "norm": self.norm / steps, "tokens_per_second": self.tokens / seconds}
        self._reset()
        return result

    def _reset(self) -> None:
        self.steps, self.tokens, self.loss, self.norm = 0, 0, 0.0, 0.0
        self.started = time.monotonic()


def wait_while(pause: Path | None, *, seconds: float = 1.0) -> float:
    """Sleep, `seconds` at a time, as long as the file `pause` exists; returns how many seconds that took."""
    began = time.monotonic()
    while pause is not None and pause.exists():
        time.sleep(seconds)
    return time.monotonic() - began


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Train the span reader, or go on with a run.")
    parser.add_argument("data", type=Path, help="folder with train/ and dev/ in SQuAD format")
    parser.add_argument("--from", dest="model", type=Path, required=True, help="model folder to begin from")
    parser.add_argument("--out", type=Path, required=True, help="run folder; a run in it is continued")
    parser.add_argument("--tokens", type=float, required=True, help="train on this many in all, padding counted")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="files written by askdoc.training.self_label")
    parser.add_argument("--soft", type=Path, nargs="*", help="files of askdoc.training.distill, instead of the mixture")
    parser.add_argument("--mixture", choices=MIXTURES, default="reader", help="how much of each set (%(default)s)")
    parser.add_argument("--groups", type=Path, help="train on this file of askdoc.training.retrieved, and nothing else")
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate (%(default)s)")
    parser.add_argument("--go-on-at", type=float, help="continue with the rate falling from this one")
    parser.add_argument("--batch-tokens", type=int, default=defaults.batch_tokens, help="tokens a step (%(default)s)")
    parser.add_argument("--length", type=int, default=defaults.length, help="tokens of a window (%(default)s)")
    parser.add_argument("--frozen", type=int, default=defaults.frozen, help="lowest layers left as they are")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--pause", type=Path, help="hold while this file exists")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="between checkpoints (%(default)s)")
    parser.add_argument("--log-every", type=int, default=20, help="steps (%(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(
        int(options.tokens),
        options.batch_tokens,
        options.length,
        rate=options.rate,
        frozen=options.frozen,
        seed=options.seed,
    )
    fixed = (load_tokenizer(options.model), settings.batch_tokens, settings.length, settings.seed)
    stream: Stream | GroupStream
    if options.groups:
        stream = GroupStream(load_groups(options.groups), *fixed)
    else:
        labelled = [self_labelled(path) for path in options.also]
        ready = [window for path in options.soft or () for window in load_features(path)]
        sources = [] if ready else load_sources(options.data / "train", MIXTURES[options.mixture])
        stream = Stream([*sources, *labelled], *fixed, ready)
    samples = [sample(load_squad(options.data / "dev" / f"{name}.json.gz"), n) for name, n in DEV_SAMPLES.items()]
    loss = group_loss if options.groups else span_loss
    run = Run(options.out, options.model, stream, samples, settings, loss)
    if options.go_on_at is not None:
        run.go_on_at(options.go_on_at)
    signal.signal(signal.SIGTERM, run.stop)
    signal.signal(signal.SIGINT, run.stop)
    run.train(checkpoint_seconds=60 * options.checkpoint_minutes, log_every=options.log_every, pause=options.pause)


if __name__ == "__main__":
    main()
