"""One index, asked by many threads at once, while another one refreshes it."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from askdoc import ask, build, readers
from askdoc.outputs.json import reply_to_dict
from askdoc.readers import Reader
from askdoc.readers.overlap import OverlapReader
from askdoc.types import Reading, Reply

THREADS = 8
QUESTIONS = 1000
TRADES = ("baker", "brewer", "cooper", "dyer", "farrier", "glazier", "hatter", "mercer")


@pytest.fixture
def invoices(tmp_path: Path) -> Path:
    """An index of invoices in twenty files, some of them copies, made without models."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(20):
        lines = [
            f"Invoice {number * 100 + place} of {(number + 3) * place * 37} crowns, paid by the {trade} on day {place}."
            for place, trade in enumerate(TRADES, 1)
        ]
        (docs / f"{number:02}.txt").write_text("\n\n".join(lines))
    (docs / "copy.txt").write_bytes((docs / "07.txt").read_bytes())
    build.index([docs], tmp_path / "index", embedder="hashing", reader="overlap")
    return tmp_path / "index"


def questions(count: int) -> list[str]:
    return [
        f"what was invoice {number % 20 * 100 + number % 8 + 1}, paid by the {TRADES[number % 8]}, question {number}?"
        for number in range(count)
    ]


def timeless(reply: Reply) -> Reply:
    return dataclasses.replace(reply, timing_ms={})


def asked(index: ask.Index, question: str) -> Reply:
    if question.endswith("7?"):
        return timeless(index.search(question, passages=4))
    return timeless(index.ask(question, passages=4, min_confidence=0))


@contextmanager
def refreshing(index: ask.Index, touched: Path | None = None) -> Iterator[list[int]]:
    """Refresh the index again and again; the generations that it turned to. touched: a file to make look changed."""
    generations: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            if touched is not None:
                os.utime(touched, ns=(0, len(generations) + 10**18))
                build.index((), index.store.address)
            index.refresh()
            generations.append(index.retriever.opened.version)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            yield generations
        finally:
            stop.set()
        working.result()  # raises what it raised


def test_threads_get_the_replies_that_one_thread_gets(invoices: Path) -> None:
    wanted = questions(QUESTIONS)
    with ask.open_index(invoices) as index:
        expected = [asked(index, question) for question in wanted]
    assert {bool(reply.answers) for reply in expected} == {True, False}, "asked and searched"
    with (
        ask.open_index(invoices) as index,
        refreshing(index) as refreshes,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        assert list(pool.map(lambda question: asked(index, question), wanted)) == expected
    assert refreshes


def test_a_question_ends_on_the_generation_that_it_began_on(invoices: Path) -> None:
    wanted = questions(200)
    with ask.open_index(invoices) as index:
        expected = [asked(index, question) for question in wanted]
    with (
        ask.open_index(invoices, refresh="never") as index,
        refreshing(index, invoices.parent / "docs/03.txt") as generations,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        replies = list(pool.map(lambda question: asked(index, question), wanted * 3))
    assert [reply_to_dict(reply) for reply in replies] == [reply_to_dict(reply) for reply in expected * 3]
    assert len(set(generations)) > 1, "the index was written and opened again meanwhile"


def test_a_generation_is_closed_when_the_last_question_on_it_has_ended(
    invoices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    class Waiting(OverlapReader):
        def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
            reading.set()
            assert go_on.wait(60)
            return super().read(question, passages)

    monkeypatch.setattr(readers, "open_reader", lambda name: Waiting())
    with ask.open_index(invoices, refresh="never") as index, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(index.ask, "who paid invoice 301?")
        assert reading.wait(60)
        closed = index.retriever._close
        (invoices.parent / "docs/03.txt").write_text("Another text altogether.")
        build.index((), invoices)
        index.refresh()
        assert closed.alive
        go_on.set()
        asking.result()
        assert not closed.alive


def test_a_reader_is_loaded_once_however_many_wait_for_it(invoices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_reader = readers.open_reader

    def opening(name: str) -> Reader:
        opened.append(name)
        return open_reader(name)

    monkeypatch.setattr(readers, "open_reader", opening)
    with ask.open_index(invoices) as index, ThreadPoolExecutor(THREADS) as pool:
        assert len(list(pool.map(index.ask, questions(50)))) == 50
    assert opened == ["overlap"]
