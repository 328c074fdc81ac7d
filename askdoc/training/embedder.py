"""Fine-tune the sentence embedder for questions: one program, that can be stopped and continued at any step.

    python -m askdoc.training.embedder DATA_FOLDER --from SENTENCE_TRANSFORMERS_FOLDER --out RUN_FOLDER --tokens 5e6

The loss is MultipleNegativesRankingLoss (Henderson et al. 2017) of sentence-transformers over batches that are made to
be hard (`pairs`). DATA_FOLDER holds `train/`, `retrieval/train/` and `dev/`; the run folder gets what `run` says.
`average` then takes the mean with the original model.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor, nn

from askdoc.training import run
from askdoc.training.pairs import Pair, PairSet, pair_set, retrieval_pairs, round_batches, squad_pairs
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(run.Settings):
    """`batch` is the pairs of a step, `length` the word pieces of a text."""

    rate: float = 4e-5
    warmup_tokens: int = 200_000
    average: float = 0.99
    batch: int = 48
    length: int = 224


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


class Run(run.Run[list[Pair]]):
    """A run that trains an embedder; best by hit@5 on the dev questions."""

    def __init__(
        self, folder: Path, model: Path, sets: Sequence[tuple[PairSet, int]], dev: Sequence[Pair], settings: Settings
    ) -> None:
        torch.manual_seed(settings.seed)
        self.model, self.sets, self.dev, self.settings = model, sets, dev, settings
        self.embedder = Embedder(model, length=settings.length).to(run.device())
        self.ranking_loss = MultipleNegativesRankingLoss(self.embedder.model)
        super().__init__(folder, self.embedder, settings)

    @property
    def data(self) -> str:
        """The sets and how many pairs they have."""
        return "; ".join(f"{one.name}: {len(one.pairs)}, {most} batches at most" for one, most in self.sets)

    def batches(self, start: Place) -> Iterator[tuple[Place, list[Pair]]]:
        """Those of round after round; a round is one pool."""
        for number in itertools.count(start.round):
            made = round_batches(self.sets, size=self.settings.batch, number=number, seed=self.settings.seed)
            first = start.batch if number == start.round else 0
            for batch in range(first, len(made)):
                yield Place(number, 0, batch), made[batch][1]

    def loss(self, batch: list[Pair]) -> tuple[Tensor, int]:
        """How surely each question finds its own passage among those of the batch."""
        rng = random.Random(self.progress.steps)  # noqa: S311  # no secret
        asked, read = self.embedder([_as_typed(pair.question, rng) for pair in batch])
        passages, more = self.embedder([pair.passage for pair in batch])
        return self.ranking_loss.compute_loss_from_embeddings([asked, passages], torch.empty(0)), read + more

    def score(self) -> tuple[float, dict[str, Any]]:
        """hit@k on the dev questions."""
        figures = hits(self.embedder, self.dev)
        return figures["hit@5"], dict(figures)

    def save(self, values: Mapping[str, Tensor], folder: Path) -> None:
        """As a folder of sentence-transformers."""
        save_with(self.model, values, folder)


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
    parser = argparse.ArgumentParser(description="Fine-tune the sentence embedder, or go on with a run.")
    parser.add_argument("data", type=Path, help="folder with train/, retrieval/train/ and dev/")
    parser.add_argument("--from", dest="model", type=Path, required=True, help="model folder to begin from")
    parser.add_argument("--out", type=Path, required=True, help="run folder; a run in it is continued")
    parser.add_argument("--tokens", type=float, default=5e6, help="train on this many in all (%(default)s)")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="pairs a step (%(default)s)")
    run.add_options(parser, defaults)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(tokens=int(options.tokens), batch=options.batch, rate=options.rate, seed=options.seed)
    dev = squad_pairs(options.data / "dev" / "squad_v1.1_dev_a.json.gz")
    run.carry_out(Run(options.out, options.model, load_sets(options.data), dev, settings), options)


if __name__ == "__main__":
    main()
