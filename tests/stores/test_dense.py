"""How the vectors are kept: exactly while they are few, packed beyond, and found just as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from askdoc.stores.folder import PassageEntry, dense
from askdoc.stores.folder.dense import FILE, FLAT, LISTS, DenseIndex
from askdoc.types import Passage, Query, Source

DIMENSION = 48
SUBJECTS, EACH = 60, 50
TEXTLESS = Passage(Source("a.txt", "00" * 32, 1, 1), "", 0, 1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds that three thousand vectors pass many times; still far more lists than a question is compared with."""
    monkeypatch.setattr(dense, "EXACT", 500)
    monkeypatch.setattr(dense, "PROBES", 12)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Unit vectors by subjects, one subject after another."""
    rng = np.random.default_rng(5)
    subjects = np.repeat(rng.standard_normal((SUBJECTS, DIMENSION)), EACH, axis=0)
    found = subjects + 0.7 * rng.standard_normal(subjects.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def add(index: DenseIndex, vectors: np.ndarray, first: int = 0) -> None:
    for start in range(0, len(vectors), 100):
        some = vectors[start : start + 100]
        index.add([PassageEntry(first + start + at, 1, TEXTLESS) for at in range(len(some))], some)


def made(folder: Path, vectors: np.ndarray) -> DenseIndex:
    index = DenseIndex(folder, dimension=DIMENSION, create=True)
    add(index, vectors)
    index.save()
    return index


def found(index: DenseIndex, vector: np.ndarray, limit: int = 20) -> list[int]:
    return [scored.id for scored in index.search(Query("", vector), limit)]


def recall(index: DenseIndex, vectors: np.ndarray, asked: np.ndarray) -> float:
    """The share of the twenty nearest that are found, and that are among the first twenty."""
    nearest = np.argsort(-(asked @ vectors.T), axis=1)[:, :20]
    return float(np.mean([len(set(found(index, one)) & set(row)) / 20 for one, row in zip(asked, nearest.tolist())]))  # noqa: B905


def between(vectors: np.ndarray, first: int, last: int) -> np.ndarray:
    """Questions near some of the vectors, but not on them."""
    near = vectors[first:last:9] + 0.05 * np.random.default_rng(6).standard_normal(
        (len(vectors[first:last:9]), DIMENSION)
    )
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


def test_few_are_kept_exactly_and_many_are_packed(tmp_path: Path, vectors: np.ndarray) -> None:
    index = made(tmp_path, vectors[:500])
    assert (index.structure, (tmp_path / LISTS).exists()) == (FLAT, False)
    np.testing.assert_array_equal(index.vectors([3, 499]), vectors[[3, 499]])
    add(index, vectors[500:], 500)
    index.save()
    lists = dense._lists_for(len(vectors))
    assert index.structure.startswith("IVF")
    assert index._lists is not None
    assert dense.PROBES < lists // 2 <= index._lists.index.nlist <= lists, "the test looks at too many lists"
    assert dense.structure_today(index.structure) == index.structure
    assert len(index) == len(vectors)
    again = DenseIndex(tmp_path, dimension=DIMENSION)
    assert (again.structure, len(again)) == (index.structure, len(vectors))
    assert [again.search(Query("", one), 9) for one in vectors[::99]] == [
        index.search(Query("", one), 9) for one in vectors[::99]
    ]


def test_an_unknown_structure_is_not_todays() -> None:
    assert dense.structure_today("HNSW32 + flat") == FLAT


def test_packed_passages_are_found_as_if_all_had_been_compared(tmp_path: Path, vectors: np.ndarray) -> None:
    """Also those whose subjects came up only after the lists were trained."""
    index = made(tmp_path, vectors)
    for first, last in ((0, 1000), (1000, 2000), (2000, 3000)):
        assert recall(index, vectors, between(vectors, first, last)) >= 0.97
    assert [found(index, vectors[at], 1) for at in range(0, 3000, 77)] == [[at] for at in range(0, 3000, 77)]


def test_lists_that_were_never_trained_anew_would_not_do(
    tmp_path: Path, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the test above can fail: these lists know the first subjects alone."""
    index = made(tmp_path, vectors[:600])
    assert index._lists is not None
    index._lists.writable().add_with_ids(vectors[600:], np.arange(600, len(vectors)))
    monkeypatch.setattr(index._lists.index, "nprobe", 2)
    assert recall(index, vectors, between(vectors, 2000, 3000)) < 0.9


def test_the_same_passages_give_the_same_index(tmp_path: Path, vectors: np.ndarray) -> None:
    for name in ("one", "two"):
        made(tmp_path / name, vectors)
    for name in (FILE, LISTS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_in_steps_or_at_once_the_same_is_found(tmp_path: Path, vectors: np.ndarray) -> None:
    made(tmp_path, vectors[:700]).close()
    for first in range(700, 3000, 230):
        index = DenseIndex(tmp_path, dimension=DIMENSION)
        add(index, vectors[first : first + 230], first)
        index.save()
        index.close()
    assert recall(DenseIndex(tmp_path, dimension=DIMENSION), vectors, between(vectors, 0, 3000)) >= 0.97


def test_kept_vectors_are_nearly_the_given_and_do_not_wear_off(tmp_path: Path, vectors: np.ndarray) -> None:
    """A passage that stays is never embedded again: its vector is what it was, however often all is packed anew."""
    index = made(tmp_path, vectors[:600])
    ids = list(range(0, 400, 7))
    once = index.vectors(ids)
    assert np.abs(once - vectors[ids]).max() < 0.05
    lists = index.structure
    add(index, vectors[600:], 600)
    assert index.structure != lists
    np.testing.assert_array_equal(index.vectors(ids), once)
    index.add([PassageEntry(10_000 + at, 1, TEXTLESS) for at in range(len(ids))], once)  # the same texts in other files
    add(index, vectors[:600], 20_000)
    assert index._exact.ids().min() >= 20_000 or len(index._exact) == 0, "they are packed by now"
    np.testing.assert_array_equal(index.vectors([10_000 + at for at in range(len(ids))]), once)


def test_removed_passages_are_gone_from_either_part(tmp_path: Path, vectors: np.ndarray) -> None:
    index = made(tmp_path, vectors[:700])
    packed, new = int(index._lists.ids()[0]), int(index._exact.ids()[0])  # type: ignore[union-attr]
    index = DenseIndex(tmp_path, dimension=DIMENSION)
    index.remove([packed, new, 4711])
    index.save()
    for held in (index, DenseIndex(tmp_path, dimension=DIMENSION)):
        assert len(held) == 698
        assert not {packed, new} & {*found(held, vectors[packed], 700), *found(held, vectors[new], 700)}
        for gone in (packed, new):
            with pytest.raises(KeyError):
                held.vectors([5 + gone, gone])


def test_a_small_change_leaves_what_is_packed_alone(tmp_path: Path, vectors: np.ndarray) -> None:
    """The large file is not written again, nor read into memory."""
    made(tmp_path, vectors[:700]).close()
    before = (tmp_path / LISTS).stat()
    index = DenseIndex(tmp_path, dimension=DIMENSION)
    add(index, vectors[700:710], 700)
    index.remove([705])
    index.save()
    after = (tmp_path / LISTS).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert index._lists is not None
    assert index._lists._mapped
    assert found(DenseIndex(tmp_path, dimension=DIMENSION), vectors[709], 1) == [709]


def test_packing_holds_few_vectors_unpacked(
    tmp_path: Path, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "_CHUNK", 64)
    monkeypatch.setattr(dense, "POINTS", 2)
    asked: list[int] = []
    vectors_of = DenseIndex.vectors

    def counted(self: DenseIndex, ids: np.ndarray) -> np.ndarray:
        asked.append(len(ids))
        return vectors_of(self, ids)

    monkeypatch.setattr(DenseIndex, "vectors", counted)
    index = made(tmp_path, vectors)
    assert index._lists is not None
    assert asked
    assert max(asked) <= max(64, 2 * index._lists.index.nlist)
