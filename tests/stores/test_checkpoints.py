"""Long indexing: what is done is kept, whatever ends the run, and the next run goes on from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contents import opened_folder
from doubles import CountingEmbedder
from programs import ROOT, run

from askdoc import ask, build
from askdoc.cli import app as cli
from askdoc.embedders import EMBEDDERS
from askdoc.errors import Interrupted, WriteError
from askdoc.status import status
from askdoc.stores.folder import dense, generations
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder.writer import FolderWriter

if TYPE_CHECKING:
    from askdoc.types import Vectors

FILES = 9
TAKES_MANY = (
    "Mill number {} at Ashford ground barley for {} villages, and whoever owned it was never paid for any of it."
)


class TiringEmbedder(CountingEmbedder):
    """Ends the run when it has embedded so many passages. In the table of embedders as "tiring"."""

    name = "tiring"
    left = 0
    end: Callable[[], None] = staticmethod(lambda: None)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        TiringEmbedder.left -= len(texts)
        if TiringEmbedder.left < 0:
            self.end()
        return super().embed_passages(texts)


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Files of three passages each."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for at in range(FILES):
        (folder / f"{at}.txt").write_text("\n\n".join(TAKES_MANY.format(f"{at}.{part}", part) for part in range(3)))
    return folder


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was embedded; the embedder "tiring" does not tire yet."""
    monkeypatch.setitem(EMBEDDERS, "tiring", "test_checkpoints:TiringEmbedder")
    monkeypatch.setattr(CountingEmbedder, "embedded", [])
    monkeypatch.setattr(TiringEmbedder, "left", 1_000_000)
    monkeypatch.setattr(TiringEmbedder, "end", staticmethod(press_ctrl_c))
    return CountingEmbedder.embedded


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each document."""
    monkeypatch.setattr(build, "CHECKPOINT", 0.0)
    monkeypatch.setattr(build, "COST", 0)


def tire_after(passages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiringEmbedder, "left", passages)


def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiringEmbedder, "left", 1_000_000)


def held(folder: Path) -> list[tuple[str, str]]:
    """All passages and their documents, as a question finds them."""
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        hits = index.search("mill Ashford ferry bridge", passages=500).hits
        passages = [one for hit in hits for one in (hit.passage, *hit.also)]
        opened = opened_folder(index)
        assert len(passages) == index.info.passages == len(opened.dense) == len(opened.lexical)
        return sorted((one.source.path, one.text) for one in passages)


def test_ctrl_c_keeps_the_documents_that_are_done(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a checkpoint: what is whole is committed when the run is interrupted."""
    tire_after(4 * 3, monkeypatch)
    with pytest.raises(Interrupted, match=f"4 of {FILES} documents are indexed") as caught:
        build.index([many], tmp_path / "index", embedder="tiring")
    assert "run the same command again" in caught.value.hint
    assert {path for path, _ in held(tmp_path / "index")} == {f"docs/{at}.txt" for at in range(4)}
    assert status(tmp_path / "index").unread == 5
    embedded.clear()
    rested(monkeypatch)
    report = build.index([many], tmp_path / "index")
    assert (report.added, report.unchanged, report.embedded, len(embedded)) == (5, 4, 15, 15)
    assert status(tmp_path / "index").unread == 0
    build.index([many], tmp_path / "fresh", embedder="tiring")
    assert held(tmp_path / "index") == held(tmp_path / "fresh")


def test_a_question_meanwhile_is_answered_from_what_is_done_and_told_so(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not index the rest itself, which may take hours."""
    tire_after(4 * 3, monkeypatch)
    with pytest.raises(Interrupted):
        build.index([many], tmp_path / "index", embedder="tiring")
    rested(monkeypatch)
    embedded.clear()
    with ask.open_index(tmp_path / "index", reader="overlap") as index:
        reply = index.search("mill at Ashford")
    assert reply.hits
    assert reply.index.stale
    assert reply.remarks == ("5 documents are not indexed yet; to resume: askdoc index",)
    assert embedded == []
    with ask.open_index(tmp_path / "index", refresh="always", reader="overlap") as index:
        assert (index.info.documents, index.info.stale) == (FILES, False)


def test_half_a_document_is_not_kept(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "BATCH", 1)
    tire_after(5, monkeypatch)
    with pytest.raises(Interrupted, match="1 of 9"):
        build.index([many], tmp_path / "index", embedder="tiring")
    assert [path for path, _ in held(tmp_path / "index")] == ["docs/0.txt"] * 3


def test_ctrl_c_before_anything_is_done_leaves_no_trace(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tire_after(0, monkeypatch)
    with pytest.raises(Interrupted, match="nothing of this run is kept"):
        build.index([many], tmp_path / "index", embedder="tiring")
    assert not (tmp_path / "index").exists()


def test_ctrl_c_while_a_checkpoint_is_written_keeps_the_one_before(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    commit = generations.Draft.commit

    def slow(draft: generations.Draft, manifest: manifests.Manifest) -> manifests.Manifest:
        if len(manifest.documents) == 3:
            raise KeyboardInterrupt
        return commit(draft, manifest)

    monkeypatch.setattr(generations.Draft, "commit", slow)
    with pytest.raises(Interrupted, match="2 of 9"):
        build.index([many], tmp_path / "index", embedder="tiring")
    assert len({path for path, _ in held(tmp_path / "index")}) == 2
    assert len(list((tmp_path / "index" / manifests.GENERATIONS).iterdir())) == 1, "what was begun is cleared away"


def test_a_killed_run_keeps_its_last_checkpoint(many: Path, tmp_path: Path, embedded: list[str]) -> None:
    program = """
import os, sys
import test_checkpoints as t
from askdoc import build
from askdoc.embedders import EMBEDDERS
EMBEDDERS["tiring"] = "test_checkpoints:TiringEmbedder"
t.TiringEmbedder.left, t.TiringEmbedder.end = 14, staticmethod(lambda: os.kill(os.getpid(), 9))
build.CHECKPOINT, build.COST = 0.0, 0
build.index([sys.argv[1]], sys.argv[2], embedder="tiring")
"""
    ran = run(
        [sys.executable, "-c", program, many, tmp_path / "index"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "stores")])
        },
    )
    assert ran.status == -9
    assert {path for path, _ in held(tmp_path / "index")} == {f"docs/{at}.txt" for at in range(4)}
    report = build.index([many], tmp_path / "index")
    assert (report.unchanged, report.embedded) == (4, 15)
    assert len(held(tmp_path / "index")) == 3 * FILES


def test_checkpoints_change_nothing_in_the_end(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build.index([many], tmp_path / "at-once", embedder="hashing")
    monkeypatch.setattr(build, "CHECKPOINT", 0.0)
    monkeypatch.setattr(build, "COST", 0)
    report = build.index([many], tmp_path / "in-steps", embedder="hashing")
    assert manifests.read_manifest(tmp_path / "in-steps").generation >= FILES
    assert (report.added, report.embedded, report.passages) == (FILES, 3 * FILES, 3 * FILES)
    assert held(tmp_path / "in-steps") == held(tmp_path / "at-once")


def test_an_update_that_is_interrupted_holds_each_document_once(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    """New where it was read, old where it was not yet; and the text of a deleted file still lends its vectors."""
    build.index([many], tmp_path / "index", embedder="tiring")
    moved = (many / "8.txt").read_text()
    (many / "8.txt").unlink()
    for at in range(4):
        (many / f"{at}.txt").write_text(f"A ferry, number {at}, took its place one year later, as everybody knows.")
    (many / "7.txt").write_text(moved + "\n\nThere is more to it, but nobody wrote it down before the flood came.")
    embedded.clear()
    tire_after(2, monkeypatch)
    with pytest.raises(Interrupted, match="2 of 5"):
        build.index([], tmp_path / "index")
    manifest = manifests.read_manifest(tmp_path / "index")
    documents = [(entry.source.path, entry.passages) for entry in manifest.documents]
    assert documents == [(f"docs/{at}.txt", 1 if at < 2 else 3) for at in range(9)]
    rested(monkeypatch)
    embedded.clear()
    report = build.index([], tmp_path / "index")
    assert (report.changed, report.removed, report.embedded) == (3, 1, 3)
    build.index([many], tmp_path / "fresh", embedder="tiring")
    assert held(tmp_path / "index") == held(tmp_path / "fresh")


def test_an_index_that_is_made_anew_replaces_the_old_one_only_when_it_is_whole(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    build.index([many], tmp_path / "index", embedder="tiring")
    before = (tmp_path / "index" / manifests.MANIFEST).read_bytes()
    tire_after(12, monkeypatch)
    with pytest.raises(Interrupted, match="the index is as it was") as caught:
        build.index([], tmp_path / "index", rebuild=True)
    assert "--index DIR" in caught.value.hint
    assert (tmp_path / "index" / manifests.MANIFEST).read_bytes() == before


def test_a_disk_that_fills_up_keeps_the_last_checkpoint(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    def fill() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TiringEmbedder, "end", staticmethod(fill))
    tire_after(9, monkeypatch)
    with pytest.raises(WriteError, match="the disk is full") as caught:
        build.index([many], tmp_path / "index", embedder="tiring")
    assert "as it was last saved" in caught.value.hint
    assert len(held(tmp_path / "index")) == 9


def test_an_embedder_s_own_error_is_not_read_as_the_disk_s(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("a tensor of another shape")

    monkeypatch.setattr(TiringEmbedder, "end", staticmethod(fail))
    tire_after(9, monkeypatch)
    with pytest.raises(ValueError, match="a tensor of another shape"):
        build.index([many], tmp_path / "index", embedder="tiring")


def test_the_texts_that_are_kept_in_memory_are_bounded(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a text that was forgotten is found in the index, so it is not embedded again."""
    monkeypatch.setattr(build, "REMEMBERED", 4)
    remembered: list[int] = []
    vectors_of = FolderWriter.vectors_of

    def counted(writer: FolderWriter, texts: Sequence[str]) -> dict[str, Vectors]:
        remembered.append(writer.uncommitted)
        return vectors_of(writer, texts)

    monkeypatch.setattr(FolderWriter, "vectors_of", counted)
    for at in range(FILES):
        (many / f"copy-{at}.txt").write_text((many / f"{at}.txt").read_text())
    report = build.index([many], tmp_path / "index", embedder="tiring")
    assert (report.passages, len(embedded)) == (2 * 3 * FILES, 3 * FILES)
    assert max(remembered) < 4 + 3


def test_a_collection_that_outgrows_exact_comparison_says_so_and_goes_on(
    many: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    monkeypatch.setattr(dense, "EXACT", 10)
    folder = tmp_path / "index"
    build.index([many / "0.txt", many / "1.txt"], folder, embedder="tiring")
    assert status(folder).recipe["structure"] == "flat"
    build.index([many], folder)
    assert status(folder).recipe["structure"] == "IVF1,SQ8 + flat"
    assert status(folder).damaged == ()
    embedded.clear()
    (many / "0.txt").unlink()
    (many / "5.txt").rename(many / "renamed.txt")
    (many / "6.txt").write_text((many / "6.txt").read_text() + "\n\nAnd then the flood of 1801 carried its wheel away.")
    report = build.index([], folder)
    assert (report.embedded, len(embedded), report.passages) == (1, 1, 24)
    build.index([many], tmp_path / "fresh", embedder="tiring")
    assert held(folder) == held(tmp_path / "fresh")
    with ask.open_index(folder, reader="overlap") as index:
        for path, text in held(folder):
            best = index.search(text).hits[0]
            assert (best.passage.text, sorted(best.ranks)) == (text, ["dense", "lexical"]), path


def test_the_command_says_what_is_kept(
    many: Path,
    tmp_path: Path,
    embedded: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tire_after(6, monkeypatch)
    words = ["index", str(many), "--index", str(tmp_path / "index"), "--embedder", "tiring"]
    assert cli.main(words) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "askdoc: interrupted; 2 of 9 documents are indexed and can be asked",
        "hint: to resume, run the same command again",
    ]
    rested(monkeypatch)
    assert cli.main(words) == 0
    assert "9 documents (7 added, 0 changed, 2 unchanged, 0 removed)" in capsys.readouterr().err
