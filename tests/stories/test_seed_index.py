"""The committed index is the one that this code builds from the committed documents."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from programs import ROOT

from askdoc import ask, build
from askdoc.stores.folder import generations
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder.dense import DenseIndex
from askdoc.stores.folder.lexical import LexicalIndex, Stored

REBUILD = "index/ is not what this code builds from seeds/; rebuild it with: rm -r index && askdoc index seeds"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "index"
    build.index([ROOT / "seeds"], folder, root=ROOT)
    return folder


def stored(folder: Path) -> list[tuple[str, Stored]]:
    """All passages with their documents' paths; numbers are the index's own business."""
    manifest = manifests.read_manifest(folder)
    lexical = LexicalIndex(generations.generation_folder(folder, manifest.generation) / "lexical")
    return [
        (entry.source.path, dataclasses.replace(passage, id=0, document=0))
        for entry in manifest.documents
        for passage in lexical.of_document(entry.id)
    ]


def vectors(folder: Path) -> np.ndarray:
    manifest = manifests.read_manifest(folder)
    place = generations.generation_folder(folder, manifest.generation)
    lexical = LexicalIndex(place / "lexical")
    ids = [passage.id for entry in manifest.documents for passage in lexical.of_document(entry.id)]
    return DenseIndex(place / "dense", dimension=manifest.recipe.dimension).vectors(ids)


def test_it_is_whole_and_made_by_the_recipe_of_today(seeds_index: Path, fresh: Path) -> None:
    committed = manifests.read_manifest(seeds_index)
    generations.check(seeds_index, committed)
    assert committed.recipe == manifests.read_manifest(fresh).recipe, REBUILD
    assert (committed.root, committed.paths) == ("..", ("seeds",)), REBUILD
    assert committed.generation == 1, REBUILD


def test_it_holds_the_committed_documents(seeds_index: Path, fresh: Path) -> None:
    def described(folder: Path) -> list[tuple[str, str, int, int]]:
        entries = manifests.read_manifest(folder).documents
        return [(entry.source.path, entry.source.sha256, entry.source.size, entry.passages) for entry in entries]

    assert described(seeds_index) == described(fresh), REBUILD
    assert [path for path, *_ in described(fresh)] == sorted(
        f"seeds/{path.name}" for path in (ROOT / "seeds").iterdir()
    )


def test_it_holds_their_passages_and_vectors(seeds_index: Path, fresh: Path) -> None:
    assert stored(seeds_index) == stored(fresh), REBUILD
    np.testing.assert_allclose(vectors(seeds_index), vectors(fresh), atol=1e-3, err_msg=REBUILD)


def test_asking_finds_it_up_to_date(seeds_index: Path) -> None:
    with ask.open_index(seeds_index, reader="overlap") as index:
        reply = index.search("state airline")
    assert (reply.remarks, reply.index.stale) == ((), False), REBUILD
