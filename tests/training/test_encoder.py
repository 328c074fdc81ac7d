import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from askdoc.models.library import LibraryTokenizer
from askdoc.models.words import TextTokenizer
from askdoc.training import encoder
from askdoc.training.batches import Example, crop, load_tokenizer, seeded, windows
from askdoc.training.encoder import BLOCK, Package, bert, dequantized, read_package
from askdoc.training.network import load_model

PIECES = "<s> <pad> </s> <unk> ▁ ▁the ▁mill ▁fi re ▁was 条约 条 约 a e i r s t . ?".split()
NORMALISATION = {"ﬁ": "fi", "Ａ": "a", "\u3000": " ", "\u0007": ""}
WIDTH, INNER, VOCABULARY, POSITIONS = 32, 64, 24, 40  # a vocabulary of more rows than there are pieces
LAYER = {"q": WIDTH * WIDTH, "k": WIDTH * WIDTH, "v": WIDTH * WIDTH, "ao": WIDTH * WIDTH, "fi": WIDTH * INNER,
         "fo": INNER * WIDTH}  # fmt: skip


def blocks(count: int, seed: int) -> bytes:
    """Q4_0 blocks of `count` weights."""
    rng = np.random.default_rng(seed)
    made = np.zeros(count // BLOCK, dtype=[("scale", "<f2"), ("nibbles", "u1", 16)])
    made["scale"], made["nibbles"] = rng.random(len(made)) / 20, rng.integers(0, 256, (len(made), 16))
    return made.tobytes()


def floats(count: int, seed: int) -> bytes:
    return np.random.default_rng(seed).random(count).astype("<f4").tobytes()


def tensors() -> dict[str, tuple[int, int, bytes]]:
    """For each name the type, the number of weights and their bytes."""
    counts = {"emb.pos": POSITIONS * WIDTH, "emb.type": 2 * WIDTH, "emb.ln.w": WIDTH, "emb.ln.b": WIDTH}
    counts |= {f"l0.{name}.b": INNER if name == "fi" else WIDTH for name in LAYER}
    counts |= {f"l0.{norm}.{part}": WIDTH for norm in ("aln", "oln") for part in "wb"}
    packed = {"emb.word": VOCABULARY * WIDTH, **{f"l0.{name}.w": count for name, count in LAYER.items()}}
    made = {name: (0, count, floats(count, seed)) for seed, (name, count) in enumerate(counts.items())}
    return made | {name: (1, count, blocks(count, seed)) for seed, (name, count) in enumerate(packed.items())}


def package(stored: Mapping[str, tuple[int, int, bytes]], *, magic: bytes = b"E5S1", block: int = BLOCK) -> bytes:
    """A file of the package with one layer, as the module's docstring describes it."""
    blob = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, blob)]).astype("<u4")
    scores = -np.arange(len(PIECES), dtype="<f4") / 10
    entries = b"".join(
        struct.pack(f"<IB{len(after)}I", ord(before), len(after), *map(ord, after))
        for before, after in NORMALISATION.items()
    )
    head = magic + struct.pack("<I7ifi", 1, WIDTH, 1, 2, INNER, VOCABULARY, POSITIONS, 2, 1e-12, block)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(b"".join(blob)))
    head += offsets.tobytes() + scores.tobytes() + b"".join(blob)
    head += struct.pack("<iI", len(NORMALISATION), len(entries)) + entries
    directory = len(head) + 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in stored)
    listed, body = struct.pack("<i", len(stored)), b""
    for name, (kind, count, data) in stored.items():
        listed += struct.pack("<H", len(name)) + name.encode()
        listed += struct.pack("<BIQQ", kind, count, directory + len(body), len(data))
        body += data
    return head + listed + body


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "e5.bin"
    path.write_bytes(package(tensors()))
    return path


@pytest.fixture(scope="module")
def made(path: Path) -> Package:
    return read_package(path)


@pytest.fixture(scope="module")
def pieces(made: Package) -> TextTokenizer:
    return LibraryTokenizer(encoder.tokenizer(made))


def cut(pieces: TextTokenizer, text: str) -> list[str]:
    return [PIECES[number] for number in pieces.tokens(text).ids]


def test_sizes_pieces_and_map_are_read(made: Package) -> None:
    assert (made.config.hidden_size, made.config.intermediate_size) == (WIDTH, INNER)
    assert (made.config.num_hidden_layers, made.config.num_attention_heads) == (1, 2)
    assert (made.config.vocab_size, made.config.max_position_embeddings) == (VOCABULARY, POSITIONS)
    assert made.config.layer_norm_eps == pytest.approx(1e-12)
    assert made.pieces == tuple(PIECES)
    assert made.scores[5] == pytest.approx(-0.5)
    assert made.special == {"bos": 0, "eos": 2, "pad": 1, "unk": 3}
    assert made.normalisation == NORMALISATION


def test_tensors_are_read_as_they_were_written(made: Package) -> None:
    assert {name: values.tobytes() for name, values in made.tensors.items()} == {
        name: data for name, (_, _, data) in tensors().items()
    }


def test_a_block_has_its_low_nibbles_first() -> None:
    block = np.frombuffer(np.float16(0.5).tobytes() + bytes([0x80 + number for number in range(16)]), np.uint8)
    weights: NDArray[np.float32] = dequantized(block[None])
    assert weights.shape == (1, BLOCK)
    assert weights[0, :16].tolist() == [(number - 8) * 0.5 for number in range(16)]
    assert weights[0, 16:].tolist() == [0.0] * 16


def test_every_tensor_has_its_place_in_the_network(made: Package) -> None:
    state = bert(made).state_dict()
    assert len(state) == len(made.tensors)
    short = {"embeddings.word_embeddings.weight": "emb.word", "encoder.layer.0.output.dense.weight": "l0.fo.w"}
    for long, name in short.items():
        assert torch.equal(state[long].flatten(), torch.from_numpy(dequantized(made.tensors[name])).flatten())
    ours = state["encoder.layer.0.attention.output.LayerNorm.bias"]
    assert torch.equal(ours, torch.from_numpy(made.tensors["l0.aln.b"].copy()))


def test_text_is_normalised_and_cut_into_pieces(pieces: TextTokenizer) -> None:
    assert cut(pieces, "the  mill ﬁre") == ["▁the", "▁mill", "▁fi", "re"]
    assert cut(pieces, "Ａt\u3000t\u0007he") == ["▁", "a", "t", "▁the"]
    assert cut(pieces, "条约 x") == ["▁", "条约", "▁", "<unk>"]


def test_offsets_are_those_of_the_text_before_it_was_normalised(pieces: TextTokenizer) -> None:
    text = "the ﬁre"
    assert [text[start:end] for start, end in pieces.tokens(text).offsets] == ["the", "ﬁ", "re"]


def test_a_question_and_a_passage_are_framed_as_in_xlm_r(pieces: TextTokenizer) -> None:
    (window,) = windows("the mill?", "was fire", pieces, length=32)
    framed = ["<s>", "▁the", "▁mill", "?", "</s>", "</s>", "▁was", "▁fi", "re", "</s>"]
    assert [PIECES[number] for number in window.ids] == framed
    assert window.first == 6


@given(st.text("the mill fire was 条约.?aerst ", min_size=1, max_size=200), st.integers())
def test_a_crop_is_one_window_though_it_cuts_words(pieces: TextTokenizer, passage: str, seed: int) -> None:
    part = crop(Example("the mill?", passage, ()), pieces, length=20, rng=seeded(seed))
    assert len(windows(part.question, part.passage, pieces, length=20)) <= 1


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "does not begin with E5S1"),
        (package({}, magic=b"GGUF"), "does not begin with E5S1"),
        (package({}, block=64), "blocks of 64 weights instead of 32"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "other.bin").write_bytes(content)
    with pytest.raises(ValueError, match=rf"other\.bin: .*{part}"):
        read_package(tmp_path / "other.bin")


def test_the_command_writes_what_readers_begin_from(
    path: Path, made: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "agreement", lambda model, tokens: np.ones(10))
    encoder.main([str(tmp_path / "encoder"), "--package-file", str(path)])
    state = load_model(tmp_path / "encoder").state_dict()
    assert all(torch.equal(state[f"bert.{name}"], value) for name, value in bert(made).state_dict().items())
    assert cut(load_tokenizer(tmp_path / "encoder"), "the mill") == ["▁the", "▁mill"]


def test_an_encoder_that_disagrees_with_the_package_is_not_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "agreement", lambda model, tokens: np.array([1.0, 0.9]))
    with pytest.raises(SystemExit, match=r"0\.90000 only"):
        encoder.main([str(tmp_path / "encoder"), "--package-file", str(path)])
    assert not (tmp_path / "encoder").exists()
