from pathlib import Path

import torch
from tokenizers import Tokenizer

from askdoc.training import deepen
from askdoc.training.batches import Feature, Inputs, load_tokenizer, pad, windows, write_features
from askdoc.training.network import load_model

QUESTION, PASSAGE = "Who built the mill ?", "The mill in Ashford was built by Thomas Reed ."


def features(tokenizer: Tokenizer) -> list[Feature]:
    asked = [windows(QUESTION, text, tokenizer, length=48)[0] for text in (PASSAGE, "Margaret Doyle finished it .")]
    return [Feature(each.ids, each.passage_from, ((0, 1.0),), ((0, 1.0),)) for each in asked]


def grown(model_folder: Path, tmp_path: Path) -> tuple[Path, Inputs]:
    """The model's folder with a new layer below its second one, and the inputs that it was measured on."""
    some = features(load_tokenizer(model_folder))
    write_features(tmp_path / "windows.jsonl.gz", [some])
    deepen.main([str(tmp_path / "deep"), str(model_folder), str(tmp_path / "windows.jsonl.gz"), "--above", "1"])
    return tmp_path / "deep", pad(some)


def test_it_reads_as_before_with_more_layers(model_folder: Path, tmp_path: Path) -> None:
    folder, inputs = grown(model_folder, tmp_path)
    before, after = load_model(model_folder).eval(), load_model(folder).eval()
    assert (before.config.num_hidden_layers, after.config.num_hidden_layers) == (2, 3)
    assert (folder / "tokenizer.json").read_bytes() == (model_folder / "tokenizer.json").read_bytes()
    with torch.no_grad():
        were, are = (
            each(input_ids=inputs.ids, attention_mask=inputs.mask, token_type_ids=inputs.types).start_logits
            for each in (before, after)
        )
    torch.testing.assert_close(are, were, rtol=0, atol=0.02 * float(were.std()))


def test_the_new_layer_learns_from_the_first_step_on(model_folder: Path, tmp_path: Path) -> None:
    folder, inputs = grown(model_folder, tmp_path)
    model = load_model(folder)
    output = model(input_ids=inputs.ids, attention_mask=inputs.mask, token_type_ids=inputs.types)
    output.start_logits.logsumexp(dim=1).sum().backward()
    new = model.base_model.encoder.layer[1]
    for part in (new.attention.output, new.output):
        assert not part.dense.weight.any()
        assert part.dense.weight.grad.abs().max() > 0
