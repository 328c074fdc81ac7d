"""Fine-tune the sentence embedder for questions: one program, that can be stopped and continued at any step.

    python -m askdoc.training.embedder DATA_FOLDER --from SENTENCE_TRANSFORMERS_FOLDER --out RUN_FOLDER --tokens 5e6
    python -m askdoc.training.embedder --mix RUN_FOLDER/newest SENTENCE_TRANSFORMERS_FOLDER --share 0.5 --out FOLDER

The loss is MultipleNegativesRankingLoss (Henderson et al. 2017) of sentence-transformers over batches that are made to
be hard (`pairs`). DATA_FOLDER holds `train/`, `retrieval/train/` and `dev/`. The run folder gets `state.pt`,
`log.jsonl` and `newest/`, as with `askdoc.training.reader`, whose stopping, continuing and pausing work the same here.

`--mix` averages the weights of the tuned and the original model: half-way back, a fine-tuned model keeps most of what
it gained on text like its training's, and loses less on other text (Wortsman et al. 2022, "Robust fine-tuning").
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor, nn

from askdoc.training.network import Weights
from askdoc.training.pairs import Pair, PairSet, pair_set, retrieval_pairs, round_batches, squad_pairs
from askdoc.training.reader import Meter, log, wait_while
from askdoc.training.schedule import Progress, learning_rate, with_total
from askdoc.training.stream import Place

DEV_QUESTIONS = 600  # of squad_v1.1_dev_a, among all its paragraphs, at each checkpoint

# Which sets, and how many batches of each a round takes at most.
SQUAD_SETS = {
    "squad_train_partial": 10_000,
    "squadshifts_new_wiki": 10_000,
    "squadshifts_reddit": 16,
    "squadshifts_amazon": 16,
    "fairytaleqa": 12,
    "covidqa": 8,
}
RETRIEVAL_SETS = {
    "squad_train_sentences_10k": 10_000,
    "squad_train_sentences_nqg_test": 10_000,
    "medquad": 24,
    "selqa_devtest": 20,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What fixes a run's result, besides its data and the model it begins from.

    `tokens` is the length of the run, padding counted, `batch` the pairs of a step, `length` the word pieces of a text.
    """

    tokens: int
    batch: int = 48
    length: int = 224
    rate: float = 4e-5
    warmup_tokens: int = 200_000
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.99
    seed: int = 1


class Embedder(nn.Module):
    """A sentence-transformers model computing in bfloat16, with frozen word embeddings; vectors come in float32."""

    def __init__(self, folder: Path, *, length: int) -> None:
        super().__init__()
        self.model = SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
        )
        self.model.max_seq_length = length
        self.model.to(torch.bfloat16)
        self.model[0].auto_model.embeddings.requires_grad_(False)

    def forward(self, texts: Sequence[str]) -> tuple[Tensor, int]:
        """Vectors (texts, dimension), and how many word pieces were read, padding counted."""
        inputs = self.model.preprocess(list(texts))
        device = next(self.model.parameters()).device
        placed = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in inputs.items()}
        return self.model(placed)["sentence_embedding"].float(), int(placed["input_ids"].numel())

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by their names in the model."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    def show(self, values: Mapping[str, Tensor]) -> None:
        """Put these values into the trained parameters."""
        with torch.no_grad():
            for name, parameter in self.trained().items():
                parameter.copy_(values[name])

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors, shape (texts, dimension), in the order of the texts."""
        self.eval()
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        made = [self([texts[number] for number in order[first : first + 32]])[0] for first in range(0, len(order), 32)]
        vectors = np.empty((len(texts), made[0].shape[1]), dtype=np.float32)
        vectors[order] = nn.functional.normalize(torch.cat(made)).cpu().numpy()
        self.train()
        return vectors


class Run:
    """A training run in its folder; a run that the folder already holds is continued."""

    def __init__(
        self, folder: Path, model: Path, sets: Sequence[tuple[PairSet, int]], dev: Sequence[Pair], settings: Settings
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        self.folder, self.model, self.sets, self.dev, self.settings = folder, model, sets, dev, settings
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.embedder = Embedder(model, length=settings.length).to(device)
        self.loss = MultipleNegativesRankingLoss(self.embedder.model)
        self.weights = Weights(self.embedder, average=settings.average, decay=settings.decay, clip=settings.clip)
        self.progress = Progress(total_tokens=settings.tokens, anchor_tokens=0, anchor_rate=settings.rate)
        self.stopped = False
        if (folder / "state.pt").exists():
            self._restore()

    def train(self, *, checkpoint_seconds: float, log_every: int, pause: Path | None = None) -> None:
        """Train to the end, or until `stop`; leaves a checkpoint either way."""
        self.embedder.train()
        stored, meter = time.monotonic(), Meter()
        while not (self.stopped or self.progress.done):
            number = self.progress.place.round
            batches = round_batches(self.sets, size=self.settings.batch, number=number, seed=self.settings.seed)
            for _, pairs in batches[self.progress.place.batch :]:
                meter.skip(wait_while(pause))
                if self.stopped or self.progress.done:
                    break
                self._step(pairs, meter)
                if self.progress.steps % log_every == 0:
                    self._log("train", meter.read())
                if time.monotonic() - stored > checkpoint_seconds:
                    self.checkpoint()
                    stored = time.monotonic()
                    meter.read()  # the time it took is not training's
            else:
                self.progress = replace(self.progress, place=Place(number + 1, 0, 0))
        self.checkpoint()

    def stop(self, *_: object) -> None:
        """End `train` after the step under way; usable as a signal's handler."""
        self.stopped = True

    def checkpoint(self) -> None:
        """Score the averaged weights on the dev questions, store them as a model folder, and store the state."""
        self.embedder.show(self.weights.average)
        figures = hits(self.embedder, self.dev)
        self.embedder.show(self.weights.master)
        self._export(figures)
        random_state = torch.get_rng_state()  # dropout's
        state = {"weights": self.weights.state(), "progress": asdict(self.progress), "random": random_state}
        torch.save(state, self.folder / "state.pt.new")
        (self.folder / "state.pt.new").replace(self.folder / "state.pt")
        self._log("dev", figures)

    def _step(self, pairs: Sequence[Pair], meter: Meter) -> None:
        rng = random.Random(self.progress.steps)  # noqa: S311  # no secret
        questions = [_as_typed(pair.question, rng) for pair in pairs]
        asked, read = self.embedder(questions)
        passages, more = self.embedder([pair.passage for pair in pairs])
        loss = self.loss.compute_loss_from_embeddings([asked, passages], torch.empty(0))
        loss.backward()
        rate = learning_rate(self.progress, self.settings.warmup_tokens)
        norm = self.weights.step(rate=rate, number=self.progress.steps)
        meter.add(read + more, loss=float(loss.detach()), norm=norm)
        done = self.progress
        tokens, steps = done.tokens + read + more, done.steps + 1
        self.progress = replace(done, tokens=tokens, steps=steps, place=done.place.after())

    def _log(self, kind: str, line: Mapping[str, float]) -> None:
        log(self.folder, kind, self.progress, line)

    def _export(self, figures: Mapping[str, float]) -> None:
        fresh = self.folder / "newest.new"
        shutil.rmtree(fresh, ignore_errors=True)
        save_with(self.model, self.weights.average, fresh)
        made = {"settings": asdict(self.settings), "tokens": self.progress.tokens, "dev": dict(figures)}
        made["sets"] = {one.name: len(one.pairs) for one, _ in self.sets}
        (fresh / "run.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(self.folder / "newest", ignore_errors=True)
        fresh.rename(self.folder / "newest")

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.weights.restore(state["weights"])
        stored = Progress(**{**state["progress"], "place": Place(**state["progress"]["place"])})
        self.progress = with_total(stored, self.settings.tokens)
        torch.set_rng_state(state["random"].cpu())


def hits(embedder: Embedder, dev: Sequence[Pair], *, questions: int = DEV_QUESTIONS) -> dict[str, float]:
    """hit@1, @5 and @20 in percent of a fixed sample of questions, among all passages of the pairs."""
    passages = list(dict.fromkeys(pair.passage for pair in dev))
    asked = random.Random(7).sample(list(dev), min(questions, len(dev)))  # noqa: S311  # no secret
    scores = embedder.encode([pair.question for pair in asked]) @ embedder.encode(passages).T
    right = scores[np.arange(len(asked)), [passages.index(pair.passage) for pair in asked]]
    ranks = (scores > right[:, None]).sum(axis=1)
    return {f"hit@{depth}": 100.0 * float((ranks < depth).mean()) for depth in (1, 5, 20)}


def save_with(model: Path, values: Mapping[str, Tensor], folder: Path) -> None:
    """Save the model of a folder in 32 bits as another folder, with these values in place of its own."""
    made = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    missing = values.keys() - made.state_dict().keys()
    if missing:
        raise ValueError(f"{model} has no weights {', '.join(sorted(missing))}")
    made.load_state_dict({**made.state_dict(), **{name: value.cpu() for name, value in values.items()}})
    made.save(str(folder), create_model_card=False)


def mixed(tuned: Path, original: Path, folder: Path, *, share: float) -> None:
    """Save the weighted mean of two models' weights, `share` of the tuned one, as a folder."""
    first, second = (SentenceTransformer(str(one), device="cpu", local_files_only=True) for one in (tuned, original))
    other = second.state_dict()
    floats = {name: value for name, value in first.state_dict().items() if value.is_floating_point()}
    values = {name: torch.lerp(other[name], value, share) for name, value in floats.items()}
    save_with(original, values, folder)


def load_sets(folder: Path) -> list[tuple[PairSet, int]]:
    """The mixture's sets from a data folder. Raises ValueError or OSError like the loaders of their formats."""
    squad = [(name, squad_pairs(folder / "train" / f"{name}.json.gz"), most) for name, most in SQUAD_SETS.items()]
    found = [
        (name, retrieval_pairs(folder / "retrieval" / "train" / name), most) for name, most in RETRIEVAL_SETS.items()
    ]
    return [(pair_set(name, pairs), most) for name, pairs, most in (*squad, *found)]


def _as_typed(question: str, rng: random.Random) -> str:
    """People who type a question often leave its mark out."""
    return question.rstrip("? ") if rng.random() < 0.25 else question


def _parser() -> argparse.ArgumentParser:
    defaults = Settings(tokens=0)
    parser = argparse.ArgumentParser(description="Fine-tune the sentence embedder, or mix two.")
    parser.add_argument("data", type=Path, nargs="?", help="folder with train/, retrieval/train/ and dev/")
    parser.add_argument("--from", dest="model", type=Path, help="model folder to begin from")
    parser.add_argument("--out", type=Path, required=True, help="run folder (a run in it is continued), or the mix")
    parser.add_argument("--tokens", type=float, default=5e6, help="train on this many in all (%(default)s)")
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate (%(default)s)")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="pairs a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--pause", type=Path, help="hold while this file exists")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (%(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="between checkpoints (%(default)s)")
    parser.add_argument("--log-every", type=int, default=10, help="steps (%(default)s)")
    parser.add_argument("--mix", type=Path, nargs=2, metavar=("TUNED", "ORIGINAL"), help="mix these two models")
    parser.add_argument("--share", type=float, default=0.5, help="of the tuned model in the mix (%(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.mix:
        tuned, original = options.mix
        mixed(tuned, original, options.out, share=options.share)
        return
    if options.data is None or options.model is None:
        parser.error("name the data folder and --from MODEL_FOLDER")
    torch.set_num_threads(options.threads)
    settings = Settings(int(options.tokens), options.batch, rate=options.rate, seed=options.seed)
    dev = squad_pairs(options.data / "dev" / "squad_v1.1_dev_a.json.gz")
    run = Run(options.out, options.model, load_sets(options.data), dev, settings)
    signal.signal(signal.SIGTERM, run.stop)
    signal.signal(signal.SIGINT, run.stop)
    run.train(checkpoint_seconds=60 * options.checkpoint_minutes, log_every=options.log_every, pause=options.pause)


if __name__ == "__main__":
    main()
