"""Before a question: update the index if documents have changed, and if the update is quick."""

from __future__ import annotations

from dataclasses import dataclass

from askdoc.errors import AskdocError, UsageError
from askdoc.progress import Progress
from askdoc.sources.changes import Changes, Known, find_changes
from askdoc.stores import IndexStore

REFRESH = ("auto", "always", "never")
SMALL_FILES, SMALL_BYTES = 20, 2_000_000  # "auto" indexes changes up to this size before it answers
HASHED_BYTES = 64_000_000  # files that look changed are hashed, up to this many bytes in all
WALKED = 20_000  # in collections of up to this many files, "auto" also looks for new files; 10,000 take 0.2 s
PATIENCE = {"auto": 2.0, "always": 60.0}  # seconds to wait for another process that writes the index


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether an index has all changes of its documents."""

    stale: bool = False  # the index does not have some changes
    remarks: tuple[str, ...] = ()  # what was updated or left out, in words


def check_refresh(refresh: str) -> None:
    """Raise `UsageError` if `refresh` is not one of `REFRESH`."""
    if refresh not in REFRESH:
        raise UsageError(f"there is no refresh {refresh!r}", hint=f"known are: {', '.join(REFRESH)}")


def bring_up_to_date(store: IndexStore, refresh: str, *, progress: Progress | None = None) -> Freshness:
    """Index what changed. refresh: "auto" if that is quick, "always" however long it takes, "never" not at all.

    If "auto" leaves changes out, because they are large or the index cannot be written now, the remarks say so. If
    "always" fails, it raises `AskdocError`.
    """
    if refresh == "never":
        return Freshness()
    state = store.state()
    head = state.head
    if not head.paths:  # made of documents without files
        return Freshness()
    changes = None
    if refresh == "auto":
        if head.unread:  # resuming may take hours
            remark = f"{head.unread} documents are not indexed yet; to resume: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
        try:
            changes = look(state.known())
        except UsageError as error:  # none of the indexed paths exists any more
            return Freshness(stale=True, remarks=(error.message,))
        if not changes:
            return Freshness()
        count = len(changes.by_path())
        size = sum(source.size for source in (*(source for _, source in changes.changed), *changes.new))
        if count > SMALL_FILES or size > SMALL_BYTES:
            remark = f"{count} documents changed since they were indexed; to include them: askdoc index"
            return Freshness(stale=True, remarks=(remark,))
    from askdoc import build  # only now: asking a fresh index needs no writer

    known = (state.version, changes) if changes is not None and changes.complete else None
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
    """Find what an update would take in, in the time that a question can wait: see `HASHED_BYTES` and `WALKED`."""
    if not known.paths:
        return Changes()
    files = len(known.documents) + len(known.failed)
    return find_changes(known, walk=files <= WALKED, hash_bytes=HASHED_BYTES)
