from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from askdoc.training.batches import load_tokenizer, pad, windows
from askdoc.training.dropout import PooledDropout
from askdoc.training.network import LAYERS, Reader, load_model, save_layers

WORD_TABLE = "bert.embeddings.word_embeddings.weight"


@pytest.fixture(params=["encoder_folder", "mpnet_folder"])
def encoder(request: pytest.FixtureRequest) -> Path:
    """Each of the two kinds of encoder that are trained."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


def test_a_reader_comes_back_as_it_was_stored(encoder: Path, tmp_path: Path) -> None:
    stored = load_model(encoder)
    with torch.no_grad():
        for name, value in stored.named_parameters():
            if "embeddings" not in name:
                value.add_(1.0)
    save_layers(stored, tmp_path / "reader")
    again = load_model(encoder, tmp_path / "reader").state_dict()
    assert all(torch.equal(again[name], value) for name, value in stored.state_dict().items())


def test_all_but_the_word_table_is_stored(encoder_folder: Path, tmp_path: Path) -> None:
    model = load_model(encoder_folder)
    save_layers(model, tmp_path / "reader")
    assert model.state_dict().keys() - load_file(tmp_path / "reader" / LAYERS).keys() == {WORD_TABLE}


@pytest.mark.parametrize("other", [{"hidden_size": 32}, {"num_hidden_layers": 1}, {"num_hidden_layers": 3}])
def test_another_network_is_refused(encoder_folder: Path, tmp_path: Path, other: dict[str, int]) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, **other}
    config = BertConfig(vocab_size=60, max_position_embeddings=384, **sizes)
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "encoder")
    save_layers(load_model(tmp_path / "encoder"), tmp_path / "reader")
    with pytest.raises(ValueError, match="not a reader on"):
        load_model(encoder_folder, tmp_path / "reader")


def test_embeddings_and_frozen_layers_are_not_trained(encoder: Path) -> None:
    trained = Reader(load_model(encoder), dropout=0.1, frozen=1).trained()
    assert any("layer.1." in name for name in trained)
    assert "qa_outputs.weight" in trained
    assert not any("layer.0." in name or "embeddings" in name or "relative" in name for name in trained)


def test_logits_are_finite_and_tiny_on_padding(encoder: Path) -> None:
    tokenizer = load_tokenizer(encoder)
    inputs = pad(
        [windows("Who built it?", text, tokenizer, length=48)[0] for text in ("Reed.", "The old mill was new.")]
    )
    output = Reader(load_model(encoder), dropout=0.1)(inputs.ids, inputs.mask)
    for logits in (output.start_logits, output.end_logits):
        assert logits.shape == inputs.ids.shape
        assert logits[inputs.mask == 1].abs().max() < 100
        assert (logits[inputs.mask == 0] < -1000).all()


def test_pooled_dropout_keeps_the_mean_and_drops_its_share() -> None:
    torch.manual_seed(3)
    layer = PooledDropout(0.25)
    values = torch.ones(100, 200)
    dropped = layer(values)
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert dropped.mean() == pytest.approx(1.0, abs=0.03)
    assert not torch.equal(dropped, layer(values))
    assert torch.equal(layer.eval()(values), values)
