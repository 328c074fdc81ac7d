"""The writing story: what changed is taken in, what did not is left alone, and nothing is embedded twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import CountingEmbedder
from programs import askdoc, rights_count

from askdoc import ask, build
from askdoc.embedders import EMBEDDERS
from askdoc.errors import IndexDamagedError, IndexMismatchError, UsageError
from askdoc.stores.folder import generations
from askdoc.stores.folder import manifest as manifests
from askdoc.types import Content, Document, Source

FERRY = "A ferry crossed the river below the stone bridge every day until the mill and its two barns had burnt down."


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passages that were embedded, in order. An index is made with it by `embedder="counting"`."""
    monkeypatch.setitem(EMBEDDERS, "counting", "doubles:CountingEmbedder")
    monkeypatch.setattr(CountingEmbedder, "embedded", [])
    return CountingEmbedder.embedded


@pytest.fixture
def counted(docs: Path, embedded: list[str]) -> Path:
    """An index of `docs` that counts; the count begins after it."""
    folder = docs.parent / "index"
    report = build.index([docs], folder, embedder="counting")
    assert (report.added, report.embedded, len(embedded)) == (2, 4, 4)
    embedded.clear()
    return folder


def paths(folder: Path) -> list[str]:
    return [entry.source.path for entry in manifests.read_manifest(folder).documents]


def best(folder: Path, question: str) -> str:
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        return index.search(question).hits[0].passage.text


def counts(report: build.BuildReport) -> dict[str, int]:
    names = ("added", "changed", "removed", "unchanged", "embedded")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_only_a_new_file_is_embedded(counted: Path, docs: Path, embedded: list[str]) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    assert counts(build.index([], counted)) == {"added": 1, "unchanged": 2, "embedded": 1}
    assert embedded == [FERRY]
    assert best(counted, "when did the ferry cross?") == FERRY


def test_of_a_changed_file_only_the_new_passages_are_embedded(counted: Path, docs: Path, embedded: list[str]) -> None:
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(f"{FERRY}\n\n{text}")
    assert counts(build.index([], counted)) == {"changed": 1, "unchanged": 1, "embedded": 1}
    assert embedded == [FERRY]
    with ask.open_index(counted, reader="overlap") as index:
        reply = index.ask("who finished the stone bridge?", min_confidence=0)
    assert reply.answers[0].citation.line_start == 3
    assert reply.index.passages == 5


def test_a_deleted_file_is_forgotten(counted: Path, docs: Path, embedded: list[str]) -> None:
    (docs / "bridge.txt").unlink()
    assert counts(build.index([], counted)) == {"removed": 1, "unchanged": 1}
    assert paths(counted) == ["docs/mill.md"]
    assert "Thomas Reed" not in best(counted, "Thomas Reed stone bridge")


def test_a_renamed_file_is_not_embedded_again(counted: Path, docs: Path, embedded: list[str]) -> None:
    (docs / "old").mkdir()
    (docs / "bridge.txt").rename(docs / "old" / "crossing.txt")
    build.index([], counted)
    assert embedded == []
    assert paths(counted) == ["docs/mill.md", "docs/old/crossing.txt"]
    with ask.open_index(counted, refresh="never", reader="overlap") as index:
        assert index.search("stone bridge").hits[0].passage.source.path == "docs/old/crossing.txt"


def test_two_files_that_change_names_keep_their_own_text(counted: Path, docs: Path, embedded: list[str]) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    build.index([], counted)
    embedded.clear()
    (docs / "ferry.txt").rename(docs / "x")
    (docs / "bridge.txt").rename(docs / "ferry.txt")
    (docs / "x").rename(docs / "bridge.txt")
    build.index([], counted)
    assert embedded == []
    with ask.open_index(counted, refresh="never", reader="overlap") as index:
        assert index.search("ferry crossed").hits[0].passage.source.path == "docs/bridge.txt"
        assert index.search("Thomas Reed").hits[0].passage.source.path == "docs/ferry.txt"


def test_the_same_text_is_embedded_once_wherever_it_stands(docs: Path, embedded: list[str]) -> None:
    (docs / "one.txt").write_text(f"{FERRY}\n\n{FERRY}\n")
    (docs / "two.txt").write_text(FERRY)
    report = build.index([docs], docs.parent / "index", embedder="counting")
    assert embedded.count(FERRY) == 1
    assert (report.passages, report.embedded) == (7, 5)


def test_nothing_is_written_when_nothing_changed(counted: Path, docs: Path, embedded: list[str]) -> None:
    long_ago = 1_600_000_000
    for path in docs.iterdir():
        os.utime(path, (long_ago, long_ago))
    build.index([], counted)
    written = (counted / manifests.MANIFEST).read_bytes()
    assert counts(build.index([], counted)) == {"unchanged": 2}
    assert (counted / manifests.MANIFEST).read_bytes() == written
    assert embedded == []


def test_a_file_that_was_only_touched_is_not_read_into_passages_again(counted: Path, docs: Path) -> None:
    for path in docs.iterdir():
        os.utime(path)
    assert counts(build.index([], counted)) == {"unchanged": 2}
    assert not (counted / manifests.GENERATIONS / "000001").exists(), "the new times are noted"


def test_paths_are_added_to_those_of_before(counted: Path, docs: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "ferry.txt").write_text(FERRY)
    assert counts(build.index([more], counted)) == {"added": 1, "unchanged": 2, "embedded": 1}
    assert paths(counted) == ["docs/bridge.txt", "docs/mill.md", "more/ferry.txt"]
    assert manifests.read_manifest(counted).paths == ("docs", "more")


def test_a_path_beside_the_root_moves_the_root_and_keeps_the_vectors(tmp_path: Path, embedded: list[str]) -> None:
    for name in ("a/deep/one.txt", "b/two.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"{name}: {FERRY}")
    folder = tmp_path / "a" / "deep" / "index"
    build.index([tmp_path / "a" / "deep"], folder, embedder="counting")
    assert paths(folder) == ["one.txt"] or paths(folder) == ["deep/one.txt"]
    embedded.clear()
    build.index([tmp_path / "b"], folder)
    assert paths(folder) == ["a/deep/one.txt", "b/two.txt"]
    assert len(embedded) == 1


def test_a_named_file_that_is_gone_is_forgotten_and_the_rest_kept(docs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build.index([docs / "bridge.txt", docs / "mill.md"], folder, embedder="hashing")
    (docs / "mill.md").unlink()
    assert counts(build.index([], folder)) == {"removed": 1, "unchanged": 1}


def test_when_all_that_was_indexed_is_gone_the_index_is_kept(counted: Path, docs: Path) -> None:
    """A drive that is not mounted must not empty the index."""
    docs.rename(docs.with_name("elsewhere"))
    before = (counted / manifests.MANIFEST).read_bytes()
    with pytest.raises(UsageError, match="none of the indexed paths exists any more: docs"):
        build.index([], counted)
    assert (counted / manifests.MANIFEST).read_bytes() == before


def test_a_folder_that_was_emptied_leaves_an_empty_index_that_can_grow_again(counted: Path, docs: Path) -> None:
    for path in docs.iterdir():
        path.unlink()
    assert counts(build.index([], counted)) == {"removed": 2}
    assert counts(build.index([docs], counted)) == {}
    with ask.open_index(counted, refresh="never", reader="overlap") as index:
        assert index.search("bridge").hits == ()
    (docs / "ferry.txt").write_text(FERRY)
    build.index([], counted)
    assert best(counted, "ferry") == FERRY


def test_an_empty_folder_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(UsageError, match="there is nothing to index in docs"):
        build.index([tmp_path / "docs"], tmp_path / "index", embedder="hashing")
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    "path", ["missing", "docs/missing.txt", "docs/bridge.txt/x", "~nobody-of-that-name/x", "x" * 5000]
)
def test_a_path_that_is_not_there_is_refused_in_words(path: str, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs.parent)
    with pytest.raises(UsageError) as caught:
        build.index([docs, path], "index", embedder="hashing")
    assert caught.value.hint
    assert not Path("index").exists()


def test_updating_needs_an_index_of_files(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no index of files"):
        build.index([], tmp_path / "index")
    given = Document(Source("a", "00" * 32, 1, 1), Content(FERRY))
    build.index_documents([given], tmp_path / "given", embedder="hashing")
    with pytest.raises(UsageError, match="no index of files"):
        build.index([], tmp_path / "given")
    assert best(tmp_path / "given", "ferry") == FERRY


def test_a_file_that_cannot_be_read_costs_only_itself(docs: Path, tmp_path: Path) -> None:
    if not rights_count(tmp_path):
        pytest.skip("THE UNREADABLE-FILE TEST DID NOT RUN: this file system does not heed the rights of files")
    (docs / "secret.txt").write_text("nobody may read this")
    (docs / "secret.txt").chmod(0)
    done = askdoc("index", docs, "--embedder", "hashing", cwd=tmp_path, privileged=False)
    assert done.status == 0
    assert "skipped docs/secret.txt: permission denied" in done.err.lower()
    assert paths(tmp_path / "index") == ["docs/bridge.txt", "docs/mill.md"]


def test_a_binary_file_is_left_out_with_the_reason(docs: Path, tmp_path: Path) -> None:
    (docs / "music.txt").write_bytes(bytes(range(256)) * 100)
    report = build.index([docs], tmp_path / "index", embedder="hashing")
    assert [skipped.path for skipped in report.skipped] == ["docs/music.txt"]
    assert "binary" in report.skipped[0].reason


def test_an_indexed_file_that_became_binary_is_forgotten(counted: Path, docs: Path) -> None:
    (docs / "bridge.txt").write_bytes(bytes(range(256)) * 100)
    report = build.index([], counted)
    assert [skipped.path for skipped in report.skipped] == ["docs/bridge.txt"]
    assert paths(counted) == ["docs/mill.md"]


@pytest.mark.parametrize(
    ("encoding", "prefix"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-be", "\ufeff"), ("latin-1", "")],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_offsets_cut_the_passage_from_the_decoded_file(
    encoding: str, prefix: str, newline: str, tmp_path: Path
) -> None:
    lines = [
        "Über die Brücke führte früher ein Weg nach Süden.",
        "",
        "Die Mühle gehörte größtenteils der Müllerin." * 3,
    ]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_bytes((prefix + newline.join(lines)).encode(encoding))
    build.index([tmp_path / "docs"], tmp_path / "index", embedder="hashing")
    text = (tmp_path / "docs" / "a.txt").read_bytes().decode(encoding).removeprefix("\ufeff")
    with ask.open_index(tmp_path / "index", reader="overlap") as index:
        hits = index.search("Mühle Brücke").hits
    assert hits
    for hit in hits:
        citation = hit.passage.citation()
        assert text[citation.char_start : citation.char_end] == hit.passage.text
        assert citation.line_start == 1 + lines.index(hit.passage.text.split(newline)[0])


def test_a_folder_of_nothing_but_binaries_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "docs" / name).write_bytes(bytes(range(256)) * 100)
    with pytest.raises(UsageError, match=r"docs/a\.txt \(.*binary.*\) and 1 more"):
        build.index([tmp_path / "docs"], tmp_path / "index", embedder="hashing")


@pytest.mark.parametrize("harm", ["cut", "newer"])
def test_an_index_that_cannot_be_read_is_replaced_only_when_asked_to(harm: str, docs: Path, folder: Path) -> None:
    text = (folder / manifests.MANIFEST).read_text()
    (folder / manifests.MANIFEST).write_text(text[:50] if harm == "cut" else text.replace('"format": 2', '"format": 3'))
    for again in (lambda: build.index([docs], folder), lambda: build.index([], folder, rebuild=True)):
        with pytest.raises((IndexDamagedError, IndexMismatchError)):
            again()  # type: ignore[no-untyped-call]
    build.index([docs], folder, rebuild=True, embedder="hashing")
    assert paths(folder) == ["docs/bridge.txt", "docs/mill.md"]


def test_another_embedder_needs_a_rebuild_which_keeps_the_paths(counted: Path, embedded: list[str]) -> None:
    with pytest.raises(IndexMismatchError, match=r"another embedder \(counting\) than this one \(hashing\)"):
        build.index([], counted, embedder="hashing")
    report = build.index([], counted, embedder="hashing", rebuild=True)
    assert counts(report) == {"added": 2, "embedded": 4}
    assert manifests.read_manifest(counted).recipe.embedder == "hashing"


def test_a_named_file_is_read_although_its_folder_is_indexed_without_it(counted: Path, docs: Path) -> None:
    (docs / ".askdocignore").write_text("*.txt\nsub/\n")
    (docs / "sub").mkdir()
    (docs / "sub" / "ferry.md").write_text(FERRY)
    build.index([], counted)
    assert paths(counted) == ["docs/mill.md"]
    build.index([docs / "bridge.txt", docs / "sub", docs / "mill.md"], counted)
    assert paths(counted) == ["docs/bridge.txt", "docs/mill.md", "docs/sub/ferry.md"]
    assert manifests.read_manifest(counted).paths == ("docs", "docs/bridge.txt", "docs/sub")
    build.index([docs], counted)
    assert paths(counted) == ["docs/bridge.txt", "docs/mill.md", "docs/sub/ferry.md"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("askdoc.build.DEFAULT", "hashing")
    return tmp_path / "cache"


def test_an_index_in_the_cache_follows_its_documents(cache: Path, docs: Path) -> None:
    folder = build.index_for(docs)
    assert folder.is_relative_to(cache)
    (docs / "ferry.txt").write_text(FERRY)
    assert build.index_for(docs) == folder
    assert paths(folder) == ["bridge.txt", "ferry.txt", "mill.md"]
    assert build.index_for(docs / "mill.md") != folder


def test_an_index_in_the_cache_is_left_as_it_is_when_nobody_is_to_look(cache: Path, docs: Path) -> None:
    assert paths(build.index_for(docs, update=False)) == ["bridge.txt", "mill.md"], "there was none"
    (docs / "ferry.txt").write_text(FERRY)
    assert paths(build.index_for(docs, update=False)) == ["bridge.txt", "mill.md"]


def spoil(folder: Path) -> None:
    next((folder / manifests.GENERATIONS).rglob("*.faiss")).write_bytes(b"")


def outdate(folder: Path) -> None:
    manifest = manifests.read_manifest(folder)
    old = replace(manifest, recipe=replace(manifest.recipe, splitter="lines 0"))
    generations.replace_file(folder / manifests.MANIFEST, manifests.manifest_text(old))


@pytest.mark.parametrize("harm", [spoil, outdate])
def test_an_index_in_the_cache_is_made_anew_without_a_word_when_it_must(
    harm: Callable[[Path], None], cache: Path, docs: Path
) -> None:
    """Nobody asked for it, so nobody should have to repair it."""
    harm(build.index_for(docs))
    assert "Thomas Reed" in best(build.index_for(docs), "who finished the stone bridge?")


def test_progress_goes_up_to_the_end(docs: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build.index([docs], tmp_path / "index", embedder="hashing", progress=lambda *step: told.append(step))
    embedding = [(done, total) for stage, done, total in told if stage == "embedding"]
    assert embedding == sorted(embedding)
    assert embedding[-1][0] == embedding[-1][1] == sum(path.stat().st_size for path in docs.iterdir())
    assert told[-1] == ("writing", 1, 1)
