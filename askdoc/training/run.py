"""The training run of a reader, in a folder; it can be stopped and continued at any step.

Files in the folder:

    state.pt        the newest checkpoint, from which the run continues, also towards another number of tokens
    log.jsonl       one object a line: "train" every few steps, "dev" whenever the dev samples are scored
    newest/ best/   the averaged weights as `network` stores them: those last scored, and those with the best score
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from askdoc.evaluation.squad import Dataset
from askdoc.training.batches import Batch, Feature, collate
from askdoc.training.groups import GroupStream
from askdoc.training.measure import measure
from askdoc.training.network import Logits, Reader, Weights, device, load_model, save_layers, span_loss
from askdoc.training.schedule import Progress, learning_rate, with_rate, with_total
from askdoc.training.stream import Place, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that fixes the result of a run, besides its data and the weights that it starts from.

    `tokens` is the length of the run, padding counted, `batch_tokens` that of a step, `length` that of a window; `rate`
    the highest learning rate, after `warmup_tokens`; `decay` and `clip` AdamW's; `average` how much of the moving
    average a step keeps. The first `frozen` layers are not trained.
    """

    tokens: int
    rate: float = 2e-4
    warmup_tokens: int = 100_000
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    seed: int = 1
    batch_tokens: int = 2048
    length: int = 144
    dropout: float = 0.0
    frozen: int = 0


class Run:
    """A training run in its folder; a run that the folder already holds is continued.

    It begins with the encoder of a folder and the weights in the reader's folder `start`, if there is one. The best
    weights are those with the best mean F1 on the first two dev sets, at their best thresholds.
    """

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
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.stream, self.dev, self.settings, self.loss = folder, stream, dev, settings, loss
        torch.manual_seed(settings.seed)
        network = load_model(encoder, start)
        self.reader = Reader(network, dropout=settings.dropout, frozen=settings.frozen).to(device())
        self.weights = Weights(self.reader, average=settings.average, decay=settings.decay, clip=settings.clip)
        self.progress = Progress(total_tokens=settings.tokens, anchor_tokens=0, anchor_rate=settings.rate)
        self.stopped = False
        if (folder / "state.pt").exists():
            self._restore()

    def train(
        self, *, checkpoint_seconds: float, score_seconds: float, log_every: int, pause: Path | None = None
    ) -> None:
        """Train to the end, or until `stop`; leaves a checkpoint either way, scored at the end."""
        self.reader.train()
        stored = scored = time.monotonic()
        meter = Meter()
        for place, batch in self.stream.batches(self.progress.place):
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
        """Score the averaged weights, store them as a reader's folder, and store the state."""
        self.reader.show(self.weights.average)
        results = [measure(self.reader, self.stream.tokenizer, dataset) for dataset in self.dev]
        mean = sum(result.best_f1 for result in results[:2]) / max(1, len(results[:2]))
        figures = {"mean": mean, **{result.dataset: result.figures() for result in results}}
        self._export("newest", figures)
        if mean >= self.progress.best:
            self._export("best", figures)
            self.progress = replace(self.progress, best=mean)
        self.reader.show(self.weights.master)
        self._store()
        self._log("dev", figures)

    def _step(self, place: Place, features: list[Feature], meter: Meter) -> None:
        batch = collate(features).to(device())
        inputs = batch.inputs
        loss = self.loss(self.reader(input_ids=inputs.ids, attention_mask=inputs.mask), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = self.weights.step(rate=self._rate(), number=self.progress.steps)
        tokens = inputs.ids.numel()
        meter.add(tokens, loss=float(loss.detach()), norm=norm)
        done = self.progress
        self.progress = replace(done, tokens=done.tokens + tokens, steps=done.steps + 1, place=place.after())

    def _rate(self) -> float:
        return learning_rate(self.progress, self.settings.warmup_tokens)

    def _position(self) -> dict[str, int]:
        return {"tokens": self.progress.tokens, "steps": self.progress.steps, "round": self.progress.place.round}

    def _log(self, kind: str, line: Mapping[str, Any]) -> None:
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
        line = {"time": time.strftime("%H:%M:%S"), "kind": kind, **self._position(), **rounded}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _export(self, name: str, figures: Mapping[str, Any]) -> None:
        """Store what the reader holds as the folder `name`; an older one stays until the new one is whole."""
        fresh = self.folder / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        save_layers(self.reader.network, fresh)
        made = {
            "settings": asdict(self.settings),
            **self._position(),
            "data": self.stream.description,
            "dev": dict(figures),
        }
        (fresh / "run.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(self.folder / name, ignore_errors=True)
        fresh.rename(self.folder / name)

    def _store(self) -> None:
        state = {
            "weights": self.weights.state(),
            "progress": asdict(self.progress),
            "data": self.stream.description,
            "random": torch.get_rng_state(),  # dropout's
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location="cpu", weights_only=True)
        self.weights.restore(state["weights"])
        place = Place(**state["progress"]["place"])
        if state["data"] != self.stream.description:
            place = Place(place.round + 1, 0, 0)  # places in a round of other data mean nothing
        progress = Progress(**{**state["progress"], "place": place})
        self.progress = with_total(progress, self.settings.tokens)
        torch.set_rng_state(state["random"])


class Meter:
    """The figures since it was last read."""

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
        """Mean loss and gradient norm, and tokens a second; starts over."""
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
