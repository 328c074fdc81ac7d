"""The index folder: its file names, and the manifest, which describes its contents.

    index/
      manifest.json               contents and recipe; replaced last, by rename, and the only pointer to a generation
      writer.lock                 held by the process that writes; writer.lock.owner names it
      generations/000007/         never changed after the manifest names it
        dense/  lexical/          one folder for each ranking

A crash at any moment leaves the last manifest and the generation that it names complete. All paths are relative, so an
index can be moved together with its documents.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from askdoc.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from askdoc.readers import DEFAULT as READER
from askdoc.sources.changes import Known, relative_to
from askdoc.sources.selection import Selection
from askdoc.stores import REBUILD, Head, Recipe
from askdoc.types import DocumentEntry, Failed, LeftOut, Skipped

FORMAT = 2
MANIFEST = "manifest.json"
GENERATIONS = "generations"
LOCK = "writer.lock"
SEAL = "seal"  # sha256 over the rest of the manifest, to notice alterations


@dataclass(frozen=True, slots=True)
class File:
    """A file of a generation as it was written."""

    size: int  # bytes
    sha256: str  # hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an index folder holds and how it was made; the JSON in `MANIFEST` has the same shape."""

    format: int = FORMAT
    generation: int = 0
    created: str = ""  # ISO 8601
    recipe: Recipe
    root: str  # the folder that document paths start from, relative to the index folder
    paths: tuple[str, ...] = ()  # indexed files and folders, relative to the root
    selection: Selection = field(default_factory=Selection)
    documents: tuple[DocumentEntry, ...] = ()  # by path
    left_out: tuple[LeftOut, ...] = ()  # files that were not read, by reason
    failed: tuple[Failed, ...] = ()  # files that could not be read, by path
    next_passage: int = 1  # id of the next passage
    next_document: int = 1  # id of the next document
    removed: int = 0  # removed passages that the lexical index still counts in its statistics
    reader: str = READER  # this and the next two: as in `Head`
    reader_fingerprint: str = ""
    unread: int = 0
    files: dict[str, File] = field(default_factory=dict)  # of the generation, by path inside its folder

    @property
    def passages(self) -> int:
        """The number of passages."""
        return sum(entry.passages for entry in self.documents)

    def head(self, folder: Path) -> Head:
        """The head of the index in a folder."""
        return Head(
            created=self.created,
            recipe=self.recipe,
            root=Path(os.path.normpath(folder.absolute() / self.root)),
            paths=self.paths,
            selection=self.selection,
            reader=self.reader,
            reader_fingerprint=self.reader_fingerprint,
            unread=self.unread,
        )

    def known(self, folder: Path) -> Known:
        """What the index in a folder knows of its files."""
        root = (folder / self.root).resolve()
        return Known(root, self.paths, self.selection, self.created, self.documents, self.failed)

    def skipped(self) -> tuple[Skipped, ...]:
        """As in `IndexState`."""
        failures = [Skipped(failed.source.path, failed.reason) for failed in self.failed]
        examples = [Skipped(path, group.reason) for group in self.left_out for path in group.examples]
        return tuple(sorted([*failures, *examples], key=lambda skipped: (skipped.path, skipped.reason)))

    def reasons(self) -> dict[str, int]:
        """As in `IndexState`."""
        counts = Counter({group.reason: group.count for group in self.left_out})
        counts.update(failed.reason for failed in self.failed)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def has_manifest(folder: Path) -> bool:
    """Is there a manifest? Also False if the folder cannot be read: unlike `Path.exists`, this never raises."""
    return os.path.isfile(folder / MANIFEST)  # noqa: PTH113


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an index.

    Raises `IndexMissingError`, `IndexDamagedError`, or `IndexMismatchError` if it has another format.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        stated = data["format"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexMissingError(f"there is no index in {folder}", hint="make one: askdoc index PATH…") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(f"{path} cannot be read: {error!r}", hint=REBUILD) from error
    if stated != FORMAT:
        newer = isinstance(stated, int) and stated > FORMAT
        hint = "use the askdoc that made it, or a newer one" if newer else REBUILD
        raise IndexMismatchError(f"the index in {folder} has format {stated}, this askdoc reads {FORMAT}", hint=hint)
    if data.pop(SEAL, None) != _seal(data):
        raise IndexDamagedError(f"{path} was altered", hint=REBUILD)
    try:
        return msgspec.convert(data, Manifest)
    except msgspec.ValidationError as error:
        raise IndexDamagedError(f"{path} cannot be read: {error}", hint=REBUILD) from error


def manifest_text(manifest: Manifest) -> str:
    """The text of the manifest's file, with its seal last."""
    data = msgspec.to_builtins(manifest)
    return json.dumps(data | {SEAL: _seal(data)}, indent=1, ensure_ascii=False) + "\n"


def with_root(manifest: Manifest, folder: Path, root: Path) -> Manifest:
    """The manifest of the index in a folder, with all paths relative to another root."""
    old, new = (folder / manifest.root).resolve(), root.resolve()

    def moved(path: str) -> str:
        return relative_to(old / path, new)

    if old == new:
        return dataclasses.replace(manifest, root=relative_to(new, folder.resolve()))
    return dataclasses.replace(
        manifest,
        root=relative_to(new, folder.resolve()),
        documents=tuple(
            dataclasses.replace(entry, source=dataclasses.replace(entry.source, path=moved(entry.source.path)))
            for entry in manifest.documents
        ),
        failed=tuple(
            dataclasses.replace(failed, source=dataclasses.replace(failed.source, path=moved(failed.source.path)))
            for failed in manifest.failed
        ),
    )


def _seal(data: Mapping[str, object]) -> str:
    """sha256 over a manifest's content, hexadecimal; independent of the layout."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
