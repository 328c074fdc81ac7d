"""What holds of every text, however strange."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from askdoc.passages.cite import cite
from askdoc.passages.sentences import sentences
from askdoc.passages.split import LIMIT, split
from askdoc.types import Content, Document, Mark, Source, count_lines

PIECES = st.one_of(
    st.sampled_from(
        ["\n", "\r", "\r\n", "\n\n", "\r\n\r\n", " ", "\t", "\f", "\x1c", "\u2028", "\u2029", "\u3000", "\ufeff"]
    ),
    st.sampled_from(
        [". ", "! ", "? ", "...", "。", "」", '"', "U.S. ", "J. ", "No. 5", ": ", "- ", "# ", "===", "| ", "[1]"]
    ),
    st.sampled_from(
        ["word ", "Word", "Über", "日本", "e\u0301", "\u0301", "👩\u200d🚒", "\ud83d", "\udc4d", "x" * 600]
    ),
    st.text(max_size=5),
    st.tuples(
        st.sampled_from(["a", "ab ", "A. ", "\n", "\r\n", " ", "\u0301", "long line of it, ", "- x\n"]),
        st.integers(1, 1500),
    ).map(lambda repeated: repeated[0] * repeated[1]),
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)
    places = st.integers(0, max(0, len(text) - 1))
    starts = sorted(draw(st.sets(places, max_size=5))) if text else []
    labels = st.sampled_from([None, "A", "A › B", "A › C", "D"])
    pages: st.SearchStrategy[int | None] = st.none()
    paged = draw(st.booleans())
    if starts and paged:  # a document with pages has one everywhere
        starts, pages = sorted({0, *starts}), st.sampled_from([1, 2])
    marks = tuple(Mark(start, draw(labels), draw(pages)) for start in starts)
    borders = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    skip = tuple(pairwise(borders))[::2]
    return Document(Source("a", "0", 0, 0), Content(text, marks, skip=skip))


def read(document: Document) -> set[int]:
    """Offsets of all characters that are to be read."""
    skipped = {at for start, end in document.content.skip for at in range(start, end)}
    return {at for at, char in enumerate(document.text) if not char.isspace() and at not in skipped}


@given(documents())
def test_passages_are_slices_within_the_limit_and_free_of_white_space_at_the_ends(document: Document) -> None:
    for passage in split(document):
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip()
        assert 0 < len(passage.text) <= LIMIT


@given(documents())
def test_each_character_is_in_exactly_one_passage_in_order(document: Document) -> None:
    passages = split(document)
    assert all(before.end <= after.start for before, after in pairwise(passages))
    covered = {at for passage in passages for at in range(passage.start, passage.end)}
    assert read(document) == {at for at in covered if not document.text[at].isspace()}


@given(documents())
def test_the_line_is_that_of_an_editor(document: Document) -> None:
    for passage in split(document):
        assert passage.line == 1 + count_lines(document.text[: passage.start])


@given(documents())
def test_label_and_page_are_those_of_the_place(document: Document) -> None:
    """The page of the first character; the label of the last, or of a heading right below that."""
    nowhere = Mark(0, None, None)
    for passage in split(document):
        begun = [mark for mark in document.content.marks if mark.start <= passage.start] or [nowhere]
        reached = [mark for mark in document.content.marks if mark.start < passage.end] or [nowhere]
        assert passage.page == begun[-1].page
        for mark in (reached[-1], begun[-1]):
            assert (passage.label or "").startswith(mark.label or "")
        assert passage.label is None or passage.label in {mark.label for mark in document.content.marks}


@given(documents(), st.data())
def test_a_place_has_the_same_citation_in_its_document_and_in_its_passage(
    document: Document, data: st.DataObject
) -> None:
    for passage in split(document):
        start = data.draw(st.integers(0, len(passage.text) - 1))
        end = data.draw(st.integers(start + 1, len(passage.text)))
        assert cite(passage, start, end) == cite(document, passage.start + start, passage.start + end)
    assert all(
        cite(passage).line_start is cite(passage).line_end is None
        for passage in split(Document(document.source, dataclasses.replace(document.content, extracted=True)))
    )


@given(TEXTS)
def test_a_cut_falls_between_characters_as_a_reader_sees_them(text: str) -> None:
    for passage in split(Document(Source("a", "0", 0, 0), Content(text))):
        before = text[passage.start - 1 : passage.start]
        assert before + passage.text[0] != "\r\n"
        if "\u0301" * (LIMIT // 2) not in text and before and not before.isspace():
            assert passage.text[0] not in "\u0301\u200d\udc4d"


@given(documents())
def test_the_source_does_not_matter_to_the_split(document: Document) -> None:
    other = Document(Source("b", "1", 2, 3), dataclasses.replace(document.content, remarks=("a remark",)))
    assert [(p.text, p.start, p.line, p.label) for p in split(document)] == [
        (p.text, p.start, p.line, p.label) for p in split(other)
    ]


@given(TEXTS)
def test_sentences_are_disjoint_trimmed_and_lose_nothing(text: str) -> None:
    ranges = sentences(text)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in ranges)
    assert "".join("".join(text[start:end].split()) for start, end in ranges) == "".join(text.split())
