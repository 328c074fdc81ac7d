"""A saved reply is checked against the documents as they are: intact, moved, changed, gone, unreadable."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from programs import Ran, askdoc

from askdoc import ask, build, verify
from askdoc.errors import UsageError
from askdoc.outputs.json import reply_to_dict, to_text, verification_to_dict
from askdoc.types import Citation
from askdoc.verify import Checked, Verification

QUESTION = "who finished the old stone bridge?"
QUOTE = "Thomas Reed"


@pytest.fixture
def saved(folder: Path) -> dict[str, Any]:
    """A reply whose first answer is Thomas Reed, as it would be read from a file."""
    with ask.open_index(folder, reader="overlap") as index:
        reply = index.ask(QUESTION, min_confidence=0, answers=9)
    return json.loads(to_text(reply_to_dict(reply)))


@pytest.fixture
def quoted(saved: dict[str, Any]) -> dict[str, Any]:
    """The same with the one answer that the tests are about: `Thomas Reed`, in its sentence."""
    answer, passage = saved["answers"][0], saved["passages"][0]
    at = passage["text"].index(QUOTE)
    where = answer["citation"] | passage["citation"]
    start = passage["citation"]["char_start"] + at
    answer |= {"text": QUOTE, "sentence": passage["text"], "passage": 1}
    answer["citation"] = where | {"char_start": start, "char_end": start + len(QUOTE)}
    return saved | {"answers": [answer]}


def checked(reply: object, folder: Path | None = None, **options: Any) -> Verification:
    (found,) = verify.verify(json.dumps(reply).encode(), index=folder, **options)
    return found


def first(reply: object, folder: Path) -> Checked:
    return checked(reply, folder).checked[0]


def cut(root: Path, citation: Citation | None) -> str:
    assert citation
    text = (root / citation.document).read_text()
    assert text[: citation.char_start].count("\n") + 1 == citation.line_start
    return text[citation.char_start : citation.char_end]


def test_what_was_not_touched_is_intact(saved: dict[str, Any], folder: Path) -> None:
    found = checked(saved, folder)
    assert {one.state for one in found.checked} == {"intact"}
    assert len(found.checked) == len(saved["answers"]) + len(saved["passages"])
    assert found.holds
    for one in found.checked:
        assert one.now == one.quotation.citation
        assert cut(found.root or Path(), one.now) == one.quotation.text


def test_a_file_that_grew_at_its_end_leaves_quotations_intact(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    with (docs / "bridge.txt").open("a") as file:
        file.write("\nMore.\n")
    one = first(quoted, folder)
    assert (one.state, one.remark) == ("intact", None)
    assert one.now
    assert one.now.sha256 != one.quotation.citation.sha256


def test_what_was_pushed_down_has_moved_to_the_new_line(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(f"# A new title\n\nThomas Reed is named below.\n\n{text}")
    one = first(quoted, folder)
    assert one.state == "moved"
    assert one.now
    assert one.quotation.citation.line_start
    assert one.now.line_start == one.quotation.citation.line_start + 4, "not the same words in another sentence"
    assert cut(docs.parent, one.now) == QUOTE


def test_a_heading_above_a_moved_quotation_is_told(saved: dict[str, Any], folder: Path, docs: Path) -> None:
    text = (docs / "mill.md").read_text()
    (docs / "mill.md").write_text(f"# All mills\n\nMany stood there.\n\n#{text}")
    moved = [one for one in checked(saved, folder).checked if one.quotation.citation.document == "docs/mill.md"]
    assert moved
    assert all(one.now and one.now.label and one.now.label.startswith("All mills › ") for one in moved)


def test_a_file_that_was_renamed_is_found_by_its_content(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    (docs / "old").mkdir()
    (docs / "bridge.txt").rename(docs / "old/crossing.md")
    one = first(quoted, folder)
    assert one.state == "moved"
    assert cut(docs.parent, one.now) == QUOTE
    build.index([], folder)  # now the index knows it
    again = first(quoted, folder)
    assert again == one


def test_two_files_that_changed_names_are_told_apart(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    (docs / "bridge.txt").rename(docs / "x")
    (docs / "mill.md").rename(docs / "bridge.txt")
    (docs / "x").rename(docs / "mill.md")
    one = first(quoted, folder)
    assert one.state == "moved"
    assert one.now
    assert one.now.document == "docs/mill.md"


def test_what_its_file_does_not_say_any_more_has_changed(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(text.replace(QUOTE, "Esther Lund"))
    found = checked(quoted, folder)
    assert (found.checked[0].state, found.checked[0].now) == ("changed", None)
    assert not found.holds


def test_a_file_of_the_same_size_and_time_is_read_all_the_same(
    quoted: dict[str, Any], folder: Path, docs: Path
) -> None:
    path, stat = docs / "bridge.txt", (docs / "bridge.txt").stat()
    path.write_text(path.read_text().replace(QUOTE, "Esther Lund"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert first(quoted, folder).state == "changed"


def test_few_words_in_another_sentence_are_not_the_quotation(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    (docs / "bridge.txt").write_text("Nobody knows whether it was not after all\nThomas Reed who never did it.")
    one = first(quoted, folder)
    assert (one.state, one.remark) == ("changed", "the same words are on line 2, but in another context")


def test_words_at_their_place_in_another_sentence_are_told(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(text.replace("in the summer of 1784", "in the winter of 1790"))
    one = first(quoted, folder)
    assert (one.state, one.remark) == ("intact", "the text around it has changed")


def test_a_deleted_file_is_gone(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    (docs / "bridge.txt").unlink()
    assert first(quoted, folder).state == "gone"


@pytest.mark.parametrize("harm", [lambda path: path.mkdir(), os.mkfifo, lambda path: path.write_bytes(b"\0\1" * 999)])
def test_what_cannot_be_read_is_told_with_the_reason(
    harm: Callable[[Path], object], quoted: dict[str, Any], folder: Path, docs: Path
) -> None:
    (docs / "bridge.txt").unlink()
    harm(docs / "bridge.txt")
    one = first(quoted, folder)
    assert one.state == "unreadable"
    assert one.remark


def test_another_place_of_a_passage_is_checked_by_its_hash(quoted: dict[str, Any], folder: Path, docs: Path) -> None:
    citation = quoted["passages"][0]["citation"]
    quoted["passages"][0]["also"] = [citation]
    states = {one.quotation.kind: one.state for one in checked(quoted, folder).checked}
    assert states["also"] == "intact"
    with (docs / "bridge.txt").open("a") as file:
        file.write("More.")
    states = {one.quotation.kind: one.state for one in checked(quoted, folder).checked}
    assert (states["also"], states["answer"]) == ("changed", "intact")


def test_a_reply_that_was_tampered_with_does_not_hold(quoted: dict[str, Any], folder: Path) -> None:
    quoted["answers"][0]["text"] = "Somebody else"
    assert first(quoted, folder).state == "changed"


def test_a_passage_that_stands_twice_is_found_where_it_is_nearest(
    quoted: dict[str, Any], folder: Path, docs: Path
) -> None:
    text = (docs / "bridge.txt").read_text()
    (docs / "bridge.txt").write_text(f"x\n{text}\n{text}")
    one = first(quoted, folder)
    assert one.now
    assert one.quotation.citation.line_start
    assert one.now.line_start == 2


def test_the_documents_are_where_the_person_says_or_the_reply_does(
    quoted: dict[str, Any], folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert checked(quoted).root == docs.parent, "the reply names its index"
    assert checked(quoted, root=docs.parent).holds
    quoted["index"]["path"] = "nowhere"
    monkeypatch.chdir(docs)
    assert checked(quoted).root == docs.parent, "the nearest index"
    (tmp_path / "empty").mkdir()
    assert {one.state for one in checked(quoted, root=tmp_path / "empty").checked} == {"gone"}
    monkeypatch.chdir("/")
    with pytest.raises(UsageError, match="the index of the reply, nowhere, does not exist") as caught:
        checked(quoted)
    assert "--root DIR" in caught.value.hint
    for options in ({"root": Path("missing")}, {"root": docs, "index": folder}):
        with pytest.raises(UsageError):
            list(verify.verify(json.dumps(quoted).encode(), **options))


def test_a_renamed_file_is_found_below_a_root_without_an_index(quoted: dict[str, Any], docs: Path) -> None:
    (docs / "bridge.txt").rename(docs / "crossing.txt")
    one = checked(quoted, root=docs.parent).checked[0]
    assert (one.state, one.now and one.now.document) == ("moved", "docs/crossing.txt")


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.sampled_from(["Reed", "built", "the bridge.", "He", "left.", "\n", "\n\n", "Ann"]), max_size=12),
    some.lists(some.sampled_from(["Reed", "built", "the bridge.", "He", "left.", "\n", "\n\n", "Ann"]), max_size=12),
)
def test_what_is_called_intact_or_moved_stands_where_it_is_said_to(before: list[str], after: list[str]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        (root / "docs").mkdir()
        (root / "docs/a.txt").write_text("Reed built it. " + " ".join(before))
        build.index([root / "docs"], root / "index", embedder="hashing")
        with ask.open_index(root / "index", refresh="never", reader="overlap") as index:
            reply = reply_to_dict(index.ask("what did Reed build?", min_confidence=0))
        (root / "docs/a.txt").write_text(" ".join(after) + " Reed built it.")
        text = (root / "docs/a.txt").read_text()
        for one in checked(reply, root / "index").checked:
            assert (one.now is not None) == (one.state in verify.GOOD)
            if one.now:
                assert text[one.now.char_start : one.now.char_end] == one.quotation.text
            elif len((one.quotation.text or "").split()) >= verify.TELLING_WORDS:
                assert (one.quotation.text or "") not in text


def test_many_documents_are_read_by_one_process_that_ends_with_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        text = f"<p>Reed built the bridge number {number * 37}.</p>"
        (tmp_path / f"{number}.html").write_text(text)
        build.index([tmp_path / f"{number}.html"], tmp_path / f"index{number % 2}", embedder="hashing")
    lines = []
    for number in range(6):
        with ask.open_index(tmp_path / f"index{number % 2}", reader="overlap") as index:
            lines.append(to_text(reply_to_dict(index.ask(f"who built the bridge {number * 37}?", min_confidence=0))))
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    found = list(verify.verify("\n".join(lines).encode()))
    assert {one.quotation.citation.document for each in found for one in each.checked} >= {"0.html", "5.html"}
    assert {one.state for each in found for one in each.checked} == {"intact"}
    assert len(started) == 1, "even where replies are from different indexes"
    assert started[0].poll() is not None


def test_few_words_elsewhere_in_a_text_without_lines_are_told_by_its_heading(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<h1>Bridges</h1><p>The old bridge was finished by Thomas Reed.</p>")
    build.index([page], tmp_path / "index", embedder="hashing")
    with ask.open_index(tmp_path / "index", reader="overlap") as index:
        reply = reply_to_dict(index.ask("which old bridge was finished by?", min_confidence=0))
    page.write_text("<h1>Mills</h1><p>It was painted by Thomas Reed.</p>")
    one = first(reply, tmp_path / "index")
    assert one.quotation.text == "by Thomas Reed"
    assert (one.state, one.remark) == ("changed", "the same words are under “Mills”, but in another context")


# Reading what was saved -----------------------------------------------------------------------------------------------


def test_replies_on_lines_are_checked_one_by_one_and_keep_their_ids(quoted: dict[str, Any], folder: Path) -> None:
    error = {"schema": 1, "line": 3, "error": {"message": "…", "hint": "…"}}
    lines = [{"id": 7, **quoted}, error, quoted | {"answered": False, "answers": []}]
    data = "\n\n".join(json.dumps(line) for line in lines).encode()
    found = list(verify.verify(b"\xef\xbb\xbf" + data, index=folder))
    assert [one.reply.tags for one in found] == [{"id": 7}, {"line": 3}, {}]
    assert [len(one.checked) for one in found] == [len(quoted["passages"]) + 1, 0, len(quoted["passages"])]
    assert all(one.holds for one in found)


def without(reply: dict[str, Any], *way: str | int) -> dict[str, Any]:
    copy = json.loads(json.dumps(reply))
    place = copy
    for step in way[:-1]:
        place = place[step]
    del place[way[-1]]
    return copy


@pytest.mark.parametrize(
    "data",
    [
        b"", b" \n", b"[]", b"7", b"null", b"{}", b'"a"', b"not json", b"\xff\xfe", b'{"schema": 2}', b'{"schema": 1}',
        b'{"schema": 1, "question": 7}', b"[" * 100_000, b'{"schema": [1]}', b'{"schema": true, "question": ""}\n{}',
    ],
)  # fmt: skip
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        verify.read_replies(data)
    assert caught.value.hint


@pytest.mark.parametrize(
    "way",
    [
        ("question",), ("answers",), ("passages",), ("index",), ("index", "path"), ("answers", 0, "text"),
        ("answers", 0, "citation", "sha256"), ("passages", 0, "citation", "char_start"), ("passages", 0, "rank"),
    ],
)  # fmt: skip
def test_a_reply_that_lacks_something_is_refused(way: tuple[str | int, ...], quoted: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not what askdoc writes"):
        verify.read_replies(json.dumps(without(quoted, *way)).encode())


@pytest.mark.parametrize(
    ("name", "value"), [("char_start", -1), ("char_start", 1.5), ("char_end", True), ("document", 5), ("page", "one")]
)
def test_a_citation_with_nonsense_is_refused(name: str, value: object, quoted: dict[str, Any]) -> None:
    quoted["answers"][0]["citation"][name] = value
    with pytest.raises(UsageError, match="not what askdoc writes") as caught:
        verify.read_replies(json.dumps(quoted).encode())
    assert f"`$.answers[0].citation.{name}`" in str(caught.value)


def test_what_a_later_askdoc_adds_is_passed_over(quoted: dict[str, Any]) -> None:
    later = quoted | {"verdict": "answered", "answers": [quoted["answers"][0] | {"rank": 1}]}
    assert verify.read_replies(json.dumps(later).encode()) == verify.read_replies(json.dumps(quoted).encode())


@pytest.mark.parametrize("document", ["nul\0", "half\ud800", "x" * 5000, "/dev/zero", "", ".", "../../../.."])
def test_a_path_that_leads_nowhere_sensible_does_no_harm(document: str, quoted: dict[str, Any], folder: Path) -> None:
    quoted["answers"][0]["citation"]["document"] = document
    assert first(quoted, folder).state in ("unreadable", "gone", "moved")


# The command ----------------------------------------------------------------------------------------------------------


def run(reply: object, docs: Path, *words: str) -> Ran:
    (docs.parent / "reply.json").write_text(json.dumps(reply))
    return askdoc("verify", "reply.json", *words, cwd=docs.parent)


def test_the_command_tells_programs_and_people(quoted: dict[str, Any], docs: Path) -> None:
    ran = run(quoted, docs)
    assert (ran.status, ran.err) == (0, "")
    count = 1 + len(quoted["passages"])
    assert {name: ran.json[name] for name in ("schema", "question", "holds", "intact", "changed")} == {
        "schema": 1, "question": QUESTION, "holds": True, "intact": count, "changed": 0,
    }  # fmt: skip
    assert ran.json["citations"][0]["was"] == quoted["answers"][0]["citation"] == ran.json["citations"][0]["now"]
    (docs / "bridge.txt").write_text("Nothing.\x1b[2J")
    ran = run(quoted, docs, "--table")
    assert ran.status == 1
    assert "  changed  answer 1   docs/bridge.txt:1  Thomas Reed\n" in ran.out
    assert ran.out.splitlines()[0] == QUESTION
    assert "quotations: " in ran.out.splitlines()[-1]


def test_the_command_reads_lines_from_a_pipe_and_writes_lines(quoted: dict[str, Any], docs: Path) -> None:
    data = f"{json.dumps(quoted)}\n{json.dumps(quoted)}\n".encode()
    ran = askdoc("verify", "-", cwd=docs.parent, stdin=data)
    assert (ran.status, [line["holds"] for line in ran.lines]) == (0, [True, True])


@pytest.mark.parametrize(
    ("words", "message"),
    [(["missing.json"], "missing.json cannot be read"), (["."], "cannot be read"), ([], "Missing argument")],
)
def test_bad_input_is_an_error_with_status_2(words: list[str], message: str, docs: Path) -> None:
    ran = askdoc("verify", *words, cwd=docs.parent)
    assert ran.status == 2
    assert message in ran.err
    assert ran.json["error"]["hint"]


def test_a_verification_is_written_field_by_field(quoted: dict[str, Any], folder: Path) -> None:
    data = verification_to_dict(checked(quoted, folder))
    assert list(data) == [
        "schema", "question", "root", "holds", "intact", "moved", "changed", "gone", "unreadable", "citations",
    ]  # fmt: skip
    assert list(data["citations"][0]) == ["kind", "number", "state", "text", "was", "now", "remark"]  # type: ignore[index]
