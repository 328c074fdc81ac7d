import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askdoc.evaluation.squad import (
    Gold,
    Scored,
    best_threshold_exact,
    best_threshold_f1,
    character_f1,
    exact_match,
    f1,
    load_squad,
    normalize_answer,
)

TEXT = "Belta is a news agency. Belta reports from Minsk."


def squad(**changes: Any) -> dict[str, Any]:
    question = {"id": "q1", "question": "Where from?", "answers": [{"text": "Minsk", "answer_start": 43}], **changes}
    nowhere = {"id": "q2", "question": "How old?", "answers": [], "is_impossible": True}
    paragraph = {"context": TEXT, "qas": [question, nowhere]}
    return {"version": "v2.0", "data": [{"title": "Belta", "paragraphs": [paragraph]}]}


def write(path: Path, content: Any) -> Path:
    raw = json.dumps(content).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("name", ["set.json", "set.json.gz"])
def test_a_dataset_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    dataset = load_squad(write(tmp_path / name, squad()))
    answered, unanswered = dataset.questions
    assert (dataset.name, dataset.paragraphs[0].title, dataset.paragraphs[0].text) == ("set", "Belta", TEXT)
    assert (answered.id, answered.text, answered.answerable) == ("q1", "Where from?", True)
    assert answered.answers == (Gold("Minsk", 43),)
    assert TEXT[answered.answers[0].start : answered.answers[0].end] == "Minsk"
    assert not unanswered.answerable


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ([], "'data' is missing"),
        ({"data": {}}, "'data' is a dict"),
        ({"data": [{"title": "x"}]}, "article 0: not a SQuAD file, the field 'paragraphs'"),
        (squad(answers=[{"text": "Minsk", "answer_start": 0}]), "question q1: the answer 'Minsk' is not"),
        (squad(answers=[{"text": "Minsk", "answer_start": -6}]), "is not at offset -6"),
        (squad(question=None), "'question' is a NoneType"),
    ],
)
def test_what_is_no_squad_file_is_refused_by_name(tmp_path: Path, content: Any, part: str) -> None:
    path = write(tmp_path / "set.json", content)
    with pytest.raises(ValueError, match=r"set\.json") as refused:
        load_squad(path)
    assert part in str(refused.value)


@pytest.mark.parametrize("raw", [b"not json", b"\xff\xfe{"])
def test_what_is_no_json_is_refused_by_name(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "set.json").write_bytes(raw)
    (tmp_path / "set.json.gz").write_bytes(raw)
    for name in ("set.json", "set.json.gz"):
        with pytest.raises(ValueError, match=name):
            load_squad(tmp_path / name)


def test_normalising_drops_case_punctuation_articles_and_white_space() -> None:
    assert normalize_answer("  The  U.S. Army's\tband, an  A-Team ") == "us armys band ateam"
    assert normalize_answer("the a an ...") == ""


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "overlap"),
    [
        ("The Minsk.", ["minsk"], 1.0, 1.0),
        ("in Minsk", ["Minsk", "the city of Minsk"], 0.0, 2 / 3),
        ("Paris", ["Minsk"], 0.0, 0.0),
        ("very very big", ["very big big"], 0.0, 2 / 3),  # repeated words count as often as both have them
        ("", [], 1.0, 1.0),
        ("Minsk", [], 0.0, 0.0),
        ("", ["Minsk"], 0.0, 0.0),
        ("the", ["a"], 1.0, 1.0),  # both are empty once normalised
        ("", ["the", "Minsk"], 0.0, 0.0),  # a gold that normalises to nothing is left out beside another
    ],
)
def test_scores_are_those_of_the_official_scripts(
    prediction: str, golds: list[str], exact: float, overlap: float
) -> None:
    assert exact_match(prediction, golds) == exact
    assert f1(prediction, golds) == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("prediction", "golds", "overlap"),
    [
        ("1927年在武汉", ["1927年"], 2 * 2 / (5 + 2)),  # a number is one unit
        ("《红楼梦》。", ["红楼梦"], 1.0),  # punctuation of every script is left out
        ("上海和北京", ["北京", "上海"], 2 * 2 / (5 + 2)),
        ("北上海京", ["上北京海"], 2 * 1 / (4 + 4)),  # the same characters, no run of two
        ("東京のタワー", ["東京タワー"], 2 * 3 / (6 + 5)),
        ("กรุงเทพ", ["กรุง"], 2 * 4 / (7 + 4)),
        ("the New York", ["new york"], 2 * 2 / (3 + 2)),  # of another script, words
        ("", [], 1.0),
        ("北京", [], 0.0),
        ("", ["北京"], 0.0),
    ],
)
def test_in_languages_without_spaces_the_longest_common_run_counts(
    prediction: str, golds: list[str], overlap: float
) -> None:
    assert character_f1(prediction, golds) == pytest.approx(overlap)


def mixed_segmentation(text: str) -> list[str]:
    """That of CMRC 2018's evaluation script, without what it calls special characters; NLTK's words are at blanks."""
    special = "-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』"
    segments, word = [], ""
    for char in text.lower().strip():
        if char in special:
            continue
        if "\u4e00" <= char <= "\u9fa5":
            segments += [*word.split(), char]
            word = ""
        else:
            word += char
    return [*segments, *word.split()]


def official_character_f1(prediction: str, gold: str) -> float:
    """`calc_f1_score` and `find_lcs` of CMRC 2018's evaluation script."""
    ours, theirs = mixed_segmentation(prediction), mixed_segmentation(gold)
    lengths = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i, left in enumerate(ours):
        for j, right in enumerate(theirs):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if left == right else 0
    longest = max(map(max, lengths))
    if longest == 0:
        return 0.0
    precision, recall = longest / len(ours), longest / len(theirs)
    return 2 * precision * recall / (precision + recall)


parts = st.sampled_from(["红", "楼", "梦", "武", "汉", "《红楼梦》", "，汉", " 1927 ", " Wuhan "])
chinese = st.lists(parts, min_size=1, max_size=12).map("".join)


@given(chinese, chinese)
def test_chinese_is_scored_as_by_the_official_script(prediction: str, gold: str) -> None:
    assert character_f1(prediction, [gold]) == pytest.approx(official_character_f1(prediction, gold))


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_scores_are_bounded_and_an_exact_match_is_a_full_overlap(prediction: str, golds: list[str]) -> None:
    assert 0.0 <= f1(prediction, golds) <= 1.0
    assert exact_match(prediction, golds) <= f1(prediction, golds)
    assert 0.0 <= character_f1(prediction, golds) <= 1.0


def official_best(results: list[Scored]) -> float:
    """`find_best_thresh` of evaluate-v2.0.py, step by step."""
    current = best = float(sum(not result.answerable for result in results))
    for result in sorted(results, key=lambda each: each.no_answer):
        current += result.f1 if result.answerable else -1.0
        best = max(best, current)
    return best / len(results)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_best_threshold_is_the_official_one(drawn: list[tuple[bool, float]], random: Any) -> None:
    places = random.sample(range(100), len(drawn))  # no ties, where the official script depends on the order
    results = [
        Scored(answerable, float(place), exact=0.0, f1=score if answerable else 0.0)
        for (answerable, score), place in zip(drawn, places, strict=True)
    ]
    best = best_threshold_f1(results)
    assert best.score == pytest.approx(official_best(results))
    shown = [result.f1 if result.no_answer <= best.threshold else not result.answerable for result in results]
    assert sum(shown) / len(shown) == pytest.approx(best.score)


def test_questions_with_equal_scores_stay_together() -> None:
    results = [Scored(True, 1.0, exact=1.0, f1=1.0), Scored(False, 1.0, exact=0.0, f1=0.0)]
    assert best_threshold_f1(results).score == 0.5
    assert best_threshold_exact(results).score == 0.5


def test_a_threshold_needs_results() -> None:
    with pytest.raises(ValueError, match="no results"):
        best_threshold_f1([])
