"""Whatever happened to a file, its loader makes a text of it or says why not. The long version: benchmarks/fuzz.py."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mutations import damaged
from samples import samples

from askdoc import loaders
from askdoc.errors import LoadError
from askdoc.loaders import LOADERS
from askdoc.loaders.sandbox import MIB, Limits, LoaderProcess, MisbehavedError
from askdoc.passages.cite import cite
from askdoc.passages.split import split
from askdoc.types import Content, Document, Source

EXAMPLES = 200
LIMITS = Limits(seconds=20.0, memory=1024 * MIB)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoaderProcess]:
    monkeypatch.setattr(loaders, "_SIMPLE", {})  # the simple ones too, to be stopped if they hang
    with LoaderProcess(LIMITS) as process:
        yield process


@pytest.mark.parametrize("entry", sorted(set(LOADERS.values())))
def test_a_damaged_file_is_read_or_refused(entry: str, process: LoaderProcess) -> None:
    sound = samples(entry)
    assert sound, "a file of this format belongs into SAMPLES of the contract suite"

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
    @given(some.sampled_from(sound), some.integers(0, 2**32))
    def check(data: bytes, seed: int) -> None:
        try:
            loaded = process.load(entry, damaged(data, sound, random.Random(seed)))  # noqa: S311  # no secret
        except MisbehavedError:
            raise
        except LoadError as error:
            assert error.message  # noqa: PT017  # not raising is as good
        else:
            assert isinstance(loaded.text, str)

    check()


@pytest.mark.parametrize("entry", sorted(set(LOADERS.values())))
def test_a_sound_file_gives_the_same_text_in_every_process(entry: str) -> None:
    """Python orders sets of strings anew in each; what is indexed must not depend on it."""
    read = []
    for _ in range(3):
        with LoaderProcess(LIMITS) as process:
            read.append([text_or_refusal(process, entry, data) for data in samples(entry)])
    assert read[0] == read[1] == read[2]
    assert any(isinstance(each, Content) and each.text for each in read[0])


@pytest.mark.parametrize("entry", sorted(set(LOADERS.values())))
def test_what_is_quoted_from_a_sound_file_has_one_citation(entry: str, process: LoaderProcess) -> None:
    """Wherever it is cited: in its passage, as a question does it, or in its document, as verifying does."""
    for loaded in (text_or_refusal(process, entry, data) for data in samples(entry)):
        if isinstance(loaded, str):
            continue
        pages = [mark.page for mark in loaded.marks]
        assert pages.count(None) in (0, len(pages)), "a document with pages has one in every mark"
        document = Document(Source("a", "0", 0, 0), loaded)
        passages = split(document)
        for passage in passages[:: max(1, len(passages) // 50)]:
            for start in range(0, len(passage.text), 97):
                assert cite(passage, start) == cite(document, passage.start + start, passage.end)


def text_or_refusal(process: LoaderProcess, entry: str, data: bytes) -> Content | str:
    try:
        return process._load(entry, data)  # in the worker, also of a simple format
    except MisbehavedError:
        raise
    except LoadError as error:
        return error.message
