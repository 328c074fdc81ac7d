"""A training run in a folder, that can be stopped and continued at any step; what is trained is the subclass's matter.

The folder gets

    state.pt        the newest checkpoint; the same run goes on from it, also towards another number of tokens
    log.jsonl       one object a line: "train" every so many steps, "dev" at each checkpoint
    newest/ best/   the averaged weights as model folders: the newest, and the best by the run's own measure
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from askdoc.training.network import Trainee, Weights
from askdoc.training.schedule import Progress, learning_rate, with_rate, with_total
from askdoc.training.stream import Place

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What fixes any run's result, besides its data and the model it begins from.

    `tokens` is the length of the run, padding counted; `rate` the highest learning rate, after `warmup_tokens`; `decay`
    AdamW's; `average` how much of the moving average a step keeps.
    """

    tokens: int
    rate: float
    warmup_tokens: int
    decay: float = 0.01
    clip: float = 1.0
    average: float
    seed: int = 1


class Run(ABC, Generic[Batch]):
    """A training run in its folder; a run that the folder already holds is continued.

    A subclass makes what it needs, then calls `super().__init__`.
    """

    def __init__(self, folder: Path, trainee: Trainee, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.trainee, self.run_settings = folder, trainee, settings
        self.weights = Weights(trainee, average=settings.average, decay=settings.decay, clip=settings.clip)
        self.progress = Progress(total_tokens=settings.tokens, anchor_tokens=0, anchor_rate=settings.rate)
        self.stopped = False
        if (folder / "state.pt").exists():
            self._restore()

    @property
    @abstractmethod
    def data(self) -> str:
        """What fixes the order of the batches besides the seed, to notice that a run is continued on other data."""

    @abstractmethod
    def batches(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """The batches from `start` on, without end, each with its place; the same for the same seed."""

    @abstractmethod
    def loss(self, batch: Batch) -> tuple[Tensor, int]:
        """The loss of a batch, and its length in tokens, padding counted."""

    @abstractmethod
    def score(self) -> tuple[float, dict[str, Any]]:
        """The measure that says which weights are best, and all figures of the dev sets by name."""

    @abstractmethod
    def save(self, values: Mapping[str, Tensor], folder: Path) -> None:
        """Write the model with these weights to a new folder."""

    def train(
        self, *, checkpoint_seconds: float, score_seconds: float, log_every: int, pause: Path | None = None
    ) -> None:
        """Train to the end, or until `stop`; leaves a checkpoint either way, scored at the end."""
        self.trainee.train()
        stored = scored = time.monotonic()
        meter = Meter()
        for place, batch in self.batches(self.progress.place):
            meter.skip(wait_while(pause))
            if self.stopped or self.progress.done:
                break
            self._step(place, batch, meter)
            if self.progress.steps % log_every == 0:
                self._log("train", {**meter.read(), "rate": self._rate()})
            if time.monotonic() - scored > score_seconds:
                self.checkpoint()
                stored = scored = time.monotonic()
                meter.read()  # the time it took is not training's
            elif time.monotonic() - stored > checkpoint_seconds:
                self._store()
                stored = time.monotonic()
        if self.progress.done:
            self.checkpoint()
        else:
            self._store()

    def stop(self, *_: object) -> None:
        """End `train` after the step under way; usable as a signal's handler."""
        self.stopped = True

    def go_on_at(self, rate: float) -> None:
        """Let the learning rate fall from `rate` here, instead of from where it is."""
        self.progress = with_rate(self.progress, rate)

    def checkpoint(self) -> None:
        """Score the averaged weights, store them as a model folder, and store the state."""
        self.trainee.show(self.weights.average)
        measure, figures = self.score()
        self.trainee.show(self.weights.master)
        self._export("newest", figures)
        if measure >= self.progress.best:
            self._export("best", figures)
            self.progress = replace(self.progress, best=measure)
        self._store()
        self._log("dev", figures)

    def _step(self, place: Place, batch: Batch, meter: Meter) -> None:
        loss, tokens = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self.weights.step(rate=self._rate(), number=self.progress.steps)
        meter.add(tokens, loss=float(loss.detach()), norm=norm)
        done = self.progress
        self.progress = replace(done, tokens=done.tokens + tokens, steps=done.steps + 1, place=place.after())

    def _rate(self) -> float:
        return learning_rate(self.progress, self.run_settings.warmup_tokens)

    def _position(self) -> dict[str, int]:
        return {"tokens": self.progress.tokens, "steps": self.progress.steps, "round": self.progress.place.round}

    def _log(self, kind: str, line: Mapping[str, Any]) -> None:
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
        line = {"time": time.strftime("%H:%M:%S"), "kind": kind, **self._position(), **rounded}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _export(self, name: str, figures: Mapping[str, Any]) -> None:
        """Store the averaged weights as the model folder `name`; an older one stays until the new one is whole."""
        fresh = self.folder / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.save(self.weights.average, fresh)
        made = {"settings": asdict(self.run_settings), **self._position(), "data": self.data, "dev": dict(figures)}
        (fresh / "run.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(self.folder / name, ignore_errors=True)
        fresh.rename(self.folder / name)

    def _store(self) -> None:
        state = {
            "weights": self.weights.state(),
            "progress": asdict(self.progress),
            "data": self.data,
            "random": torch.get_rng_state(),  # dropout's
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location="cpu", weights_only=True)
        self.weights.restore(state["weights"])
        place = Place(**state["progress"]["place"])
        if state["data"] != self.data:
            place = Place(place.round + 1, 0, 0)  # places in a round of other data mean nothing
        progress = Progress(**{**state["progress"], "place": place})
        self.progress = with_total(progress, self.run_settings.tokens)
        torch.set_rng_state(state["random"])


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


def device() -> torch.device:
    """Where to train: an accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def add_options(parser: argparse.ArgumentParser, defaults: Settings) -> None:
    """The options that every training program has."""
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate (%(default)s)")
    parser.add_argument("--go-on-at", type=float, help="continue with the rate falling from this one")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--pause", type=Path, help="hold while this file exists")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="between checkpoints (%(default)s)")
    parser.add_argument("--score-minutes", type=float, default=60.0, help="between scores on dev (%(default)s)")
    parser.add_argument("--log-every", type=int, default=20, help="steps (%(default)s)")


def carry_out(run: Run[Any], options: argparse.Namespace) -> None:
    """Train as the options say. SIGTERM and SIGINT store a checkpoint and end it."""
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
