"""One question, one answer: the surfaces differ in dress alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from programs import ROOT, Ran, askdoc

import askdoc as api
from askdoc.cli.loop import Session, handle
from askdoc.outputs import open_output
from askdoc.outputs.json import reply_to_dict

QUESTIONS = [
    "who is Trump's envoy?",
    "How many political prisoners were released?",
    "What is the population of Belarus?",
]


def told(reply: dict[str, Any]) -> dict[str, Any]:
    """All that a reply says, but for the time it took and what loaded first."""
    return {key: value for key, value in reply.items() if key != "timing_ms"}


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    """What the Python API says, the index opened as the others open it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        with api.open_index() as index:
            return [told(json.loads(json.dumps(reply_to_dict(index.ask(question))))) for question in QUESTIONS]


def ran(*words: str | Path, **options: Any) -> Ran:
    done = askdoc(*words, cwd=ROOT, **options)
    assert done.err == ""
    return done


def test_the_questions_show_both_kinds_of_reply(expected: list[dict[str, Any]]) -> None:
    assert [reply["answered"] for reply in expected] == [True, True, False]
    assert [reply["answers"][0]["text"] for reply in expected[:2]] == ["Keith Kellogg", "52"]


def test_the_command_line_says_the_same(expected: list[dict[str, Any]]) -> None:
    done = [ran(question, "--json") for question in (QUESTIONS[0], QUESTIONS[2])]
    assert [told(one.json) for one in done] == [expected[0], expected[2]]
    assert [one.status for one in done] == [0, 1]


def test_a_batch_says_the_same(expected: list[dict[str, Any]]) -> None:
    done = ran("ask", "--batch", "-", stdin="\n".join(QUESTIONS).encode())
    assert [told(json.loads(line)) for line in done.out.splitlines()] == expected


def test_lines_that_are_piped_into_the_loop_are_answered_the_same(expected: list[dict[str, Any]]) -> None:
    done = ran(stdin="\n".join(QUESTIONS).encode())
    assert [told(json.loads(line)) for line in done.out.splitlines()] == expected


def test_the_loop_says_the_same(expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with api.open_index() as index:
        session = Session(index=index, output=open_output("jsonl"), stdout=io.StringIO(), stderr=io.StringIO())
        for question in QUESTIONS:
            assert handle(session, question)
    assert isinstance(session.stdout, io.StringIO)
    assert [told(json.loads(line)) for line in session.stdout.getvalue().splitlines()] == expected


@pytest.mark.parametrize("output", ["terminal", "markdown"])
def test_formats_for_people_name_the_same_answers_and_places(
    output: str, expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(ROOT)
    stream = io.StringIO()
    with api.open_index() as index:
        open_output(output).write(index.ask(QUESTIONS[0]), stream)
    text = stream.getvalue()
    for answer in expected[0]["answers"]:
        assert answer["text"] in text
        citation = answer["citation"]
        assert f"{citation['document']}:{citation['line_start']}" in text.replace("#L", ":")
