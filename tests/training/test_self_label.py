import gzip
import json
from pathlib import Path

from tokenizers import Tokenizer
from torch import nn

from askdoc.evaluation.squad import load_squad
from askdoc.training import self_label
from askdoc.training.self_label import (
    MARKS,
    Asked,
    articles,
    by_likeness,
    in_reading_order,
    load_retrieval,
    mark,
    reading_order,
)

SENTENCES = [
    "The mill was built by Thomas Reed .",
    "Rain falls on the quarry .",
    "A bridge came in 1801 .",
    "Rain falls on the bridge , and then it came .",
    "Stone came from a quarry near Wexham .",
    "It was old .",
    "It was new .",
]
ASKED = [Asked("q3", "Who built the mill?", 0), Asked("q5", "Where did stone come from?", 4)]


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def retrieval_folder(folder: Path) -> Path:
    folder.mkdir()
    entries = [{"_id": f"s{number}", "title": "", "text": text} for number, text in enumerate(SENTENCES)]
    write_lines(folder / "corpus.jsonl.gz", [json.dumps(entry) for entry in entries])
    asked = [{"_id": each.id, "text": each.text} for each in ASKED]
    write_lines(folder / "queries.jsonl.gz", [json.dumps(entry) for entry in asked])
    write_lines(folder / "qrels.tsv.gz", ["query-id\tcorpus-id\tscore", "q3\ts0\t1", "q5\ts4\t1", "q5\ts1\t0"])
    return folder


def test_a_beir_folder_gives_sentences_and_their_questions(tmp_path: Path) -> None:
    assert load_retrieval(retrieval_folder(tmp_path / "set")) == (SENTENCES, ASKED)


def test_brackets_come_as_people_write_them(tmp_path: Path) -> None:
    folder = retrieval_folder(tmp_path / "set")
    sentences = ["the mill -lrb- of 1784 -rrb- is old ."]
    write_lines(folder / "corpus.jsonl.gz", [json.dumps({"_id": "s0", "title": "", "text": sentences[0]})])
    write_lines(folder / "queries.jsonl.gz", [json.dumps({"_id": "q3", "text": "who -lsb- sic -rsb- built it?"})])
    write_lines(folder / "qrels.tsv.gz", ["query-id\tcorpus-id\tscore", "q3\ts0\t1"])
    assert load_retrieval(folder) == (["the mill ( of 1784 ) is old ."], [Asked("q3", "who [ sic ] built it?", 0)])


def test_a_sure_reader_marks_its_span_again_and_again(pointer: nn.Module, tokenizer: Tokenizer) -> None:
    (marked,) = mark(pointer, tokenizer, SENTENCES, ASKED, surer_than=0.5)
    assert marked.asked == ASKED[0]
    assert len(marked.spans) == MARKS
    found = [SENTENCES[0][start:end] for start, end in marked.spans]
    assert found.count("Thomas Reed") > MARKS / 2


def test_an_unsure_reader_marks_only_if_asked_to(pointer: nn.Module, tokenizer: Tokenizer) -> None:
    everything = mark(pointer, tokenizer, SENTENCES, ASKED, surer_than=0.0)
    assert [each.asked.id for each in everything] == ["q3", "q5"]
    assert all(start < end for each in everything for start, end in each.spans)


def test_blocks_hold_every_sentence_once() -> None:
    for blocks in (reading_order(SENTENCES), by_likeness(SENTENCES)):
        assert sorted(number for block in blocks for number in block) == list(range(len(SENTENCES)))


def test_likeness_is_of_rare_words() -> None:
    lines = [f"filler {number} here" for number in range(200)] + ["Belta reports", "no Belta here", "one more here"]
    (block,) = [block for block in by_likeness(lines) if 200 in block]
    assert 201 in block


def test_rising_questions_tell_a_reading_order() -> None:
    rising = [Asked(f"q{number}", "?", number) for number in range(50)]
    assert in_reading_order(rising)
    assert not in_reading_order(rising[::-1])


def test_marks_stand_at_their_place_in_the_paragraph(tmp_path: Path, pointer: nn.Module, tokenizer: Tokenizer) -> None:
    marked = mark(pointer, tokenizer, SENTENCES, ASKED, surer_than=0.0)
    data = articles("set", SENTENCES, marked, [[2, 0, 4], [5, 6]])
    assert len(data) == 1  # a paragraph without questions is left out
    path = tmp_path / "made.json"
    path.write_text(json.dumps({"data": data}), encoding="utf-8")
    made = load_squad(path)  # which checks the offsets
    assert made.paragraphs[0].text == " ".join(SENTENCES[number] for number in (2, 0, 4))
    assert [question.id for question in made.questions] == ["set/q3", "set/q5"]
    assert "Thomas Reed" in {gold.text for gold in made.questions[0].answers}


def test_the_command_leaves_known_questions_out(tmp_path: Path, model_folder: Path) -> None:
    known = {"context": "x", "qas": [{"id": "1", "question": "WHO built the mill", "answers": []}]}
    (tmp_path / "known.json").write_text(json.dumps({"data": [{"paragraphs": [known]}]}), encoding="utf-8")
    out, folder = tmp_path / "out.json.gz", retrieval_folder(tmp_path / "set")
    options = ["--known", str(tmp_path / "known.json"), "--surer-than", "0", "--threads", "1"]
    self_label.main([str(out), str(folder), "--reader", str(model_folder), *options])
    assert [question.id for question in load_squad(out).questions] == ["set/q5"]
