import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import MPNetConfig, MPNetForQuestionAnswering

from askdoc.training import teacher
from askdoc.training.batches import load_tokenizer, pad, windows
from askdoc.training.network import Reader, load_ensemble, load_model

QUESTION, PASSAGE = "Who built the mill ?", "The mill in Ashford was built by Thomas Reed ."


@pytest.fixture
def mpnet_folder(tmp_path: Path, tokenizer: Tokenizer) -> Path:
    """A tiny MPNet with random weights, its vocabulary that of `tokenizer` backwards, after MPNet's own pieces."""
    folder = tmp_path / "mpnet"
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(tokenizer.get_vocab(), reverse=True), "<mask>"]
    theirs = tokenizer.to_str()
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    made = Tokenizer.from_str(theirs)
    model = type(made.model)(vocabulary, unk_token="[UNK]")  # noqa: S106  # a word piece, no password
    made.model = model
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    MPNetForQuestionAnswering(config).save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_it_reads_bert_s_word_pieces_as_mpnet_reads_its_own(
    mpnet_folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    teacher.main([str(mpnet_folder), str(model_folder), str(tmp_path / "out")])
    brought, original = load_model(tmp_path / "out").eval(), load_model(mpnet_folder).eval()
    tokenizer, theirs = load_tokenizer(tmp_path / "out"), load_tokenizer(mpnet_folder).get_vocab()
    long, short = (
        windows(QUESTION, PASSAGE, tokenizer, length=48)[0],
        windows(QUESTION, "Reed", tokenizer, length=48)[0],
    )
    inputs = pad([long, short])
    names = [str(tokenizer.id_to_token(number)) for number in short.ids]
    asked = torch.tensor([[theirs[{"[CLS]": "<s>", "[SEP]": "</s>"}.get(name, name)] for name in names]])
    with torch.no_grad():
        given = brought(input_ids=inputs.ids, attention_mask=inputs.mask).start_logits[1, : len(names)]
        wanted = original(input_ids=asked).start_logits[0]
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-5)


def test_a_vocabulary_that_lacks_a_piece_is_refused(mpnet_folder: Path, tokenizer: Tokenizer) -> None:
    more = Tokenizer.from_str(tokenizer.to_str())
    more.add_tokens(["belavia"])
    with pytest.raises(KeyError, match="belavia"):
        teacher.brought_to_bert(mpnet_folder, more)


def test_frozen_layers_are_not_trained(mpnet_folder: Path, model_folder: Path) -> None:
    for folder in (mpnet_folder, model_folder):
        trained = Reader(load_model(folder), dropout=0.1, frozen=1).trained()
        assert any("layer.1." in name for name in trained)
        assert "qa_outputs.weight" in trained
        assert not any("layer.0." in name or "embeddings" in name or "relative" in name for name in trained)


def test_a_reader_of_either_kind_gives_finite_logits_and_none_for_padding(
    mpnet_folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    teacher.main([str(mpnet_folder), str(model_folder), str(tmp_path / "out")])
    shutil.rmtree(mpnet_folder)
    tokenizer = load_tokenizer(model_folder)
    some = [windows(QUESTION, text, tokenizer, length=48)[0] for text in (PASSAGE, "Reed")]
    inputs = pad(some)
    for folder in (tmp_path / "out", model_folder):
        output = Reader(load_model(folder), dropout=0.1)(inputs.ids, inputs.types, inputs.mask)
        assert output.start_logits.shape == inputs.ids.shape
        assert output.start_logits[inputs.mask == 1].abs().max() < 100
        assert (output.end_logits[inputs.mask == 0] < -1000).all()


def test_readers_together_say_the_mean_of_what_each_says(
    mpnet_folder: Path, model_folder: Path, tmp_path: Path
) -> None:
    teacher.main([str(mpnet_folder), str(model_folder), str(tmp_path / "out")])
    folders = [tmp_path / "out", model_folder]
    some = [windows(QUESTION, text, load_tokenizer(model_folder), length=48)[0] for text in (PASSAGE, "Reed")]
    inputs = pad(some)
    together = load_ensemble(folders)(inputs.ids, inputs.types, inputs.mask)
    each = [Reader(load_model(folder), dropout=0.0).eval()(inputs.ids, inputs.types, inputs.mask) for folder in folders]
    mean = torch.stack([one.end_logits.softmax(dim=1).log() for one in each]).mean(dim=0)
    seen = inputs.mask == 1
    torch.testing.assert_close(together.end_logits[seen], mean[seen], rtol=1e-3, atol=1e-3)
