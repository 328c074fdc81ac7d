"""Formats that are text, or mostly: what is read of each sample in `formats_text/`, and where an answer is cited to be.

The samples were made with pandoc (observatory, orchard, chess, boathouse), nbformat (honey), Python's own csv, json and
email packages, and libgsf (ferry.msg); the subtitles and the program are written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from askdoc import ask, build
from askdoc.errors import LoadError
from askdoc.loaders import open_loader
from askdoc.passages.split import split
from askdoc.types import Content, Document, Passage, Source

FOLDER = Path(__file__).parent / "formats_text"
DEEP = 50_000


def load(name: str, data: bytes | str | None = None) -> Content:
    loader = open_loader(name)
    assert loader is not None
    data = (FOLDER / name).read_bytes() if data is None else data
    return loader(data.encode() if isinstance(data, str) else data)


def passages(name: str, data: bytes | str | None = None) -> list[Passage]:
    loaded = load(name, data)
    source = Source(name, "0" * 64, 1, 0)
    return split(Document(source, loaded))


def places(name: str, data: bytes | str | None = None) -> list[tuple[str | None, str]]:
    """Label and text of each passage."""
    return [(passage.label, passage.text) for passage in passages(name, data)]


@pytest.mark.parametrize(
    ("name", "label", "fact"),
    [
        (
            "observatory.rst",
            "Handbook of the Larkfield observatory › Instruments › The great refractor",
            "The great refractor was built by *Henrik Solberg* in Bergen",
        ),
        (
            "orchard.tex",
            "Soil moisture in the orchards of Vellnes › Results › Yield",
            "25% more fruit than the\nothers, while the cost of water rose to $4 a tree. (The price\nis",
        ),
        ("chess.adoc", "Rules of the chess club › Membership › Fees", "an annual fee of twelve crowns"),
        ("boathouse.org", "Boat house › Repairs", "was repaired by the carpenter Olaf Brandt"),
        ("stations.csv", "row 4", "Region: South; Height (m): 57; Keeper: Maria Costa"),
        ("prices.tsv", "row 3", "Cheese: Manchego; Country: Spain; Price per kilo: 24.50"),
        ("museum.json", None, "name: Museum of Clocks; city: Lindau; director: Sofia Keller"),
        ("museum.json", "opening", "opening: weekdays: from ten to five; sundays: from noon to four"),
        ("museum.json", "rooms › record 2", "name: Pocket watches; floor: 2; oldest piece: a watch from Nuremberg"),
        ("chat.jsonl", "record 6", "user: Tom; time: 2024-06-06T18:00:00; text: Lena paid for the cabin last week."),
        ("honey.ipynb", "Honey harvest › Weights › cell 3", "total harvest: 34.7 kg"),
        ("honey.ipynb", "Honey harvest › Weights › cell 4", "a new queen by the beekeeper Clara Winter"),
        ("harbour.srt", "00:12:05", "My name is Freja Lindqvist, and I have been a pilot since April. The first ship"),
        ("harbour.srt", "00:12:41", "The oldest pilot, Viggo Holm, stood beside me and did not say a word."),
        (
            "lecture.vtt",
            "01:00:00",
            "the botanist Ines Amaral.\nInes Amaral: Thank you. I want to speak about a moss that glows in the dark. "
            "It was found in a cave near Coimbra & described by my teacher in 1987.",
        ),
        (
            "budget.eml",
            "2024-03-05, Budget for Q3 – révision",
            "From: Zoë Årdal\nSent: Tuesday, 5 March 2024, 14:03\nTo: Tom Hill, Ravi Nair\nDear Tom,\n"
            "the committee has approved 18,500 crowns for the new projector",
        ),
        ("budget.eml", "2024-03-05, Budget for Q3 – révision › minutes.txt", "The minutes were taken by Kasper Juhl"),
        ("archive.mbox", "2024-04-08, Your trip", "Your sleeper to Narvik leaves from platform nine."),
        ("archive.mbox", "2024-04-09, Lost umbrella", "\n\nFrom now on it stands beside the porter's desk."),
        ("ferry.msg", "2023-11-20, Key of the lighthouse", "lies under the third flowerpot"),
        ("ferry.msg", "2023-11-20, Key of the lighthouse › lamp.txt", "The lamp is changed every four hundred days."),
        ("tank.py", None, "above this the overflow valve opens by itself"),
    ],
)
def test_a_fact_is_read_and_stands_under_its_label(name: str, label: str | None, fact: str) -> None:
    assert [place for place, text in places(name) if fact in text] == [label]


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_lines_are_cited_where_the_text_is_the_file_and_nowhere_else(path: Path) -> None:
    own = path.suffix in (".rst", ".adoc", ".org", ".py")
    assert (load(path.name).text == path.read_text(encoding="latin-1" if path.suffix == ".msg" else "utf-8")) == own
    for passage in passages(path.name):
        assert (passage.line is not None) == own
        assert (passage.citation().line_end is not None) == own


def test_what_is_left_out_and_would_be_missed_is_told() -> None:
    assert load("budget.eml").remarks == ("attachments that were not read: plan.png",)
    assert load("honey.ipynb").remarks == ("left out: 1 picture",)
    assert load("a.tex", "\\input{chapter1} \\include{chapter2}").remarks == (
        "takes in other files, which are read on their own if they are indexed: chapter1, chapter2",
    )


# --- asked


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ask.Index]:
    folder = tmp_path_factory.mktemp("formats") / "index"
    build.index([FOLDER], folder, root=FOLDER)
    with ask.open_index(folder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "answer", "document", "place"),
    [
        ("Who built the great refractor?", "Henrik Solberg", "observatory.rst", 14),
        ("How much more fruit did trees carry that were watered at night?", "25%", "orchard.tex", "Yield"),
        ("Who directs the winter tournament?", "Beatriz Fonseca", "chess.adoc", 12),
        ("Who repaired the roof of the boat house?", "Olaf Brandt", "boathouse.org", 9),
        ("Who is the keeper of the station Brekke?", "Maria Costa", "stations.csv", "row 4"),
        ("What does a kilo of Manchego cost?", "24.50", "prices.tsv", "row 3"),
        ("Who is the director of the Museum of Clocks?", "Sofia Keller", "museum.json", None),
        ("Who paid for the cabin?", "Lena", "chat.jsonl", "record 6"),
        ("Who gave the hive a new queen?", "Clara Winter", "honey.ipynb", "cell 4"),
        ("Where was the grain carrier from?", "Odessa", "harbour.srt", "00:12:05"),
        ("When was the glowing moss described?", "1987", "lecture.vtt", "01:00:00"),
        ("Who sent the mail about the budget?", "Zoë Årdal", "budget.eml", "2024-03-05, Budget"),
        ("From which platform does the sleeper to Narvik leave?", "nine", "archive.mbox", "2024-04-08, Your trip"),
        ("Where is the key of the lighthouse?", "third flowerpot", "ferry.msg", "2023-11-20"),
        ("Below how many litres would the pump run dry?", "120", "tank.py", 7),
    ],
)
def test_a_question_is_answered_from_each_format_and_cited_to_the_place(
    index: ask.Index, question: str, answer: str, document: str, place: str | int | None
) -> None:
    best = index.ask(question).answers[0]
    assert answer in best.text
    assert best.citation.document == document
    if isinstance(place, int):
        assert best.citation.line_start == place
    else:
        assert best.citation.line_start is None
        assert (place or "") in (best.citation.label or "")


# --- tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    table = "Town,Mayor\nOslo,Ann\nRome,Bo\n".replace(",", delimiter)
    assert places("a.csv", table) == [("row 2", "Town: Oslo; Mayor: Ann."), ("row 3", "Town: Rome; Mayor: Bo.")]


def test_a_comma_inside_numbers_is_no_delimiter() -> None:
    assert places("a.csv", "Item;Price\nPen;1,20\nInk;3,50\n")[0] == ("row 2", "Item: Pen; Price: 1,20.")


def test_a_quoted_value_may_hold_the_delimiter_and_line_breaks() -> None:
    assert places("a.csv", 'Name,Note\n"Hill, Tom","two\nlines ""here"""\nBo,x\n') == [
        ("row 2", 'Name: Hill, Tom; Note: two lines "here".'),
        ("row 3", "Name: Bo; Note: x."),
    ]


def test_values_without_titles_stay_alone() -> None:
    assert places("a.csv", "1,Oslo\n2,Rome\n") == [("row 1", "1; Oslo."), ("row 2", "2; Rome.")]


def test_years_are_titles_and_a_title_above_the_header_is_kept() -> None:
    table = "Revenue in million euros\n\nRegion,2022,2023\nNorth,4.2,4.8\nSouth,3.1,\n"
    assert places("a.csv", table) == [
        ("row 1", "Revenue in million euros"),
        ("row 4", "Region: North; 2022: 4.2; 2023: 4.8."),
        ("row 5", "Region: South; 2022: 3.1."),
    ]


def test_excel_may_declare_its_delimiter() -> None:
    assert places("a.csv", "sep=;\r\nTown;Mayor\r\nOslo;Ann\r\n") == [("row 3", "Town: Oslo; Mayor: Ann.")]


@pytest.mark.parametrize(
    "text", ["Dear Ann, here is no table.\nNone, at all.\nBye\n", "one\ntwo\n", 'a,b\n"' + "c" * 2_000_000, ""]
)
def test_what_is_no_table_stays_as_it_is_and_says_so(text: str) -> None:
    loaded = load("a.csv", text)
    assert (loaded.text, loaded.extracted) == (text, False)
    assert loaded.remarks == ("no regular table; read as plain text",)


# --- JSON


def test_numbers_stay_as_they_are_written_however_long() -> None:
    number = "9" * 10_000
    assert load("a.json", f'{{"big": {number}, "price": 1.50, "odd": NaN, "none": null, "on": true}}').text == (
        f"big: {number}\n\nprice: 1.50; odd: NaN; on: true"
    )


def test_a_repeated_key_is_not_lost() -> None:
    assert load("a.json", '{"name": "Ann", "name": "Bo"}').text == "name: Ann; name: Bo"


def test_half_a_surrogate_pair_becomes_a_character_that_can_be_written() -> None:
    assert load("a.json", r'{"name": "\ud83d"}').text == "name: \ufffd"


def test_a_long_text_in_a_record_is_a_paragraph_of_its_own() -> None:
    body = "A sentence about ferries. " * 30
    assert places("a.json", json.dumps([{"title": "Ferries", "body": body}])) == [
        (
            "record 1 › body",
            f"title: Ferries\n\nbody: {body}".strip(),
        )  # a line that leads to what follows, like a title
    ]


@pytest.mark.parametrize("text", ['{"a": ', "[" * DEEP, '{"a":' * DEEP, "// no\n{}", "[" * 150 + "]" * 150])
def test_what_is_no_json_stays_as_it_is_and_says_so(text: str) -> None:
    loaded = load("a.json", text)
    assert (loaded.text, loaded.extracted) == (text, False)
    assert loaded.remarks == ("not valid JSON; read as plain text",)


def test_json_lines_under_the_name_of_json_are_records() -> None:
    assert places("a.json", '{"a": "one"}\n{"a": "two"}\n') == [("record 1", "a: one"), ("record 2", "a: two")]


def test_a_bad_line_among_json_lines_is_read_as_text() -> None:
    loaded = load("a.jsonl", '{"a": "one"}\n{"a": \n{"a": "three"}\n')
    assert loaded.text == 'a: one\n\n{"a":\n\na: three'
    assert loaded.remarks == ("1 line is not JSON, and read as text",)


# --- notebooks


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"nbformat": 4, "cells": list(cells)})


def test_headings_of_a_notebook_hold_until_the_next_one() -> None:
    cells = notebook(
        {"cell_type": "markdown", "source": "intro\n\n# One\n\ntext"},
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "outputs": [{"ename": "KeyError", "evalue": "'x'"}]},
        {"cell_type": "markdown", "source": "## Two\n\nmore\n\n# Three\n\nlast"},
    )
    assert places("a.ipynb", cells) == [
        ("cell 1", "intro"),
        ("One › cell 1", "# One\n\ntext"),
        ("One › cell 2", "a = 1\nb = 2\n\nKeyError: 'x'"),
        ("One › Two › cell 3", "## Two\n\nmore"),
        ("Three › cell 3", "# Three\n\nlast"),
    ]


def test_a_notebook_of_format_3_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Sea"},
        {"cell_type": "code", "input": "x", "outputs": [{"text": ["4", "2"], "png": "iVBO"}]},
    ]
    loaded = load("a.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert loaded.text == "## Sea\n\nx\n\n42"
    assert loaded.marks[-1].label == "Sea › cell 2"
    assert loaded.remarks == ("left out: 1 picture",)


def test_a_long_output_is_cut_and_that_is_told() -> None:
    cell: dict[str, object] = {
        "cell_type": "code",
        "source": "x",
        "outputs": [{"text": "long " * 5000}, {"text": "lost"}],
    }
    loaded = load("a.ipynb", notebook(cell))
    assert 10_000 <= len(loaded.text) < 10_010
    assert loaded.remarks == ("left out: 2 ends of long outputs",)


@pytest.mark.parametrize("text", ["{}", "[]", '{"cells": 1}', '{"cells": [', "print(1)", "[" * DEEP])
def test_what_is_no_notebook_stays_as_it_is_and_says_so(text: str) -> None:
    loaded = load("a.ipynb", text)
    assert (loaded.text, loaded.remarks) == (text, ("not a notebook; read as plain text",))


@pytest.mark.parametrize("cell", [1, {}, {"source": None}, {"source": [[]]}, {"outputs": [1, {"data": 1, "text": {}}]}])
def test_odd_cells_do_no_harm(cell: object) -> None:
    cells = json.dumps({"cells": [cell, {"cell_type": "markdown", "source": "text"}]})
    assert load("a.ipynb", cells).text == "text"


# --- subtitles


def cues(*texts: str, every: int = 3, line_end: str = "\n") -> str:
    times = [(every * at, every * at + 2) for at in range(len(texts))]
    lines = [
        f"{at}\n00:00:{start:02},000 --> 00:00:{end:02},500\n{text}\n"
        for at, ((start, end), text) in enumerate(zip(times, texts, strict=True), 1)
    ]
    return "\n".join(lines).replace("\n", line_end)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_cues_flow_into_sentences_without_numbers_tags_and_timings(line_end: str) -> None:
    text = cues("{\\an8}<i>The boat</i>", "left at <b>9:30</b>\nin the &quot;rain&quot;.", line_end=line_end)
    assert places("a.srt", text) == [("00:00:00", 'The boat left at 9:30 in the "rain".')]


def test_a_pause_after_a_sentence_begins_a_new_stretch_and_one_within_does_not() -> None:
    text = cues("The boat", "left.", "Then it came back.", every=10)
    assert places("a.srt", text) == [("00:00:00", "The boat left."), ("00:00:20", "Then it came back.")]


def test_speech_without_full_stops_is_cut_all_the_same() -> None:
    found = places("a.srt", cues(*(f"{at} " + "word " * 20 for at in range(19))))
    assert [label for label, _ in found] == ["00:00:00", "00:00:18", "00:00:36", "00:00:54"]


def test_cues_that_nothing_separates_and_numbers_that_are_said() -> None:
    text = "1\n00:00:01,0 --> 00:00:02,0\nHow many?\n42\n2\n00:00:02,0 --> 00:00:03,0\nReally.\n"
    assert load("a.srt", text).text == "How many? 42 Really."


def test_live_captions_that_repeat_each_line_say_it_once() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nfirst\n\n00:02.000 --> 00:03.000\nfirst\nsecond\n"
    assert load("a.vtt", text).text == "first second"


def test_what_is_said_twice_is_read_twice() -> None:
    assert load("a.srt", cues("No.", "No.")).text == "No. No."


def test_who_speaks_begins_a_line() -> None:
    text = cues("- Who is there?\n- It is I.", "<v Ann>Come in.", "<v Ann>Sit down.", "<v.loud Bo>Thanks.")
    assert load("a.srt", text).text == "- Who is there?\n- It is I.\nAnn: Come in. Sit down.\nBo: Thanks."


def test_a_file_without_timings_stays_as_it_is_and_says_so() -> None:
    assert load("a.srt", "1\nno timing\n").remarks == ("no timings were found; read as plain text",)


# --- mail


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=cp1252", "caf=E9", "café"),
        ("Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8", "Y2Fmw6k=", "café"),
        ("Content-Type: text/plain; charset=nonsense", "café", "café"),
        ("Content-Type: text/plain; charset=punycode", "caf-dma", "caf-dma"),
        ("Content-Type: text/plain; charset=us-ascii", "café", "café"),
        (
            "Content-Type: text/html",
            "<style>p{}</style><p>a&nbsp;<b>b</b><br>c &amp; d<!-- no --><ul><li>e</ul>",
            "a b\nc & d\n\n• e",
        ),
        ("Subject: =?utf-8?B?Y2Fmw6k=?=", "text", "Subject: café\ntext"),
        ("Subject: a\n long\n one", "text", "Subject: a long one\ntext"),
    ],
)
def test_a_mail_is_decoded(headers: str, body: str, text: str) -> None:
    assert load("a.eml", f"{headers}\n\n{body}\n".encode()).text == text


def test_a_mail_in_html_is_read_as_a_web_page_is() -> None:
    page = (
        "<html><head><title>no</title></head><body><table role=presentation><tr><td>Dear Ann,</td></tr><tr><td>"
        "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Oars</td><td>40</td></tr><tr><td>Rope</td><td>7</td></tr>"
        "</table></td></tr></table><div hidden>no</div><img src=pixel.gif></body></html>"
    )
    loaded = load("a.eml", f"Subject: x\nContent-Type: text/html\n\n{page}")
    assert loaded.text == "Subject: x\nDear Ann,\nItem: Oars; Price: 40.\n\nItem: Rope; Price: 7."
    assert loaded.remarks == ()


def test_plain_mail_never_loads_the_reader_of_web_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "askdoc.loaders.web.html", None)  # importing it would now raise ImportError
    assert load("a.eml", alternatives("plain")).text == "Subject: x\nplain"


def alternatives(plain: str) -> str:
    return (
        "Subject: x\nContent-Type: multipart/alternative; boundary=B\n\n"
        f"--B\nContent-Type: text/plain\n\n{plain}\n--B\nContent-Type: text/html\n\n<p>rich</p>\n--B--\n"
    )


@pytest.mark.parametrize("kind", ["multipart/alternative", "multipart/mixed; boundary=B", "text/plain; charset"])
def test_a_mail_that_lacks_the_parts_it_speaks_of_is_still_read(kind: str) -> None:
    assert "The well is dry." in load("a.eml", f"Subject: x\nContent-Type: {kind}\n\nThe well is dry.\n").text


@pytest.mark.parametrize(("plain", "read"), [("plain", "plain"), (" ", "rich")])
def test_plain_text_is_preferred_if_there_is_any(plain: str, read: str) -> None:
    assert load("a.eml", alternatives(plain)).text == f"Subject: x\n{read}"


def test_a_forwarded_mail_is_read_with_its_head() -> None:
    inner = "Subject: inner\nFrom: Ann <ann@example.org>\n\nThe well is dry.\n"
    outer = "Subject: outer\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: message/rfc822\n\n"
    assert (
        load("a.eml", f"{outer}{inner}\n--B--\n").text == "Subject: outer\nSubject: inner\nFrom: Ann\nThe well is dry."
    )


def test_a_header_without_end_is_cut_and_that_is_told() -> None:
    loaded = load("a.eml", f"To: {'a@example.org, ' * 2000}\nSubject: x\n\ntext")
    assert loaded.text.startswith("Subject: x\nTo: a@example.org, a@example.org")
    assert loaded.remarks == ("a header longer than 10000 characters is cut short",)


@pytest.mark.parametrize("data", [b"", b"no mail", b"\0\1\2", b"\xff\xfe\0"])
def test_what_is_no_mail_is_refused(data: bytes) -> None:
    for name in ("a.eml", "a.mbox", "a.msg"):
        with pytest.raises(LoadError):
            load(name, data)


def test_a_cut_outlook_message_is_refused() -> None:
    data = (FOLDER / "ferry.msg").read_bytes()
    for length in (10, 512, 1000, len(data) // 2):
        with pytest.raises(LoadError, match="no Outlook message, or it is damaged"):
            load("a.msg", data[:length])


# --- LaTeX


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a % comment\n% another\nb", "a b"),
        ("25\\% of \\$4 \\& \\_ \\{x\\}", "25% of $4 & _ {x}"),
        (r"\"Ozg\"{u}r, \c{c}a, \'{\i}, na\"\i ve, Stra{\ss}e", "Özgür, ça, í, naïve, Straße"),
        ("``so'' --- it~is--was", "“so” — it is–was"),
        (r"\textbf{bold} \emph{and \texttt{code}} \textcolor{red}{red}", "bold and code red"),
        (r"as shown~\cite[p.~3]{smith} in \ref{sec:a}\label{x}", "as shown [smith] in sec:a"),
        (r"\href{http://a.b}{the site}, \url{http://c.d}", "the site (http://a.b), http://c.d"),
        (r"a\footnote{see \emph{b}} c", "a (see b) c"),
        (r"where $x_1 \leq \alpha$ and \(\frac{1}{2}\)", "where x_1 ≤α and 1/2"),
        ("\\begin{verbatim}\n% kept {\n\\end{verbatim}", "% kept {"),
        ("\\begin{itemize}\\item one\n\\item[Two] 2\\end{itemize}", "- one\n- Two: 2"),
        ("\\newcommand{\\tool}{Larch\\xspace}\\tool{} was made by \\unknown{Ann}.", "Larch was made by Ann."),
        ("\\begin{comment}no\\end{comment}yes", "yes"),
        ("\\begin{tabular}{l|r}A & B\\\\ \\hline x & 1\\\\ y & 2\\end{tabular}", "A: x; B: 1.\nA: y; B: 2."),
        ("never {closed", "never closed"),
        ("never opened} \\end{x} \\section", "never opened"),
    ],
)
def test_latex_reads_as_it_is_printed(source: str, text: str) -> None:
    assert " ".join(load("a.tex", source).text.split(" ")) == text
    assert load("a.tex", f"\\documentclass{{a}}\n\\begin{{document}}{source}").text == text


def test_sections_of_all_kinds_are_the_path() -> None:
    source = "\\title{On \\emph{Larches}}\\begin{document}\\section[s]{One}a\\subsection*{Two}b\\section{Three}c"
    assert [(label, text.split("\n")[-1]) for label, text in places("a.tex", source)] == [
        ("On Larches › One", "a"),
        ("On Larches › One › Two", "b"),
        ("On Larches › Three", "c"),
    ]


# --- headings of texts that stay as they are


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.rst",
            "=====\nTitle\n=====\n\ntext\n\nPart `x`_\n---------\n\nDetail\n~~~~~~\n\nNext\n----\n",
            [(0, "Title"), (25, "Title › Part x"), (46, "Title › Part x › Detail"), (61, "Title › Next")],
        ),
        ("a.rst", "text\n\n----\n\ntext\n", []),
        ("a.rst", "Long title of a part\n---\n", []),
        ("a.rst", "::\n\n  code\n  ----\n", []),
        ("a.rst", "=====  ====\nA      B\n=====  ====\n1      2\n=====  ====\n", []),
        ("a.adoc", "= Title\n\n== Part ==\n----\n== no\n----\n", [(0, "Title"), (9, "Title › Part")]),
        (
            "a.org",
            "#+title: T\n* TODO [#A] One :tag:\n** Two\n*bold*\n",
            [(0, "T"), (11, "T › One"), (33, "T › One › Two")],
        ),
    ],
)
def test_headings_are_marked_where_they_stand(name: str, text: str, expected: list[tuple[int, str]]) -> None:
    loaded = load(name, text)
    assert loaded.text == text
    assert [(mark.start, mark.label) for mark in loaded.marks] == expected


# --- whatever is inside


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *(
            (name, unit * DEEP)
            for name in ("a.tex",)
            for unit in ("{", "\\begin{a}", "$", "\\frac", "[", "\\item[", "%")
        ),
        *(
            ("a.tex", unit * DEEP)
            for unit in ("\\begin{tabular}{", "\\begin{verbatim}", "\\verb|", "\\href{", "\\cite{", "\\section{")
        ),
        *(("a.csv", unit * DEEP) for unit in ('"', ",", '"a",', "\n,", "a;b\n", '"\n')),
        *(("a.json", unit * DEEP) for unit in ("[", '{"a":[', "1", '"')),
        ("a.json", "[" + "[1]," * DEEP + "1]"),
        *(("a.srt", unit * DEEP) for unit in ("1\n", "00:00:01,0 --> 00:00:02,0\n", "<i ", "&#9", "{\\")),
        ("a.srt", "00:00:01,0 --> 00:00:02,0\n&#" + "9" * DEEP),
        *(("a.rst", unit * DEEP) for unit in ("=\n", "==\n", "`", "a\n=\n")),
        *(
            ("a.eml", f"Subject: {unit * DEEP}\nFrom: {unit * DEEP}\n\ntext")
            for unit in ("(", '"', "=?utf-8?q?", "<", "a@b,")
        ),
        *(
            ("a.eml", f"Content-Type: text/html\n\n{unit * DEEP}")
            for unit in ("<", "<!--", "<a ", "<script>", "&#", "<div>")
        ),
        ("a.eml", "Content-Type: text/html\n\n" + "<table><tr><td>" * 5000),
        ("a.eml", "Content-Type: multipart/mixed; boundary=B\n\n" + "--B\n" * DEEP),
        ("a.mbox", "From a 00:00\n\n" * 5000),
    ],
    ids=lambda value: value[:12] if len(value) < 20 else f"{value[:14]!r}…{value[-10:]!r}",
)
def test_repetition_and_nesting_without_end_cost_little(name: str, data: str) -> None:
    """What grows with the square of the length takes minutes here, and what calls itself runs out of stack."""
    try:
        load(name, data)
    except LoadError as error:
        assert error.message  # noqa: PT017 - not raising is as good
