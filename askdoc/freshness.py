"""Have the documents changed since they were indexed? And taking the changes in, as far as the asker wants to wait."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from askdoc.errors import AskdocError, UsageError
from askdoc.progress import Progress
from askdoc.sources.selection import find_files
from askdoc.stores.folder import store
from askdoc.stores.folder.store import Manifest

REFRESH = ("auto", "always", "never")
SMALL_FILES, SMALL_BYTES = 20, 2_000_000  # changes up to this size are indexed while the asker waits
HASHED_BYTES = 64_000_000  # files that only look changed are read up to this size to find out
WALKED = 20_000  # files of a collection up to which asking looks for new ones; 10,000 take 0.2 s
PATIENCE = {"auto": 2.0, "always": 60.0}  # seconds to wait for another process that writes the index


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a file: "changed", "missing", "new" or "unwanted" (a rule leaves it out now). size: bytes."""

    what: str
    size: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a look at the documents brought. stale: the index does not know of some changes. remarks: in words."""

    stale: bool = False
    remarks: tuple[str, ...] = ()


def check_refresh(refresh: str) -> None:
    """Raise `UsageError` for a way of refreshing that does not exist."""
    if refresh not in REFRESH:
        raise UsageError(f"there is no refresh {refresh!r}", hint=f"known are: {', '.join(REFRESH)}")


def bring_up_to_date(folder: Path, refresh: str, *, progress: Progress | None = None) -> Freshness:
    """Index what changed: "auto" if that is quick, "always" however long it takes, "never" not at all.

    Where "auto" leaves changes out, because they are large or the index cannot be written now, it says so. Raises
    `AskdocError` if "always" cannot do it.
    """
    if refresh == "never":
        return Freshness()
    manifest = store.read_manifest(folder)
    if not manifest.paths:  # made of documents that stand in no files
        return Freshness()
    if refresh == "auto":
        if manifest.unread:  # to go on from there may take hours
            remark = f"{manifest.unread} documents are not indexed yet; to go on with them: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
        found = changes(folder, manifest)
        if not found:
            return Freshness()
        if len(found) > SMALL_FILES or sum(change.size for change in found.values()) > SMALL_BYTES:
            remark = f"{len(found)} documents changed since they were indexed; to include them: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
    from askdoc import build  # only now: who asks a fresh index does not need to write one

    try:
        report = build.index((), folder, retry=False, wait=PATIENCE[refresh], progress=progress)
    except AskdocError as error:
        if refresh == "always":
            raise
        remark = f"the documents changed, and the index could not be updated: {error.message}"
        return Freshness(stale=True, remarks=(remark,))
    return Freshness(remarks=_what_was_done(report.added, report.changed, report.removed))


def _what_was_done(added: int, changed: int, removed: int) -> tuple[str, ...]:
    counts = {"added": added, "changed": changed, "removed": removed}
    named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return (f"the documents changed, the index was updated ({named})",) if named else ()


def changes(folder: Path, manifest: Manifest) -> dict[str, Change]:
    """What an update would take in, by path."""
    if not manifest.paths:
        return {}
    return _altered(folder, manifest) | _found_otherwise(folder, manifest)


def _altered(folder: Path, manifest: Manifest) -> dict[str, Change]:
    """The documents that are gone, or other than they were."""
    found: dict[str, Change] = {}
    hashed = 0
    for entry in store.suspects(folder, manifest):
        size = _size(folder / manifest.root / entry.source.path)
        hashed += size if size == entry.source.size else 0
        # Copying or checking out changes the time alone; reading the file tells, as long as that is quick.
        if size == entry.source.size and hashed <= HASHED_BYTES and store.is_intact(folder, manifest, entry.source):
            continue
        found[entry.source.path] = Change("missing", 0) if size is None else Change("changed", size)
    return found


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _found_otherwise(folder: Path, manifest: Manifest) -> dict[str, Change]:
    """What a search would find now and did not then, or the other way round; nothing in a collection too large to walk.

    What could not be read before counts only if it is worth another try.
    """
    if len(manifest.documents) + sum(manifest.reasons().values()) > WALKED:
        return {}
    root = (folder / manifest.root).resolve()
    there = find_files(store.there(root, manifest), manifest.selection).files
    files = {store.relative_to(file, root): file for file in there}
    known = {entry.source.path for entry in manifest.documents}
    passed_over = known | {one.source.path for one in store.still_failing(folder, manifest)}
    new = {path: Change("new", _size(file) or 0) for path, file in files.items() if path not in passed_over}
    left = {path for path in known - files.keys() if (root / path).exists()}
    return new | dict.fromkeys(left, Change("unwanted", 0))
