"""Documents change after they were indexed: small changes are taken in, large ones told, no stale quote is shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from askdoc import ask, build, freshness
from askdoc.errors import IndexMissingError
from askdoc.loaders.sandbox import LoaderProcess
from askdoc.sources import changes
from askdoc.sources.selection import EXAMPLES, Found, Selection, find_files
from askdoc.status import status
from askdoc.stores import open_store
from askdoc.stores.folder import generations
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder.store import FolderStore
from askdoc.types import Document, Failed, Reply, Source

BINARY = bytes(range(256)) * 50
QUESTION = "who finished the old stone bridge?"
FERRY = "A ferry crossed the river below the stone bridge every day until the mill and its two barns had burnt down."
MODES = ("auto", "always", "never")


def asked(folder: Path, refresh: str, question: str = QUESTION) -> Reply:
    with ask.open_index(folder, refresh=refresh, reader="overlap") as index:
        return index.ask(question, min_confidence=0, answers=9)


def generation(folder: Path) -> int:
    return manifests.read_manifest(folder).generation


def shown(reply: Reply) -> str:
    return "\n".join(
        [answer.text for answer in reply.answers]
        + [passage.text for hit in reply.hits for passage in (hit.passage, *hit.also)]
    )


@pytest.mark.parametrize("refresh", MODES)
def test_nothing_is_written_or_said_when_nothing_changed(refresh: str, folder: Path) -> None:
    asked(folder, "always")  # notes the times of files that were written a moment ago
    before = generation(folder)
    reply = asked(folder, "auto" if refresh == "always" else refresh)
    assert (generation(folder), reply.remarks, reply.index.stale) == (before, (), False)


@pytest.mark.parametrize("refresh", MODES)
@pytest.mark.parametrize("same_size_and_time", [False, True])
def test_a_quote_that_is_no_longer_in_its_file_is_never_shown(
    refresh: str, same_size_and_time: bool, folder: Path, docs: Path
) -> None:
    assert "Thomas Reed" in shown(asked(folder, "never"))
    path = docs / "bridge.txt"
    stat = path.stat()
    path.write_text(path.read_text().replace("Thomas Reed", "Esther Lund" if same_size_and_time else "nobody"))
    if same_size_and_time:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    reply = asked(folder, refresh)
    assert "Thomas Reed" not in shown(reply)
    if refresh == "never":
        assert reply.remarks == ("docs/bridge.txt changed since it was indexed; its passages are left out",)
        assert reply.index.stale, "what was noticed is told"
    else:
        assert ("Esther Lund" if same_size_and_time else "nobody") in reply.answers[0].text
        assert reply.remarks == ("the documents changed, the index was updated (1 changed)",)
        assert not reply.index.stale


@pytest.mark.parametrize("refresh", MODES)
def test_a_deleted_file_is_not_quoted(refresh: str, folder: Path, docs: Path) -> None:
    (docs / "bridge.txt").unlink()
    reply = asked(folder, refresh)
    assert "Thomas Reed" not in shown(reply)
    assert {hit.passage.source.path for hit in reply.hits} == {"docs/mill.md"}
    assert reply.index.documents == (2 if refresh == "never" else 1)


@pytest.mark.parametrize("refresh", MODES)
def test_a_new_file_is_found_unless_nobody_is_to_look(refresh: str, folder: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    reply = asked(folder, refresh, "what crossed the river?")
    assert (FERRY in shown(reply)) == (refresh != "never")
    expected = () if refresh == "never" else ("the documents changed, the index was updated (1 added)",)
    assert reply.remarks == expected


def test_a_renamed_file_is_cited_by_its_new_name(folder: Path, docs: Path) -> None:
    (docs / "bridge.txt").rename(docs / "crossing.txt")
    assert asked(folder, "auto").answers[0].citation.document == "docs/crossing.txt"


def test_a_large_change_is_told_and_not_waited_for(folder: Path, docs: Path) -> None:
    before = generation(folder)
    for number in range(freshness.SMALL_FILES + 1):
        (docs / f"{number}.txt").write_text(f"{number}: {FERRY}")
    reply = asked(folder, "auto")
    assert reply.index.stale
    assert reply.remarks == ("21 documents changed since they were indexed; to include them: askdoc index",)
    assert "Thomas Reed" in reply.answers[0].text
    assert generation(folder) == before
    reply = asked(folder, "always")
    assert (reply.index.stale, reply.index.documents) == (False, 23)


def test_large_files_are_a_large_change_too(folder: Path, docs: Path) -> None:
    (docs / "large.txt").write_text((FERRY + "\n\n") * (1 + freshness.SMALL_BYTES // len(FERRY)))
    assert asked(folder, "auto").index.stale


def test_a_question_on_changed_documents_looks_through_the_folders_and_hashes_once(
    folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the question found is what the update takes in."""
    (docs / "ferry.txt").write_text(FERRY)
    (docs / "bridge.txt").write_text("The bridge is gone.")
    walks, hashed = [], []
    hash_file = changes.hash_file

    def walked(paths: Sequence[Path], selection: Selection | None = None) -> Found:
        walks.append(paths)
        return find_files(paths, selection)

    def read(path: Path) -> str:
        hashed.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(changes, "find_files", walked)
    monkeypatch.setattr(changes, "hash_file", read)
    before = generation(folder)
    looked = freshness.bring_up_to_date(open_store(folder), "auto")
    assert looked.remarks == ("the documents changed, the index was updated (1 added, 1 changed)",)
    assert generation(folder) == before + 1
    assert (len(walks), hashed.count("ferry.txt"), hashed.count("bridge.txt")) == (1, 1, 1)


def test_a_file_that_was_only_touched_changes_nothing(folder: Path, docs: Path) -> None:
    before = generation(folder)
    for path in docs.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))
    reply = asked(folder, "auto")
    assert (generation(folder), reply.remarks, reply.index.stale) == (before, (), False)


def test_an_index_that_cannot_be_updated_now_is_asked_and_called_stale(folder: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    before = generation(folder)
    with FolderStore(folder).writing():
        reply = asked(folder, "auto")
    assert reply.index.stale
    assert "could not be updated: another process writes" in reply.remarks[0]
    assert (generation(folder), "Thomas Reed" in shown(reply)) == (before, True)


def test_a_file_that_changes_while_the_index_is_open_is_noticed(folder: Path, docs: Path) -> None:
    with ask.open_index(folder, reader="overlap") as index:
        assert "Thomas Reed" in shown(index.ask(QUESTION))
        (docs / "bridge.txt").write_text("Nothing.")
        assert "Thomas Reed" not in shown(index.ask(QUESTION, min_confidence=0))
        (docs / "bridge.txt").unlink()
        assert "Thomas Reed" not in shown(index.search(QUESTION))


def test_a_file_that_could_not_be_read_is_tried_when_the_index_is_updated(folder: Path, docs: Path) -> None:
    (docs / "late.txt").write_bytes(BINARY)
    build.index([], folder)
    (docs / "late.txt").write_text(FERRY)
    build.index([], folder)
    assert FERRY in shown(asked(folder, "never", "ferry"))


@pytest.mark.parametrize("refresh", ["auto", "always"])
def test_a_file_that_could_not_be_read_is_tried_again_when_it_changed(refresh: str, folder: Path, docs: Path) -> None:
    (docs / "late.txt").write_bytes(BINARY)
    assert asked(folder, refresh).remarks == ()
    before = generation(folder)
    assert asked(folder, "auto").remarks == (), "it is no change that it still cannot be read"
    assert generation(folder) == before
    (docs / "late.txt").write_text(FERRY)
    assert FERRY in shown(asked(folder, refresh, "ferry"))


def test_a_file_that_nobody_might_open_is_noticed_when_it_may_be(folder: Path, docs: Path) -> None:
    (docs / "secret.txt").write_text(FERRY)
    manifest = manifests.read_manifest(folder)
    failed = Failed(Source("docs/secret.txt", "", 0, 0), "Permission denied")
    generations.replace_file(folder / manifests.MANIFEST, manifests.manifest_text(replace(manifest, failed=(failed,))))
    assert FERRY in shown(asked(folder, "auto", "ferry"))


def test_a_file_that_is_ignored_now_is_not_quoted(folder: Path, docs: Path) -> None:
    (docs / ".askdocignore").write_text("bridge.*\n")
    assert {path: state for path, _, state in status(folder).documents} == {
        "docs/bridge.txt": "unwanted",
        "docs/mill.md": "fresh",
    }
    reply = asked(folder, "auto")
    assert "Thomas Reed" not in shown(reply)
    assert reply.remarks == ("the documents changed, the index was updated (1 removed)",)


def test_what_was_asked_for_holds_for_refreshes_until_something_else_is(docs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    (docs / "drafts").mkdir()
    (docs / "drafts/ferry.txt").write_text(FERRY)
    build.index([docs], folder, embedder="hashing", include=["*.txt"], exclude=["drafts/"])
    assert held(folder) == ["docs/bridge.txt"]
    (docs / "drafts/more.txt").write_text(FERRY)
    assert asked(folder, "auto").remarks == ()
    build.index([], folder, exclude=[""])
    assert held(folder) == ["docs/bridge.txt", "docs/drafts/ferry.txt", "docs/drafts/more.txt"]
    build.index([], folder, include=["*.md"], max_bytes=10)
    assert held(folder) == []
    build.index([], folder, max_bytes=1_000_000)
    assert held(folder) == ["docs/mill.md"]
    build.index([], folder, rebuild=True)
    assert held(folder) == ["docs/mill.md"]


def held(folder: Path) -> list[str]:
    return [entry.source.path for entry in manifests.read_manifest(folder).documents]


# Several questions to one open index ----------------------------------------------------------------------------------


def test_between_two_questions_the_changes_are_taken_in_and_told_once(folder: Path, docs: Path) -> None:
    with ask.open_index(folder, reader="overlap") as index:
        model = index.embedder
        assert "Thomas Reed" in shown(index.ask(QUESTION))
        (docs / "bridge.txt").write_text(
            "The old stone bridge was finished by Esther Lund, says the chronicle of 1790."
        )
        (docs / "ferry.txt").write_text(FERRY)
        index.refresh()
        reply = index.ask(QUESTION, min_confidence=0)
        assert "Esther Lund" in shown(reply)
        assert "Thomas Reed" not in shown(reply)
        assert reply.remarks == ("the documents changed, the index was updated (1 added, 1 changed)",)
        assert (reply.index.documents, reply.index.stale) == (3, False)
        index.refresh()
        assert index.ask(QUESTION, min_confidence=0).remarks == ()
        assert index.embedder is model, "the models stay loaded"


def test_what_was_found_when_the_index_was_opened_is_told_with_the_first_reply(folder: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    with ask.open_index(folder, reader="overlap") as index:
        index.refresh()
        assert index.search(QUESTION).remarks == ("the documents changed, the index was updated (1 added)",)


def test_what_another_process_indexed_is_there_for_the_next_question(folder: Path, docs: Path) -> None:
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        (docs / "ferry.txt").write_text(FERRY)
        index.refresh()
        assert FERRY not in shown(index.search("ferry"))
        build.index([], folder)
        index.refresh()
        assert FERRY in shown(index.search("ferry"))


def test_an_index_that_is_gone_is_an_error_and_what_is_open_stays_open(folder: Path) -> None:
    with ask.open_index(folder, reader="overlap") as index:
        (folder / manifests.MANIFEST).rename(folder / "aside")
        with pytest.raises(IndexMissingError):
            index.refresh()
        assert "Thomas Reed" in shown(index.ask(QUESTION))


def test_a_change_that_cannot_be_written_now_leaves_the_index_as_it_was(folder: Path, docs: Path) -> None:
    with ask.open_index(folder, reader="overlap") as index:
        (docs / "ferry.txt").write_text(FERRY)
        with FolderStore(folder).writing():
            index.refresh()
        reply = index.ask(QUESTION)
        assert reply.index.stale
        assert "another process writes" in reply.remarks[0]


# What is stored of the files that were left out -----------------------------------------------------------------------


def test_the_manifest_counts_what_was_left_out_and_keeps_some_examples(folder: Path, docs: Path) -> None:
    for number in range(300):
        (docs / f"{number:03}.jpg").touch()
    (docs / "music.txt").write_bytes(BINARY)
    report = build.index([], folder)
    assert len(report.skipped) == 301
    manifest = manifests.read_manifest(folder)
    assert manifest.reasons() == {"no loader for .jpg files": 300, "the file is binary, not text": 1}
    assert [one.path for one in manifest.skipped()[:2]] == ["docs/000.jpg", "docs/001.jpg"]
    assert len(manifest.skipped()) == EXAMPLES + 1
    assert len((folder / manifests.MANIFEST).read_text()) < 10_000


def test_a_file_that_cannot_be_read_is_not_tried_again_by_a_question(
    folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "music.txt").write_bytes(BINARY)
    build.index([], folder)
    tried: list[str] = []
    read = build.read_document

    def counted(file: Path, path: str, loaders: LoaderProcess) -> Document:
        tried.append(path)
        return read(file, path, loaders)

    monkeypatch.setattr(build, "read_document", counted)
    asked(folder, "always")
    (docs / "ferry.txt").write_text(FERRY)
    asked(folder, "auto")
    assert tried == ["docs/ferry.txt"]
    build.index([], folder)
    assert tried == ["docs/ferry.txt", "docs/music.txt"], "but when the person says so"
