"""A reader with more layers that reads as it did before, to go on training from.

    python -m askdoc.training.deepen OUT_FOLDER READER_FOLDER WINDOWS [--above 2]

Below each layer but the lowest ones comes a new one that at first passes on what it gets ("Net2Net", Chen et al. 2016).
BERT normalises after each sum, so a new layer adds nothing to its input and its normalisations give back the mean and
the deviation that they take away: one number each, which vary little from token to token (but for the last layer's
output, over which nothing is put) and are measured on WINDOWS, a file of `distill`. What leads up to the sums is copied
from the layer above, so that the new layers learn from the first step on.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.models.bert.modeling_bert import BertLayer

from askdoc.training.batches import Inputs, load_features, pad
from askdoc.training.network import copy_tokenizer, load_model

_MEASURED_WINDOWS = 64


def deepened(model: PreTrainedModel, inputs: Inputs, *, above: int) -> PreTrainedModel:
    """The BERT itself with a new layer below all but the lowest `above` (1 or more); it reads such inputs as before."""
    with torch.no_grad():
        states = model.base_model(
            input_ids=inputs.ids,
            token_type_ids=inputs.types,
            attention_mask=inputs.mask,
            output_hidden_states=True,
        ).hidden_states  # what each layer gets, (windows, length, width)
    layers = model.base_model.encoder.layer
    grown = nn.ModuleList()
    for number, (layer, state) in enumerate(zip(layers, states[:-1], strict=True)):
        if number >= above:
            grown.append(_passing_on(layer, state[inputs.mask == 1]))
        grown.append(layer)
    model.base_model.encoder.layer = grown
    model.config.num_hidden_layers = len(grown)
    return model


def _passing_on(layer: BertLayer, state: Tensor) -> BertLayer:
    """A copy that gives back its input if that is like `state`, (tokens, width)."""
    new = copy.deepcopy(layer)
    for part in (new.attention.output, new.output):
        nn.init.zeros_(part.dense.weight)
        nn.init.zeros_(part.dense.bias)
        nn.init.constant_(part.LayerNorm.weight, float(state.std(dim=1, correction=0).mean()))
        nn.init.constant_(part.LayerNorm.bias, float(state.mean()))
    return new


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Give a reader more layers.")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("model", type=Path, help="model folder of a BERT reader")
    parser.add_argument("windows", type=Path, help="file of askdoc.training.distill, of which the first are read")
    parser.add_argument("--above", type=int, default=2, help="lowest layers without a new one (%(default)s)")
    options = parser.parse_args(arguments)
    inputs = pad(load_features(options.windows)[:_MEASURED_WINDOWS])
    deepened(load_model(options.model), inputs, above=options.above).save_pretrained(options.out)
    copy_tokenizer(options.model, options.out)


if __name__ == "__main__":
    main()
