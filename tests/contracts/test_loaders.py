"""What every loader promises, and what each format means."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askdoc import ask, build, loaders
from askdoc.errors import LoadError
from askdoc.loaders import HEAD_BYTES, LOADERS, SOURCE_CODE, Loader, open_loader
from askdoc.loaders.text import markdown, plain
from askdoc.types import count_lines

# A file of each format that says this sentence; a new format adds its own.
SENTENCE = "The ferry to Özgür Island leaves at nine."
CUE = "00:00:01.000 --> 00:00:02,000\n"
PLAIN = (".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".asciidoc", ".org", *SOURCE_CODE)
SAMPLES: dict[str, bytes] = {ending: f"{SENTENCE}\n".encode() for ending in PLAIN} | {
    ".tex": b'\\documentclass{article}\n\\begin{document}\nThe \\emph{ferry} to \\"Ozg\\"{u}r Island leaves at~nine.\n',
    ".eml": f"Subject: Ferry\nContent-Type: text/plain; charset=utf-8\n\n{SENTENCE}\n".encode(),
    ".mbox": f"From a@example.org Mon Jan  1 09:00:00 2024\nSubject: Ferry\n\n{SENTENCE}\n".encode(),
    ".msg": (Path(__file__).parents[1] / "loaders" / "formats_text" / "ferry.msg").read_bytes(),
    ".csv": f"Island,Remark\nÖzgür,{SENTENCE}\nLund,No ferry leaves.\n".encode("cp1252"),
    ".tsv": f"Island\tRemark\nÖzgür\t{SENTENCE}\n".encode(),
    ".json": json.dumps({"remarks": [{"text": SENTENCE}]}).encode(),
    ".jsonl": f'{{"id": 1}}\n{json.dumps({"text": SENTENCE})}\n'.encode(),
    ".ndjson": json.dumps([SENTENCE]).encode(),
    ".ipynb": json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Ferry\n", SENTENCE]}]}).encode(),
    ".srt": f"1\n{CUE}The ferry to <i>Özgür Island</i>\n\n2\n{CUE}leaves at nine.\n".encode(),
    ".vtt": f"WEBVTT\n\n{CUE}The ferry to Özgür Island\n\nNOTE x\n\n{CUE}leaves at nine.\n".encode(),
}
SAMPLES |= {path.suffix: path.read_bytes() for path in (Path(__file__).parent.parent / "formats" / "ferry").iterdir()}
MARKUP = st.lists(
    st.sampled_from(
        ["#", "## A", "\n", "\r\n", "\r", "\f", "\0", "---", "===", "```", ": ", "a", "é", "\u2028", "> ", "- "]
    )
).map("".join)


@pytest.fixture(params=sorted(LOADERS))
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def loader_for(ending: str) -> Loader:
    loader = open_loader("folder/name" + ending)
    assert loader is not None
    return loader


def test_each_format_yields_what_its_file_says(ending: str) -> None:
    assert SENTENCE in loader_for(ending)(SAMPLES[ending]).text


def test_an_ending_counts_in_any_case(ending: str) -> None:
    assert open_loader("NAME" + ending.upper()) is open_loader("name" + ending)


def test_no_bytes_raise_anything_but_a_load_error(ending: str) -> None:
    load = loader_for(ending)

    @settings(deadline=None)  # the first call imports the library that reads the format
    @given(st.one_of(st.binary(), MARKUP.map(str.encode), MARKUP.map(lambda text: text.encode("utf-16"))))
    def check(data: bytes) -> None:
        try:
            loaded = load(data)
        except LoadError:
            return
        assert loaded == load(data), "the same bytes, the same text"
        starts = [mark.start for mark in loaded.marks]
        assert starts == sorted(set(starts))
        assert all(0 <= start < len(loaded.text) for start in starts)
        assert all(0 <= start < end <= len(loaded.text) for start, end in loaded.skip)

    check()


def test_a_damaged_sample_raises_nothing_but_a_load_error(ending: str) -> None:
    chance = random.Random(0)  # noqa: S311 - no secret
    load, sample = loader_for(ending), SAMPLES[ending]
    for _ in range(200):
        damaged = bytearray(sample)
        for at in chance.sample(range(len(sample)), 3):
            damaged[at] = chance.randrange(256)
        try:
            load(bytes(damaged[: chance.randrange(len(sample) + 1)]))
        except LoadError as error:
            assert error.message  # noqa: PT017 - not raising is as good


@pytest.mark.parametrize("name", ["a.xyz", "README", ".txt", "a.txt.gz"])
def test_an_unknown_ending_has_no_loader(name: str) -> None:
    assert open_loader(name) is None


def test_an_unknown_ending_is_plain_text_if_it_begins_like_text() -> None:
    assert open_loader("notes.xyz", b"Some notes, cut in the middle of \xc3") is plain.load
    assert open_loader("notes.xyz", random.Random(0).randbytes(HEAD_BYTES)) is None  # noqa: S311


# --- a format that somebody adds

LOGBOOK = '''"""Log books: a day above its entries, a line each."""
from askdoc.loaders.guard import guarded
from askdoc.loaders.textbuilder import TextBuilder

@guarded("log book")
def load(data):
    builder = TextBuilder()
    for line in data.decode().splitlines():
        if line.startswith("DAY "):
            builder.heading(1, line[4:])
        else:
            builder.item(line)
    return builder.content()
'''


@pytest.fixture
def logbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of a new format, whose loader is written and registered as `askdoc.loaders` says."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "logbook.py").write_text(LOGBOOK)
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.setattr(loaders, "LOADERS", {**LOADERS, ".logbook": "logbook:load"})
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "voyage.logbook").write_text(
        "DAY 3 May\n• The cook Ines Amaral baked bread for the whole crew.\n"
        "DAY 4 May\n• The mate Viggo Holm repaired the broken mast with an oar.\n"
    )
    (docs / "damaged.logbook").write_bytes(b"\xff")
    return docs


def test_a_format_in_the_table_is_indexed_and_asked(logbook: Path, tmp_path: Path) -> None:
    report = build.index([logbook], tmp_path / "index", root=logbook)
    assert report.added == 1
    assert [(skipped.path, skipped.reason) for skipped in report.skipped] == [
        ("damaged.logbook", "it is damaged, or no log book")
    ]
    with ask.open_index(tmp_path / "index") as index:
        [best, *_] = index.ask("Who repaired the mast?").answers
    assert "Viggo Holm" in best.text
    assert (best.citation.document, best.citation.label) == ("voyage.logbook", "4 May")
    assert best.citation.line_start is None, "the text is the loader's, not the file's"


# --- plain text

TEXT = "First line\r\nÜber 5 € – «ça va»\rLast\n\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["", "-le", "-be"])
def test_unicode_is_read_to_the_letter_line_breaks_included(encoding: str, order: str) -> None:
    if encoding.startswith("utf-8"):
        data = TEXT.encode(encoding)
    else:
        data = f"\ufeff{TEXT}".encode(encoding + (order or "-le"))
    assert plain.load(data).text == TEXT
    assert plain.load(data).remarks == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised_without_a_byte_order_mark(encoding: str) -> None:
    assert plain.load(TEXT.encode(encoding)).text == TEXT


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff"])
def test_a_file_without_a_character_is_empty_text(data: bytes) -> None:
    assert plain.load(data).text == ""


FRENCH = "Le café est situé à côté de l’hôtel. « C’est très bien », a-t-elle déclaré après la fête."
POLISH = "Prezydent powiedział, że jest gotów wzmocnić więzi, jeśli będzie to zgodne z interesami państwa."
RUSSIAN = "Президент сказал, что готов укреплять связи, если это соответствует интересам страны."
CHINESE = "北京是中华人民共和国的首都。"
KOREAN = "대통령은 국익에 부합하는 한 관계를 강화할 준비가 되어 있다고 말했다."
JAPANESE = "大統領は、国益に合致する限り、米国との関係を強化する用意があると述べた。これは重要な発言である。"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (FRENCH, "cp1252", "windows-1252"),
        ("caf\u00e9 au lait", "cp1252", "windows-1252"),
        (POLISH, "cp1250", "windows-1250"),
        (POLISH, "iso8859_2", "iso-8859-2"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8_r", "koi8-r"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (CHINESE, "gb18030", "gb18030"),
        (KOREAN, "euc_kr", "euc-kr"),
    ],
)
@pytest.mark.parametrize("after", ["", "Plain lines before the first accent.\n" * 5000])
def test_a_legacy_encoding_is_guessed_and_the_guess_is_told(text: str, encoding: str, name: str, after: str) -> None:
    loaded = plain.load((after + text).encode(encoding))
    assert loaded.text == after + text
    assert loaded.remarks == (f"read as {name} (guessed)",)


def test_bytes_that_windows_1252_has_no_character_for_are_still_read() -> None:
    assert plain.load(b"one byte: \x81").remarks == ("read as iso-8859-1 (guessed)",)


def test_a_broken_place_does_not_make_utf_8_a_legacy_encoding() -> None:
    loaded = plain.load((RUSSIAN * 3).encode()[:-2])
    assert loaded.text.startswith(RUSSIAN)
    assert loaded.remarks == ("1 place is not valid UTF-8",)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"text and \0 a NUL",
        bytes(range(1, 256)),
        b"\x01\x02\x03" * 9 + b"ab",
        b"\xff\xfe\0\0" + b"\xff" * 400,
        b"\xef\xbb\xbf" + b"\xff" * 400,
    ],
)
def test_binary_data_is_refused_with_the_reason(data: bytes) -> None:
    with pytest.raises(LoadError, match="binary, not text"):
        plain.load(data)


def test_ordinary_text_never_loads_the_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)  # importing it would now raise ImportError
    assert plain.load(TEXT.encode()).text == TEXT


# --- Markdown


def labels(text: str) -> list[tuple[int, str | None]]:
    """Line and label of each mark."""
    loaded = markdown.load(text.encode())
    assert loaded.text == text
    return [(1 + count_lines(text[: mark.start]), mark.label) for mark in loaded.marks]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_headings_of_both_kinds_are_marked_with_their_path(line_end: str) -> None:
    text = "intro\n\n# Title\ntext\n\nPart\n----\n### Detail ###\n## Next\n\nOther\n=====\n".replace("\n", line_end)
    assert labels(text) == [
        (3, "Title"),
        (6, "Title › Part"),
        (8, "Title › Part › Detail"),
        (9, "Title › Next"),
        (11, "Other"),
    ]


def test_a_label_reads_as_the_heading_is_shown() -> None:
    assert labels("# The *fast* `run` of [askdoc](http://a.b) &amp; co\n") == [(1, "The fast run of askdoc & co")]


@pytest.mark.parametrize(
    "text",
    [
        "```sh\n# comment\n```\n",
        "~~~\nTitle\n=====\n~~~\n",
        "```\n# never closed\n",
        "    # indented code\n",
        "<!--\n# comment\n-->\n",
        "#hashtag\n",
        "> # quoted\n",
        "- # in a list\n",
        "text\n\n---\n\ntext\n",
        "#\n",
    ],
)
def test_what_is_no_heading_of_the_document_is_not_marked(text: str) -> None:
    assert labels(text) == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_front_matter_is_in_the_text_but_not_to_be_read(mark: str) -> None:
    text = "---\ntitle: Ferries\ntags:\n  - sea\n---\n# Timetable\n"
    loaded = markdown.load((mark + text).encode())
    assert loaded.text == text
    assert [loaded.text[start:end] for start, end in loaded.skip] == ["---\ntitle: Ferries\ntags:\n  - sea\n---"]
    assert [text[found.start :] for found in loaded.marks] == ["# Timetable\n"]


@pytest.mark.parametrize(
    "text",
    ["---\n\nProse between two rules.\n\n---\n", "---\nNote this: it is prose.\nMore prose\n---\n", "---\na: b\n"],
)
def test_text_below_a_rule_is_not_taken_for_front_matter(text: str) -> None:
    assert markdown.load(text.encode()).skip == ()


def test_a_text_too_long_to_parse_is_still_read_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MAX_CHARACTERS", 10)
    loaded = markdown.load(b"# Title\n\nmore text\n")
    assert loaded.text == "# Title\n\nmore text\n"
    assert loaded.marks == ()
    assert loaded.remarks == ("too long for its headings to be read",)
