"""What both rankings of the index folder promise, by meaning."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from askdoc.embedders.hashing import HashingEmbedder
from askdoc.errors import IndexDamagedError
from askdoc.stores.folder import PassageEntry, dense
from askdoc.stores.folder.dense import DenseIndex
from askdoc.stores.folder.lexical import LOCKS, LexicalIndex
from askdoc.types import Passage, Query, Source

EMBEDDER = HashingEmbedder()
KINDS = ("dense", "lexical")
TEXTS = [
    "The old stone bridge over the Lune was finished by Thomas Reed in 1784.",
    "Bees find their way home by the position of the sun.",
    "A steam engine from Leeds replaced the water wheel of the mill.",
    "Interest is paid on the first working day of every month.",
    "The orchestra refused to play until the hall had been heated.",
    "Salt lowers the temperature at which water freezes.",
]
ALL = range(1, len(TEXTS) + 1)  # the ids of the texts, in their order


def open_index(kind: str, folder: Path, *, create: bool = False) -> DenseIndex | LexicalIndex:
    if kind == "dense":
        return DenseIndex(folder, dimension=EMBEDDER.dimension, create=create)
    return LexicalIndex(folder, create=create)


def entries(texts: Sequence[str], ids: Sequence[int]) -> list[PassageEntry]:
    source = Source("a.txt", "00" * 32, 1, 1)
    return [PassageEntry(id_, 1, Passage(source, text, 10 * id_, id_)) for text, id_ in zip(texts, ids, strict=True)]


def fill(index: DenseIndex | LexicalIndex, texts: Sequence[str], ids: Sequence[int]) -> None:
    index.add(entries(texts, ids), EMBEDDER.embed_passages(texts))
    index.save()


def found(index: DenseIndex | LexicalIndex, text: str, limit: int = 10) -> list[int]:
    return [scored.id for scored in index.search(Query(text, EMBEDDER.embed_query(text)), limit)]


@pytest.fixture(params=[*KINDS, "dense, packed"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name, _, packed = str(request.param).partition(", ")
    if packed:  # what a large index does, from the first passage on
        monkeypatch.setattr(dense, "EXACT", 0)
    return name


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Path:
    return tmp_path / kind


@pytest.fixture
def empty(kind: str, place: Path) -> DenseIndex | LexicalIndex:
    return open_index(kind, place, create=True)


@pytest.fixture
def index(empty: DenseIndex | LexicalIndex) -> DenseIndex | LexicalIndex:
    fill(empty, TEXTS, ALL)
    return empty


def reopened(kind: str, place: Path) -> DenseIndex | LexicalIndex:
    return open_index(kind, place)


def test_a_passage_queried_by_itself_ranks_first(index: DenseIndex | LexicalIndex) -> None:
    assert [found(index, text)[0] for text in TEXTS] == list(ALL)


def test_the_best_come_first(index: DenseIndex | LexicalIndex) -> None:
    query = Query("water for the wheel", EMBEDDER.embed_query("water for the wheel"))
    scores = [scored.score for scored in index.search(query, 10)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1


def test_a_limit_keeps_the_best(index: DenseIndex | LexicalIndex) -> None:
    question = "the first stone of the bridge over the water"
    everything = found(index, question)
    assert len(everything) > 2
    assert [found(index, question, limit) for limit in (0, 1, 2)] == [[], everything[:1], everything[:2]]


def test_it_counts_its_passages(index: DenseIndex | LexicalIndex, empty: DenseIndex | LexicalIndex) -> None:
    assert len(index) == len(TEXTS)
    index.remove([1, 2])
    index.save()
    assert len(index) == len(TEXTS) - 2


def test_what_was_saved_is_there_when_it_is_opened_again(
    kind: str, place: Path, index: DenseIndex | LexicalIndex
) -> None:
    questions = [*TEXTS, "the wheel of the mill", "water"]
    before = [index.search(Query(text, EMBEDDER.embed_query(text)), 10) for text in questions]
    index.close()
    again = reopened(kind, place)
    assert len(again) == len(TEXTS)
    assert [again.search(Query(text, EMBEDDER.embed_query(text)), 10) for text in questions] == before


def test_what_was_not_saved_is_not_there_when_it_is_opened_again(
    kind: str, place: Path, index: DenseIndex | LexicalIndex
) -> None:
    index.add(entries(["Another passage."], [99]), EMBEDDER.embed_passages(["Another passage."]))
    index.remove([1])
    index.close()
    again = reopened(kind, place)
    assert found(again, TEXTS[0])[0] == 1
    assert 99 not in found(again, "Another passage.")


def test_a_removed_passage_is_never_found(kind: str, place: Path, index: DenseIndex | LexicalIndex) -> None:
    index.remove([3, 5])
    index.save()
    for held in (index, reopened(kind, place)):
        assert not {3, 5} & {id_ for text in TEXTS for id_ in found(held, text)}
        assert [found(held, TEXTS[id_ - 1])[0] for id_ in (1, 2, 4, 6)] == [1, 2, 4, 6]


def test_ids_stay_with_their_passages_when_others_are_removed_and_added(kind: str, place: Path) -> None:
    """FAISS shifts rows on removal: an id must never come to mean another passage."""
    index = open_index(kind, place, create=True)
    fill(index, TEXTS[:4], [10, 20, 30, 40])
    index.remove([10, 30])
    fill(index, TEXTS[4:], [50, 60])
    index = reopened(kind, place)
    index.remove([40])
    fill(index, [TEXTS[0]], [70])
    assert [found(index, text)[0] for text in (TEXTS[1], TEXTS[4], TEXTS[5], TEXTS[0])] == [20, 50, 60, 70]
    assert len(index) == 4


def test_removing_what_is_not_there_changes_nothing(index: DenseIndex | LexicalIndex) -> None:
    index.remove([4711, 0])
    index.remove([])
    index.save()
    assert len(index) == len(TEXTS)
    assert [found(index, text)[0] for text in TEXTS] == list(ALL)


@pytest.mark.parametrize("kind", KINDS, indirect=True)  # packed vectors are rounded: nearly those
def test_scores_are_those_of_an_index_that_never_held_what_was_removed(kind: str, tmp_path: Path) -> None:
    steps = open_index(kind, tmp_path / "steps", create=True)
    fill(steps, TEXTS[:2], [1, 2])
    fill(steps, TEXTS[2:], [3, 4, 5, 6])
    steps.remove([1, 4])
    if isinstance(steps, LexicalIndex):
        steps.save(rewrite=True)  # until then BM25 counts what was removed
    else:
        steps.save()
    fresh = open_index(kind, tmp_path / "fresh", create=True)
    fill(fresh, [TEXTS[at] for at in (1, 2, 4, 5)], [2, 3, 5, 6])
    for text in (*TEXTS, "the water of the bridge"):
        query = Query(text, EMBEDDER.embed_query(text))
        assert steps.search(query, 10) == fresh.search(query, 10)


def test_ties_are_in_the_order_of_ids(empty: DenseIndex | LexicalIndex) -> None:
    fill(empty, [TEXTS[0]] * 30, range(1, 31))
    assert found(empty, TEXTS[0], 30) == list(range(1, 31))
    assert found(empty, TEXTS[0], 5) == [1, 2, 3, 4, 5]


def test_an_empty_index_finds_nothing(kind: str, place: Path, empty: DenseIndex | LexicalIndex) -> None:
    empty.save()
    for held in (empty, reopened(kind, place)):
        assert found(held, TEXTS[0]) == []
        assert len(held) == 0


@pytest.mark.parametrize("text", ["", "🙂", "???", 'AND ("title:x -foo* OR', "\x00", "naïve " * 10_000])
def test_any_question_may_be_asked(index: DenseIndex | LexicalIndex, text: str) -> None:
    assert set(found(index, text)) <= set(ALL)


def test_a_folder_without_an_index_is_damage(kind: str, place: Path, index: DenseIndex | LexicalIndex) -> None:
    index.close()
    shutil.rmtree(place)
    place.mkdir()
    with pytest.raises(IndexDamagedError) as caught:
        reopened(kind, place)
    assert "--rebuild" in caught.value.hint


def test_a_cut_file_is_damage(kind: str, place: Path, index: DenseIndex | LexicalIndex) -> None:
    index.close()
    for path in place.iterdir():
        path.write_bytes(path.read_bytes()[:7])
    with pytest.raises(IndexDamagedError):
        reopened(kind, place)


def test_vectors_of_another_length_are_damage(tmp_path: Path) -> None:
    DenseIndex(tmp_path, dimension=8, create=True).save()
    with pytest.raises(IndexDamagedError, match="8 numbers, not 9"):
        DenseIndex(tmp_path, dimension=9)


def test_nothing_is_written_after_an_index_was_saved(tmp_path: Path) -> None:
    """What a thread of the library wrote later would be in the way of who clears a draft away, or counts its files."""
    index = LexicalIndex(tmp_path / "lexical", create=True)
    fill(index, TEXTS, ALL)
    index.remove([1])
    index.save()
    saved = sorted(path.name for path in (tmp_path / "lexical").iterdir())
    time.sleep(1.2)  # the library looks for changes twice a second, if it does
    assert sorted(path.name for path in (tmp_path / "lexical").iterdir()) == saved


def test_words_are_found_by_their_stem_without_case_and_accents(tmp_path: Path) -> None:
    index = LexicalIndex(tmp_path, create=True)
    fill(index, ["The cafés were replacing their engines.", "Nothing here."], [1, 2])
    for word in ("CAFE", "café", "replaced", "engine"):
        assert found(index, word) == [1], word


def test_where_no_lock_can_be_written_the_words_are_read_all_the_same(tmp_path: Path) -> None:
    """Tantivy writes a lock file even to read; a read-only folder must not stop a question."""
    index = LexicalIndex(tmp_path, create=True)
    fill(index, TEXTS, ALL)
    index.close()
    for name in LOCKS:
        (tmp_path / name).mkdir()  # no file can be made here
    again = LexicalIndex(tmp_path)
    assert [found(again, text)[0] for text in TEXTS] == list(ALL)
    again.close()
