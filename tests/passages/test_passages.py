from __future__ import annotations

from pathlib import Path

import pytest

from askdoc.loaders.text import markdown
from askdoc.passages.split import LIMIT, SHORT, SPLITTER, sentences, split
from askdoc.types import Content, Document, Mark, Source

SEED = Path(__file__).parents[2] / "seeds" / "000_b543ae3630bb63b1.txt"
SOURCE = Source("a.txt", "0" * 64, 1, 0)
LONG = "The harbour master said that the morning ferry to the island would leave two hours late because of fog."
assert len(LONG) > SHORT


def texts(text: str, *marks: Mark) -> list[str]:
    return [passage.text for passage in split(Document(SOURCE, Content(text, marks)))]


def from_markdown(text: str) -> list[tuple[str | None, str]]:
    loaded = markdown.load(text.encode())
    document = Document(SOURCE, loaded)
    return [(passage.label, passage.text) for passage in split(document)]


# --- paragraphs


def test_the_seed_document_splits_into_its_paragraphs_with_each_remark_beside_its_statement() -> None:
    passages = split(Document(SOURCE, Content(SEED.read_bytes().decode())))
    assert [passage.line for passage in passages] == [1, 3, 6, 10, 12, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34]
    assert passages[2].text.endswith('"We are ready to make a big deal with them," he added.')
    assert passages[4].text.startswith("The Belarusian leader also noted")
    assert passages[4].text.endswith('"But our interests must also be taken into account," he added.')


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n", "\n\u3000\n\n\n", "\f", "\n\f\n", "\u2029"])
def test_blank_lines_and_page_breaks_separate_paragraphs(gap: str) -> None:
    assert texts(f"{LONG}{gap}{LONG}{gap}") == [LONG, LONG]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_line_break_alone_does_not_separate(line_break: str) -> None:
    assert texts(f"{LONG}{line_break}{LONG}") == [f"{LONG}{line_break}{LONG}"]


def test_a_short_remark_joins_what_stands_before_it() -> None:
    assert texts(f'{LONG}\n\n"We must wait," he added.\n\n{LONG}') == [f'{LONG}\n\n"We must wait," he added.', LONG]


@pytest.mark.parametrize(
    "lead", ["HARBOUR NEWS", "MINSK, Oct 24 —", "By Jane Doe", 'The "big deal"', "There were two:"]
)
def test_a_heading_or_dateline_stays_with_what_follows(lead: str) -> None:
    assert texts(f"{LONG}\n\n{lead}\n\n{LONG}") == [LONG, f"{lead}\n\n{LONG}"]


def test_a_sentence_that_ends_in_a_colon_stays_with_the_list_it_announces() -> None:
    lead = LONG[:-1] + ":"
    assert texts(f"{lead}\n\n- fog\n\n- wind, or waves\n\n{LONG}") == [f"{lead}\n\n- fog\n\n- wind, or waves", LONG]


def test_headings_one_after_the_other_stay_together_with_their_text() -> None:
    assert texts(f"Harbour News\n\nThe ferry\n\n{LONG}") == [f"Harbour News\n\nThe ferry\n\n{LONG}"]


def test_a_signature_at_the_end_joins_what_stands_before_it() -> None:
    assert texts(f"{LONG}\n\nJane Doe") == [f"{LONG}\n\nJane Doe"]


def test_a_short_opening_joins_what_follows() -> None:
    assert texts(f"It was foggy.\n\n{LONG}") == [f"It was foggy.\n\n{LONG}"]


def test_joining_stops_at_the_limit() -> None:
    full = "x" * (LIMIT - 5) + "."
    assert texts(f"{full}\n\nHe agreed.\n\n{LONG}") == [full, f"He agreed.\n\n{LONG}"]


def test_many_short_lines_fill_passages_up_to_the_limit() -> None:
    joined = texts("word\n\n" * 1000)
    assert len(joined) == 6
    assert all(len(text) > LIMIT - SHORT for text in joined[:-1])


def test_nothing_is_made_of_nothing() -> None:
    assert texts("") == texts(" \r\n\t\f\u3000\n") == []


def test_a_text_without_blank_lines_is_split_at_its_long_lines() -> None:
    line = f"{LONG} {LONG}"
    assert texts("\n".join([line] * 6)) == [line] * 6


def test_extracted_text_has_no_lines_to_cite() -> None:
    [passage] = split(Document(SOURCE, Content(f"\n\n{LONG}", extracted=True)))
    assert (passage.line, passage.start) == (None, 2)
    assert (passage.citation().line_start, passage.citation().line_end) == (None, None)
    assert passage.citation(4, 11).char_start == 6


# --- windows


def test_a_long_paragraph_is_split_at_sentence_ends_into_even_parts() -> None:
    parts = texts(" ".join([LONG] * 21))
    assert len(parts) == 3
    assert all(part.startswith("The harbour") and part.endswith("fog.") for part in parts)
    assert {part.count("fog.") for part in parts} == {7}


def test_a_paragraph_of_just_the_limit_stays_whole_and_one_more_character_splits_it() -> None:
    text = "word " * (LIMIT // 5 - 1) + "words"
    assert texts(text) == [text]
    assert len(texts(text + ".")) == 2


def test_hard_wrapped_prose_is_not_cut_at_its_line_ends() -> None:
    wrapped = "\n".join(["The ferry would leave two hours late, he said,", "because of the fog. It was"] * 30)
    assert all(part.endswith("fog.") for part in texts(wrapped)[:-1])


def test_a_long_list_is_cut_between_items() -> None:
    items = "\n".join(f"- item number {number} of a list without any full stop" for number in range(60))
    assert all(part.startswith("- item") and part.endswith("full stop") for part in texts(items))


def test_a_heading_is_never_cut_off_from_a_long_paragraph() -> None:
    parts = texts("Harbour News\n\n" + "x" * 500 + " " + "y" * 495 + ". It ended.")
    assert parts[0].startswith("Harbour News\n\nxxx")


def test_a_sentence_longer_than_the_limit_is_cut_between_words() -> None:
    text = "harbour " * 400
    assert all(set(part.split()) == {"harbour"} for part in texts(text))


def test_verse_without_full_stops_is_cut_at_line_ends() -> None:
    assert {line for part in texts("and the sea was grey\n" * 100) for line in part.split("\n")} == {
        "and the sea was grey"
    }


def test_one_endless_word_is_cut_hard() -> None:
    assert [len(part) for part in texts("x" * 2500)] == [834, 833, 833]


CLUSTERS = ["🇫🇷", "🏴\U000e0067\U000e0062\U000e007f", "क्ष", "น้ำ", "\u1112\u1161\u11ab", "ﾊﾟ", "ស្ត្រី", "❤\ufe0f\u200d🔥"]


@pytest.mark.parametrize(
    "unit", ["e\u0301", "n\u0303\u0323", "👩\u200d🚒", "👍🏽", "\ud83d\udc4d", "\u0915\u093f", *CLUSTERS]
)
def test_a_hard_cut_never_divides_what_is_one_character_to_a_reader(unit: str) -> None:
    for offset in range(len(unit)):
        parts = texts("x" * offset + unit * 900)
        assert len(parts) > 1
        assert all(part.startswith(unit) for part in parts[1:])


# --- sections


def test_markdown_sections_are_not_mixed_and_carry_their_heading() -> None:
    assert from_markdown(
        f"Short intro.\n\n# Title\n\n{LONG}\n## Part\nShort.\n\nShort, too.\n## Last\n{LONG}\n\nEnd\n"
    ) == [
        (None, "Short intro."),
        ("Title", f"# Title\n\n{LONG}"),
        ("Title › Part", "## Part\nShort.\n\nShort, too."),
        ("Title › Last", f"## Last\n{LONG}\n\nEnd"),
    ]


def test_a_title_directly_above_a_section_goes_with_it_under_the_longer_label() -> None:
    assert from_markdown(f"Guide?\n======\n\n## Install\n\n{LONG}") == [
        ("Guide? › Install", f"Guide?\n======\n\n## Install\n\n{LONG}")
    ]


def test_a_heading_without_text_does_not_borrow_that_of_the_next_section() -> None:
    assert from_markdown(f"## Empty\n\n## Full\n{LONG}") == [("Empty", "## Empty"), ("Full", f"## Full\n{LONG}")]


def test_a_heading_that_ends_like_a_sentence_still_stays_with_its_text() -> None:
    assert from_markdown(f"# Why is it late?\n\n{LONG}") == [("Why is it late?", f"# Why is it late?\n\n{LONG}")]


def test_a_comment_in_a_code_block_opens_no_section() -> None:
    code = "Run this:\n\n```sh\n# now\nferry --late\n\nferry --wait\n```"
    assert from_markdown(f"# Use\n\n{code}") == [("Use", f"# Use\n\n{code}")]


def test_front_matter_is_in_no_passage() -> None:
    assert from_markdown(f"---\ntitle: Ferries\n---\n{LONG}") == [(None, LONG)]


def test_a_page_break_within_a_paragraph_divides_nothing_and_what_follows_it_is_on_the_next_page() -> None:
    document = Document(SOURCE, Content(f"{LONG}\n\n{LONG}", (Mark(0, None, 1), Mark(50, None, 2))))
    assert [(passage.text, passage.page, passage.turns) for passage in split(document)] == [
        (LONG, 1, ((50, 2),)),
        (LONG, 2, ()),
    ]
    first, second = split(document)
    assert [first.citation(start, start + 5).page for start in (0, 45, 49, 50, 60)] == [1, 1, 1, 2, 2]
    assert second.citation(3, 5).page == 2


def test_a_heading_on_the_same_page_turns_none() -> None:
    document = Document(
        SOURCE, Content(f"Tides\n\n{LONG}", (Mark(0, "Tides", 4), Mark(7, "Tides", 4), Mark(60, "Tides", 6)))
    )
    assert [passage.turns for passage in split(document)] == [((60, 6),)]


def test_the_recipe_names_the_limit() -> None:
    assert str(LIMIT) in SPLITTER


# --- sentences


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr. Smith met Dr. Jones and Sen. Lee.",
        "He works for the U.S. Army in Washington D.C. today.",
        "J. K. Rowling and George R. R. Martin wrote it.",
        "J. A. Smith wrote it.",
        "It costs 3.50 dollars, or approx. 5 in all.",
        "See No. 5, Fig. 2 and Vol. II of it.",
        "Some colours, e.g. Red, are warm.",
        "On Jan. 5 at 5 p.m. sharp he left.",
        "Apple Inc. announced it.",
        "Miller et al. (2009) found it.",
        '"Was it good?" he asked.',
        "Well ... perhaps it was.",
        "Yahoo! is a company.",
        "Read askdoc.readthedocs.io or v1.2 of it.",
        "The ferry left\nat nine in the\nmorning.",
        "1. The first item.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_end_it(sentence: str) -> None:
    assert parts(f"{sentence} The next one.") == [sentence, "The next one."]


@pytest.mark.parametrize(
    "first",
    [
        "He said no.",
        "It was in the U.S.",
        "They met at 5 p.m.",
        "It ended in 1994.",
        "What?!",
        "He waited…",
        "He waited...",
        '"It is absolutely normal."',
        "(It really is.)",
        "It was fought in World War I.",
        "It was known.[5][12]",
        "*It was bold.*",
        "This is St. John's.",
    ],
)
def test_a_sentence_ends_with_its_closing_signs(first: str) -> None:
    assert parts(f"{first} The next one.") == [first, "The next one."]


def test_sentences_of_scripts_without_spaces_are_told_apart() -> None:
    assert parts("「今日は。」明日は！はい？終わり") == ["「今日は。」", "明日は！", "はい？", "終わり"]


def test_headings_list_items_and_table_rows_are_sentences_of_their_own() -> None:
    text = "# Title\nText on\nit.\n\nA note\n\n- one\n- two\n\n| a |\n| b |\n2) end\n\nSetext\n------\nMore"
    assert parts(text) == [
        "# Title", "Text on\nit.", "A note", "- one", "- two", "| a |", "| b |", "2) end", "Setext\n------", "More",
    ]  # fmt: skip


# --- other scripts


@pytest.mark.parametrize(
    "expected",
    [
        ["我来了。", "你好!", "我是李。", "３．１４是一个数。", "他说：「走吧。」", "她笑了？", "是的"],
        ["行きましょう。", "雨だ！", "傘は？", "ない"],
        ["वह आया।", "वह गया।", "क्या हुआ?", "ठीक है॥", "बस"],
        ["هل جاء؟", "نعم.", "ذهب۔", "بعد ذلك"],
        ["ဟုတ်တယ်။", "နေကောင်းလား။", "ကောင်းပါတယ်"],
        ["គាត់មកហើយ។", "គាត់ទៅហើយ៕", "ចប់"],
        ["Ήρθε.", "Τι κάνεις;", "Καλά"],
        ["서울은 수도이다.", "부산은 항구다.", "끝"],
        ["መጣ።", "ሄደ።", "አበቃ"],
        ["Եկավ։", "Գնաց։", "Վերջ"],
    ],
    ids=lambda expected: expected[0],
)
@pytest.mark.parametrize("space", ["", " "])
def test_sentences_of_other_scripts_end_where_they_end(expected: list[str], space: str) -> None:
    needs_space = any(mark in "".join(expected) for mark in ".?؟۔;։") and "我" not in expected[0]
    text = (space or (" " if needs_space else "")).join(expected)
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_a_long_paragraph_without_spaces_is_cut_at_sentence_ends_else_at_clauses() -> None:
    parts = texts("这是第一句话。那是第二句话！" * 200)
    assert len(parts) > 2
    assert all(part[-1] in "。！" for part in parts)
    parts = texts("这是一个没有句号的段落，" * 200)
    assert len(parts) > 2
    assert all(part[-1] == "，" for part in parts)
