"""Taking in what changed in the documents before a question, as far as the asker wants to wait."""

from __future__ import annotations

from dataclasses import dataclass

from askdoc.errors import AskdocError, UsageError
from askdoc.progress import Progress
from askdoc.sources.changes import Changes, Known, find_changes
from askdoc.stores import IndexStore

REFRESH = ("auto", "always", "never")
SMALL_FILES, SMALL_BYTES = 20, 2_000_000  # changes up to this size are indexed while the asker waits
HASHED_BYTES = 64_000_000  # files that only look changed are read up to this size to find out
WALKED = 20_000  # files of a collection up to which asking looks for new ones; 10,000 take 0.2 s
PATIENCE = {"auto": 2.0, "always": 60.0}  # seconds to wait for another process that writes the index


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a look at the documents brought."""

    stale: bool = False  # the index does not know of some changes
    remarks: tuple[str, ...] = ()  # in words


def check_refresh(refresh: str) -> None:
    """Raise `UsageError` for a way of refreshing that does not exist."""
    if refresh not in REFRESH:
        raise UsageError(f"there is no refresh {refresh!r}", hint=f"known are: {', '.join(REFRESH)}")


def bring_up_to_date(store: IndexStore, refresh: str, *, progress: Progress | None = None) -> Freshness:
    """Index what changed: "auto" if that is quick, "always" however long it takes, "never" not at all.

    Where "auto" leaves changes out, because they are large or the index cannot be written now, it says so. Raises
    `AskdocError` if "always" cannot do it.
    """
    if refresh == "never":
        return Freshness()
    state = store.state()
    head = state.head
    if not head.paths:  # made of documents without files
        return Freshness()
    found = None
    if refresh == "auto":
        if head.unread:  # to resume may take hours
            remark = f"{head.unread} documents are not indexed yet; to resume: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
        try:
            found = look(state.known())
        except UsageError as error:  # nothing is where it was
            return Freshness(stale=True, remarks=(error.message,))
        if not found:
            return Freshness()
        happened = found.by_path()
        if len(happened) > SMALL_FILES or _bytes(found) > SMALL_BYTES:
            remark = f"{len(happened)} documents changed since they were indexed; to include them: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
    from askdoc import build  # only now: asking a fresh index needs no writer

    known = (state.version, found) if found is not None and found.complete else None
    try:
        report = build.index((), store.address, retry=False, wait=PATIENCE[refresh], changes=known, progress=progress)
    except AskdocError as error:
        if refresh == "always":
            raise
        remark = f"the documents changed, and the index could not be updated: {error.message}"
        return Freshness(stale=True, remarks=(remark,))
    counts = {"added": report.added, "changed": report.changed, "removed": report.removed}
    named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return Freshness(remarks=(f"the documents changed, the index was updated ({named})",) if named else ())


def look(known: Known) -> Changes:
    """What an update would take in, as far as a question can wait for the look."""
    if not known.paths:
        return Changes()
    files = len(known.documents) + len(known.failed)
    return find_changes(known, walk=files <= WALKED, hash_bytes=HASHED_BYTES)


def _bytes(found: Changes) -> int:
    return sum(source.size for source in (*(source for _, source in found.changed), *found.new))
