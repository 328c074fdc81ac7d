"""Other models than the bundled ones: in ONNX or for PyTorch, with whatever tokenizer they have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from languages import CORPUS
from programs import ASKDOC, run
from tiny_models import bert, export, fitted, roberta

from askdoc import ask, build
from askdoc.answering.fitted import fitted_for
from askdoc.embedders import open_embedder
from askdoc.embedders.hashing import HashingEmbedder
from askdoc.errors import AskdocError, IndexMismatchError, ModelError, UsageError
from askdoc.models.bundle import BUNDLED
from askdoc.models.library import read_tokenizer
from askdoc.outputs.messages import reply_lines
from askdoc.readers import DEFAULT, Reader, open_reader
from askdoc.readers.folder import open_folder
from askdoc.readers.spans import inside_word
from askdoc.status import status

QUESTION = "who finished the stone bridge?"
PASSAGE = " ".join(text for paragraphs in CORPUS.values() for text in paragraphs)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    made = {"bert": bert(place / "bert"), "roberta": roberta(place / "roberta")}
    made["bert-onnx"] = export(made["bert"], place / "bert-onnx", types=True)
    made["roberta-onnx"] = export(made["roberta"], place / "roberta-onnx", types=False)
    return made


NAMES = ("bert", "roberta", "bert-onnx", "roberta-onnx")


@pytest.fixture(params=NAMES)
def reader(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Reader:
    return open_reader(str(folders[request.param]))


def test_spans_lie_in_their_passage_and_end_at_words(reader: Reader) -> None:
    texts = [PASSAGE, "", " \n", "word", "🙂🙃 👩‍👩‍👧", *CORPUS["Japanese"], *CORPUS["Arabic"], "x" * 3000]
    for question in (QUESTION, "谁？", "why " * 500, "🙂"):
        for text, reading in zip(texts, reader.read(question, texts), strict=True):
            for span in reading.spans:
                assert 0 <= span.start < span.end <= len(text)
                assert not inside_word(text, span.start)
                assert not inside_word(text, span.end)
                assert text[span.start : span.end].strip() == text[span.start : span.end]
    assert reader.read(QUESTION, [PASSAGE])[0].spans


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_pytorch_and_onnx_read_the_same(name: str, folders: dict[str, Path]) -> None:
    texts = [*CORPUS["English"], *CORPUS["Russian"], PASSAGE]
    both = [open_reader(str(folders[each])).read(QUESTION, texts) for each in (name, f"{name}-onnx")]
    for one, other in zip(*both, strict=True):
        assert [(span.start, span.end) for span in one.spans] == [(span.start, span.end) for span in other.spans]
        assert [span.score for span in one.spans] == pytest.approx([span.score for span in other.spans], abs=1e-3)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_windows_cover_a_passage_and_have_the_tokenizer_s_own_frame(name: str, folders: dict[str, Path]) -> None:
    tokenizer = read_tokenizer((folders[name] / "tokenizer.json").read_bytes())
    whole = list(tokenizer.windows(QUESTION, PASSAGE, length=10**6, stride=0, max_question=99))
    assert len(whole) == 1
    parts = list(tokenizer.windows(QUESTION, PASSAGE, length=60, stride=10, max_question=99))
    assert len(parts) > 2
    first, ids = whole[0].first, list(whole[0].ids)
    tail = len(ids) - first - len(whole[0].offsets)
    body: list[Any] = []
    for number, part in enumerate(parts):
        assert len(part.ids) == len(part.types) <= 60
        assert list(part.ids[:first]) == ids[:first]
        assert list(part.ids[len(part.ids) - tail :]) == ids[-tail:]
        assert len(part.offsets) == len(part.ids) - first - tail
        body += part.offsets[10 if number else 0 :]
    assert body == list(whole[0].offsets)
    assert ids[first - 2 : first] == ([2, 2] if name == "roberta" else [*ids[first - 2 : first - 1], 3])
    assert set(whole[0].types) == ({0} if name == "roberta" else {0, 1})


def test_a_long_question_is_cut(folders: dict[str, Path]) -> None:
    tokenizer = read_tokenizer((folders["bert"] / "tokenizer.json").read_bytes())
    window = next(tokenizer.windows("bridge " * 500, "the river", length=60, stride=4, max_question=8))
    assert window.first <= 8 + 2


def test_the_index_remembers_the_reader_and_asks_with_it(docs: Path, folders: dict[str, Path]) -> None:
    folder = docs.parent / "index"
    build.index([docs], folder, embedder="hashing", reader=str(folders["roberta"]))
    with ask.open_index(folder) as index:
        assert index.reader.name == str(folders["roberta"])
        reply = index.ask(QUESTION, min_confidence=0)
    assert reply.answered
    build.index([], folder, reader=DEFAULT)
    with ask.open_index(folder) as index:
        assert index.reader.name == DEFAULT
    build.index([], folder, reader=str(folders["roberta"]))
    build.index([docs], folder, rebuild=True)
    assert status(folder).reader == str(folders["roberta"])


def test_another_reader_for_one_question_is_not_remembered(folder: Path, folders: dict[str, Path]) -> None:
    with ask.open_index(folder, reader=str(folders["bert-onnx"])) as index:
        assert index.reader.name == str(folders["bert-onnx"])
    assert status(folder).reader == DEFAULT


def test_a_reader_that_moved_or_changed_is_said_and_can_be_named_anew(
    docs: Path, tmp_path: Path, folders: dict[str, Path]
) -> None:
    folder, place = docs.parent / "index", tmp_path / "reader"
    shutil.copytree(folders["bert-onnx"], place)
    build.index([docs], folder, embedder="hashing", reader=str(place))
    shutil.rmtree(place)
    with pytest.raises(ModelError, match="there is no reader in") as caught, ask.open_index(folder) as index:
        index.ask(QUESTION)
    assert "askdoc index --reader" in caught.value.hint
    shutil.copytree(folders["roberta-onnx"], place)
    with (
        pytest.raises(IndexMismatchError, match="has other weights than this index remembers") as changed,
        ask.open_index(folder) as index,
    ):
        index.ask(QUESTION)
    assert f"askdoc index --reader {place}" in changed.value.hint
    build.index([], folder, reader=str(place))
    with ask.open_index(folder) as index:
        assert index.ask(QUESTION, min_confidence=0).answered


def test_what_was_not_calibrated_says_so(folder: Path, folders: dict[str, Path]) -> None:
    with ask.open_index(folder, reader=str(folders["bert-onnx"])) as index:
        reply = index.ask(QUESTION, min_confidence=0)
    assert not reply.calibrated
    assert ["not calibrated" in line for line in reply_lines(reply)] == [True]


def test_the_bundled_models_are_calibrated_together_only(docs: Path, folder: Path) -> None:
    with ask.open_index(folder, reader=DEFAULT) as index:  # made with the hashing embedder
        assert not index.ask(QUESTION).calibrated
    build.index([docs], docs.parent / "own")
    with ask.open_index(docs.parent / "own") as index:
        assert index.ask(QUESTION).calibrated
    assert status(docs.parent / "own").calibrated


def test_a_calibration_beside_a_reader_is_its_own(folder: Path, tmp_path: Path, folders: dict[str, Path]) -> None:
    place = Path(shutil.copytree(folders["bert-onnx"], tmp_path / "reader"))
    fingerprint = open_reader(str(place)).fingerprint
    fitted(place, fingerprint, embedder=HashingEmbedder.fingerprint)
    build.index([], folder, reader=str(place))
    with ask.open_index(folder) as index:
        reply = index.ask(QUESTION)
        assert index.settings.passages == 4
    assert (reply.calibrated, reply.min_confidence, reply.remarks) == (True, 0.25, ())
    assert reply.answers[0].confidence > 0.99  # the intercept's doing
    assert status(folder).calibrated
    fitted(place, "another reader", embedder=HashingEmbedder.fingerprint)
    fitted_for.cache_clear()
    with ask.open_index(folder) as index:
        assert not index.ask(QUESTION).calibrated
    (place / "fitted.json").write_text("[]")
    fitted_for.cache_clear()
    with pytest.raises(ModelError, match="cannot be understood"), ask.open_index(folder) as index:
        index.ask(QUESTION)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("nothing there", "there is no reader in"),
        ("empty", "holds no model"),
        ("no weights", "holds no weights"),
        ("no tokenizer", "cannot be read"),
        ("broken", "does not load"),
        ("an embedder", "marks no starts and ends"),
        ("no head", "lack"),
    ],
)
def test_a_folder_that_is_no_reader_is_refused_in_words(
    harm: str, message: str, tmp_path: Path, folders: dict[str, Path]
) -> None:
    place = tmp_path / "reader"
    if harm not in ("nothing there", "empty"):
        shutil.copytree(folders["bert" if harm == "no head" else "bert-onnx"], place)
    if harm == "empty":
        place.mkdir()
    elif harm == "no weights":
        (place / "model.onnx").unlink()
    elif harm == "no tokenizer":
        (place / "tokenizer.json").unlink()
    elif harm == "broken":
        (place / "model.onnx").write_bytes(b"nothing of the kind")
    elif harm == "an embedder":
        bundled = Path(BUNDLED) / "embedder" / "model.onnx"
        (place / "model.onnx").write_bytes(bundled.read_bytes())
    elif harm == "no head":
        from transformers import BertModel

        BertModel.from_pretrained(folders["bert"]).save_pretrained(place)
    with pytest.raises(ModelError, match=message) as caught:
        open_reader(str(place))
    assert caught.value.hint


def test_a_word_that_is_neither_a_reader_nor_a_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: dict[str, Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no reader called 'mine'"):
        open_reader("mine")
    (tmp_path / "mine").symlink_to(folders["bert-onnx"])
    assert open_reader("mine").name == str(tmp_path / "mine")


def test_weights_that_change_change_the_fingerprint(tmp_path: Path, folders: dict[str, Path]) -> None:
    prints = {open_folder(folder).fingerprint for folder in folders.values()}
    prints.add(open_folder(bert(tmp_path / "other", seed=1)).fingerprint)
    assert len(prints) == len(folders) + 1
    assert open_folder(folders["bert"]).fingerprint in prints


def test_an_embedder_that_moved_is_named_anew_without_embedding_again(
    docs: Path, tmp_path: Path, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = docs.parent / "index", tmp_path / "embedder"
    shutil.copytree(folders["bert"], place)
    monkeypatch.chdir(tmp_path)
    build.index([docs], folder, embedder="sentence-transformers:embedder")
    monkeypatch.chdir("/")
    with ask.open_index(folder) as index:
        assert index.embedder.name == f"sentence-transformers:{place}"
    place.rename(tmp_path / "moved")
    with pytest.raises(AskdocError, match="there is no model folder") as caught:
        ask.open_index(folder, refresh="never")
    assert "askdoc index --embedder" in caught.value.hint
    report = build.index([], folder, embedder=f"sentence-transformers:{tmp_path / 'moved'}")
    assert report.embedded == 0
    with ask.open_index(folder) as index:
        assert index.search(QUESTION).hits


def test_another_embedder_than_the_index_s_is_refused_with_what_to_do(folder: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(IndexMismatchError) as caught:
        build.index([], folder, embedder=f"sentence-transformers:{folders['bert']}")
    assert "--rebuild" in caught.value.hint
    with pytest.raises(ModelError, match="does not load"):
        open_embedder(f"sentence-transformers:{folders['bert-onnx']}")


def test_the_command_line_takes_a_reader_and_says_what_is_not_calibrated(
    folder: Path, folders: dict[str, Path]
) -> None:
    asked = (*ASKDOC, "ask", QUESTION, "--index", folder, "--min-confidence", "0", "--json")
    done = run([*asked, "--reader", folders["roberta-onnx"]], cwd=folder.parent)
    assert (done.status, done.json["calibrated"]) == (0, False)
    assert done.err.count("not calibrated") == 1
    done = run([*ASKDOC, "index", "--index", folder, "--reader", folders["roberta-onnx"]], cwd=folder.parent)
    assert done.status == 0
    told = run([*ASKDOC, "status", "--index", folder, "--json"], cwd=folder.parent)
    assert (told.json["reader"], told.json["calibrated"]) == (str(folders["roberta-onnx"]), False)
    missing = run([*asked, "--reader", "/nowhere/at/all"], cwd=folder.parent)
    assert missing.status == 2
    assert json.loads(missing.out)["error"]["message"] == "there is no reader in /nowhere/at/all"
