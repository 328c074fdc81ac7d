import json
from pathlib import Path

import pytest

from askdoc.training.batches import seeded
from askdoc.training.pairs import Pair, PairSet, batches, pair_set, retrieval_pairs, round_batches, squad_pairs

MILLS = [f"The {name} mill stands near the river {river} and was built in {year}." for name, river, year in (
    ("Ashford", "Wye", 1784), ("Wexham", "Wye", 1801), ("Doyle", "Arrow", 1822), ("Reed", "Arrow", 1850),
)]  # fmt: skip
BRIDGES = [f"The {name} bridge has {arches} arches of stone from {quarry}." for name, arches, quarry in (
    ("Ashford", 3, "Hay"), ("Wexham", 5, "Hay"), ("Doyle", 7, "Clun"), ("Reed", 9, "Clun"),
)]  # fmt: skip
PAIRS = [
    *(Pair(f"When was the {text.split()[1]} mill built?", text, (text.split()[-1].strip("."),)) for text in MILLS),
    *(Pair(f"How many arches has the {text.split()[1]} bridge?", text, (text.split()[4],)) for text in BRIDGES),
    Pair("Which river is the Ashford mill near?", MILLS[0], ("Wye",)),
]


@pytest.fixture(scope="module")
def found() -> PairSet:
    return pair_set("mills", PAIRS)


def test_look_alikes_share_words_with_the_question_and_hold_none_of_its_answers(found: PairSet) -> None:
    for pair, near in zip(found.pairs, found.near, strict=True):
        texts = [found.pairs[number].passage for number in near]
        assert pair.passage not in texts
        assert not [text for text in texts if any(answer in text for answer in pair.answers)]
    built = found.near[0]
    assert found.pairs[built[0]].passage.split()[1:3] in (["Ashford", "bridge"], ["Wexham", "mill"])
    river = [found.pairs[number].passage for number in found.near[-1]]
    assert MILLS[1] not in river, "it holds the answer, the river Wye"


def test_a_batch_has_no_passage_twice_and_every_pair_comes_at_most_once(found: PairSet) -> None:
    made = list(batches(found, size=4, rng=seeded(5)))
    assert len(made) == 2
    assert all(len({pair.passage for pair in batch}) == 4 for batch in made)
    used = [pair.question for batch in made for pair in batch]
    assert len(used) == len(set(used))


def test_a_batch_holds_the_look_alikes_of_its_questions() -> None:
    """Two subjects that have no word in common never mix while one of them is left."""
    rivers = [Pair(f"where is the mill {n}", f"mill number {n} lies at a river") for n in range(6)]
    songs = [Pair(f"who sang song {n + 50}", f"song {n + 50} was sung by nobody") for n in range(6)]
    found = pair_set("two", [*rivers, *songs])
    for seed in range(5):
        for batch in batches(found, size=6, rng=seeded(seed)):
            assert len({"mill" in pair.passage for pair in batch}) == 1


def test_questions_on_few_passages_end_without_a_batch() -> None:
    same = [Pair(f"What is {n}?", "One text for all.") for n in range(9)]
    assert list(batches(pair_set("same", same), size=2, rng=seeded(1))) == []


def test_a_round_is_the_same_for_the_same_seed_and_another_for_another_number(found: PairSet) -> None:
    first = round_batches([(found, 1)], size=3, number=0, seed=1)
    assert len(first) == 1
    assert first == round_batches([(found, 1)], size=3, number=0, seed=1)
    rounds = {tuple(pair.question for pair in round_batches([(found, 1)], size=3, number=n, seed=1)[0][1])
              for n in range(5)}  # fmt: skip
    assert len(rounds) > 1


def test_pairs_come_from_squad_files_and_beir_folders(tmp_path: Path) -> None:
    answered = {"id": "1", "question": " Who? ", "answers": [{"text": "Reed", "answer_start": 0}]}
    silent = {"id": "2", "question": "Why?", "answers": [], "is_impossible": True}
    paragraph = {"context": "Reed did.", "qas": [answered, silent]}
    squad = tmp_path / "tiny.json"
    squad.write_text(json.dumps({"version": "2", "data": [{"title": "T", "paragraphs": [paragraph]}]}))
    assert squad_pairs(squad) == [Pair("Who?", "Reed did.", ("Reed",))]
    folder = tmp_path / "beir"
    folder.mkdir()
    corpus = [{"_id": "a", "title": "", "text": "poor"}, {"_id": "b", "title": "T", "text": "good"}]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "which?"}))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\nq\tb\t2\n")
    assert retrieval_pairs(folder) == [Pair("which?", "T\ngood")], "the best document"
