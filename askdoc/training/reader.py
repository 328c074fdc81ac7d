"""Train the span reader: one program, on a CPU or a GPU, that can be stopped and continued at any step.

    python -m askdoc.training.reader DATA_FOLDER --from MODEL_FOLDER --out RUN_FOLDER --tokens 14e6

DATA_FOLDER holds `train/` and `dev/` with SQuAD-format files. The run folder gets

    state.pt      the newest checkpoint; the same command goes on from it, also with other --tokens
    log.jsonl     one object a line: a "train" line every --log-every steps, a "dev" line a checkpoint
    newest/ best/ the averaged weights as model folders: the newest, and the best on the dev samples

A file named by --pause, while it exists, holds the run before its next step. SIGTERM and SIGINT store a checkpoint and end it.

The network computes in bfloat16, except for its last layer; the weights that the optimiser changes are float32.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertForQuestionAnswering

from askdoc.evaluation.squad import Dataset, load_squad
from askdoc.training.batches import Batch, Feature, collate, load_tokenizer
from askdoc.training.dropout import PooledDropout
from askdoc.training.measure import Scores, measure, sample
from askdoc.training.mixture import load_sources
from askdoc.training.stream import Place, Stream

DEV_SAMPLES = {"squad_v1.1_dev_a": 300, "squad_v2.0_dev_a": 400}  # questions scored at each checkpoint


@dataclass(frozen=True, slots=True)
class Settings:
    """What fixes a run's result, besides its data. `tokens` counts padding; `length` is that of a window."""

    tokens: int
    batch_tokens: int = 3072
    length: int = 288
    rate: float = 2e-4
    warmup_tokens: int = 150_000
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    dropout: float = 0.1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `tokens` trained on, optimiser `steps`, the data's next `place`, the best dev figure.

    The learning rate falls in a line from `anchor_rate` at `anchor_tokens` to 0 at `total_tokens`.
    """

    total_tokens: int
    anchor_tokens: int
    anchor_rate: float
    tokens: int = 0
    steps: int = 0
    place: Place = Place(0, 0, 0)
    best: float = 0.0


def learning_rate(progress: Progress, warmup_tokens: int) -> float:
    """A line up over the warm-up's tokens times a line down from the anchor to 0 at the total."""
    left = progress.total_tokens - progress.tokens
    falling = progress.anchor_rate * max(0.0, left / max(1, progress.total_tokens - progress.anchor_tokens))
    return falling * min(1.0, (progress.tokens + 1) / max(1, warmup_tokens))


def with_total(progress: Progress, tokens: int) -> Progress:
    """The same progress towards another total; the rate falls from where it is now, without a jump."""
    if tokens == progress.total_tokens:
        return progress
    rate = learning_rate(progress, warmup_tokens=0)
    return _replaced(progress, total_tokens=tokens, anchor_tokens=progress.tokens, anchor_rate=rate)


class Reader(nn.Module):
    """A BertForQuestionAnswering as it is trained: bfloat16 inside, float32 logits, frozen embeddings, pooled dropout."""

    def __init__(self, model: BertForQuestionAnswering, *, dropout: float) -> None:
        super().__init__()
        self.network = model
        model.bert.to(torch.bfloat16)
        model.bert.embeddings.requires_grad_(False)
        pooled = PooledDropout(dropout)
        model.bert.embeddings.dropout = pooled
        for layer in model.bert.encoder.layer:
            layer.attention.output.dropout = layer.output.dropout = pooled
            layer.attention.self.dropout.p = 0.0  # masks as large as the attention are not worth their time

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> Any:
        """Start and end logits, (windows, length), on an object of that shape in the manner of transformers."""
        hidden = self.network.bert(
            input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask
        ).last_hidden_state
        start, end = self.network.qa_outputs(hidden.float()).unbind(dim=-1)
        outside = attention_mask == 0
        return Logits(start.masked_fill(outside, -1e4), end.masked_fill(outside, -1e4))

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by their names in the model."""
        named = self.network.named_parameters()
        return {name: value for name, value in named if value.requires_grad and "pooler" not in name}


@dataclass(frozen=True, slots=True)
class Logits:
    """Start and end logits, each (windows, length) in float32."""

    start_logits: Tensor
    end_logits: Tensor


class Weights:
    """The float32 weights that the optimiser changes, their moving average, and the optimiser."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self.reader = reader
        self.settings = settings
        self.master = {name: value.detach().float().clone() for name, value in reader.trained().items()}
        self.average = {name: value.clone() for name, value in self.master.items()}
        decayed = [value for value in self.master.values() if value.dim() > 1]
        plain = [value for value in self.master.values() if value.dim() <= 1]
        groups = [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)

    def step(self, rate: float, steps: int) -> float:
        """Apply the reader's gradients at this learning rate; returns their norm before clipping."""
        for name, parameter in self.reader.trained().items():
            self.master[name].grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        norm = nn.utils.clip_grad_norm_(list(self.master.values()), self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self._follow(steps)
        return float(norm)

    def show(self, values: dict[str, Tensor]) -> None:
        """Put these values into the reader."""
        with torch.no_grad():
            for name, parameter in self.reader.trained().items():
                parameter.copy_(values[name])

    def _follow(self, steps: int) -> None:
        weight = 1.0 - min(self.settings.average, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(list(self.average.values()), list(self.master.values()), weight)
        self.show(self.master)

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {"master": self.master, "average": self.average, "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a checkpoint's state."""
        for mine, stored in ((self.master, state["master"]), (self.average, state["average"])):
            for name, value in mine.items():
                value.copy_(stored[name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.show(self.master)


def span_loss(logits: Logits, batch: Batch) -> Tensor:
    """The cross-entropy of the start and end distributions with their targets, averaged over both and the windows."""
    start = -(batch.starts * logits.start_logits.log_softmax(dim=1)).sum(dim=1)
    end = -(batch.ends * logits.end_logits.log_softmax(dim=1)).sum(dim=1)
    return 0.5 * (start + end).mean()


class Run:
    """A training run in its folder."""

    def __init__(self, folder: Path, model: Path, stream: Stream, dev: Sequence[Dataset], settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        self.folder, self.model, self.stream, self.dev, self.settings = folder, model, stream, dev, settings
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = load_tokenizer(model)
        self.reader = Reader(load_model(model, self.device), dropout=settings.dropout).to(self.device)
        self.weights = Weights(self.reader, settings)
        self.progress = Progress(settings.tokens, 0, settings.rate)
        self.stopped = False
        if (folder / "state.pt").exists():
            self._restore()

    def train(self, *, checkpoint_seconds: float, log_every: int, pause: Path | None = None) -> None:
        """Train to the settings' tokens, or until `stop`; leaves a checkpoint either way."""
        self.reader.train()
        clock, meter = time.monotonic(), Meter()
        for place, features in self.stream.batches(self.progress.place):
            wait_while(pause, meter)
            if self.stopped or self.progress.tokens >= self.progress.total_tokens:
                break
            self._step(place, features, meter)
            if self.progress.steps % log_every == 0:
                self._log({"kind": "train", **meter.read(), "rate": self._rate(), **self._position()})
            if time.monotonic() - clock > checkpoint_seconds:
                self.checkpoint()
                clock, _ = time.monotonic(), meter.read()
        self.checkpoint()

    def stop(self, *_: object) -> None:
        """End `train` after the step under way; usable as a signal's handler."""
        self.stopped = True

    def checkpoint(self) -> None:
        """Score the averaged weights on the dev samples, store them as a model folder, and store the state."""
        self.weights.show(self.weights.average)
        results = [measure(self.reader, self.tokenizer, dataset) for dataset in self.dev]
        self.weights.show(self.weights.master)
        figure = sum(each.best_f1 for each in results) / max(1, len(results))
        self._export("newest", results)
        if figure >= self.progress.best:
            self._export("best", results)
            self.progress = _replaced(self.progress, best=figure)
        self._store()
        scored = {each.dataset: {key: value for key, value in asdict(each).items() if key != "dataset"} for each in results}
        self._log({"kind": "dev", **self._position(), "mean": figure, **scored})

    def _step(self, place: Place, features: Sequence[Feature], meter: Meter) -> None:
        batch = collate(features)
        batch = Batch(batch.inputs.to(self.device), batch.starts.to(self.device), batch.ends.to(self.device))
        inputs = batch.inputs
        logits = self.reader(input_ids=inputs.ids, token_type_ids=inputs.types, attention_mask=inputs.mask)
        loss = span_loss(logits, batch)
        loss.backward()
        norm = self.weights.step(self._rate(), self.progress.steps)
        tokens = inputs.ids.numel()
        meter.add(tokens, float(loss.detach()), norm)
        self.progress = _replaced(
            self.progress, tokens=self.progress.tokens + tokens, steps=self.progress.steps + 1, place=place.after()
        )

    def _rate(self) -> float:
        return learning_rate(self.progress, self.settings.warmup_tokens)

    def _position(self) -> dict[str, Any]:
        progress = self.progress
        return {"tokens": progress.tokens, "steps": progress.steps, "round": progress.place.round}

    def _log(self, line: dict[str, Any]) -> None:
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.strftime("%H:%M:%S"), **rounded}) + "\n")

    def _export(self, name: str, results: Sequence[Scores]) -> None:
        target, fresh = self.folder / name, self.folder / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        model = load_model(self.model, torch.device("cpu"))
        model.load_state_dict({**model.state_dict(), **self.weights.average})
        model.save_pretrained(fresh)
        for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
            if (self.model / file).exists():
                shutil.copyfile(self.model / file, fresh / file)
        card = {"settings": asdict(self.settings), **self._position(), "dev_samples": [asdict(each) for each in results]}
        (fresh / "run.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)

    def _store(self) -> None:
        state = {
            "weights": self.weights.state(),
            "progress": asdict(self.progress),
            "random": torch.get_rng_state(),
        }
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location=self.device, weights_only=True)
        self.weights.restore(state["weights"])
        stored = {**state["progress"], "place": Place(**state["progress"]["place"])}
        self.progress = with_total(Progress(**stored), self.settings.tokens)
        torch.set_rng_state(state["random"].cpu())


class Meter:
    """What happened since it was last read; time spent paused does not count."""

    def __init__(self) -> None:
        self._reset()

    def add(self, tokens: int, loss: float, norm: float) -> None:
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


def wait_while(pause: Path | None, meter: Meter, *, seconds: float = 1.0) -> None:
    """Sleep as long as the file `pause` exists."""
    began = time.monotonic()
    while pause is not None and pause.exists():
        time.sleep(seconds)
    meter.skip(time.monotonic() - began)


def load_model(folder: Path, device: torch.device) -> BertForQuestionAnswering:
    """The model in float32. On a CPU with PyTorch's own attention: the fused one is slower there at 32 values a head."""
    attention = "eager" if device.type == "cpu" else "sdpa"
    model = BertForQuestionAnswering.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    assert isinstance(model.config, BertConfig)
    return model


def _replaced(progress: Progress, **changes: Any) -> Progress:
    fields = {name: getattr(progress, name) for name in Progress.__slots__}
    return Progress(**{**fields, **changes})


def _dev_samples(folder: Path) -> list[Dataset]:
    return [sample(load_squad(folder / f"{name}.json.gz"), count) for name, count in DEV_SAMPLES.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Train the span reader, or go on with a run.")
    parser.add_argument("data", type=Path, help="folder with train/ and dev/ in SQuAD format")
    parser.add_argument("--from", dest="model", type=Path, required=True, help="model folder to begin from")
    parser.add_argument("--out", type=Path, required=True, help="run folder; a run in it is continued")
    parser.add_argument("--tokens", type=float, required=True, help="train on this many in all, padding counted")
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate (%(default)s)")
    parser.add_argument("--batch-tokens", type=int, default=defaults.batch_tokens, help="tokens a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--pause", type=Path, help="hold while this file exists")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="between checkpoints (%(default)s)")
    parser.add_argument("--log-every", type=int, default=20, help="steps (%(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(
        tokens=int(options.tokens), rate=options.rate, batch_tokens=options.batch_tokens, seed=options.seed
    )
    stream = Stream(
        load_sources(options.data / "train"),
        load_tokenizer(options.model),
        tokens=settings.batch_tokens,
        length=settings.length,
        seed=settings.seed,
    )
    run = Run(options.out, options.model, stream, _dev_samples(options.data / "dev"), settings)
    signal.signal(signal.SIGTERM, run.stop)
    signal.signal(signal.SIGINT, run.stop)
    run.train(checkpoint_seconds=60 * options.checkpoint_minutes, log_every=options.log_every, pause=options.pause)


if __name__ == "__main__":
    main()
