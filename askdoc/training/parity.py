"""Compares a model in PyTorch with its export in ONNX, on the same questions and with the same decoding.

    python -m askdoc.training.parity reader MODEL_FOLDER DEV_FILE… [--sample N] [--exported FOLDER]
    python -m askdoc.training.parity embedder MODEL_FOLDER DEV_FILE… [--sample N] [--exported FOLDER]

Readers: EM and F1 given the gold paragraph; for sets with unanswerable questions also SQuAD 2.0's best-threshold F1.
Embedders: hit@1/5/20 of the gold paragraph among all paragraphs, and the mean cosine between the two vectors of a text.
The figures go into the export's card under "scores".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from askdoc.evaluation.squad import Dataset, Scored, best_threshold_f1, exact_match, f1, load_squad
from askdoc.models.bundle import BUNDLED, CARD, open_model
from askdoc.models.onnx import OnnxModel
from askdoc.readers.windows import SpanReader
from askdoc.training.export_onnx import load_embedder, load_reader
from askdoc.training.measure import sample

if TYPE_CHECKING:
    import numpy.typing as npt


class TorchModel(OnnxModel):
    """The exported model's tokenizer with the original network, in 32 bits."""

    def __init__(self, exported: OnnxModel, network: torch.nn.Module) -> None:
        self.__dict__.update(exported.__dict__)
        self._network = network

    def run(self, ids: Sequence[int], types: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
        inputs = {name: torch.from_numpy(array) for name, array in self.inputs(ids, types).items()}
        with torch.inference_mode():
            output: npt.NDArray[np.float32] = self._network(**inputs)[0].numpy()
        return output


def reader_scores(reader: SpanReader, dataset: Dataset) -> dict[str, float]:
    """EM and F1 in percent over answerable questions, given their paragraph; with others also the best-threshold F1."""
    results = []
    for question in dataset.questions:
        passage = dataset.paragraphs[question.paragraph].text
        spans = reader.read(question.text, [passage])[0].spans
        text = passage[spans[0].start : spans[0].end] if spans else ""
        golds = [gold.text for gold in question.answers]
        none = -spans[0].score if spans else float("inf")
        results.append(Scored(question.answerable, none, exact_match(text, golds), f1(text, golds)))
    known = [result for result in results if result.answerable]
    figures = {
        "em": float(np.mean([result.exact for result in known])),
        "f1": float(np.mean([result.f1 for result in known])),
    }
    if len(known) < len(results):
        figures["best_threshold_f1"] = best_threshold_f1(results).score
    return {name: round(100 * value, 2) for name, value in figures.items()} | {"questions": len(results)}


def embedder_scores(embed: Callable[[str], npt.NDArray[np.float32]], dataset: Dataset) -> dict[str, float]:
    """hit@k in percent of the gold paragraph among all paragraphs of the set."""
    passages = np.stack([embed(paragraph.text) for paragraph in dataset.paragraphs])
    ranks = []
    for question in dataset.questions:
        scores = passages @ embed(question.text)
        ranks.append(1 + int((scores > scores[question.paragraph]).sum()))
    return {f"hit@{k}": round(100 * float(np.mean([rank <= k for rank in ranks])), 2) for k in (1, 5, 20)}


def compare_readers(source: Path, exported: Path, dataset: Dataset) -> dict[str, Any]:
    """Scores of the export and of the original."""
    model = open_model(exported)
    onnx = OnnxModel(model)
    networks = {"onnx": onnx, "pytorch": TorchModel(onnx, load_reader(source)[0])}
    return {name: reader_scores(SpanReader(network, model, name=name), dataset) for name, network in networks.items()}


def compare_embedders(source: Path, exported: Path, dataset: Dataset) -> dict[str, Any]:
    """Scores of the export and of the original, and how near their vectors are."""
    model = open_model(exported)
    onnx = OnnxModel(model)
    original = TorchModel(onnx, load_embedder(source)[0])
    length = int(model.settings["max_tokens"])

    def embedded(network: OnnxModel) -> Callable[[str], npt.NDArray[np.float32]]:
        return lambda text: network.run(network.tokenizer.framed(text, length))

    cosines = [
        float(embedded(onnx)(question.text) @ embedded(original)(question.text)) for question in dataset.questions[:200]
    ]
    scores = {
        name: embedder_scores(embedded(model), dataset) for name, model in (("onnx", onnx), ("pytorch", original))
    }
    return scores | {"mean_cosine": round(float(np.mean(cosines)), 5)}


def main() -> None:
    """Run as a program; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["embedder", "reader"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("dev", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, help="questions of each file; default: all")
    parser.add_argument("--exported", type=Path, help="default: the bundled model")
    arguments = parser.parse_args()
    exported = arguments.exported or BUNDLED / arguments.kind
    compare = {"reader": compare_readers, "embedder": compare_embedders}[arguments.kind]
    scores = {}
    for path in arguments.dev:
        dataset = load_squad(path)
        dataset = sample(dataset, arguments.sample) if arguments.sample else dataset
        scores[dataset.name] = compare(arguments.folder, exported, dataset)
        print(json.dumps({dataset.name: scores[dataset.name]}), flush=True)  # noqa: T201
    card = json.loads((exported / CARD).read_text(encoding="utf-8"))
    card["scores"] = scores
    (exported / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
