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

FRESH = "fresh"  # of a document: as it was indexed


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds and whether that is still so."""

    folder: Path
    root: Path  # the folder that document paths start from
    format: int
    generation: int
    created: str
    recipe: Mapping[str, str | int]  # as in the manifest
    documents: tuple[tuple[str, int, str], ...]  # path, passages, and "fresh" or what happened: `Changes.by_path`
    selection: Selection
    skipped: tuple[Skipped, ...]  # files left out; of those that were not tried, some for each reason
    left_out: Mapping[str, int]  # how many for each reason
    new: tuple[str, ...]  # files that are not indexed yet
    bytes: int  # of the index on disk
    damaged: tuple[str, ...]  # its files that are not as they were written
    unread: int  # documents that were still to be read when the indexing was interrupted
    reader: str = readers.DEFAULT  # by its name
    calibrated: bool = True  # its confidences were fitted for it and the embedder


def status(folder: Address | None = None) -> Status:
    """What an index holds, compared with its documents as they are now; reads all files of the index."""
    store = open_store(folder if folder is not None else find_index())
    state = store.state()
    head = state.head
    happened = freshness.look(state.known()).by_path()
    reader = head.reader_fingerprint or (bundled("reader").fingerprint if head.reader == readers.DEFAULT else "")
    return Status(
        folder=Path(store.address),
        root=head.root,
        format=state.format,
        generation=state.version,
        created=head.created,
        recipe=dataclasses.asdict(head.recipe),
        documents=tuple(
            (entry.source.path, entry.passages, happened.get(entry.source.path, FRESH)) for entry in state.documents()
        ),
        selection=head.selection,
        skipped=state.skipped(),
        left_out=state.reasons(),
        new=tuple(path for path, change in happened.items() if change == "new"),
        bytes=state.size(),
        damaged=tuple(state.damage()),
        reader=head.reader,
        calibrated=fitted_for(head.reader).is_for(reader, head.recipe.fingerprint),
        unread=head.unread,
    )
