"""Formats that are text, or mostly: what is read of each sample in `formats_text/`, and where an answer is cited to be.

The samples were made with pandoc (observatory, orchard, chess, boathouse), nbformat (honey), Python's own csv, json and
email packages, and libgsf (ferry.msg); the subtitles and the program are written by hand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from askdoc import ask, build
from askdoc.errors import LoadError
from askdoc.loaders import Loaded, open_loader
from askdoc.passages import split
from askdoc.types import Document, Passage, Source

FOLDER = Path(__file__).parent / "formats_text"
DEEP = 100_000


def load(name: str, data: bytes | str | None = None) -> Loaded:
    loader = open_loader(name)
    assert loader is not None
    data = (FOLDER / name).read_bytes() if data is None else data
    return loader(data.encode() if isinstance(data, str) else data)


def passages(name: str, data: bytes | str | None = None) -> list[Passage]:
    loaded = load(name, data)
    source = Source(name, "0" * 64, 1, 0)
    return split(Document(source, loaded.text, loaded.marks, loaded.remarks, loaded.skip, loaded.extracted))


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
            "25% more fruit than the\nothers, while the cost of water rose to $4 a tree. (The price\nis that of the year",
        ),
        ("chess.adoc", "Rules of the chess club › Membership › Fees", "an annual fee of twelve crowns"),
        ("boathouse.org", "Boat house › Repairs", "was repaired by the carpenter Olaf Brandt"),
        ("stations.csv", "row 4", "Region{is}South; Height (m){is}57; Keeper{is}Maria Costa"),
        ("prices.tsv", "row 3", "Cheese{is}Manchego; Country{is}Spain; Price per kilo{is}24.50"),
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
    fact = fact.replace("{is}", " is ")
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
    assert places("a.csv", table) == [("row 2", "Town is Oslo; Mayor is Ann"), ("row 3", "Town is Rome; Mayor is Bo")]


def test_a_comma_inside_numbers_is_no_delimiter() -> None:
    assert places("a.csv", "Item;Price\nPen;1,20\nInk;3,50\n")[0] == ("row 2", "Item is Pen; Price is 1,20")


def test_a_quoted_value_may_hold_the_delimiter_and_line_breaks() -> None:
    assert places("a.csv", 'Name,Note\n"Hill, Tom","two\nlines ""here"""\nBo,x\n') == [
        ("row 2", 'Name is Hill, Tom; Note is two lines "here"'),
        ("row 3", "Name is Bo; Note is x"),
    ]


def test_values_without_titles_stay_alone() -> None:
    assert places("a.csv", "1,Oslo\n2,Rome\n") == [("row 1", "1; Oslo"), ("row 2", "2; Rome")]


def test_years_are_titles_and_a_title_above_the_header_is_kept() -> None:
    table = "Revenue in million euros\n\nRegion,2022,2023\nNorth,4.2,4.8\nSouth,3.1,\n"
    assert places("a.csv", table) == [
        ("row 1", "Revenue in million euros"),
        ("row 4", "Region is North; 2022 is 4.2; 2023 is 4.8"),
        ("row 5", "Region is South; 2022 is 3.1"),
    ]


def test_excel_may_declare_its_delimiter() -> None:
    assert places("a.csv", "sep=;\r\nTown;Mayor\r\nOslo;Ann\r\n") == [("row 3", "Town is Oslo; Mayor is Ann")]


@pytest.mark.parametrize("text", ["Dear Ann, here is no table.\nNone, at all.\nBye\n", "one\ntwo\n", 'a,"b\n' * 9, ""])
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
    body = "A sentence about ferries. " * 40
    assert places("a.json", json.dumps([{"title": "Ferries", "body": body}]))[:2] == [
        ("record 1", "title: Ferries"),
        ("record 1 › body", f"body: {body}".strip()[: len(places('a.json', json.dumps([{'title': 'Ferries', 'body': body}]))[1][1])]),
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
