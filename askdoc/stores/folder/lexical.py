"""The lexical ranking, by words: tantivy (BM25, stems). It stores the texts of the passages, too."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import tantivy

from askdoc.errors import IndexDamagedError, WriteError
from askdoc.stores import REBUILD, Scored
from askdoc.stores.folder import PassageEntry
from askdoc.stores.folder.words import WORDS, asked, indexed
from askdoc.types import Passage, Query, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

STEMMERS = ("russian", "greek", "arabic", "tamil")  # besides the English one; each changes only its own script
ANALYSER = f"{WORDS}; stems: english, {', '.join(STEMMERS)}; positions, 2"
LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
FUNCTION_WORDS = (
    "a an and are as at be been by did do does for from had has have how in is it its of on or that the their this to "
    "was were what when where which who whom whose why will with"
)
_PAIR = 0.35  # weight of the BM25 score of a pair of words
_STEMMED = re.compile("[\u0370-\u03ff\u0400-\u04ff\u0600-\u06ff\u0b80-\u0bff]")  # the scripts of `STEMMERS`
_LONGEST = 120  # bytes of a word in UTF-8; longer words are not indexed
_HEAP = 64_000_000  # bytes of memory that the writer fills before it writes a segment


@dataclass(frozen=True, slots=True)
class Stored:
    """A passage as it is stored: without its source, which is in the manifest."""

    id: int
    document: int  # id of its document in the manifest
    text: str
    start: int
    line: int | None
    label: str | None
    page: int | None
    turns: tuple[tuple[int, int], ...]

    def passage(self, source: Source) -> Passage:
        return Passage(source, self.text, self.start, self.line, self.label, self.page, self.turns)


class LexicalIndex:
    """BM25 (k1 1.2, b 0.75) over stems, and over pairs of neighbouring words. Questions have no query syntax.

    Function words are left out of a question unless it has no others. Pairs (as in the sequential dependence model of
    Metzler and Croft 2005) raised hit@1 on the development questions from 79.2 to 80.4 %, joint hit@5 by 0.4 points.
    """

    def __init__(self, folder: Path, *, dimension: int = 0, create: bool = False) -> None:
        self._folder = folder
        self._writer: tantivy.IndexWriter | None = None
        self._analyser = _analyser("english")
        self._others = _analyser(*STEMMERS)
        self._function_words = frozenset(self._analyser.analyze(FUNCTION_WORDS))
        self._borrowed: TemporaryDirectory[str] | None = None
        self._index = self._create(folder) if create else self._open(folder)
        self._index.register_tokenizer("askdoc", self._analyser)
        self._searcher = self._index.searcher()

    def _create(self, folder: Path) -> tantivy.Index:
        folder.mkdir(parents=True, exist_ok=True)
        return _unwatched(tantivy.Index(_schema(), path=str(folder)))

    def _open(self, folder: Path) -> tantivy.Index:
        try:
            return _unwatched(tantivy.Index.open(str(folder)))
        except ValueError as error:
            if "ockfile" not in str(error):
                raise _damaged(folder, error) from error
        # tantivy writes a lock file even to read. In a read-only folder, it reads through links in a temporary folder.
        try:
            self._borrowed = TemporaryDirectory(prefix="askdoc-", ignore_cleanup_errors=True)
            _link_all(folder, Path(self._borrowed.name))
            return _unwatched(tantivy.Index.open(self._borrowed.name))
        except ValueError as error:
            raise _damaged(folder, error) from error
        except OSError as error:
            message = f"neither {folder} nor a temporary folder can be written: {error.strerror}"
            raise WriteError(message, hint="set TMPDIR to a folder that can") from error

    def add(self, entries: Sequence[PassageEntry], vectors: Vectors | None = None) -> None:
        self._write(_stored(entry) for entry in entries)

    def remove(self, ids: Sequence[int]) -> None:
        if ids:  # by a query: deleting by term finds nothing, because the binding takes ids as signed numbers
            self._writing().delete_documents_by_query(tantivy.Query.term_set_query(self._index.schema, "id", list(ids)))

    def search(self, query: Query, limit: int) -> list[Scored]:
        clauses = [(tantivy.Occur.Should, clause) for clause in self._clauses(query.text)]
        if not clauses or limit < 1:
            return []
        hits = self._searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False).hits
        ranking = [Scored(self._stored(address).id, float(score)) for score, address in hits]
        return sorted(ranking, key=lambda scored: (-scored.score, scored.id))

    def _clauses(self, question: str) -> Iterator[tantivy.Query]:
        schema = self._index.schema
        words = self._analyser.analyze(self._stemmed(asked(question)))
        content_words = [word for word in words if word not in self._function_words] or words
        for word in dict.fromkeys(content_words):
            yield tantivy.Query.term_query(schema, "words", word)
        for pair in dict.fromkeys(pairwise(words)):
            if not self._function_words.issuperset(pair):
                yield tantivy.Query.boost_query(tantivy.Query.phrase_query(schema, "words", list(pair)), _PAIR)

    def passages(self, ids: Sequence[int]) -> dict[int, Stored]:
        """The stored passages with these ids; unknown ids are left out."""
        query = tantivy.Query.term_set_query(self._index.schema, "id", list(ids))
        return {stored.id: stored for stored in self._find(query, len(ids))}

    def of_document(self, document: int) -> list[Stored]:
        """The passages of a document, in the order of the text."""
        query = tantivy.Query.term_query(self._index.schema, "document", document)
        return sorted(self._find(query, max(1, len(self))), key=lambda stored: stored.start)

    def with_text(self, text: str) -> Stored | None:
        """A passage with exactly this text, if there is one."""
        query = tantivy.Query.term_query(self._index.schema, "digest", digest(text))
        return next((stored for stored in self._find(query, 8) if stored.text == text), None)

    def save(self, *, rewrite: bool = False) -> None:
        """Write the changes to the folder.

        rewrite: write all passages again: BM25 counts removed ones in its statistics as long as their segment exists.
        """
        if self._writer is not None:
            self._commit()
        if rewrite:
            self._rewrite()
        for name in LOCKS:
            (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Drop changes that were not saved. tantivy unmaps its files when the object is deleted."""
        self._writer = None
        if self._borrowed is not None:
            self._borrowed.cleanup()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def _find(self, query: tantivy.Query, limit: int) -> Iterator[Stored]:
        if limit > 0:
            for _, address in self._searcher.search(query, limit, count=False).hits:
                yield self._stored(address)

    def _stored(self, address: tantivy.DocAddress) -> Stored:
        fields: Mapping[str, Any] = self._searcher.doc(address).to_dict()
        pages = fields.get("page", [])  # the page it starts on, and the pages of its turns
        return Stored(
            id=fields["id"][0],
            document=fields["document"][0],
            text=bytes(fields["text"][0]).decode(errors="surrogatepass"),
            start=fields["start"][0],
            line=next(iter(fields.get("line", [])), None),
            label=next(iter(fields.get("label", [])), None),
            page=next(iter(pages), None),
            turns=tuple(zip(fields.get("turn", []), pages[1:], strict=True)),
        )

    def _writing(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_HEAP, 1)  # one thread: the same passages give the same segments
        return self._writer

    def _write(self, passages: Iterable[Stored]) -> None:
        for stored in passages:
            self._writing().add_document(_document(stored, self._stemmed(indexed(stored.text))))

    def _stemmed(self, words: str) -> str:
        """The words, with those in the scripts of `STEMMERS` as stems; the field's analyser stems the Latin ones."""
        return " ".join(self._others.analyze(words)) if _STEMMED.search(words) else words

    def _commit(self) -> None:
        writer = self._writing()
        writer.commit()
        writer.wait_merging_threads()
        self._writer = None
        self._index.reload()
        self._searcher = self._index.searcher()

    def _rewrite(self) -> None:
        passages = sorted(self._find(tantivy.Query.all_query(), len(self)), key=lambda stored: stored.id)
        shutil.rmtree(self._folder)
        self._index = self._create(self._folder)
        self._index.register_tokenizer("askdoc", self._analyser)
        self._write(passages)
        self._commit()


def _unwatched(index: tantivy.Index) -> tantivy.Index:
    """Stop the thread that watches for changes: it leaves a lock file behind at an unpredictable moment."""
    index.config_reader(reload_policy="manual")
    return index


def _damaged(folder: Path, error: Exception) -> IndexDamagedError:
    return IndexDamagedError(f"{folder} cannot be read: {error}", hint=REBUILD)


def _link_all(folder: Path, target: Path) -> None:
    """Link a folder's files into another one; copy them if the system has no links."""
    for path in folder.absolute().iterdir():
        if path.name in LOCKS:
            continue
        try:
            (target / path.name).symlink_to(path)
        except OSError:
            shutil.copy2(path, target)


def _analyser(*stemmers: str) -> tantivy.TextAnalyzer:
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.remove_long(_LONGEST))
        .filter(tantivy.Filter.ascii_fold())  # such as ø and ł, which Unicode does not take apart
    )
    for language in stemmers:
        builder = builder.filter(tantivy.Filter.stemmer(language))
    return builder.build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", stored=True, indexed=True, fast=True)
    builder.add_unsigned_field("document", stored=True, indexed=True)
    builder.add_unsigned_field("digest", indexed=True)
    builder.add_text_field("words", tokenizer_name="askdoc", index_option="position")
    builder.add_bytes_field("text", stored=True)
    builder.add_unsigned_field("start", stored=True)
    builder.add_unsigned_field("line", stored=True)
    builder.add_unsigned_field("page", stored=True)
    builder.add_unsigned_field("turn", stored=True)
    builder.add_text_field("label", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _stored(entry: PassageEntry) -> Stored:
    passage = entry.passage
    return Stored(
        entry.id,
        entry.document,
        passage.text,
        passage.start,
        passage.line,
        passage.label,
        passage.page,
        passage.turns,
    )


def _document(stored: Stored, words: str) -> tantivy.Document:
    document = tantivy.Document()
    for name in ("id", "document", "start"):
        document.add_unsigned(name, getattr(stored, name))
    document.add_unsigned("digest", digest(stored.text))
    document.add_text("words", words)
    document.add_bytes("text", stored.text.encode(errors="surrogatepass"))
    if stored.line is not None:
        document.add_unsigned("line", stored.line)
    if stored.label is not None:
        document.add_text("label", stored.label)
    if stored.page is not None:
        document.add_unsigned("page", stored.page)
        for turn, page in stored.turns:
            document.add_unsigned("turn", turn)
            document.add_unsigned("page", page)
    return document


def digest(text: str) -> int:
    """64 bits of BLAKE2b, to find a passage by its whole text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
