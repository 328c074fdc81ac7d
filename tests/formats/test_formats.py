"""Laid-out documents: what is read, where it is cited, and what is said of files that cannot be read."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from programs import ROOT, askdoc

import askdoc as api
from askdoc.errors import LoadError
from askdoc.loaders import LOADERS, open_loader
from askdoc.passages.split import split
from askdoc.types import Content, Document, Mark, Passage, Source

SAMPLES = Path(__file__).parent / "samples"


def load(name: str, data: bytes | None = None) -> Content:
    loader = open_loader(name)
    assert loader is not None
    return loader((SAMPLES / name).read_bytes() if data is None else data)


def passage_with(loaded: Content, words: str) -> Passage:
    source = Source("name", "0" * 64, 0, 0)
    found = [one for one in split(Document(source, loaded)) if words in one.text]
    assert len(found) == 1, f"{words!r} stands in {len(found)} passages"
    return found[0]


class Fact(NamedTuple):
    """Words of a sample, and how they are cited."""

    sample: str
    words: str
    label: str | None
    page: int | None = None


BRIDGE, KESTREL, SKERRY = "The Bridge of Alder Ford", "The Orchard of Kestrel Hill", "The Skerry Lighthouse Handbook"
HARBOUR = "Minutes of the Harbour Board"
FACTS = [
    Fact("bridge.html", "opened by Mayor Edwina Pruitt on a rainy morning in May 1928. It cost 41,000 pounds", BRIDGE),
    Fact("bridge.html", "Galicia.\nThey lived in the café opposite the site.", f"{BRIDGE} › Construction"),
    Fact("bridge.html", "• The longest arch spans 62 metres.\n• The parapet", f"{BRIDGE} › Construction"),
    Fact("bridge.html", "Year: 1970; Lorries: 902; Bicycles: 415.", f"{BRIDGE} › Traffic, row 3"),
    Fact("bridge.html", "weekdays   06:00 to", f"{BRIDGE} › Traffic › Opening hours of the toll house"),
    Fact("orchard.epub", "repaired by the blacksmith Tobias Crane", f"{KESTREL} › The Great Frost › What Was Saved"),
    *(
        fact
        for ending in ("docx", "odt")
        for fact in (
            Fact(f"lighthouse.{ending}", "the quarry at Holmen", f"{SKERRY} › History › The rebuilding"),
            Fact(f"lighthouse.{ending}", "eleven years earlier.\n\nThe wooden beacon had been", f"{SKERRY} › History"),
            Fact(f"lighthouse.{ending}", "Keeper: Conrad Ness; From: 1915", f"{SKERRY} › Operation › Keepers, row 4"),
            Fact(f"lighthouse.{ending}", "the last keeper, Søren Dahl", f"{SKERRY} › Operation › Keepers"),
        )
    ),
    Fact("lighthouse.docx", "1. The keeper winds the clockwork at dusk.\n2. The keeper", f"{SKERRY} › Operation"),
    Fact("lighthouse.rtf", "the quarry at Holmen", "History › The rebuilding"),
    Fact("lighthouse.rtf", "Keeper: Conrad Ness; From: 1915; To: 1947", "Operation › Keepers, row 4"),
    *(
        fact
        for ending, rent, amount, duties in (
            ("docx", "2. Rent", "2.1 Amount", "2.2 Duties"),
            ("rtf", "2. Rent", "2.1 Amount", "2.2 Duties"),
            ("odt", "Rent", "Amount", "Duties"),
        )
        for fact in (
            Fact(f"contract.{ending}", "is seven hundred guilders, payable at Candlemas.", f"{rent} › {amount}"),
            Fact(f"contract.{ending}", "kept by the sexton Joos Pauwels", f"{rent} › {amount}"),
            Fact(f"contract.{ending}", "axle every month.\n• The tenant keeps two cats.", f"{rent} › {duties}"),
            Fact(
                f"contract.{ending}", "Kiln shed; Roof: thatch; Value in guilders: 2,500", f"{rent} › {duties}, row 3"
            ),
        )
    ),
    Fact("memo.rtf", "the founder Jürgen Petersson in 1764", "Bell of Saint Ebba"),
    Fact("memo.rtf", "by the shipyard Лебедев in Nørrehavn", "Bell of Saint Ebba › Repair"),
    *(
        fact
        for name in ("choir.pptx", "choir_libreoffice.pptx", "choir.odp")
        for fact in (
            Fact(name, "founded by Dorothea Quill", "slide 1: Founding of the choir"),
            Fact(name, "Town: Brackwater; Visitors: 1,125.", "slide 2: Concerts, row 3"),
            Fact(name, "the baker Emil Fonseca", "slide 2: Concerts, notes"),
        )
    ),
    Fact("reef.pptx", "• The survey boat was the Marguerite.", "slide 2: Method"),
    Fact("reef.pptx", "Doctor Helmut Asante", "slide 2: Method, notes"),
    *(
        fact
        for name, date in (
            ("theatre.xlsx", "2024-03-19"),
            ("theatre_libreoffice.xlsx", "2024-03-19"),
            ("theatre.ods", "19/03/2024"),
        )
        for fact in (
            Fact(name, f"Spending: 31,400.00 €; Change: -4.0%; Approved on: {date}.", "Budget, row 5"),
            Fact(name, "Play: Winter Wheat; Author: Carla Dunmore; Seats sold: 980.", "Plays, row 3"),
            Fact(name, "Tickets are sold by Agnes Holloway at the bakery.", "Plays, row 5"),
        )
    ),
    Fact("stock.ods", "Article: Waxed thread; Shelf: A2; Pieces: 310", "stock, row 3"),
    # hyphens at the ends of lines, ligatures, the mark of a footnote, the next column
    Fact("glacier.pdf", "We report thirty years of measurements on", None, 1),
    Fact("glacier.pdf", "the difficult weather of the northern slope kept", "1 Introduction", 1),
    Fact("glacier.pdf", "refuge was built on the moraine. It offers room", "1 Introduction", 1),
    Fact("glacier.pdf", "The refuge was financed by the brewer Anselm Roth.", "1 Introduction", 1),
    Fact("glacier.pdf", "during the autumn would be out of the question, because", "1 Introduction", 1),
    Fact("glacier.pdf", "The deepest core reached a depth of 87 metres", "2 Methods › 2.1 Instruments", 1),
    Fact("glacier.pdf", "investigations. We multiplied the sum", "2 Methods › 2.2 Calculations", 1),
    Fact("glacier.pdf", "We multiplied the sum of the positive", "2 Methods › 2.2 Calculations", 2),  # after the break
    Fact("glacier.pdf", "Decade: 2000s; Retreat (m): 455; Rain (mm): 1365.", "4 Discussion, row 3", 2),
    Fact("glacier.pdf", "will have disappeared by 2055", "4 Discussion", 2),
    Fact("glacier.pdf", "belongs to the company Nordkraft, will profit", "4 Discussion", 2),
    Fact("minutes.pdf", "chaired by Commodore Felicity Vane", HARBOUR, 1),
    Fact("minutes.pdf", "a cargo of pianos", f"{HARBOUR} › 1. Dredging of the northern channel", 1),
    Fact("minutes.pdf", "Fee per year: 545 dollars.", f"{HARBOUR} › 2. Mooring fees, row 3", 2),
    Fact("minutes.pdf", "repaired by the watchmaker Leopold Finch free", f"{HARBOUR} › 4. Any other business", 2),
    Fact("lighthouse.pdf", "Keeper: Conrad Ness; From: 1915; To: 1947", "Operation › Keepers, row 4", 1),
    Fact("contract.pdf", "\n\nThe keys of the mill are kept by the sexton Joos Pauwels.", "2. Rent › 2.1 Amount", 1),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.sample}: {fact.words[:30]}")
def test_a_fact_is_read_in_its_words_and_cited_where_it_stands(fact: Fact) -> None:
    passage = passage_with(load(fact.sample), fact.words)
    citation = passage.citation(passage.text.index(fact.words))
    assert (citation.label, citation.page) == (fact.label, fact.page)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("bridge.html", "tracking"),
        ("bridge.html", "serif"),
        ("bridge.html", "News"),
        ("bridge.html", "Subscribe"),
        ("bridge.html", "Imprint"),
        ("bridge.html", "Search"),
        ("contract.docx", "florins"),
        ("contract.docx", "secret"),
        ("contract.docx", "Confidential"),
        ("contract.odt", "florins"),
        ("contract.odt", "secret"),
        ("contract.odt", "Confidential"),
        ("contract.rtf", "florins"),
        ("contract.rtf", "secret"),
        ("contract.rtf", "Confidential"),
        ("choir.pptx", "Left out"),
        ("choir.odp", "<number>"),
        ("theatre.xlsx", "61,000"),
        ("theatre.ods", "61,000"),
        ("glacier.pdf", "Halvorsen and Okafor"),
        ("minutes.pdf", "Harbour Board of Port Lindow"),
        ("minutes.pdf", "Page"),
    ],
)
def test_what_is_no_text_of_the_document_is_left_out(sample: str, words: str) -> None:
    assert words not in load(sample).text


@pytest.mark.parametrize(
    ("sample", "remarks"),
    [
        ("theatre.xlsx", ("left out: 1 hidden sheet, 1 chart",)),
        ("theatre.ods", ("left out: 1 chart, 1 hidden sheet",)),
        ("choir.pptx", ("left out: 1 hidden slide",)),
        ("choir.odp", ("left out: 1 hidden slide",)),
        ("contract.docx", ("left out: 1 hidden place",)),
        ("lighthouse.docx", ()),
        ("bridge.html", ()),
        ("glacier.pdf", ()),
    ],
)
def test_what_might_be_missed_is_told(sample: str, remarks: tuple[str, ...]) -> None:
    assert load(sample).remarks == remarks


def test_a_paragraph_across_a_page_break_says_where_the_next_page_begins() -> None:
    loaded = load("glacier.pdf")
    start = loaded.text.index("We multiplied the sum")
    assert Mark(start, "2 Methods › 2.2 Calculations", 2) in loaded.marks


# --- files that cannot be read


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_a_file_cut_short_is_read_as_far_as_it_goes_or_refused(sample: str) -> None:
    data = (SAMPLES / sample).read_bytes()
    try:
        text = load(sample, data[: len(data) * 9 // 10]).text
    except LoadError as error:
        assert error.message  # noqa: PT017 - not raising is as good
    else:
        assert sample.endswith((".html", ".rtf", ".pdf"))
        assert text or sample == "memo.rtf"  # whose text stands at its end


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)  # how a file of an old office program begins


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("scan.pdf", None, "a scan without text.*ocrmypdf"),
        ("encrypted.pdf", None, "encrypted with a password"),
        ("empty.docx", b"", "the file is empty"),
        ("empty.pdf", b"", "the file is empty"),
        ("a.docx", "minutes.pdf", "no Word document but a PDF"),
        ("a.pdf", "lighthouse.docx", "no PDF but a zip archive or another kind of office document"),
        ("a.xlsx", "lighthouse.docx", "damaged, or no Excel workbook"),
        ("a.odt", "lighthouse.docx", "damaged, or no OpenDocument file"),
        ("a.rtf", "bridge.html", "no RTF document but a web page"),
        ("a.epub", "lighthouse.odt", "damaged, or no electronic book"),
        ("a.pptx", b"plain words", "damaged, or no PowerPoint presentation$"),
        ("a.doc.docx", OLD, "the format of Office before 2007"),
        ("a.docx", OLD + "EncryptedPackage".encode("utf-16-le"), "encrypted with a password"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, data: bytes | str | None, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load(name, (SAMPLES / data).read_bytes() if isinstance(data, str) else data)


# --- from files to cited answers


class Asked(NamedTuple):
    """A question that one sample answers, and the place that is cited."""

    question: str
    answer: str
    sample: str
    where: tuple[str | None, int | None]


ASKED = [
    Asked("Who opened the bridge of Alder Ford?", "Edwina Pruitt", "bridge.html", (BRIDGE, None)),
    Asked("How many lorries were counted in 1970?", "902", "bridge.html", (f"{BRIDGE} › Traffic, row 3", None)),
    Asked("Who financed the refuge on the moraine?", "Anselm Roth", "glacier.pdf", ("1 Introduction", 1)),
    Asked("Which company owns the power station at Brenn?", "Nordkraft", "glacier.pdf", ("4 Discussion", 2)),
    Asked("Who designed the Skerry lighthouse?", "Ottilie Brandvold", "lighthouse.docx", (f"{SKERRY} › History", None)),
    Asked("Who trained the divers?", "Helmut Asante", "reef.pptx", ("slide 2: Method, notes", None)),
    Asked("How much did the department Stage machinery spend?", "77,120.25 €", "theatre.xlsx", ("Budget, row 6", None)),
    Asked("Who keeps the keys of the mill?", "Joos Pauwels", "contract.odt", ("Rent › Amount", None)),
    Asked("On which shelf is the waxed thread?", "A2", "stock.ods", ("stock, row 3", None)),
    Asked("Who lent the piano?", "Emil Fonseca", "choir.odp", ("slide 2: Concerts, notes", None)),
    Asked("Who repaired the cider press?", "Tobias Crane", "orchard.epub",
          (f"{KESTREL} › The Great Frost › What Was Saved", None)),
    Asked("Who cast the bell of Saint Ebba?", "Jürgen Petersson", "memo.rtf", ("Bell of Saint Ebba", None)),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("formats")
    (place / "docs").mkdir()
    for name in {asked.sample for asked in ASKED} | {"scan.pdf"}:
        shutil.copy(SAMPLES / name, place / "docs")
    ran = askdoc("index", "docs", cwd=place)
    assert ran.status == 0
    assert "docs/scan.pdf: it is a scan without text" in ran.err + ran.out
    return place


@pytest.fixture(scope="module")
def index(folder: Path) -> Iterator[api.Index]:
    with api.open_index(folder / "index") as opened:
        yield opened


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.question)
def test_a_question_is_answered_and_cited_to_its_place(asked: Asked, index: api.Index) -> None:
    answer = index.ask(asked.question).answers[0]
    assert asked.answer in answer.text
    assert answer.citation.document == f"docs/{asked.sample}"
    assert (answer.citation.label, answer.citation.page) == asked.where


def test_a_page_is_shown_and_no_line_that_the_file_does_not_have(folder: Path) -> None:
    words = ("Which company owns the power station at Brenn?", "-k", "1")
    shown = askdoc(*words, "--format", "terminal", cwd=folder, env={"COLUMNS": "200"}).out
    assert "docs/glacier.pdf (page 2, 4 Discussion)" in shown
    linked = askdoc(*words, "--format", "markdown", cwd=folder).out
    assert "(docs/glacier.pdf#page=2)" in linked


def test_libraries_that_read_formats_are_imported_only_for_them() -> None:
    code = "import sys, askdoc.cli, askdoc.build, askdoc.ask; print({'lxml', 'pypdfium2', 'openpyxl'} & {*sys.modules})"
    from programs import run

    assert run([sys.executable, "-c", code], cwd=ROOT).out.strip() == "set()"


def test_every_format_has_samples() -> None:
    laid_out = {ending for ending, entry in LOADERS.items() if not entry.endswith(("plain:load", "markdown:load"))}
    there = {path.suffix for folder in ("samples", "ferry") for path in (SAMPLES.parent / folder).iterdir()}
    assert laid_out >= there
