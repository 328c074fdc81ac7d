"""A larger network to learn from: MPNet, brought to read the word pieces of BERT.

    python -m askdoc.training.teacher MPNET_FOLDER BERT_FOLDER OUT_FOLDER

MPNet's vocabulary holds BERT's word pieces under other numbers. With its rows put into BERT's order it takes the very
windows that the small reader takes, so that what it says of a position can be compared with, and taught to, the small
reader position by position. OUT_FOLDER is a model folder to start `askdoc.training.reader --from`; BERT_FOLDER gives
the tokenizer. The layer over the two logits starts from small random numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import MPNetForQuestionAnswering

from askdoc.training.batches import load_tokenizer
from askdoc.training.network import copy_tokenizer

_SPECIAL = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[MASK]": "<mask>"}


def brought_to_bert(mpnet: Path, tokenizer: Tokenizer) -> MPNetForQuestionAnswering:
    """The MPNet of a folder with the word pieces of a BERT's tokenizer.

    MPNet keeps its number of rows; those that BERT has no word piece for are left at the end. A position's number does
    not depend on padding here, since number 1, MPNet's padding, is a word piece that BERT never uses.
    Raises KeyError if MPNet lacks one of BERT's word pieces.
    """
    model: MPNetForQuestionAnswering = MPNetForQuestionAnswering.from_pretrained(mpnet, dtype=torch.float32)
    theirs = load_tokenizer(mpnet).get_vocab()
    rows = list(range(model.config.vocab_size))
    for piece, number in tokenizer.get_vocab().items():
        rows[number] = theirs[_SPECIAL.get(piece, piece)]
    words = model.mpnet.embeddings.word_embeddings.weight
    with torch.no_grad():
        words.copy_(words[rows])
    return model


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Bring MPNet to the word pieces of BERT.")
    parser.add_argument("mpnet", type=Path, help="model folder of an MPNet, its tokenizer in it")
    parser.add_argument("bert", type=Path, help="model folder of the reader that is to learn")
    parser.add_argument("out", type=Path, help="folder to write")
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    brought_to_bert(options.mpnet, load_tokenizer(options.bert)).save_pretrained(options.out)
    copy_tokenizer(options.bert, options.out)


if __name__ == "__main__":
    main()
