"""What every store promises, by meaning. To test a new one, add a line to the table and an address to `ADDRESSES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from askdoc.embedders.hashing import HashingEmbedder
from askdoc.errors import IndexBusyError, IndexMismatchError, IndexMissingError, UsageError
from askdoc.stores import STORES, Head, IndexStore, IndexWriter, check_recipe, find_index, open_store
from askdoc.types import DocumentEntry, Failed, LeftOut, Passage, Query, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

# How a test comes to a new address, by the prefix in the table.
ADDRESSES: dict[str, Callable[[Path], Path | str]] = {"": lambda place: place / "index"}

EMBEDDER = HashingEmbedder()
BRIDGE = "The old stone bridge over the Lune was finished by Thomas Reed in 1784."
MILL = "A steam engine from Leeds replaced the water wheel of the mill."
FERRY = "A ferry crossed the river until the stone bridge was finished."


def test_every_store_has_an_address_here() -> None:
    assert ADDRESSES.keys() == STORES.keys()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> IndexStore:
    return open_store(ADDRESSES[request.param](tmp_path))


def source(path: str, sha256: str = "00") -> Source:
    return Source(path, sha256, 10, 1)


def batches(path: str, *texts: str) -> Iterator[tuple[Sequence[Passage], Vectors]]:
    for number, text in enumerate(texts):  # one passage a batch
        passage = Passage(source(path), text, 100 * number, 1 + number)
        yield [passage], EMBEDDER.embed_passages([text])


def head(store: IndexStore, root: Path, **more: object) -> Head:
    return Head(recipe=store.recipe(EMBEDDER), root=root, paths=("docs",), **more)  # type: ignore[arg-type]


def fill(store: IndexStore, root: Path) -> None:
    with store.writing() as writer:
        writer.begin(head(store, root))
        writer.put(source("docs/a.txt", "aa"), batches("docs/a.txt", BRIDGE, MILL), ("a remark",))
        writer.put(source("docs/b.txt", "bb"), batches("docs/b.txt", FERRY))
        writer.commit()


def begun(store: IndexStore, writer: IndexWriter) -> Sequence[DocumentEntry]:
    return writer.begin(store.state().head).documents


def texts(store: IndexStore) -> dict[str, list[str]]:
    """All that can be asked, by path, as both rankings find it."""
    opened = store.open()
    held: dict[str, list[str]] = {}
    for question in (BRIDGE, MILL, FERRY):
        rankings = opened.rankings(Query(question, EMBEDDER.embed_query(question)), 100)
        assert rankings.keys() == {"dense", "lexical"}
        for ranking in rankings.values():
            ids = [scored.id for scored in ranking]
            passages, paths = opened.passages(ids), opened.paths(ids)
            assert passages.keys() == paths.keys() == set(ids)
            for id_, passage in passages.items():
                assert passage.source.path == paths[id_]
                held.setdefault(passage.source.path, []).append(passage.text)
    opened.close()
    return {path: sorted(set(found)) for path, found in sorted(held.items())}


def test_an_address_without_an_index_says_so(store: IndexStore) -> None:
    assert not store.exists()
    assert store.stamp() == store.stamp()
    for look in (store.state, store.open, store.check):
        with pytest.raises(IndexMissingError) as caught:
            look()
        assert "askdoc index" in caught.value.hint


def test_what_was_committed_can_be_asked(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    store.check()
    assert texts(store) == {"docs/a.txt": sorted([BRIDGE, MILL]), "docs/b.txt": [FERRY]}
    state = store.state()
    assert [(entry.source.path, entry.passages, entry.remarks) for entry in state.documents()] == [
        ("docs/a.txt", 2, ("a remark",)),
        ("docs/b.txt", 1, ()),
    ]
    assert (state.head.root, state.head.paths) == (tmp_path, ("docs",))
    assert state.size() > 0
    assert state.damage() == []


def test_the_best_passage_comes_first_and_limits_are_kept(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    opened = store.open()
    for ranking in opened.rankings(Query(MILL, EMBEDDER.embed_query(MILL)), 1).values():
        (best,) = ranking
        assert opened.passages([best.id])[best.id].text == MILL
    assert opened.passages([4711]) == {}
    opened.close()


def test_a_passage_comes_back_as_it_was(store: IndexStore, tmp_path: Path) -> None:
    passage = Passage(source("docs/a.txt", "aa"), "Zürich — 東京\n\ud83d lone", 7, None, "A › B", 3, ((4, 4), (9, 5)))
    with store.writing() as writer:
        writer.begin(head(store, tmp_path))
        writer.put(passage.source, [([passage], EMBEDDER.embed_passages([passage.text]))])
        writer.commit()
    opened = store.open()
    ((scored, *_), *_) = opened.rankings(Query("東京", EMBEDDER.embed_query("東京")), 5).values()
    assert opened.passages([scored.id]) == {scored.id: passage}
    opened.close()


def test_a_block_without_a_commit_changes_nothing(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    before, stamp = texts(store), store.stamp()
    with store.writing() as writer:
        writer.drop(begun(store, writer))
        writer.put(source("docs/c.txt"), batches("docs/c.txt", MILL))
    assert (texts(store), store.stamp()) == (before, stamp)


def test_a_commit_without_changes_changes_nothing_unless_it_settles(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    version, stamp = store.state().version, store.stamp()
    for settle in (False, True):
        with store.writing() as writer:
            begun(store, writer)
            writer.commit(settle=settle)
        assert (store.state().version > version) is settle
        assert (store.stamp() != stamp) is settle


def test_a_document_replaces_the_one_with_its_path(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing() as writer:
        (first, second) = begun(store, writer)
        writer.put(source("docs/a.txt", "cc"), batches("docs/a.txt", FERRY))
        writer.put(source("docs/a.txt", "dd"), batches("docs/a.txt", MILL))
        writer.commit()
    assert texts(store) == {"docs/a.txt": [MILL], "docs/b.txt": [FERRY]}
    ids = [entry.id for entry in store.state().documents()]
    assert ids[1] == second.id
    assert ids[0] not in (first.id, second.id), "an id is never used again"


def test_a_document_that_does_not_come_to_its_end_is_not_there(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)

    def broken() -> Iterator[tuple[Sequence[Passage], Vectors]]:
        yield from batches("docs/c.txt", MILL)
        raise KeyboardInterrupt

    with store.writing() as writer:
        begun(store, writer)
        with pytest.raises(KeyboardInterrupt):
            writer.put(source("docs/c.txt"), broken())
        writer.put(source("docs/d.txt"), batches("docs/d.txt", BRIDGE))
        writer.commit()
    assert texts(store) == {"docs/a.txt": sorted([BRIDGE, MILL]), "docs/b.txt": [FERRY], "docs/d.txt": [BRIDGE]}


def test_what_is_dropped_is_gone_and_what_is_kept_has_its_new_path(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing() as writer:
        first, second = begun(store, writer)
        writer.keep(first, source("docs/moved.txt", "aa"))
        writer.drop([second])
        writer.commit()
    assert texts(store) == {"docs/moved.txt": sorted([BRIDGE, MILL])}
    assert [entry.id for entry in store.state().documents()] == [first.id]


def test_two_documents_may_swap_their_paths(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing() as writer:
        first, second = begun(store, writer)
        writer.keep(first, source("docs/b.txt", "aa"))
        writer.keep(second, source("docs/a.txt", "bb"))
        writer.commit()
    assert texts(store) == {"docs/a.txt": [FERRY], "docs/b.txt": sorted([BRIDGE, MILL])}


def test_vectors_of_known_texts_come_back_also_before_the_commit(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing() as writer:
        begun(store, writer)
        new = "Bees find their way home by the position of the sun."
        writer.put(source("docs/c.txt"), batches("docs/c.txt", new))
        assert writer.uncommitted == 1
        vectors = writer.vectors_of([MILL, new, "Nothing like it."])
    assert vectors.keys() == {MILL, new}
    for text, vector in vectors.items():
        np.testing.assert_allclose(vector, EMBEDDER.embed_passages([text])[0], atol=1e-6)


def test_several_commits_of_one_writer_are_each_a_whole_index(store: IndexStore, tmp_path: Path) -> None:
    with store.writing() as writer:
        writer.begin(head(store, tmp_path))
        for number, text in enumerate((BRIDGE, MILL, FERRY)):
            writer.put(source(f"docs/{number}.txt"), batches(f"docs/{number}.txt", text))
            writer.commit(unread=2 - number)
            assert store.state().head.unread == 2 - number
            assert len(texts(store)) == number + 1
            assert writer.uncommitted == 0


def test_a_reader_stays_with_what_it_opened(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    opened = store.open()
    query = Query(FERRY, EMBEDDER.embed_query(FERRY))
    before = opened.rankings(query, 10)
    with store.writing() as writer:
        writer.drop(begun(store, writer))
        writer.put(source("docs/z.txt"), batches("docs/z.txt", MILL))
        writer.commit()
    assert opened.rankings(query, 10) == before
    ids = [scored.id for scored in before["dense"]]
    assert {passage.text for passage in opened.passages(ids).values()} == {BRIDGE, MILL, FERRY}
    opened.close()


def test_a_fresh_writer_begins_with_nothing_and_the_index_stays_until_the_commit(
    store: IndexStore, tmp_path: Path
) -> None:
    fill(store, tmp_path)
    with store.writing(fresh=True) as writer:
        assert writer.before is None
        assert writer.begin(head(store, tmp_path)).documents == ()
        assert writer.vectors_of([MILL]) == {}
        assert len(texts(store)) == 2
        writer.put(source("docs/n.txt"), batches("docs/n.txt", MILL))
        writer.commit()
    assert texts(store) == {"docs/n.txt": [MILL]}


def test_what_could_not_be_read_is_remembered(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing() as writer:
        begun(store, writer)
        failed = [Failed(source("docs/z.pdf"), "no text"), Failed(source("docs/y.pdf"), "no text")]
        writer.leave_out(failed, [LeftOut("no loader for .jpg files", 9, ("docs/1.jpg", "docs/2.jpg"))])
        writer.commit()
    state = store.state()
    assert state.reasons() == {"no loader for .jpg files": 9, "no text": 2}
    assert [skipped.path for skipped in state.skipped()] == ["docs/1.jpg", "docs/2.jpg", "docs/y.pdf", "docs/z.pdf"]
    assert [each.source.path for each in state.known().failed] == ["docs/y.pdf", "docs/z.pdf"]


def test_another_root_gives_other_paths_to_the_same_documents(store: IndexStore, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    fill(store, tmp_path)
    with store.writing() as writer:
        known = writer.begin(Head(recipe=store.recipe(EMBEDDER), root=tmp_path / "docs", paths=(".",)))
        assert [entry.source.path for entry in known.documents] == ["a.txt", "b.txt"]
        writer.commit()
    assert texts(store).keys() == {"a.txt", "b.txt"}
    assert store.state().head.root == tmp_path / "docs"


def test_there_is_one_writer_at_a_time(store: IndexStore, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.writing(), pytest.raises(IndexBusyError), store.writing(wait=0.1):
        raise AssertionError("two writers")


def test_another_recipe_is_refused_in_words(store: IndexStore) -> None:
    made = store.recipe(EMBEDDER)
    check_recipe(store.address, made, replace(made, embedder="the same weights under another name"))
    messages = {"fingerprint": "other weights", "splitter": "made with splitter"}
    for name, message in messages.items():
        with pytest.raises(IndexMismatchError, match=message) as caught:
            check_recipe(store.address, made, replace(made, **{name: cast(Any, "another")}))
        assert "--rebuild" in caught.value.hint


def test_an_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(UsageError, match="no store for redis://there") as caught:
        open_store("redis://there")
    assert caught.value.hint


def test_the_environment_may_name_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKDOC_INDEX", "redis://there")
    assert find_index() == "redis://there"
