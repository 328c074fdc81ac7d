"""What every embedder promises, by meaning. A new one is tested by its line in the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from askdoc.embedders import DEFAULT, EMBEDDERS, Embedder, open_embedder
from askdoc.errors import AskdocError, ModelError, UsageError
from askdoc.models.bundle import BUNDLED

PASSAGES = [
    "The old stone bridge over the Lune was finished by Thomas Reed in 1784.",
    "Bees find their way home by the position of the sun.",
    "A steam engine from Leeds replaced the water wheel of the mill.",
    "Interest is paid on the first working day of every month.",
    "The orchestra refused to play until the hall had been heated.",
    "Salt lowers the temperature at which water freezes.",
]
ODD = ["", " \n\t ", "!?…", "🙂🙃", "зима", "naïve\u0301", "word " * 3000, "x" * 20_000]


@pytest.fixture(scope="session")
def own_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model as a person may have saved one: tiny, its weights random."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("own-model")
    torch.manual_seed(7)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=30_522, **shape)).save_pretrained(folder / "bert")
    PreTrainedTokenizerFast(
        tokenizer_file=str(BUNDLED / "embedder" / "tokenizer.json"),
        **{f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")},
    ).save_pretrained(folder / "bert")
    bert = Transformer(str(folder / "bert"), max_seq_length=64)
    SentenceTransformer(modules=[bert, Pooling(32)], device="cpu").save(str(folder / "model"), create_model_card=False)
    shutil.rmtree(folder / "bert")
    return folder / "model"


@pytest.fixture(scope="session", params=EMBEDDERS)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return open_embedder(full_name(request, request.param))


def full_name(request: pytest.FixtureRequest, name: str) -> str:
    return f"{name}:{request.getfixturevalue('own_model')}" if name == "sentence-transformers" else name


def test_a_passage_queried_by_itself_ranks_first(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(PASSAGES)
    best = [int(np.argmax(vectors @ embedder.embed_query(passage))) for passage in PASSAGES]
    assert best == list(range(len(PASSAGES)))


@pytest.mark.parametrize("name", [DEFAULT, "hashing"])
def test_a_question_in_other_words_finds_its_passage(name: str) -> None:
    """Only of embedders that know what they do: the tiny model's weights are random."""
    embedder = open_embedder(name)
    scores = embedder.embed_passages(PASSAGES) @ embedder.embed_query("what replaced the wheel of the mill?")
    assert int(np.argmax(scores)) == 2


def test_vectors_have_length_one_and_the_promised_dimension(embedder: Embedder) -> None:
    vectors = np.vstack([embedder.embed_passages([*PASSAGES, *ODD]), [embedder.embed_query(text) for text in ODD]])
    assert vectors.shape == (len(PASSAGES) + 2 * len(ODD), embedder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


def test_a_text_has_the_same_vector_whenever_it_is_embedded(embedder: Embedder) -> None:
    again = open_embedder(embedder.name)
    np.testing.assert_array_equal(embedder.embed_passages(PASSAGES), again.embed_passages(PASSAGES))
    np.testing.assert_array_equal(embedder.embed_query(PASSAGES[0]), again.embed_query(PASSAGES[0]))


def test_a_text_has_the_same_vector_alone_and_in_a_batch(embedder: Embedder) -> None:
    texts = [*PASSAGES, ODD[-2]]
    alone = np.vstack([embedder.embed_passages([text]) for text in texts])
    np.testing.assert_allclose(embedder.embed_passages(texts), alone, atol=1e-5)


def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)


def test_the_fingerprint_is_that_of_what_decides_the_vectors(embedder: Embedder) -> None:
    assert len(bytes.fromhex(embedder.fingerprint)) == 32
    assert open_embedder(embedder.name).fingerprint == embedder.fingerprint


def test_embedders_have_different_fingerprints(request: pytest.FixtureRequest) -> None:
    found = {open_embedder(full_name(request, name)).fingerprint for name in EMBEDDERS}
    assert len(found) == len(EMBEDDERS)


def test_other_weights_have_another_fingerprint(own_model: Path, tmp_path: Path) -> None:
    """So an index made with the weights of yesterday is not asked with those of today."""
    shutil.copytree(own_model, tmp_path / "model")
    before = open_embedder(f"sentence-transformers:{tmp_path / 'model'}").fingerprint
    weights = next((tmp_path / "model").rglob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert open_embedder(f"sentence-transformers:{tmp_path / 'model'}").fingerprint != before


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        open_embedder("word2vec")
    assert all(name in caught.value.hint for name in EMBEDDERS)


def test_a_folder_that_is_no_model_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(b"nothing of the kind")
    for name, error in (("", UsageError), ("missing", UsageError), ("empty", ModelError), ("broken", ModelError)):
        with pytest.raises(error) as caught:
            open_embedder(f"sentence-transformers:{tmp_path / name if name else ''}")
        assert isinstance(caught.value, AskdocError)
        assert caught.value.hint
