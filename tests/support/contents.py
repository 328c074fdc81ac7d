"""What an index holds and finds, to be compared with another one: equal here means equal answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from askdoc import ask
from askdoc.stores.folder import generations
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder.dense import DenseIndex
from askdoc.stores.folder.lexical import LexicalIndex
from askdoc.stores.folder.store import FolderReader


def opened_folder(index: ask.Index) -> FolderReader:
    """The index folder that an open index asks."""
    opened = index.retriever.opened
    assert isinstance(opened, FolderReader)
    return opened


def content(folder: Path) -> list[tuple[str, int, int | None, str, str | None, Any]]:
    """All passages of an index with their vectors, in the order of the documents."""
    manifest = manifests.read_manifest(folder)
    place = generations.generation_folder(folder, manifest.generation)
    dense = DenseIndex(place / "dense", dimension=manifest.recipe.dimension)
    lexical = LexicalIndex(place / "lexical")
    assert len(dense) == len(lexical) == manifest.passages
    return [
        (entry.source.path, one.start, one.line, one.text, one.label, np.asarray(dense.vectors([one.id])[0]).tolist())
        for entry in manifest.documents
        for one in lexical.of_document(entry.id)
    ]


def rankings(folder: Path, questions: Sequence[str]) -> list[list[tuple[float, str, str, int]]]:
    """All that each index finds for each question: scores, texts, places; equal scores in the order of the places."""
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        found = []
        for question in questions:
            for ranking in index.rankings(question, limit=index.info.passages).values():
                passages = index.retriever.opened.passages([scored.id for scored in ranking])
                paths = index.paths([scored.id for scored in ranking])
                rows = ((-one.score, passages[one.id].text, paths[one.id], passages[one.id].start) for one in ranking)
                found.append(sorted(rows))
        return found
