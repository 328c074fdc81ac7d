"""The bundled tokenizer gives what `tokenizers` gives: every id and every offset."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from askdoc.errors import ModelError
from askdoc.models import unigram
from askdoc.models.bundle import BUNDLED, open_model
from askdoc.models.library import LibraryTokenizer
from askdoc.models.unigram import LONGEST_CACHED, Unigram, open_unigram

WORDS = BUNDLED / "words"
SENTENCES = (
    "What did the United States offer to Belarus in return for the prisoners' release?",
    "Das Überqueren der Straße kostet 3,50 €; Kinder unter 6 zahlen nichts.",
    "L’été dernier, nous avons dîné à l’hôtel « Chez Zoé » : c’était délicieux…",
    "¿Cuándo llegó el tren de Málaga? ¡A las 17:45, con veinte minutos de retraso!",
    "Zażółć gęślą jaźń, a źrebię niech śpi w stajni.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Yarın İstanbul'da ılık bir rüzgâr esecek.",
    "Tiếng Việt có sáu thanh điệu: ngang, huyền, sắc, hỏi, ngã, nặng.",
    "Αύριο το πρωί η αγορά της Θεσσαλονίκης ανοίγει στις οκτώ.",
    "Завтра в восемь утра откроется рынок на площади, а ёжики ещё спят.",
    "Поїзд до Києва їде з Ґалаґанів через Щорс.",
    "وصل القطار إلى المحطّة عند الساعة ٧:٤٥ مساءً، وكان مزدحمًا.",
    "می‌خواهم کتاب‌های تازه‌ای دربارهٔ تاریخ بخوانم.",
    "کل صبح بازار آٹھ بجے کھلے گا۔",
    "הרכבת לחיפה יצאה בשעה 8:15, והילדים שרו כל הדרך. שָׁלוֹם!",
    "कल सुबह आठ बजे बाज़ार खुलेगा, और क्षत्रिय वहाँ मिलेंगे।",
    "আগামীকাল সকালে বাজার খুলবে; দুঃখের কিছু নেই।",
    "நாளை காலை சந்தை எட்டு மணிக்குத் திறக்கும்.",
    "రేపు ఉదయం మార్కెట్ ఎనిమిది గంటలకు తెరుచుకుంటుంది.",
    "നാളെ രാവിലെ ചന്ത തുറക്കും, കൺമുന്നിൽ.",
    "හෙට උදේ වෙළඳපොළ අටට විවෘත වේ, ශ්‍රී ලංකාව.",
    "พรุ่งนี้เช้าตลาดจะเปิดเวลาแปดโมง น้ำแข็งราคาถูกมาก",
    "ມື້ອື່ນເຊົ້າຕະຫຼາດຈະເປີດ ນ້ຳ",
    "မနက်ဖြန် မနက် ရှစ်နာရီမှာ ဈေးဖွင့်မယ်။",
    "ថ្ងៃស្អែកព្រឹក ផ្សារបើកនៅម៉ោងប្រាំបី។",
    "བོད་ཡིག་གི་སློབ་གྲྭ་ཞིག",
    "明天早上八点，市场开门（周日除外）：请提前十分钟到“北门”。",
    "明天早上八點，市場開門；請於「北門」集合。",
    "明日の朝８時、市場が開きます。カフェ・ラテは￥３５０、ﾊﾝｶｸも㍿㌔で。",
    "내일 아침 여덟 시에 시장이 열립니다. 값은 3,500원.",
    "ხვალ დილით ბაზარი რვა საათზე გაიხსნება.",
    "Վաղը առավոտյան շուկան կբացվի ժամը ութին։",
    "ነገ ጠዋት ገበያው በስምንት ሰዓት ይከፈታል።",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᚠᚢᚦᚨᚱᚲ 𐌰𐌱𐌲 𓀀𓂀 𝕬𝖇𝖈 𝟙𝟚𝟛 ⵜⵉⴼⵉⵏⴰⵖ",
    "👩‍👩‍👧‍👦 and 🏳️‍🌈, 👍🏽 twice 👍🏿👍🏿, 🇨🇭🇩🇪🇫 alone",
)
ODD = (
    "",
    " ",
    "\n\t \u3000\u200b",
    "a",
    " leading  and   trailing ",
    "tabs\tand\r\nlines\n\nof\x0btext\x0c\x85here",
    "soft\u00adhyphen zero\u200bwidth no\u00a0break \ufefforder",
    "\x01first \x07bell\x08 \x7f\x8f\x9f nul\x00nul last\x1f",
    "\x01abc \x02\x03 def",
    "½\x01 ¼ ⅓ 10² x³ №5 ™ ℃ ﬁne ﬂow oﬃce ĳ ǆ …… ‼ ⑴⑵ Ⅷ ㎏ ﷺ x",
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m e\u0323\u0302 o\u031b\u0301 q\u0307\u0323 \u0344 \u1100\u1161\u11a8",
    "Zalgo: h\u0336\u0322\u0301e\u0334\u0316\u0300r\u0337\u0323\u0308e\u0335",
    "º\u0301 ª\u0e33 ½\u0301x ™\u0301 ﬁ\u0301 \u200d\u0301 \n\u200c\u0301",
    "㌔\u0301\u0302 ³\u0301\u0302 ³\u200d5 \u0600³\u0301",
    "ｶﾞｷﾞ ﾊﾟ aﾞ ³ﾞ 2̈³̈",
    "\u0301starts with a mark",
    "\u0fb9\u0f73\u0f75\u0f81 \u0958\u095c \u2126 \u212b \uf900 \U0002f800 \u1e9b\u0323",
    "new marks: a\u0898\u0301\u0323 b\u1ac5\u0316 \U00011938 \U00011935\U00011930 \U000113c2\U000113c2",
    "<s> </s> <pad> <unk> <mask> a<s>b x<unk><unk>y <unk>\u16a0 <<s>> [CLS]",
    "▁ ▁a a▁b ▁▁ _",
    "\u16a0\u16a2\u16a6 a\u16a0\u16a2b \u16a0, \U00013000\U00013080",
    "\U000f0810\U000f081c \U00100083x\U001000be \U00030000 \U0010ffff \U000e0041 \ue000 \uffff",
    "supercalifragilisticexpialidocious Donaudampfschifffahrtsgesellschaftskapitän",
    "https://example.org/a%20b?c=d&e=f#g user.name+tag@example.co.uk C:\\dir\\file_name-2.tar.gz",
    "x = {'a': [1, 2.5e-10], \"b\": None}  # == != <= >= ->",
    "0x1F600 1234567890123456789 3.14159 1,000,000 2024-01-31T23:59:59Z",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a" * (LONGEST_CACHED + 1) + " " + "的" * 500,
    "." * 300 + "!" * 50 + "\u0301" * 40,
)


@pytest.fixture(scope="module")
def ours() -> Unigram:
    return open_unigram(WORDS)


@pytest.fixture(scope="module")
def reference(ours: Unigram) -> LibraryTokenizer:
    """The library's tokenizer, of the pieces and scores in the files."""
    scores = np.fromfile(WORDS / unigram.SCORES, "<f4")
    return LibraryTokenizer(reference_tokenizer(pieces(ours), scores.tolist()))


def pieces(tokenizer: Unigram) -> list[str]:
    """All pieces by their ids, read out of the trie from its root."""
    bases, checks = tokenizer._bases, tokenizer._checks
    labels = {label: chr(code) for code, label in tokenizer._labels.items()}
    found: dict[int, str] = {}
    parents = np.asarray(checks)
    order = np.argsort(parents, kind="stable")
    first = np.searchsorted(parents[order], np.arange(len(parents) + 1))
    waiting = [(0, "")]
    while waiting:
        slot, text = waiting.pop()
        base = bases[slot]
        if base < 0:
            found[-1 - base] = text
            continue
        for child in order[first[slot] : first[slot + 1]].tolist():
            code = child - base
            waiting.append((child, text + labels.get(code, chr(code)) if code else text))
    return [found[number] for number in range(len(found))]


def reference_tokenizer(pieces: list[str], scores: list[float]) -> Tokenizer:
    """As `askdoc.training.encoder` builds it, which the tests do not import: it wants torch."""
    made = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), 3, False))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Precompiled((WORDS / unigram.COMPILED).read_bytes()),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def test_the_trie_holds_every_piece_once(ours: Unigram) -> None:
    listed = pieces(ours)
    assert len(listed) == len(set(listed)) == 250_002
    assert listed[:8] == ["<s>", "<pad>", "</s>", "<unk>", ",", ".", "▁", "s"]
    assert listed[-1] == "<mask>"


@pytest.mark.parametrize("text", [*SENTENCES, *ODD, " ".join(SENTENCES), "\n".join(ODD)])
def test_texts_of_every_script_are_cut_as_by_the_library(text: str, ours: Unigram, reference: LibraryTokenizer) -> None:
    for _ in range(2):  # words that are new, and words that are remembered
        assert ours.tokens(text) == reference.tokens(text)


# Letters of all scripts, what becomes several characters or none, what continues the character before it, and blanks.
MIXED = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("aeéx ,.▁<s>/ªº²³½…ﬁ™㌔Å한\u1100\u1161\u11a8\u0e19\u0e33の点的"),
        st.sampled_from("\u0300\u0301\u0316\u0323\u0334\u0345\u093c\u0e33\u200c\u200d\ufe0f\uff9e\u0600\u0898\u1ac5"),
        st.sampled_from("\x00\x01\x1f\x7f\x85\x9f\n\r\t \u200b\u2028\ufeff\ufffd"),
    )
)


@given(text=st.one_of(MIXED, st.text(), st.text(st.characters(categories=["L", "M", "Nd", "Zs"], codec="utf-8"))))
def test_any_text_is_cut_as_by_the_library(text: str, ours: Unigram, reference: LibraryTokenizer) -> None:
    assert ours.tokens(text) == reference.tokens(text)


def test_every_character_that_is_replaced_does_with_each_neighbour_what_the_library_does(
    ours: Unigram, reference: LibraryTokenizer
) -> None:
    marks = "a \u0301\u093e\u0e33\u200d\uff9e"
    for letter in ours._replacements:
        text = " ".join([letter, f"x{letter}", *(letter + mark for mark in marks), f"{letter}{letter}\u0301x"])
        assert ours.tokens(text) == reference.tokens(text), hex(ord(letter))


def test_halves_of_surrogate_pairs_are_blanks_in_both(ours: Unigram, reference: LibraryTokenizer) -> None:
    text = "one\ud83dtwo \udcff three\u0301 \ude00\ud83d"
    assert ours.tokens(text) == reference.tokens(text)
    assert ours.tokens(text).offsets[:2] == [(0, 3), (4, 7)]


def test_windows_and_single_texts_have_the_library_s_frame(ours: Unigram, reference: LibraryTokenizer) -> None:
    question, passage = SENTENCES[0], " ".join(SENTENCES)
    for sizes in ({"length": 64, "stride": 16, "max_question": 40}, {"length": 512, "stride": 0, "max_question": 5}):
        windows = list(ours.windows(question, passage, **sizes))
        assert windows == list(reference.windows(question, passage, **sizes))
        assert all(len(window.ids) <= sizes["length"] and not any(window.types) for window in windows)
        first = windows[0]
        assert first.ids[0] == 0
        assert first.ids[first.first - 2 : first.first] == [2, 2]
        assert first.ids[-1] == 2
    assert list(ours.windows(question, "", length=64, stride=16, max_question=40)) == []
    for text in ("", "word", passage):
        assert ours.framed(text, 32) == reference.framed(text, 32)
        assert len(ours.framed(text, 32)) <= 32


def test_a_word_takes_time_in_proportion_to_its_length(ours: Unigram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in looks at the trie, not in seconds."""

    class Counting:
        def __init__(self, values: memoryview) -> None:
            self.values, self.looks = values, 0

        def __getitem__(self, slot: int) -> int:
            self.looks += 1
            return int(self.values[slot])

    looks = []
    for length in (2_000, 20_000):
        counting = Counting(ours._checks)
        monkeypatch.setattr(ours, "_checks", counting)
        ours.tokens("internationalisation的一" * (length // 20))
        looks.append(counting.looks)
        monkeypatch.setattr(ours, "_checks", counting.values)
    assert looks[1] < 10.5 * looks[0]


def test_remembered_words_are_bounded(ours: Unigram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unigram, "CACHED_WORDS", 5)
    ours._words.clear()
    ours.tokens("one two three four five six seven " + "x" * (LONGEST_CACHED + 1))
    assert list(ours._words) == ["six", "seven"]


def test_a_question_in_ascii_reads_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = open_unigram.__wrapped__(WORDS)
    fresh.tokens(SENTENCES[0])
    assert not {"_replacements", "_library"} & vars(fresh).keys()


@pytest.mark.parametrize("name", [unigram.TRIE, unigram.SCORES, unigram.WHOLE, unigram.CHARACTERS, unigram.COMPILED])
def test_altered_files_are_not_used(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(WORDS, tmp_path / "words"))
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match="not the one its card describes"):
        open_unigram(folder).tokens("cafe\u0301 ²")
    (folder / name).write_bytes(b"")
    with pytest.raises(ModelError):
        open_model(folder).mapped(name)


def test_the_card_says_where_the_pieces_come_from() -> None:
    card = json.loads((WORDS / "card.json").read_text(encoding="utf-8"))
    for fact in ("name", "what", "origin", "licence", "data", "made", "storage", "settings"):
        assert card[fact], fact
    assert card["files"].keys() == {path.name for path in WORDS.iterdir()} - {"card.json"}
