from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from askdoc.evaluation.beir import is_beir, load_beir


def test_reads_documents_and_the_queries_that_have_an_answer(beir: Path) -> None:
    data = load_beir(beir)
    assert data.name == "shelf"
    assert [document.content for document in data.documents] == ["Bridges\nred and old", "the old mill", "Ice\nwhite"]
    assert {query.id: dict(query.grades) for query in data.queries} == {"1": {"b": 1, "a": 0}, "2": {"c": 1}}


def test_packed_files_say_the_same(beir: Path) -> None:
    plain = load_beir(beir)
    for path in list(beir.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert is_beir(beir)
    assert load_beir(beir) == plain


def test_the_test_split_is_preferred(beir: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n1\tb\t1\n")
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n2\tc\t2\n")
    assert [query.id for query in load_beir(beir).queries] == ["2"]


def test_several_splits_without_a_test_split_are_not_guessed_at(beir: Path) -> None:
    (beir / "qrels.tsv").rename(beir / "qrels_dev.tsv")
    assert len(load_beir(beir).queries) == 2
    (beir / "qrels_train.tsv").write_text("1\tb\t1\n")
    with pytest.raises(ValueError, match=r"found qrels_dev.tsv, qrels_train.tsv"):
        load_beir(beir)


def test_line_separators_inside_a_text_do_not_end_the_line(beir: Path) -> None:
    row = json.dumps({"_id": "d", "text": "one\u2028two"}, ensure_ascii=False)
    with (beir / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write(row + "\r\n")
    assert load_beir(beir).documents[-1].text == "one\u2028two"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("corpus.jsonl", "{", "corpus.jsonl: line 1: not JSON"),
        ("corpus.jsonl", "[]", "corpus.jsonl: line 1: not a JSON object"),
        ("corpus.jsonl", '{"_id": "a"}', "the field 'text' is missing"),
        ("corpus.jsonl", '{"_id": "a", "text": "x"}', "2 judged documents are not in the corpus, such as 'b'"),
        ("queries.jsonl", '{"text": "x"}', "queries.jsonl: line 1: the field '_id' is missing"),
        ("queries.jsonl", "", "no query has a relevant document"),
        ("qrels.tsv", "1\tb", "qrels.tsv: line 1: expected three fields"),
        ("qrels.tsv", "q\td\tscore\n1\tb\tgood", "qrels.tsv: line 2: the grade 'good'"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(beir: Path, name: str, content: str, complaint: str) -> None:
    (beir / name).write_text(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked below, and holds special characters
        load_beir(beir)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(beir: Path, name: str) -> None:
    (beir / name).unlink()
    with pytest.raises(ValueError, match=name.replace("qrels.tsv", "table of judgements")):
        load_beir(beir)


def test_bytes_that_are_no_text_are_a_clear_error(beir: Path) -> None:
    (beir / "corpus.jsonl").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ValueError, match="cannot be decoded"):
        load_beir(beir)
