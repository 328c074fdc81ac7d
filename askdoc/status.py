"""What an index holds, compared with its documents as they are now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from askdoc import freshness, readers
from askdoc.answering.fitted import fitted_for
from askdoc.models.bundle import bundled
from askdoc.sources.selection import Selection
from askdoc.stores import Address, find_index, open_store
from askdoc.types import Skipped

FRESH = "fresh"  # the state of a document that is as it was indexed


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds, and whether its documents are still the same."""

    folder: Path
    root: Path  # the folder that document paths start from
    format: int
    generation: int
    created: str
    recipe: Mapping[str, str | int]  # the fields of `Recipe`
    documents: tuple[tuple[str, int, str], ...]  # path, passages, and `FRESH` or what happened: `Changes.by_path`
    selection: Selection
    skipped: tuple[Skipped, ...]  # all files that failed, and examples of those left out for each other reason
    left_out: Mapping[str, int]  # the number of files by reason
    new: tuple[str, ...]  # files that are not indexed yet
    bytes: int  # size of the index on disk
    damaged: tuple[str, ...]  # files of the index that are not as they were written
    unread: int  # documents still to be read, if indexing was interrupted
    reader: str = readers.DEFAULT  # name of the reader that the index is asked with
    calibrated: bool = True  # confidences were fitted for this reader and the embedder


def status(folder: Address | None = None) -> Status:
    """Describe an index, and compare it with its documents as they are now. Reads all files of the index.

    folder: by default `ASKDOC_INDEX`, else the nearest `index/` from the working directory upwards. Raises
    `AskdocError` if there is no index, or its manifest cannot be read.
    """
    store = open_store(folder if folder is not None else find_index())
    state = store.state()
    head = state.head
    changes = freshness.look(state.known()).by_path()
    reader = head.reader_fingerprint or (bundled("reader").fingerprint if head.reader == readers.DEFAULT else "")
    return Status(
        folder=Path(store.address),
        root=head.root,
        format=state.format,
        generation=state.version,
        created=head.created,
        recipe=dataclasses.asdict(head.recipe),
        documents=tuple(
            (entry.source.path, entry.passages, changes.get(entry.source.path, FRESH)) for entry in state.documents()
        ),
        selection=head.selection,
        skipped=state.skipped(),
        left_out=state.reasons(),
        new=tuple(path for path, change in changes.items() if change == "new"),
        bytes=state.size(),
        damaged=tuple(state.damage()),
        reader=head.reader,
        calibrated=fitted_for(head.reader).is_for(reader, head.recipe.fingerprint),
        unread=head.unread,
    )
