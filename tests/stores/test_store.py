"""The index folder: whole or as it was, whatever happens; and if it is not, said so."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import ROOT, askdoc, rights_count, run, small_disk

from askdoc import ask, build, stores
from askdoc.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    UsageError,
    WriteError,
)
from askdoc.sources import changes
from askdoc.status import status
from askdoc.stores.folder import generations
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder import store as folder_store
from askdoc.stores.folder.store import FolderStore
from askdoc.types import Source

NEW = "A ferry crossed the river below the stone bridge until the mill had burnt down."


def texts(folder: Path) -> list[str]:
    """All passages of an index, as a question sees them; its files are not looked at."""
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        found = [hit.passage.text for hit in index.search("stone bridge mill", passages=100).hits]
        assert len(found) == index.info.passages
        return sorted(found)


def files(folder: Path) -> dict[str, bytes]:
    """All that an index consists of; locks are no part of it."""
    there = (path for path in folder.rglob("*") if path.is_file() and "lock" not in path.name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in there}


# Crashes --------------------------------------------------------------------------------------------------------------


def test_a_writer_killed_at_any_step_leaves_the_old_index_or_the_new_one(docs: Path, folder: Path) -> None:
    """And the next writer heals what was left. Each step of the writer is tried, one process each."""
    old = texts(folder)
    (docs / "ferry.txt").write_text(NEW)
    new = sorted([*old, NEW])
    done = run([sys.executable, ROOT / "tests" / "support" / "crashing.py", folder], cwd=docs.parent)
    assert done.status == 0, done.err
    steps = [json.loads(line) for line in done.out.splitlines()]
    assert len(steps) > 20, "so few steps: are they still seen?"
    assert {"os.rename", "os.mkdir", "os.link", "open"} <= {step["event"] for step in steps}
    found = [step["found"] for step in steps]
    switch = found.index(new)
    assert found == [old] * switch + [new] * (len(steps) - switch)
    assert all(step["healed"] == new for step in steps)


def test_what_a_crash_left_behind_is_ignored_and_then_removed(docs: Path, folder: Path) -> None:
    before = texts(folder)
    half = folder / manifests.GENERATIONS / "000002" / "dense"
    half.mkdir(parents=True)
    (half / "vectors.faiss").write_bytes(b"half")
    (folder / f"{manifests.MANIFEST}.new").write_text('{"format": 1, "generat')
    (folder / f"{manifests.LOCK}.owner").write_text("process 1 on a machine long gone")
    assert texts(folder) == before
    (docs / "ferry.txt").write_text(NEW)
    build.index([], folder, wait=0)
    assert texts(folder) == sorted([*before, NEW])
    assert [path.name for path in (folder / manifests.GENERATIONS).iterdir()] == ["000003"]


def test_a_first_build_that_was_killed_does_not_stop_the_next(docs: Path, tmp_path: Path) -> None:
    for left in (manifests.LOCK, f"{manifests.LOCK}.owner", f"{manifests.GENERATIONS}/000001/dense/vectors.faiss"):
        folder = tmp_path / "started" / "index"
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).write_text("")
        build.index([docs], folder, embedder="hashing")
        assert len(texts(folder)) == 4
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("where", "what", "raised"),
    [
        ("askdoc.build.split", ValueError("a bug"), ValueError),
        ("askdoc.stores.folder.dense.DenseIndex.save", RuntimeError("faiss failed"), WriteError),
        ("askdoc.stores.folder.lexical.LexicalIndex.save", ValueError("tantivy failed"), WriteError),
        ("askdoc.stores.folder.generations._flush", OSError(errno.EIO, "broken disk"), WriteError),
        ("askdoc.stores.folder.generations.replace_file", OSError(errno.ENOSPC, "no space"), WriteError),
        ("askdoc.stores.folder.lexical.LexicalIndex.add", KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_every_byte_as_it_was(
    where: str,
    what: BaseException,
    raised: type[BaseException],
    docs: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = files(folder)
    (docs / "ferry.txt").write_text(NEW)

    def fail(*_: object, **__: object) -> None:
        raise what

    monkeypatch.setattr(where, fail)
    with pytest.raises(raised):
        build.index([], folder)
    assert files(folder) == before


def test_a_first_build_that_fails_leaves_no_trace(docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("askdoc.stores.folder.generations.replace_file", fail)
    with pytest.raises(WriteError) as caught:
        build.index([docs], tmp_path / "index", embedder="hashing")
    assert "the disk is full" in caught.value.message
    assert not (tmp_path / "index").exists()


# Damage ---------------------------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_damage_to_any_file_is_noticed_and_the_hint_heals_it(
    harm: Callable[[Path], None], docs: Path, folder: Path
) -> None:
    whole = texts(folder)
    names = [name for name in files(folder) if (folder / name).stat().st_size]
    assert len(names) > 8
    for name in names:
        kept = folder.with_name("kept")
        shutil.copytree(folder, kept)
        harm(folder / name)
        missing = name == manifests.MANIFEST and harm is Path.unlink
        with pytest.raises(IndexMissingError if missing else IndexDamagedError) as caught:
            ask.open_index(folder, refresh="never")
        assert ("askdoc index PATH" if missing else "askdoc index --rebuild PATH") in caught.value.hint
        build.index([docs], folder, rebuild=True, embedder="hashing")
        assert texts(folder) == whole
        shutil.rmtree(folder)
        kept.rename(folder)


def test_opening_hashes_small_files_first_and_never_more_than_it_may(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes are not read for a question: of large files the size counts, until somebody asks for the state."""
    manifest = manifests.read_manifest(folder)
    sizes = sorted(file.size for file in manifest.files.values())
    hashed: list[int] = []
    hash_file = changes.hash_file

    def counted(path: Path) -> str:
        hashed.append(path.stat().st_size)
        return hash_file(path)

    monkeypatch.setattr(generations, "hash_file", counted)
    assert generations.damaged_files(folder, manifest, hashed_up_to=sum(sizes[:-1])) == []
    assert hashed == sizes[:-1]
    largest = max(manifest.files, key=lambda name: manifest.files[name].size)
    flip(generations.generation_folder(folder, manifest.generation) / largest)
    assert generations.damaged_files(folder, manifest, hashed_up_to=sum(sizes[:-1])) == []
    assert generations.damaged_files(folder, manifest) == [largest]
    assert status(folder).damaged == (largest,)


def test_a_writer_does_not_carry_damage_over(docs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be written anew, with a hash that fits."""
    flip(generations.generation_folder(folder, manifests.read_manifest(folder).generation) / "dense" / "vectors.faiss")
    monkeypatch.setattr(generations.check, "__kwdefaults__", {"hashed_up_to": 0})
    generations.check(folder, manifests.read_manifest(folder))
    (docs / "ferry.txt").write_text(NEW)
    with pytest.raises(IndexDamagedError, match=r"vectors\.faiss"):
        build.index([], folder)


def test_what_is_only_linked_to_is_neither_written_nor_hashed_again(folder: Path) -> None:
    before = manifests.read_manifest(folder)
    with FolderStore(folder).writing() as writer:
        assert writer.before is not None
        writer.begin(writer.before)
        flip(folder / manifests.GENERATIONS / "000002" / "dense" / "vectors.faiss")  # it is not given a new hash
        writer.commit(settle=True)
    after = manifests.read_manifest(folder)
    assert after.generation == before.generation + 1
    assert after.files == before.files
    assert status(folder).damaged == ("dense/vectors.faiss",)


@pytest.mark.parametrize("place", [0.05, 0.3, 0.6, 0.95])
def test_an_altered_manifest_is_noticed_whatever_was_altered(place: float, folder: Path) -> None:
    """Every digit and letter counts: the hash of a document, a count of passages, a path."""
    text = (folder / manifests.MANIFEST).read_text()
    at = next(at for at in range(int(len(text) * place), len(text)) if text[at].isdigit())
    (folder / manifests.MANIFEST).write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])
    with pytest.raises((IndexDamagedError, IndexMismatchError)):
        manifests.read_manifest(folder)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '"x"', '{"format": 2}', "\0" * 50, '{"format": 2, "files": []}']
)
def test_a_manifest_that_is_none_is_damage(text: str, folder: Path) -> None:
    (folder / manifests.MANIFEST).write_text(text)
    with pytest.raises(IndexDamagedError):
        manifests.read_manifest(folder)


def test_a_newer_format_is_told_from_damage(folder: Path) -> None:
    data = json.loads((folder / manifests.MANIFEST).read_text())
    (folder / manifests.MANIFEST).write_text(json.dumps(data | {"format": manifests.FORMAT + 1, "surprise": True}))
    with pytest.raises(IndexMismatchError, match=f"has format {manifests.FORMAT + 1}") as caught:
        ask.open_index(folder)
    assert "newer" in caught.value.hint


def test_an_index_of_an_older_format_says_how_to_rebuild_it_and_that_works(docs: Path, folder: Path) -> None:
    data = json.loads((folder / manifests.MANIFEST).read_text())
    (folder / manifests.MANIFEST).write_text(json.dumps(data | {"format": 1, "next_id": 5}))
    done = askdoc("search", "stone bridge", "--index", folder, cwd=docs)
    assert done.status == 2
    assert "has format 1, this askdoc reads 2" in done.err
    assert "hint: build it again: askdoc index --rebuild PATH" in done.err
    assert askdoc("index", docs, "--rebuild", "--embedder", "hashing", "--index", folder, cwd=docs).status == 0
    assert len(texts(folder)) == 4


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(stores.Recipe) if field.name != "embedder"]
)
def test_an_index_of_another_recipe_is_refused_by_readers_and_writers(name: str, docs: Path, folder: Path) -> None:
    manifest = manifests.read_manifest(folder)
    other: Any = 255 if name == "dimension" else "another"
    recipe = dataclasses.replace(manifest.recipe, **{name: other})
    (folder / manifests.MANIFEST).write_text(manifests.manifest_text(dataclasses.replace(manifest, recipe=recipe)))
    for work in (lambda: ask.open_index(folder, refresh="never"), lambda: build.index([docs], folder)):
        with pytest.raises(IndexMismatchError) as caught:
            work()
        assert ("other weights" if name == "fingerprint" else f"made with {name} {other!r}") in caught.value.message
        assert "--rebuild" in caught.value.hint
    build.index([], folder, rebuild=True)
    assert len(texts(folder)) == 4


def test_no_index_is_said_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for work in (ask.open_index, lambda: ask.open_index(tmp_path / "nowhere"), status):
        with pytest.raises(IndexMissingError) as caught:
            work()
        assert caught.value.hint == "make one: askdoc index PATH…"


def test_the_nearest_index_upwards_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = folder.parent / "a" / "b"
    deep.mkdir(parents=True)
    (deep / stores.FOLDER).mkdir()  # a folder of that name is no index
    assert stores.find_index(deep) == folder
    monkeypatch.setenv(stores.ENVIRONMENT, "elsewhere")
    assert stores.find_index(deep) == Path("elsewhere")


def test_a_folder_of_other_things_is_never_filled(docs: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "pictures"
    foreign.mkdir()
    (foreign / "cat.jpg").write_bytes(b"cat")
    for target in (foreign, foreign / "cat.jpg"):
        with pytest.raises(UsageError, match=r"cat\.jpg"):
            build.index([docs], target, embedder="hashing")
    assert [path.name for path in foreign.iterdir()] == ["cat.jpg"]


# Several processes ----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_who_is_writing(docs: Path, folder: Path) -> None:
    with FolderStore(folder).writing(), pytest.raises(IndexBusyError, match=f"process {os.getpid()} on ") as caught:
        build.index([docs], folder, wait=0.1)
    assert caught.value.hint
    build.index([docs], folder, wait=0)


def test_a_second_writer_does_not_disturb_the_first_build(docs: Path, tmp_path: Path) -> None:
    """There is no manifest yet; who gives up waiting must not clear the place of who builds."""
    folder = tmp_path / "index"
    with FolderStore(folder).writing() as writer:
        assert writer.before is None
        for _ in range(2):
            with pytest.raises(IndexBusyError):
                build.index([docs], folder, embedder="hashing", wait=0.1)
        assert (folder / manifests.GENERATIONS / "000001").is_dir()


def test_a_second_writer_waits_its_turn(docs: Path, folder: Path) -> None:
    (docs / "ferry.txt").write_text(NEW)
    reports: list[build.BuildReport] = []
    with FolderStore(folder).writing():
        second = threading.Thread(target=lambda: reports.append(build.index([], folder, wait=60)))
        second.start()
        second.join(0.3)
        assert second.is_alive()
    second.join(60)
    assert [report.added for report in reports] == [1]


def test_who_has_the_index_open_goes_on_with_it_while_it_is_replaced(docs: Path, folder: Path) -> None:
    with ask.open_index(folder, reader="overlap") as opened:
        before = opened.ask("who finished the stone bridge?")
        (docs / "ferry.txt").write_text(NEW)
        build.index([], folder)
        (docs / "ferry.txt").write_text(NEW + " Nobody missed it.")
        build.index([], folder)
        after = opened.ask("who finished the stone bridge?")
    assert dataclasses.replace(after, timing_ms={}) == dataclasses.replace(before, timing_ms={})
    assert not {NEW} & {hit.passage.text for hit in after.hits}


def test_an_index_that_is_replaced_while_it_is_opened_is_opened_all_the_same(
    docs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "ferry.txt").write_text(NEW)
    check = generations.check

    def replaced_meanwhile(folder: Path, manifest: manifests.Manifest) -> None:
        monkeypatch.setattr(folder_store, "check", check)
        build.index([], folder)
        check(folder, manifest)

    monkeypatch.setattr(folder_store, "check", replaced_meanwhile)
    with ask.open_index(folder, refresh="never") as opened:
        assert opened.info.documents == 3


# Places ---------------------------------------------------------------------------------------------------------------


def test_an_index_can_be_moved_with_its_documents(docs: Path, folder: Path, tmp_path: Path) -> None:
    asked = ask.open_index(folder, reader="overlap").ask("who finished the stone bridge?", min_confidence=0)
    there = tmp_path / "far" / "away"
    there.mkdir(parents=True)
    docs.rename(there / docs.name)
    folder.rename(there / folder.name)
    moved = ask.open_index(there / folder.name, reader="overlap")
    reply = moved.ask("who finished the stone bridge?", min_confidence=0)
    assert [answer.citation for answer in reply.answers] == [answer.citation for answer in asked.answers]
    assert (reply.index.stale, reply.remarks) == (False, ())
    assert build.index([], there / folder.name).unchanged == 2


@pytest.mark.parametrize("place", ["index", "docs/index", "elsewhere/deep/index"])
def test_nothing_in_an_index_tells_where_it_lay(place: str, docs: Path, tmp_path: Path) -> None:
    (docs / "picture.png").write_bytes(b"\x89PNG")
    (docs / "binary.txt").write_bytes(bytes(range(256)) * 10)
    folder = tmp_path / place
    report = build.index([docs], folder, embedder="hashing")
    assert {Path(skipped.path).name for skipped in report.skipped} >= {"picture.png", "binary.txt"}
    for name, data in files(folder).items():
        assert str(tmp_path).encode() not in data, name


def test_an_index_may_be_read_by_whoever_may_open_its_folder(folder: Path) -> None:
    """Some libraries write files for their owner alone."""
    allowed = folder.stat().st_mode & 0o666
    inside = [
        path for path in (folder / manifests.GENERATIONS).rglob("*") if path.is_file() and "lock" not in path.name
    ]
    assert {path.stat().st_mode & 0o666 for path in inside} == {allowed}


@pytest.fixture
def read_only(folder: Path, tmp_path: Path) -> Path:
    if not rights_count(tmp_path):
        pytest.skip("THE READ-ONLY TESTS DID NOT RUN: this file system does not heed the rights of files")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def test_an_index_that_may_not_be_written_is_asked_all_the_same(read_only: Path, docs: Path) -> None:
    for path in (read_only / manifests.GENERATIONS).rglob(".tantivy*"):
        path.unlink()
    before = files(read_only)
    done = askdoc("search", "stone bridge", "--json", "--index", read_only, cwd=docs, privileged=False)
    assert (done.status, done.err) == (0, "")
    assert done.json["passages"][0]["citation"]["document"] == "docs/bridge.txt"
    assert files(read_only) == before


def test_an_index_that_may_not_be_written_says_so_when_documents_changed(read_only: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(NEW)
    done = askdoc("search", "ferry", "--json", "--index", read_only, cwd=docs, privileged=False)
    assert done.json["index"]["stale"] is True
    assert "could not be updated" in done.err
    assert "Traceback" not in done.err
    done = askdoc("index", "--index", read_only, cwd=docs, privileged=False)
    assert done.status == 2
    assert "hint: name another place" in done.err


def test_a_full_disk_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    """On a real file system of two megabytes."""
    disk = small_disk()
    if disk is None:
        pytest.skip("THE FULL-DISK TEST DID NOT RUN: nobody may mount a file system here")
    (tmp_path / "disk").mkdir()
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "a.txt").write_text(NEW)
    (tmp_path / "large").mkdir()
    remark = "says that its number is odd or even, and as far as anybody can tell it says nothing else at all"
    paragraphs = [f"Paragraph {at} {remark}.\n\n" for at in range(3000)]  # 3 MB of vectors
    (tmp_path / "large" / "b.txt").write_text("".join(paragraphs))
    askdoc_ = f"{sys.executable} -m askdoc"
    script = f"""
        mount -t tmpfs -o size=2m tmpfs disk
        {askdoc_} index small --index disk/index --embedder hashing
        (cd disk && find . -type f -not -name '*lock*' | sort | xargs sha256sum) > before
        set +e
        {askdoc_} index large --index disk/index 2> said
        echo $? > status
        set -e
        (cd disk && find . -type f -not -name '*lock*' | sort | xargs sha256sum) > after
        {askdoc_} search ferry --index disk/index --json > reply
    """
    done = run([*disk, script], cwd=tmp_path)
    assert done.status == 0, done.err
    said = (tmp_path / "said").read_text()
    assert (tmp_path / "status").read_text() == "2\n"
    assert "the disk is full" in said
    assert "hint: free some space" in said
    assert "Traceback" not in said
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
    assert json.loads((tmp_path / "reply").read_text())["passages"][0]["text"] == NEW


def test_asking_the_committed_index_leaves_the_working_tree_clean(tmp_path: Path) -> None:
    if not shutil.which("git"):
        pytest.skip("THE CLEAN-TREE TEST DID NOT RUN: there is no git here")
    for name in ("seeds", "index"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*lock*"))
    shutil.copy(ROOT / ".gitignore", tmp_path)
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "core.hooksPath=/dev/null")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        assert run([*git, *command], cwd=tmp_path).status == 0
    for path in (tmp_path / "seeds").iterdir():
        os.utime(path)  # as a checkout does
    done = askdoc("search", "state airline", "--json", cwd=tmp_path)
    assert (done.status, done.err, done.json["index"]["stale"]) == (0, "", False)
    assert run([*git, "status", "--porcelain"], cwd=tmp_path).out == ""


def test_a_document_is_intact_only_byte_for_byte(docs: Path, folder: Path) -> None:
    manifest = manifests.read_manifest(folder)
    source = next(entry.source for entry in manifest.documents if entry.source.path == "docs/bridge.txt")
    assert changes.is_intact(folder.parent, source)
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(text.replace("1784", "1785"))
    assert not changes.is_intact(folder.parent, source)
    assert not changes.is_intact(folder.parent, Source("docs/gone.txt", "", 0, 0))
