"""Documents change after they were indexed: small changes are taken in, large ones told, no stale quote is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from askdoc import ask, build, freshness, store
from askdoc.types import Reply

QUESTION = "who finished the old stone bridge?"
FERRY = "A ferry crossed the river below the stone bridge every day until the mill and its two barns had burnt down."
MODES = ("auto", "always", "never")


def asked(folder: Path, refresh: str, question: str = QUESTION) -> Reply:
    with ask.open_index(folder, refresh=refresh, reader="overlap") as index:
        return index.ask(question, min_confidence=0, answers=9)


def generation(folder: Path) -> int:
    return store.read_manifest(folder).generation


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


def test_a_file_that_was_only_touched_changes_nothing(folder: Path, docs: Path) -> None:
    before = generation(folder)
    for path in docs.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))
    reply = asked(folder, "auto")
    assert (generation(folder), reply.remarks, reply.index.stale) == (before, (), False)


def test_an_index_that_cannot_be_updated_now_is_asked_and_called_stale(folder: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    before = generation(folder)
    with store.writing(folder):
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
    (docs / "late.txt").write_bytes(bytes(range(256)) * 50)
    build.index([], folder)
    (docs / "late.txt").write_text(FERRY)
    build.index([], folder)
    assert FERRY in shown(asked(folder, "never", "ferry"))
