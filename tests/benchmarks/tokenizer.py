"""Whether the bundled tokenizer cuts every text of question-answering sets as `tokenizers` does, and how fast.

    python tests/benchmarks/tokenizer.py DATA_FOLDER TOKENIZER_JSON

DATA_FOLDER: sets as SQuAD JSON (`*.json.gz`); every paragraph and every question is cut. TOKENIZER_JSON: the reference,
as `python -m askdoc.training.encoder` writes it. Wanted besides: `sentencepiece` and `protobuf`. Times are medians of
the processor's time, which other programs on the machine disturb less than the clock's. Ten passages are cut by a
tokenizer that has just been opened, as when a question is asked. The result is stored under `results/`; the exit status
is 1 if a text differs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import record
from tokenizers import Tokenizer

from askdoc.models.bundle import BUNDLED, open_model
from askdoc.models.library import LibraryTokenizer
from askdoc.models.unigram import SCORES, TRIE, WHOLE, Unigram, open_unigram

FOLDER = BUNDLED / "words"
QUESTION = "What did the United States offer to Belarus in return for the release of its prisoners?"
PASSAGES, LENGTH = 10, 1000
TIMES = 7


def median_ms(run: Callable[[], object], times: int = TIMES) -> float:
    """The processor's time that it takes, in milliseconds."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        run()
        seconds.append(time.process_time() - started)
    return round(statistics.median(seconds) * 1000, 3)


def opened() -> Unigram:
    """A tokenizer that remembers no word yet."""
    return open_unigram.__wrapped__(FOLDER)


def texts_of(path: Path) -> tuple[list[str], list[str]]:
    """The paragraphs and the questions of a set."""
    paragraphs = [each for article in json.loads(gzip.decompress(path.read_bytes()))["data"]
                  for each in article["paragraphs"]]  # fmt: skip
    return [each["context"] for each in paragraphs], [asked["question"] for each in paragraphs for asked in each["qas"]]


def passages(paragraphs: Iterable[str]) -> list[str]:
    """Ten passages of a thousand characters."""
    text = " ".join(paragraphs)
    return [text[start : start + LENGTH] for start in range(0, PASSAGES * LENGTH, LENGTH)]


def compare(path: Path, ours: Unigram, reference: LibraryTokenizer) -> dict[str, Any]:
    """The texts of a set that are cut differently, and the times for ten passages."""
    paragraphs, questions = texts_of(path)
    different = [text for text in (*paragraphs, *questions) if ours.tokens(text) != reference.tokens(text)]
    for text in different[:3]:
        sys.stderr.write(f"{path.name}: {text[:200]!r} differs\n")
    ten = passages(paragraphs)
    fresh = [opened() for _ in range(TIMES)]
    for each in fresh:  # the map is read once a process, by whatever text is not ASCII
        each.tokens("²")
    cut = iter(fresh)
    return {
        "texts": len(paragraphs) + len(questions),
        "characters": sum(map(len, (*paragraphs, *questions))),
        "differing": len(different),
        "ten_passages_ms": median_ms(lambda: [each.tokens(text) for each in [next(cut)] for text in ten]),
        "ten_passages_again_ms": median_ms(lambda: [fresh[0].tokens(text) for text in ten]),
        "ten_passages_tokenizers_ms": median_ms(lambda: [reference.tokens(text) for text in ten]),
    }


def sentencepiece_file(vocabulary: Sequence[tuple[str, float]], folder: Path) -> Path:
    """The same pieces as a model that sentencepiece loads."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    model = ModelProto()
    kinds = {"<s>": 3, "<pad>": 3, "</s>": 3, "<unk>": 2, "<mask>": 3}  # control, unknown; all others are normal
    for piece, score in vocabulary:
        model.pieces.add(piece=piece, score=score, type=kinds.get(piece, 1))
    model.trainer_spec.unk_id, model.trainer_spec.bos_id, model.trainer_spec.eos_id = 3, 0, 2
    path = folder / "pieces.model"
    path.write_bytes(model.SerializeToString())
    return path


def opening(tokenizer_json: Path) -> dict[str, float]:
    """Milliseconds until a tokenizer can be used, and what of it is the hashing of files."""
    from sentencepiece import SentencePieceProcessor

    data = tokenizer_json.read_bytes()
    files = [open_model(FOLDER).read(name) for name in (TRIE, SCORES, WHOLE)]
    with tempfile.TemporaryDirectory() as folder:
        pieces = sentencepiece_file(json.loads(data)["model"]["vocab"], Path(folder))
        return {
            "open_ms": median_ms(opened),
            "of_this_hashing_ms": median_ms(lambda: [hashlib.sha256(each).hexdigest() for each in files]),
            "tokenizers_ms": median_ms(lambda: Tokenizer.from_buffer(data), 3),
            "sentencepiece_ms": median_ms(lambda: SentencePieceProcessor(model_file=str(pieces)), 3),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Compare the bundled tokenizer with tokenizers.")
    parser.add_argument("data", type=Path, help="folder of SQuAD JSON files")
    parser.add_argument("reference", type=Path, help="tokenizer.json of multilingual-e5-small")
    options = parser.parse_args(arguments)
    reference = LibraryTokenizer(Tokenizer.from_file(str(options.reference)))
    ours, fresh = opened(), iter([opened() for _ in range(TIMES)])
    sets = {}
    for path in sorted(options.data.glob("*.json.gz")):
        sets[path.name.removesuffix(".json.gz")] = compare(path, ours, reference)
        sys.stderr.write(f"{path.name}: {json.dumps(sets[path.name.removesuffix('.json.gz')])}\n")
    figures = {
        "texts": sum(each["texts"] for each in sets.values()),
        "characters": sum(each["characters"] for each in sets.values()),
        "differing": sum(each["differing"] for each in sets.values()),
        "opening": opening(options.reference),
        "question_ms": median_ms(lambda: next(fresh).tokens(QUESTION)),
        "question_again_ms": median_ms(lambda: ours.tokens(QUESTION)),
        "file_bytes": {path.name: path.stat().st_size for path in sorted(FOLDER.iterdir())},
        "sets": sets,
    }
    sys.stdout.write(json.dumps({name: value for name, value in figures.items() if name != "sets"}, indent=1) + "\n")
    record.store("tokenizer", figures)
    return int(figures["differing"] > 0)


if __name__ == "__main__":
    sys.exit(main())
