"""What an index holds, compared with its documents as they are now."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from askdoc import freshness, readers
from askdoc.answering.fitted import fitted_for
from askdoc.models.bundle import bundled
from askdoc.sources.selection import Selection
from askdoc.stores.folder import store
from askdoc.stores.folder.store import Manifest
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
    documents: tuple[tuple[str, int, str], ...]  # path, passages, and "fresh" or what happened: `freshness.Change`
    selection: Selection
    skipped: tuple[Skipped, ...]  # files left out; of those that were not tried, some for each reason
    left_out: Mapping[str, int]  # how many for each reason
    new: tuple[str, ...]  # files that are not indexed yet
    bytes: int  # of the index on disk
    damaged: tuple[str, ...]  # its files that are not as they were written
    unread: int  # documents that were still to be read when the indexing was interrupted
    reader: str = readers.DEFAULT  # by its name
    calibrated: bool = True  # its confidences were fitted for it and the embedder


def status(folder: Path | str | None = None) -> Status:
    """What an index holds, compared with its documents as they are now; reads all files of the index."""
    folder = Path(folder).expanduser() if folder is not None else store.find_index()
    manifest = store.read_manifest(folder)
    damaged = store.damaged_files(folder, manifest, hashed_up_to=float("inf"))
    changed = freshness.changes(folder, manifest)
    root = Path(os.path.normpath(folder.absolute() / manifest.root))
    return Status(
        folder=folder,
        root=root,
        format=store.FORMAT,
        generation=manifest.generation,
        created=manifest.created,
        recipe=dataclasses.asdict(manifest.recipe),
        documents=tuple(
            (
                entry.source.path,
                entry.passages,
                changed[entry.source.path].what if entry.source.path in changed else FRESH,
            )
            for entry in manifest.documents
        ),
        selection=manifest.selection,
        skipped=manifest.skipped,
        left_out=manifest.reasons(),
        new=tuple(path for path, change in changed.items() if change.what == "new"),
        bytes=sum(int(stated["size"]) for stated in manifest.files.values()),
        damaged=tuple(damaged),
        reader=manifest.reader,
        calibrated=fitted_for(manifest.reader).is_for(_reader_fingerprint(manifest), manifest.recipe.fingerprint),
        unread=manifest.unread,
    )


def _reader_fingerprint(manifest: Manifest) -> str:
    """As it was remembered, without opening it."""
    return manifest.reader_fingerprint or (bundled("reader").fingerprint if manifest.reader == readers.DEFAULT else "")
