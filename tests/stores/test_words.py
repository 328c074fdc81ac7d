"""Words of any script are found as people type them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from languages import CASES, CORPUS

from askdoc.embedders.hashing import HashingEmbedder
from askdoc.stores.folder import PassageEntry
from askdoc.stores.folder.lexical import LexicalIndex
from askdoc.stores.folder.words import asked, indexed
from askdoc.types import Passage, Query, Source

PARAGRAPHS = [paragraph for paragraphs in CORPUS.values() for paragraph in paragraphs]
EMBEDDER = HashingEmbedder()


def index_of(texts: list[str], folder: Path) -> LexicalIndex:
    index = LexicalIndex(folder, create=True)
    source = Source("a.txt", "00" * 32, 1, 1)
    index.add([PassageEntry(at, 1, Passage(source, text, 0, 1)) for at, text in enumerate(texts, 1)])
    index.save()
    return index


def found(index: LexicalIndex, text: str) -> list[int]:
    return [scored.id - 1 for scored in index.search(Query(text, EMBEDDER.embed_query("")), 200)]


def test_a_passage_comes_back_as_it_was_added(tmp_path: Path) -> None:
    index, source = LexicalIndex(tmp_path / "index", create=True), Source("a.pdf", "00" * 32, 1, 1)
    added = [
        Passage(source, "Over two page breaks.", 7, None, "Tides", 3, ((5, 4), (9, 5))),
        Passage(source, "On one page.", 30, None, None, 5),
        Passage(source, "On none.", 60, 12, "Tides"),
    ]
    index.add([PassageEntry(number, 1, passage) for number, passage in enumerate(added, 1)])
    index.save()
    stored = index.passages([1, 2, 3])
    assert [stored[number].passage(source) for number in (1, 2, 3)] == added


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LexicalIndex]:
    index = index_of(PARAGRAPHS, tmp_path_factory.mktemp("lexical") / "index")
    yield index
    index.close()


@pytest.mark.parametrize(("language", "query", "paragraph"), CASES, ids=[f"{case[0]}: {case[1]}" for case in CASES])
def test_a_word_ranks_its_paragraph_first(language: str, query: str, paragraph: str, index: LexicalIndex) -> None:
    assert PARAGRAPHS[found(index, query)[0]] == paragraph


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_composed_and_decomposed_text_find_one_another(
    form: Literal["NFC", "NFD", "NFKC", "NFKD"], tmp_path: Path
) -> None:
    stored = index_of([unicodedata.normalize(form, text) for text in PARAGRAPHS], tmp_path / form)
    for _, query, paragraph in CASES:
        for asked_form in ("NFC", "NFD"):
            first = found(stored, unicodedata.normalize(asked_form, query))[0]
            assert PARAGRAPHS[first] == paragraph, query
    stored.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zürich", "zurich"),
        ("café", "CAFE\u0301"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul", "istanbul"),
        ("IŞIK", "ışık"),
        ("Ａｓｋ　１２３", "ask 123"),
        ("ﬁle", "file"),
        ("in\u00adfor\u00admation", "information"),
        ("naïve\ufeff", "naive"),
        ("مُحَمَّد", "محمد"),
        ("کتاب", "كتاب"),
        ("عـــربي", "عربي"),
        ("שָׁלוֹם", "שלום"),
        ("ёлка", "елка"),
        ("за́мок", "замок"),
        ("٢٠٢٤", "2024"),
        ("२०२४", "2024"),
        ("ज़रूर", "जरूर"),
        ("می\u200cخواهم", "میخواهم"),
        ("ﾊﾟﾝ", "パン"),
        ("が", "か\u3099"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("CO₂", "co2"),
        ("Łódź", "lodz"),
        ("1\ufe0f\u20e3 first", "1 first"),
    ],
)
def test_writings_of_one_word_are_one(one: str, other: str, tmp_path: Path) -> None:
    for place, (stored, query) in enumerate([(one, other), (other, one)]):
        index = index_of([f"a {stored}.", "nothing"], tmp_path / str(place))
        assert found(index, query) == [0], (stored, query)


@pytest.mark.parametrize(
    ("one", "other"), [("मन", "मान"), ("पिता", "पता"), ("はは", "ばば"), ("กา", "ก้า"), ("水", "火"), ("서울", "부산")]
)
def test_other_words_stay_others(one: str, other: str, tmp_path: Path) -> None:
    assert found(index_of([one, "nothing"], tmp_path), other) == []


def test_letters_that_only_look_accented_stay_themselves() -> None:
    assert [asked(word) for word in ("МОЙ", "мои", "ўсе", "усе")] == ["мой", "мои", "ўсе", "усе"]


def test_a_single_character_of_a_script_without_spaces_is_found(tmp_path: Path) -> None:
    assert found(index_of(["他在河边喝水。", "没有别的。"], tmp_path), "水") == [0]


def test_emoji_part_words_and_are_none(tmp_path: Path) -> None:
    index = index_of(["good👍🏽morning 👩‍👩‍👧 done", "🙂"], tmp_path)
    assert found(index, "morning") == found(index, "done👍") == [0]
    assert found(index, "👍🏽 🙂") == []


def test_usual_and_unusual_text_give_the_same_words() -> None:
    """Plain English is spared the normalisation; a word beside another script must not become another one for it."""
    text = "“Don’t,” she said – naïve €5 façade, 20 °C… Œuvre? Ærø ß"
    assert indexed(f"{text} д").split() == [*indexed(text).split(), "д"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
@example("ﬃ Ǆ ŉ ΐ ᾳ ẞ ſ")
@example("a\u0301\u0323b कि्षा ำ")
def test_folding_text_and_its_folded_form_is_the_same(text: str) -> None:
    """Who copies what was folded finds it; and nothing that the tokenizer cannot take comes out."""
    words = asked(text)
    assert asked(words).split() == words.split()
    words.encode()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=12), min_size=1, max_size=8),
    st.data(),
)
def test_every_word_of_a_passage_finds_it(words: list[str], data: st.DataObject) -> None:
    """Any run of letters, marks and digits but those that hold nothing to look up, or more than 120 bytes of it."""
    text = " ".join(words)
    query = data.draw(st.sampled_from(words))
    if not any(len(word.encode()) < 120 for word in asked(query).split()):
        return
    with TemporaryDirectory() as folder:
        index = index_of([text, "!"], Path(folder))
        assert found(index, query) == [0]
        index.close()


def any_letter(word: str) -> bool:
    return any(char.isalnum() for char in word)


@pytest.mark.parametrize("language", CORPUS)
def test_any_part_between_spaces_of_any_language_finds_its_paragraph(language: str, index: LexicalIndex) -> None:
    for paragraph in CORPUS[language]:
        at = PARAGRAPHS.index(paragraph)
        for word in filter(any_letter, paragraph.split()):
            assert at in found(index, word), word
