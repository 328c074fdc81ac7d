"""Exports the bundled models from PyTorch to ONNX and writes their cards.

    python -m askdoc.training.export_onnx embedder SENTENCE_TRANSFORMERS_FOLDER --about ABOUT.json
    python -m askdoc.training.export_onnx reader QUESTION_ANSWERING_FOLDER --about ABOUT.json

Both are stored with 8-bit weights, a scale a column, and multiply in 8 bits (`quantize_dynamic`). Weights use 7 of the
8 bits, so that processors without VNNI, whose 16-bit sums would overflow, give the same numbers as those with it.
ABOUT.json describes the model for its card: origin, licence, data, how it was made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from askdoc.models.bundle import BUNDLED, CARD
from askdoc.readers.windows import QUESTION_TOKENS, STRIDE_TOKENS, WINDOW_TOKENS

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 17
OPTIMISED = {"optimised": True}  # tells the session to take the graph as it is


class _Embedder(torch.nn.Module):
    """A sentence-transformers model as one function of its three inputs; gives unit vectors (batch, dimension)."""

    def __init__(self, model: Any) -> None:  # sentence-transformers has no types
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
        inputs = dict(zip(INPUTS, (input_ids, attention_mask, token_type_ids), strict=True))
        return self.model(inputs)["sentence_embedding"]


class _Reader(torch.nn.Module):
    """A question-answering model as one function; gives logits (batch, tokens, 2) for start and end."""

    def __init__(self, model: Any) -> None:  # transformers has none either
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return torch.stack([output.start_logits, output.end_logits], dim=-1)


def load_embedder(folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The network of a sentence-transformers folder, and its settings for the card."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})
    settings = {"dimension": model.get_embedding_dimension(), "max_tokens": model.max_seq_length}
    return _Embedder(model).eval(), settings | OPTIMISED


def load_reader(folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The network of a question-answering folder, in 32 bits, and its settings for the card."""
    from transformers import AutoModelForQuestionAnswering

    model = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    windows = {"max_tokens": WINDOW_TOKENS, "stride": STRIDE_TOKENS, "max_question_tokens": QUESTION_TOKENS}
    return _Reader(model).eval(), windows | OPTIMISED


def export(network: torch.nn.Module, path: Path, *, output: str) -> None:
    """Write a network as ONNX with 32-bit weights; batch and tokens are of any size."""
    ids = torch.randint(1000, 2000, (2, 16))
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    sizes = {0: "batch", 1: "tokens"}
    axes = dict.fromkeys(INPUTS, sizes) | {output: {0: "batch"} if output == "embedding" else sizes}
    torch.onnx.export(
        network, inputs, str(path), input_names=list(INPUTS), output_names=[output],
        dynamic_axes=axes, opset_version=OPSET, dynamo=False,
    )  # fmt: skip


def quantise(source: Path, target: Path) -> None:
    """Store the weights in 8 bits, a scale a column, 7 bits used; see the top of this file for why."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


def optimise(source: Path, target: Path) -> None:
    """Fuse the graph's operators now rather than at every start, which makes a start 0.1 s faster.

    Only fusions that every processor can run; the layouts of single processors are left to the session.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def write_card(folder: Path, about: Mapping[str, Any], settings: Mapping[str, Any], *, source: Path) -> None:
    """Describe a folder's model: what a person said of it, the settings, and size and hash of every file."""
    files = {
        path.name: {"size": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.iterdir())
        if path.name != CARD
    }
    weights = source / "model.safetensors"
    card = {
        **about,
        "exported_from": {"file": weights.name, "sha256": _sha256(weights)},
        "storage": "ONNX, 8-bit weights (per column, 7 bits used), dynamically quantised activations",
        "model": "model.onnx",
        "settings": settings,
        "files": files,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bundle(kind: str, source: Path, about: Mapping[str, Any], *, target: Path) -> None:
    """Export a model folder to the new folder `target`: model.onnx, tokenizer.json, card.json."""
    network, settings = {"embedder": load_embedder, "reader": load_reader}[kind](source)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        full, small = Path(place) / "full.onnx", Path(place) / "small.onnx"
        with torch.inference_mode():
            export(network, full, output="embedding" if kind == "embedder" else "logits")
        quantise(full, small)
        optimise(small, target / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    write_card(target, about, settings, source=source)


def main() -> None:
    """Run as a program; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["embedder", "reader"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--about", type=Path, required=True, help="JSON: name, origin, licence, data, made, scores")
    parser.add_argument("--out", type=Path, help="default: the folder of the bundled weights")
    arguments = parser.parse_args()
    about = json.loads(arguments.about.read_text(encoding="utf-8"))
    bundle(arguments.kind, arguments.folder, about, target=arguments.out or BUNDLED / arguments.kind)


if __name__ == "__main__":
    main()
