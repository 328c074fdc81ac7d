"""What every output owes, and what each one writes, as files. ASKDOC_GOLDEN=write writes the files."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replies import ANSWERED, FIRST, HOSTILE, OFFER, UNANSWERED, answer, hit, passage, reply

from askdoc.errors import UsageError
from askdoc.outputs import OUTPUTS, open_output
from askdoc.outputs.markdown import escape
from askdoc.outputs.messages import reply_lines
from askdoc.outputs.safe_text import one_line, percent, printable
from askdoc.outputs.terminal import TerminalOutput, file_uri
from askdoc.types import Reply

GOLDEN = Path(__file__).parent.parent / "golden" / "outputs"
RAW_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
each_output = pytest.mark.parametrize("name", OUTPUTS)
for_programs = pytest.mark.parametrize("name", ["json", "jsonl"])
for_people = pytest.mark.parametrize("name", ["terminal", "markdown"])


@pytest.fixture(autouse=True)
def _plain_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR", "LINES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def written(name: str, given_reply: Reply, *, how: str = "write") -> str:
    stream = io.StringIO()
    getattr(open_output(name), how)(given_reply, stream)
    return stream.getvalue()


def on_a_terminal(given_reply: Reply, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    TerminalOutput().write(given_reply, stream)
    return stream.getvalue()


# What every output owes ----------------------------------------------------------------------------------------------


@each_output
def test_the_answer_stands_there_word_for_word_with_its_place(name: str) -> None:
    text = written(name, ANSWERED)
    assert OFFER in text
    assert "seeds/news.txt" in text
    assert re.search(r"news\.txt:32|\"line_start\": 32", text)


@each_output
def test_an_unanswered_reply_claims_nothing(name: str) -> None:
    text = written(name, UNANSWERED)
    if name in ("json", "jsonl"):
        data = json.loads(text)
        assert (data["answered"], data["answers"]) == (False, [])
    else:
        assert "No answer was found." in text
        assert not re.search(r"\d%(?! likely)", text)  # the threshold may be named, a confidence not
    assert "Belavia" in text  # the nearest passages are shown


@each_output
@pytest.mark.parametrize("how", ["write", "write_passages"])
def test_nothing_in_a_document_is_obeyed_by_a_terminal(name: str, how: str) -> None:
    found = hit(passage(HOSTILE, document="a\x1b[2J\u202e/b\udcff.txt"))
    hostile = reply(answer(found, "button [bold]now[/bold]"), question="\x1b]0;mine\x07")
    assert not RAW_CONTROL.search(written(name, hostile, how=how))


@each_output
@given(text=st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_any_text_can_be_written_and_encoded(name: str, text: str) -> None:
    found = hit(passage(text, document="x.txt"))
    out = written(name, reply(answer(found, text), question=text))
    assert out.encode("utf-8")
    assert out.endswith("\n")
    assert not RAW_CONTROL.search(out)


@each_output
def test_a_write_is_one_piece_so_that_an_interrupt_leaves_no_part(name: str) -> None:
    class Counting(io.StringIO):
        pieces = 0

        def write(self, text: str) -> int:
            self.pieces += bool(text)
            return super().write(text)

    stream = Counting()
    open_output(name).write(ANSWERED, stream)
    assert stream.pieces == 1


@each_output
@pytest.mark.parametrize("case", ["answered", "unanswered", "search"])
def test_the_output_is_the_golden_file(name: str, case: str) -> None:
    text = {
        "answered": lambda: written(name, ANSWERED),
        "unanswered": lambda: written(name, UNANSWERED),
        "search": lambda: written(name, UNANSWERED, how="write_passages"),
    }[case]()
    file = GOLDEN / f"{case}.{name}"
    if os.environ.get("ASKDOC_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        open_output("xml")
    assert "terminal, json, jsonl, markdown" in caught.value.hint


# For programs --------------------------------------------------------------------------------------------------------


@for_programs
def test_json_has_exactly_the_fields_of_schema_1(name: str) -> None:
    data = json.loads(written(name, ANSWERED))
    citation = {"document", "label", "page", "line_start", "line_end", "char_start", "char_end", "sha256"}
    assert list(data) == [
        *("schema", "question", "answered", "min_confidence", "calibrated", "answers", "passages", "index", "remarks"),
        "timing_ms",
    ]
    assert set(data["answers"][0]) == {"text", "confidence", "sentence", "support", "passage", "citation"}
    assert set(data["passages"][0]) == {"rank", "text", "score", "ranks", "citation", "also"}
    assert set(data["answers"][0]["citation"]) == set(data["passages"][0]["citation"]) == citation
    assert set(data["index"]) == {"path", "documents", "passages", "stale"}
    assert set(data["timing_ms"]) == {"load", "retrieve", "read", "total"}


@for_programs
def test_json_values_are_those_of_the_reply(name: str) -> None:
    data = json.loads(written(name, ANSWERED))
    best, found = data["answers"][0], data["passages"][0]
    assert (data["schema"], data["answered"], data["min_confidence"], data["remarks"]) == (1, True, 0.4, [])
    assert (best["text"], best["confidence"], best["support"], best["passage"]) == (OFFER, 0.9123, 2, 1)
    assert (found["rank"], found["score"], found["ranks"]) == (1, 0.8321, {"dense": 2, "lexical": 1})
    assert data["timing_ms"]["total"] == 121.3
    cited = best["citation"]
    assert FIRST.passage.text[cited["char_start"] - 2310 : cited["char_end"] - 2310] == best["text"]


@for_programs
def test_json_gives_hostile_text_back_unchanged(name: str) -> None:
    data = json.loads(written(name, reply(answer(hit(passage(HOSTILE)), "button"), question="\udcff\x9b")))
    assert (data["passages"][0]["text"], data["question"]) == (HOSTILE, "\udcff\x9b")


@for_programs
def test_an_error_takes_the_place_of_a_reply(name: str) -> None:
    stream = io.StringIO()
    open_output(name).write_error(UsageError("what", hint="do"), stream)
    assert json.loads(stream.getvalue()) == {"schema": 1, "error": {"message": "what", "hint": "do"}}


def test_a_json_line_is_one_line_even_with_line_separators_in_it() -> None:
    text = written("jsonl", reply(answer(hit(passage("a\u2028b\x85c\nd")), "a")))
    assert len(text.splitlines()) == 1


# For people ----------------------------------------------------------------------------------------------------------


@for_people
def test_errors_are_left_to_stderr(name: str) -> None:
    stream = io.StringIO()
    open_output(name).write_error(UsageError("what", hint="do"), stream)
    assert stream.getvalue() == ""


@for_people
def test_remarks_are_left_to_stderr(name: str) -> None:
    info = dataclasses.replace(ANSWERED.index, stale=True)
    stale = dataclasses.replace(ANSWERED, index=info, remarks=("b.txt\x1b changed",))
    assert "changed" not in written(name, stale)
    assert reply_lines(stale) == ["askdoc: b.txt␛ changed"]
    assert "askdoc index" in reply_lines(dataclasses.replace(stale, remarks=()))[0]


@pytest.mark.parametrize("width", [20, 60, 80, 120, 300])
def test_no_terminal_line_is_wider_than_the_terminal_or_than_reads_well(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = written("terminal", ANSWERED).splitlines()
    assert max(map(len, lines)) <= min(width, 100)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("before", [0, 3, 40, 4000])
def test_the_answer_is_in_sight_in_its_snippet_however_long_the_sentence(
    width: int, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = "so it went on " * before + "until the bell rang" + " and then on" * 4000 + "."
    out = written("terminal", reply(answer(hit(passage(text)), "the bell rang")))
    flat = " ".join(out.split())
    assert flat.count("«the bell rang»") == 2  # in the sentence and in the passage
    assert len(out.splitlines()) < 25


def test_the_span_stands_out_without_colour_and_without_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;36m" in on_a_terminal(ANSWERED, monkeypatch)
    without_colour = on_a_terminal(ANSWERED, monkeypatch, NO_COLOR="1")
    assert "\x1b[1;4m" in without_colour
    assert "\x1b[1;36m" not in without_colour
    assert "«lift sanctions" in on_a_terminal(ANSWERED, monkeypatch, TERM="dumb")


def test_a_citation_is_a_link_to_its_line_where_the_terminal_can_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = file_uri(".", ANSWERED.answers[1].citation)
    assert uri.startswith("file:///")
    assert uri.endswith("/notes/air%20lines.md#1")
    assert f";{uri}\x1b\\" in on_a_terminal(ANSWERED, monkeypatch)
    assert "\x1b]8" not in on_a_terminal(ANSWERED, monkeypatch, TERM="linux")
    assert "\x1b]8" not in written("terminal", ANSWERED)


def test_other_places_of_the_same_text_are_named() -> None:
    copy = passage(document="copy.txt", line=7)
    twice = reply(hits=(dataclasses.replace(FIRST, also=(copy,)),))
    assert "also in copy.txt:7" in written("terminal", twice)
    assert json.loads(written("json", twice))["passages"][0]["also"][0]["document"] == "copy.txt"


def test_a_place_without_lines_is_the_file_and_its_page() -> None:
    found = hit(dataclasses.replace(passage(), line=None, page=3))
    paged = reply(answer(found, OFFER))
    assert "seeds/news.txt (page 3)" in written("terminal", paged)
    assert "[seeds/news.txt](seeds/news.txt#page=3) (page 3)" in written("markdown", paged)
    assert file_uri(".", paged.answers[0].citation).endswith("/seeds/news.txt#page=3")
    citation = json.loads(written("json", paged))["answers"][0]["citation"]
    assert (citation["line_start"], citation["line_end"]) == (None, None)
    unpaged = reply(answer(hit(dataclasses.replace(passage(), line=None, label="row 4")), OFFER))
    assert "[seeds/news.txt](seeds/news.txt) (row 4)" in written("markdown", unpaged)


def test_page_and_heading_are_named_where_the_format_has_them() -> None:
    found = hit(dataclasses.replace(passage(), page=3, label="Sanctions\x1b"))
    paged = reply(answer(found, OFFER))
    assert "seeds/news.txt:32 (page 3, Sanctions␛)" in written("terminal", paged)
    assert "(page 3, Sanctions␛)" in written("markdown", paged)


def test_passages_beyond_the_first_few_are_counted_not_dropped_silently() -> None:
    many = reply(hits=tuple(hit(passage(), rank=rank) for rank in range(1, 10)))
    assert "4 more passages with --json" in written("terminal", many)
    assert written("terminal", many, how="write_passages").count("seeds/news.txt") == 9


def test_a_passage_in_full_keeps_its_lines_and_marks_the_answer() -> None:
    stream = io.StringIO()
    TerminalOutput().write_in_full(ANSWERED, stream)
    text = " ".join(stream.getvalue().split())
    assert "the US offered to «lift sanctions on the Belarusian state airline, Belavia», and" in text
    assert text.index("still in prison.") < text.index("Belavia is the state airline of Belarus.")


def test_markup_of_a_document_is_shown_as_it_is_written() -> None:
    text = "see [bold]this[/bold] and :smile: and [link=x]that[/link]"
    assert text in written("terminal", reply(hits=(hit(passage(text)),)))


@pytest.mark.parametrize(
    "text", ["# no heading", "1. no list", "- no list", "+ none", "*a* _b_ `c` [d](e) <b> &amp; ~f~"]
)
def test_markdown_shows_document_text_as_it_is_written(text: str) -> None:
    escaped = escape(text)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped) == text
    assert not re.match(r"[#+-]|\d+[.)]", escaped)
    assert not re.search(r"(?<!\\)[*_`\[\]<>&~]", escaped)


@given(st.text())
def test_printable_text_keeps_its_length_so_offsets_still_fit(text: str) -> None:
    assert len(printable(text)) == len(text)
    assert "\n" not in one_line(text)


def test_a_percentage_never_claims_certainty() -> None:
    assert [percent(p) for p in (0.0, 0.004, 0.5, 0.994, 1.0)] == ["<1%", "<1%", "50%", ">99%", ">99%"]
