"""Question-answering models small enough to be made in a test: weights by chance, tokenizers trained on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from languages import CORPUS
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

TEXTS = [text for paragraphs in CORPUS.values() for text in paragraphs]
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 130,
}  # fmt: skip


def bert(folder: Path, *, seed: int = 0) -> Path:
    """A BERT that knows the words of many languages, as transformers saves it."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=900, special_tokens=special))
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), **SIZES)
    return _save(folder, BertForQuestionAnswering, config, tokenizer, names, seed=seed)


def roberta(folder: Path, *, seed: int = 0) -> Path:
    """A RoBERTa: bytes for letters, `<s>q</s></s>p</s>`, no token types, positions from 2 on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
    config = RobertaConfig(vocab_size=tokenizer.get_vocab_size(), type_vocab_size=1, pad_token_id=1, **SIZES)
    return _save(folder, RobertaForQuestionAnswering, config, tokenizer, names, seed=seed)


def _save(folder: Path, kind: Any, config: Any, tokenizer: Tokenizer, names: dict[str, str], *, seed: int) -> Path:
    torch.manual_seed(seed)
    network = kind(config)
    torch.nn.init.normal_(network.qa_outputs.weight)  # else all spans are nearly as good
    network.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return folder


class _TwoOutputs(torch.nn.Module):
    """As exporters write question-answering models."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: torch.Tensor) -> Any:
        output = self.network(**dict(zip(self.names, inputs, strict=True)))
        return output.start_logits, output.end_logits

    names: tuple[str, ...] = ()


def export(source: Path, target: Path, *, types: bool) -> Path:
    """The same model in ONNX, with the outputs start_logits and end_logits, and token types only if it has them."""
    from transformers import AutoModelForQuestionAnswering

    network = AutoModelForQuestionAnswering.from_pretrained(source, attn_implementation="eager")
    module = _TwoOutputs(network.eval())
    module.names = ("input_ids", "attention_mask", *(["token_type_ids"] if types else []))
    target.mkdir()
    ids = torch.randint(10, 90, (1, 16))
    given = (ids, torch.ones_like(ids), torch.zeros_like(ids))[: len(module.names)]
    outputs = ["start_logits", "end_logits"]
    torch.onnx.export(
        module, given, str(target / "model.onnx"), input_names=list(module.names), output_names=outputs,
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in (*module.names, *outputs)},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    for name in ("config.json", "tokenizer.json"):
        (target / name).write_bytes((source / name).read_bytes())
    return target


def fitted(folder: Path, fingerprint: str, **confidence: object) -> Path:
    """A calibration beside a reader."""
    data = {
        "ranking": {"weights": {"dense": 0.5, "lexical": 0.5}, "pool": 50, "passages": 4, "retrieval_weight": 1.0},
        "confidence": {
            "reader": fingerprint, "intercept": 9.0, "coefficients": {}, "threshold": 0.25, "curve": [], **confidence,
        },
    }  # fmt: skip
    (folder / "fitted.json").write_text(json.dumps(data))
    return folder
