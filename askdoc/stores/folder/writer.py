"""The writer of an index folder: makes its next generation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from askdoc.sources.changes import Known, relative_to
from askdoc.stores import Head
from askdoc.stores.folder import PassageEntry
from askdoc.stores.folder.dense import DenseIndex
from askdoc.stores.folder.generations import Draft, library_write_errors
from askdoc.stores.folder.lexical import LexicalIndex, digest
from askdoc.stores.folder.manifest import Manifest, with_root
from askdoc.types import DocumentEntry, Failed, LeftOut, Passage, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

# The lexical index counts removed passages in its statistics until it is rewritten, which costs as much as writing all
# passages. So it is rewritten only when this share of it is removed; until then scores differ by that much at most.
REMOVED_SHARE = 0.1


class FolderWriter:
    """Writes the next generation. Only committed documents are in the manifest, each as a whole."""

    def __init__(self, draft: Draft, stored: Manifest | None) -> None:
        self._draft = draft
        self._stored = stored  # the last committed manifest; None for a new or rebuilt index
        self.before = None if stored is None else stored.head(draft.index)
        self._indexes: tuple[DenseIndex, LexicalIndex] | None = None
        self._ids: dict[int, int] = {}  # uncommitted passages: digest of the text → id
        self._added: dict[int, range] = {}  # uncommitted documents: id → ids of the passages

    @property
    def version(self) -> int:
        return 0 if self._stored is None else self._stored.generation

    @property
    def uncommitted(self) -> int:
        return len(self._ids)

    def begin(self, head: Head) -> Known:
        folder = self._draft.index
        manifest = self._stored or Manifest(recipe=head.recipe, root=relative_to(head.root, folder.resolve()))
        self._manifest = dataclasses.replace(
            with_root(manifest, folder, head.root),
            recipe=head.recipe,
            paths=head.paths,
            selection=head.selection,
            reader=head.reader,
            reader_fingerprint=head.reader_fingerprint,
        )
        self._documents = {entry.id: entry for entry in self._manifest.documents}
        self._by_path = {entry.source.path: entry.id for entry in self._manifest.documents}
        self._dropped: dict[int, DocumentEntry] = {}  # their passages are still in the rankings
        self._unfinished: list[int] = []  # ids of passages of documents that are not complete
        self._next_passage = self._manifest.next_passage
        self._next_document = self._manifest.next_document
        return self._manifest.known(folder)

    def vectors_of(self, texts: Sequence[str]) -> dict[str, Vectors]:
        dense, lexical = self._opened()
        ids: dict[str, int] = {}
        for text in texts:
            id_ = self._ids.get(digest(text))
            if id_ is None and self._stored is not None and (stored := lexical.with_text(text)):
                id_ = stored.id
            if id_ is not None:
                ids[text] = id_
        return dict(zip(ids, dense.vectors(list(ids.values())), strict=True)) if ids else {}

    def put(
        self, source: Source, batches: Iterable[tuple[Sequence[Passage], Vectors]], remarks: tuple[str, ...] = ()
    ) -> None:
        document, first = self._next_document, self._next_passage
        self._next_document += 1
        for passages, vectors in batches:
            dense, lexical = self._opened()
            ids = range(self._next_passage, self._next_passage + len(passages))
            self._next_passage = ids.stop
            self._unfinished += ids
            entries = [PassageEntry(id_, document, passage) for id_, passage in zip(ids, passages, strict=True)]
            with library_write_errors(self._draft.index):
                dense.add(entries, vectors)
                lexical.add(entries)
            for id_, passage in zip(ids, passages, strict=True):
                self._ids.setdefault(digest(passage.text), id_)
        added = range(first, self._next_passage)
        del self._unfinished[len(self._unfinished) - len(added) :]
        replaced = self._by_path.get(source.path)
        entry = DocumentEntry(document, source, len(added), remarks)
        self._documents[entry.id], self._added[entry.id] = entry, added
        self._by_path[source.path] = entry.id
        if replaced is not None:
            self.drop([self._documents[replaced]])

    def keep(self, entry: DocumentEntry, source: Source) -> None:
        if self._by_path.get(entry.source.path) == entry.id:
            del self._by_path[entry.source.path]
        self._by_path[source.path] = entry.id
        self._documents[entry.id] = dataclasses.replace(self._documents[entry.id], source=source)

    def drop(self, entries: Iterable[DocumentEntry]) -> None:
        for entry in entries:
            if entry.id in self._documents:
                self._dropped[entry.id] = self._documents.pop(entry.id)
                if self._by_path.get(entry.source.path) == entry.id:
                    del self._by_path[entry.source.path]

    def leave_out(self, failed: Iterable[Failed], left_out: Iterable[LeftOut]) -> None:
        ordered = tuple(sorted(failed, key=lambda failure: failure.source.path))
        self._manifest = dataclasses.replace(self._manifest, failed=ordered, left_out=tuple(left_out))

    def commit(self, *, unread: int = 0, settle: bool = False) -> Head:
        manifest = dataclasses.replace(
            self._manifest,
            documents=tuple(sorted(self._documents.values(), key=lambda entry: entry.source.path)),
            unread=unread,
        )
        if settle or self._stored is None or self._added or self._dropped or manifest != self._stored:
            manifest = self._save(manifest)
            self._manifest = self._stored = self._draft.commit(manifest)
            self.close()
            self._ids, self._added, self._dropped, self._unfinished = {}, {}, {}, []
        return self._manifest.head(self._draft.index)

    def close(self) -> None:
        """Close the rankings, which may write in the background; to be called before the draft is removed."""
        if self._indexes is not None:
            for index in self._indexes:
                index.close()
            self._indexes = None

    def _opened(self) -> tuple[DenseIndex, LexicalIndex]:
        if self._indexes is None:
            if self._draft.number == self._manifest.generation:  # it was committed
                self._draft.go_on(self._manifest)
            create, folder = self._stored is None, self._draft.folder
            with library_write_errors(self._draft.index):
                dense = DenseIndex(folder / "dense", dimension=self._manifest.recipe.dimension, create=create)
                self._indexes = dense, LexicalIndex(folder / "lexical", create=create)
        return self._indexes

    def _save(self, manifest: Manifest) -> Manifest:
        """Write the added passages; remove those of dropped and of incomplete documents."""
        dense, lexical = self._opened()
        ids = list(self._unfinished)
        for entry in self._dropped.values():
            added = self._added.pop(entry.id, None)
            ids += added if added is not None else [stored.id for stored in lexical.of_document(entry.id)]
        removed = manifest.removed + len(ids)
        rewrite = removed > REMOVED_SHARE * (manifest.passages + removed)
        with library_write_errors(self._draft.index):
            if ids:
                dense.remove(ids)
                lexical.remove(ids)
            dense.save()
            lexical.save(rewrite=rewrite)
        return dataclasses.replace(
            manifest,
            recipe=dataclasses.replace(manifest.recipe, structure=dense.structure),
            next_passage=self._next_passage,
            next_document=self._next_document,
            removed=0 if rewrite else removed,
        )
