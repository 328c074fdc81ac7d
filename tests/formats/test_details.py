"""What each format has of its own: encodings, layout tables, number formats, lists, bounds."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from askdoc.errors import LoadError
from askdoc.loaders import xml
from askdoc.loaders.office import docx, odf, package, rtf, xlsx
from askdoc.loaders.office.numbering import formatted
from askdoc.loaders.pdf.layout import read_pages
from askdoc.loaders.pdf.lines import Page, Word
from askdoc.loaders.rows import row_sentences
from askdoc.loaders.textbuilder import TextBuilder, visible_text
from askdoc.loaders.web import html

SAMPLES = Path(__file__).parent / "samples"

# --- web pages


def page(body: str, head: str = "<meta charset=utf-8>") -> str:
    return html.load(f"<html><head>{head}</head><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>a <b>b</b>c&nbsp;&mdash; d&shy;e</p>tail", "a bc — de\n\ntail"),
        ("<p>one<script>no()</script> two<!-- no --> three</p>", "one two three"),
        ("<p>one<br>two<br><br>three</p>", "one\ntwo\nthree"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<ol start=3><li>c<li>d</ol><ul><li>e<ul><li>f</ul></ul>", "3. c\n4. d\n• e\n• f"),
        ("<p>The fact.<sup><a href='#n1'>[1]</a></sup> And 10<sup>6</sup> more.</p>", "The fact. And 106 more."),
        ("<p style='display: none'>a</p><p hidden>b</p><div aria-hidden=true>c</div><p>d</p>", "d"),
        ("<form><p>A page in a form.</p><input value=x></form>", "A page in a form."),
        ("<header><h1>Title</h1></header><p>a</p><footer>b</footer>", "Title\n\na"),
        ("<blockquote>q<footer>Ann</footer></blockquote>", "q\n\nAnn"),
        ("<table><tr><td><ul><li>a</ul></td><td><p>b</p></td></tr></table>", "• a\n\nb"),
        ("<table><tr><th>Phone<td>12</tr><tr><th>Room<td>7</tr></table>", "Phone: 12.\n\nRoom: 7."),
        (
            "<table><tr><th>Day<th>Hall<th>Film</tr><tr><td rowspan=2>Monday<td>1<td>A</tr><tr><td>2<td>B</tr></table>",
            "Day: Monday; Hall: 1; Film: A.\n\nDay: Monday; Hall: 2; Film: B.",
        ),
        ("<pre>a  b\n\tc</pre>", "a  b\n        c"),
        ("<p>" * 5000 + "deep", "deep"),
    ],
)
def test_a_page_says_what_a_reader_sees(body: str, text: str) -> None:
    assert page(body) == text


def test_the_title_is_the_root_of_the_path_unless_the_heading_repeats_it() -> None:
    head = "<meta charset=utf-8><title>Zoo News</title>"
    loaded = html.load(f"<html><head>{head}</head><body><p>a</p><h2>Lions</h2><p>b</p></body></html>".encode())
    assert [mark.label for mark in loaded.marks] == ["Zoo News", "Zoo News › Lions"]
    loaded = html.load(b"<title>Lions - Zoo News</title><h1>Lions</h1><p>b</p>")
    assert [mark.label for mark in loaded.marks] == ["Lions"]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("iso-8859-1", "cp1252"),
        ("windows-1251", "cp1251"),
        ("shift_jis", "shift_jis"),
        ("utf-8", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_a_page_is_decoded_as_it_declares(declared: str, encoding: str) -> None:
    words = {"cp1251": "Привет", "shift_jis": "日本語"}.get(
        encoding, "café “5 €”" if encoding != "cp1252" else "café “€”"
    )
    data = f"<html><head><meta charset='{declared}'></head><body><p>{words}</p></body></html>".encode(encoding)
    assert html.load(data).text == words


def test_xhtml_is_read_as_xml_and_named_characters_are_known() -> None:
    text = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>'
        '<body><p>caf&eacute; <a id="x"/>&amp; bar</p></body></html>'
    )
    assert html.load(text.encode()).text == "café & bar"


# --- XML and zip archives


def test_entities_are_not_expanded_and_nothing_is_fetched() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x;&f;</a>'
    assert "".join(xml.parse_xml(bomb).itertext()).replace("&x;", "").replace("&f;", "") == ""


def zipped(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name.replace("_", "."), data)
    return stream.getvalue()


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_PART", 1000)
    with pytest.raises(LoadError, match="unpacks to more than can be read"):
        odf.load(zipped(content_xml=b"<a>" + b" " * 2000 + b"</a>"))
    with pytest.raises(LoadError, match="unpacks to more than can be read"):
        xlsx.load((SAMPLES / "theatre.xlsx").read_bytes())


def test_an_archive_of_countless_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_ENTRIES", 1)
    with pytest.raises(LoadError, match="more than 1 parts"):
        odf.load(zipped(content_xml=b"<a/>", styles_xml=b"<a/>"))


def test_an_encrypted_opendocument_file_says_so() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("META-INF/manifest.xml", "<manifest><file-entry><encryption-data/></file-entry></manifest>")
        packed.writestr("content.xml", b"\x00\x01")
    with pytest.raises(LoadError, match="encrypted with a password"):
        odf.load(stream.getvalue())


# --- tables and sheets


@pytest.mark.parametrize(
    ("grid", "rows"),
    [
        ([["Town", "People"], ["Elm", "450"]], [(2, "Town: Elm; People: 450.")]),
        ([["", "2023", "2024"], ["Wool", "5", "7"]], [(2, "Wool; 2023: 5; 2024: 7.")]),
        ([["Ann", "1950", "2001"], ["Bo", "1948", "2001"]], [(1, "Ann; 1950; 2001."), (2, "Bo; 1948; 2001.")]),
        ([["Runner", "5 km", "10 km"], ["Ann", "21:05", "44:30"]], [(2, "Runner: Ann; 5 km: 21:05; 10 km: 44:30.")]),
        ([["Oslo", "5 km", "3 h"], ["Rome", "7 km", "2 h"]], [(1, "Oslo; 5 km; 3 h."), (2, "Rome; 7 km; 2 h.")]),
        ([["7", "7", "5"], ["8", "x", "x"]], [(1, "7; 7; 5."), (2, "8; x.")]),
        ([["Fees", ""], ["Club", "Fee"], ["Chess", "5"]], [(1, "Fees"), (3, "Club: Chess; Fee: 5.")]),
        ([["Phone", "Office"], ["Room", "Cellar"]], [(1, "Phone: Office."), (2, "Room: Cellar.")]),
        ([["A", "B", "C"], ["x", "", "z"], ["", "", ""]], [(2, "A: x; C: z.")]),
        ([], []),
    ],
)
def test_each_row_says_which_value_is_which(grid: list[list[str]], rows: list[tuple[int, str]]) -> None:
    assert list(row_sentences(enumerate(grid, 1))) == rows


def test_a_declared_header_may_be_numbers() -> None:
    grid = [["", "1", "2"], ["Wool", "5", "7"]]
    assert list(row_sentences(enumerate(grid, 1))) == [(1, "1; 2."), (2, "Wool; 5; 7.")]
    assert list(row_sentences(enumerate(grid, 1), headed=True)) == [(2, "Wool; 1: 5; 2: 7.")]


@pytest.mark.parametrize(
    ("value", "pattern", "shown"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e21, "General", "1e+21"),
        (7, "General", "7"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (-1234.5, "#,##0.00;(#,##0.00)", "-1,234.50"),
        (0.125, "0.0%", "12.5%"),
        (1234.5, '"$"#,##0', "$1,234"),
        (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
        (12, '0.0 "kg"', "12.0 kg"),
        (5.5, "0.##", "5.5"),
        (3.0, "0.##", "3"),
        (0.5, "# ?/?", "0.5"),
        (-0.001, "0.0", "0.0"),
        (True, "General", "TRUE"),
    ],
)
def test_a_number_is_written_as_excel_shows_it(value: float, pattern: str, shown: str) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append([value])
    book.active["A1"].number_format = pattern
    stream = io.BytesIO()
    book.save(stream)
    assert xlsx.load(stream.getvalue()).text == shown


# --- Word, lists, RTF, drafts


def test_a_note_that_refers_to_itself_is_read_once() -> None:
    with zipfile.ZipFile(SAMPLES / "contract.docx") as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    notes = parts["word/footnotes.xml"]
    reference = re.search(rb'<w:footnoteReference w:id="\d+"/>', parts["word/document.xml"])
    assert reference is not None
    parts["word/footnotes.xml"] = notes.replace(
        b"</w:p></w:footnote></w:footnotes>", b"<w:r>" + reference[0] + b"</w:r></w:p></w:footnote></w:footnotes>"
    )
    assert parts["word/footnotes.xml"] != notes
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    assert docx.load(stream.getvalue()).text.count("the notary Ilse Vandamme") == 1


@pytest.mark.parametrize(
    ("count", "form", "shown"),
    [
        (4, "decimal", "4"),
        (28, "lowerLetter", "bb"),
        (1949, "upperRoman", "MCMXLIX"),
        (7, "decimalZero", "07"),
        (3, "odd", "3"),
    ],
)
def test_a_number_of_a_list_is_written_in_its_form(count: int, form: str, shown: str) -> None:
    assert formatted(count, form) == shown


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 caf\'e9 \'80 5}", "café € 5"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}\f1 \'93\'fa\'96\'7b\f0 x}", "日本x"),
        (rb"{\rtf1\ansi\uc1 \u8220?a\u8221? {\uc2 \u233\'65\'65b}}", "“a” éb"),
        (rb"{\rtf1 \u55357?\u56832?}", "\U0001f600"),
        (rb"{\rtf1 a{\*\unknown no}{\pict no}b\par\pard c\line d}", "ab\n\nc\nd"),
        (rb"{\rtf1 a{\deleted no}{\v no}b}", "ab"),
        (rb"{\rtf1 {\stylesheet{\s1 heading 1;}}\pard\s1 T\par\pard x\par}", "T\n\nx"),
        (b"{\\rtf1 {\\pict\\bin3 }}}}ok}", "ok"),
        (rb"{\rtf1 \{a\}\~b\_c\emdash d}", "{a} b-c—d"),
    ],
)
def test_rtf_says_what_a_reader_sees(markup: bytes, text: str) -> None:
    assert rtf.load(markup).text == text


def test_rtf_groups_without_end_are_no_endless_work() -> None:
    with pytest.raises(LoadError, match="nested deeper"):
        rtf.load(b"{\\rtf1 " + b"{" * 100_000)


def test_a_row_is_a_passage_of_its_own_and_names_its_section() -> None:
    builder = TextBuilder()
    builder.heading(1, "Prices")
    builder.table([["Fruit", "Price"], ["Pear", "3"]])
    builder.paragraph("After the table.")
    loaded = builder.content()
    assert loaded.text == "Prices\n\nPrices. Fruit: Pear; Price: 3.\n\nAfter the table."
    assert [(mark.start, mark.label) for mark in loaded.marks] == [(0, "Prices"), (8, "Prices, row 2"), (40, "Prices")]


def test_what_cannot_be_seen_is_no_text() -> None:
    assert visible_text(" a\u200b\u00adb \ufeff\x07\n\n \n c\ud800") == "ab\nc\ufffd"


# --- the geometry of PDF


def typeset(lines: Sequence[tuple[str, float, float]], *, number: int = 1, size: float = 10) -> Page:
    """A page of lines of letters that are half as wide as high: text, left end, base line."""
    words = []
    for text, x, y in lines:
        at = x
        for word in text.split(" "):
            width = len(word) * size / 2
            words.append(Word(word, at, at + width, y, size, bold=False, spaced=True))
            at += width + size / 2
    return Page(number, 800, words)


def texts(*pages: Page) -> list[str]:
    return [block.text for block in read_pages(pages)]


LINES = [f"This is line {number} of a text that fills the page from side to side" for number in range(9)]


def test_lines_are_a_paragraph_and_a_wide_gap_parts_two() -> None:
    upper = [(line, 50, 600 - 12 * at) for at, line in enumerate(LINES[:4])]
    lower = [(line, 50, 530 - 12 * at) for at, line in enumerate(LINES[4:])]
    assert texts(typeset(upper + lower)) == [" ".join(LINES[:4]), " ".join(LINES[4:])]


def test_an_indented_line_begins_a_paragraph() -> None:
    lines = [(line, 65 if at == 5 else 50, 600 - 12 * at) for at, line in enumerate(LINES)]
    lines[4] = ("A short end.", 50, lines[4][2])
    assert texts(typeset(lines)) == [" ".join([*LINES[:4], "A short end."]), " ".join(LINES[5:])]


@pytest.mark.parametrize("written", ["down the columns", "across the rows"])
def test_columns_are_read_one_after_the_other_however_they_were_written(written: str) -> None:
    left = [(f"left {number} says quite a lot", 50, 600 - 12 * number) for number in range(6)]
    right = [(f"right {number} says some things", 250, 600 - 12 * number) for number in range(6)]
    order = (
        left + right
        if written == "down the columns"
        else [line for pair in zip(left, right, strict=True) for line in pair]
    )
    heading = [("A title that runs across both of the columns of this page", 50, 640)]
    shown = " ".join(texts(typeset(heading + order)))
    assert shown.index("A title") < shown.index("left 0") < shown.index("left 5") < shown.index("right 0")


def test_running_heads_and_numbers_are_left_out_and_a_paragraph_goes_on_across_the_page() -> None:
    def made(number: int, lines: list[str]) -> Page:
        body = [(line, 50, 690 - 12 * at) for at, line in enumerate(lines)]
        return typeset([("The Annals of Wool", 200, 780), *body, (str(number + 6), 300, 20)], number=number)

    pages = [made(1, LINES[:4]), made(2, [line.replace("This", "this") for line in LINES[4:]])]
    (block,) = read_pages(pages)
    assert block.text.startswith("This is line 0")
    assert [part.page for part in block.parts] == [1, 2]
    assert "Annals" not in block.text
    assert "7" not in block.parts[0].text


@pytest.mark.parametrize(
    ("end", "start", "joined"),
    [
        ("the differ-", "ent kinds of text", "the different kinds"),
        ("a well-", "known fact of text", "a well-known fact"),
        ("the Kepler-", "Optics works of text", "the Kepler-Optics works"),
        ("from 1990-", "2000 and on with text", "from 1990-2000 and"),
        ("it was so –", "or was it not text", "it was so – or"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_if_it_only_parts_the_word(end: str, start: str, joined: str) -> None:
    lines = [(f"{LINES[0][: -len(end)]}{end}", 50, 600), (start, 50, 588)]
    assert joined in texts(typeset(lines))[0]


def test_a_table_is_read_by_rows() -> None:
    cells = [("Town", "People", "Rain"), ("Elm", "450", "12"), ("Oak", "790", "31")]
    rows = [
        (cell, x, 500 - 14 * at) for at, row in enumerate(cells) for cell, x in zip(row, (50, 150, 250), strict=True)
    ]
    above = [(line, 50, 600 - 12 * at) for at, line in enumerate(LINES[:5])]
    block = read_pages([typeset(above + rows)])[-1]
    assert block.rows == tuple(cells)
