"""SQuAD-format datasets and their official scores, in the standard library alone.

Reads SQuAD 1.1 and 2.0 files and repeats the definitions of the two official evaluation scripts (`evaluate-v1.1.py` and
`evaluate-v2.0.py`, https://rajpurkar.github.io/SQuAD-explorer/), so that figures can be compared with published ones;
for languages written without spaces, that of CMRC 2018. Every score is in [0, 1].
"""

import gzip
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

# The letters of scripts without spaces between words, for a character class: Thai, Lao, Burmese, Khmer, kana, Chinese
# characters.
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1780-\u17d3\u3005-\u3007\u3041-\u309f\u30a1-\u30fa"
    "\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNIT = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")  # a character of such a script, or a word of another script
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Gold:
    """One annotated answer: `paragraph.text[start : start + len(text)] == text`."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset one past the answer's last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article, on which questions were written."""

    title: str  # of the article
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question on one of a dataset's paragraphs."""

    id: str
    text: str
    paragraph: int  # index into `Dataset.paragraphs`
    answers: tuple[Gold, ...]  # empty if the paragraph does not answer it

    @property
    def answerable(self) -> bool:
        """Does the paragraph answer the question?"""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The paragraphs and questions of one file, both in the file's order."""

    name: str
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a reader's best span for one question, and its score for "no answer"."""

    answerable: bool
    no_answer: float  # on any scale; higher means more likely unanswerable
    exact: float  # of the span against the gold answers, also if "no answer" is more likely
    f1: float  # likewise


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """The best mean score over all thresholds of `no_answer`."""

    score: float
    threshold: float  # spans with `no_answer` above it are withheld


def load_squad(path: Path) -> Dataset:
    """Read a SQuAD 1.1 or 2.0 file, `.json` or `.json.gz`; the dataset is named after the file.

    Raises `ValueError`, naming the file and the place in it, if it is not a SQuAD file or an answer is not at its
    offset. Raises `OSError` if the file cannot be read.
    """
    articles = _read_json(path)
    paragraphs: list[Paragraph] = []
    questions: list[Question] = []
    for article_number, article in enumerate(articles):
        where = f"{path}: article {article_number}"
        title = article.get("title", "") if isinstance(article, dict) else ""
        for number, entry in enumerate(_field(article, "paragraphs", list, where)):
            where_inside = f"{where}, paragraph {number}"
            paragraph = Paragraph(title=str(title), text=_field(entry, "context", str, where_inside))
            items = _field(entry, "qas", list, where_inside)
            questions += [_question(item, paragraph, len(paragraphs), where_inside) for item in items]
            paragraphs.append(paragraph)
    name = path.name.removesuffix(".gz").removesuffix(".json")
    return Dataset(name=name, paragraphs=tuple(paragraphs), questions=tuple(questions))


def normalize_answer(text: str) -> str:
    """Lower-cased text without punctuation, articles and extra white space, in the official scripts' order."""
    without_articles = _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION))
    return " ".join(without_articles.split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1.0 if the normalised prediction equals a normalised gold answer, else 0.0.

    Without golds the question is unanswerable, and only an empty prediction is right.
    """
    normal = normalize_answer(prediction)
    return max(float(normal == normalize_answer(gold)) for gold in _usable(golds))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best token-overlap F1 of the prediction with any gold answer, in [0, 1].

    Without golds the question is unanswerable, and only an empty prediction scores 1.0.
    """
    return max(_f1_pair(prediction, gold) for gold in _usable(golds))


def character_f1(prediction: str, golds: Sequence[str]) -> float:
    """F1 as in the official script of CMRC 2018, for languages written without spaces: by the longest common run.

    The run consists of characters, and of words and numbers of other scripts, each counted as one character; case and
    punctuation do not count. Like `f1`, it is the best value with any gold answer. The official script separates only
    Chinese characters; here the letters of all scripts without spaces are separated, and words are runs of letters and
    digits.
    """
    return max(_character_f1_pair(prediction, gold) for gold in golds or [""])


def best_threshold_f1(results: Iterable[Scored]) -> BestThreshold:
    """`best_f1` of `evaluate-v2.0.py`: the mean F1 if "no answer" is said above the best threshold of `no_answer`.

    As in the official script, the threshold is chosen on the same results, so the score is an upper bound. Unlike in
    the official loop, questions with equal `no_answer` stay together: no threshold separates them. Raises `ValueError`
    without results.
    """
    return _best_threshold(results, lambda result: result.f1)


def best_threshold_exact(results: Iterable[Scored]) -> BestThreshold:
    """`best_exact` of `evaluate-v2.0.py`; as `best_threshold_f1`, with exact match."""
    return _best_threshold(results, lambda result: result.exact)


def _best_threshold(results: Iterable[Scored], score: Callable[[Scored], float]) -> BestThreshold:
    ordered = sorted(results, key=lambda result: result.no_answer)
    if not ordered:
        raise ValueError("no results to choose a threshold from")
    total = float(sum(not result.answerable for result in ordered))  # every span withheld
    best_total, threshold = total, ordered[0].no_answer - 1.0
    for number, result in enumerate(ordered):
        total += score(result) if result.answerable else -1.0
        last_of_its_score = number + 1 == len(ordered) or ordered[number + 1].no_answer > result.no_answer
        if last_of_its_score and total > best_total:
            best_total, threshold = total, result.no_answer
    return BestThreshold(score=best_total / len(ordered), threshold=threshold)


def _f1_pair(prediction: str, gold: str) -> float:
    predicted, expected = normalize_answer(prediction).split(), normalize_answer(gold).split()
    if not predicted or not expected:
        return float(predicted == expected)
    shared = sum((Counter(predicted) & Counter(expected)).values())
    # 2PR / (P + R) with P = shared / predicted and R = shared / expected
    return 2.0 * shared / (len(predicted) + len(expected))


def _character_f1_pair(prediction: str, gold: str) -> float:
    predicted, expected = _UNIT.findall(prediction.lower()), _UNIT.findall(gold.lower())
    if not predicted or not expected:
        return float(predicted == expected)
    run = SequenceMatcher(None, predicted, expected, autojunk=False).find_longest_match()
    return 2.0 * run.size / (len(predicted) + len(expected))


def _usable(golds: Sequence[str]) -> list[str]:
    """As in the official scripts: golds that normalise to nothing are left out; without golds, the answer is empty."""
    return [gold for gold in golds if normalize_answer(gold)] or [""]


def _read_json(path: Path) -> list[Any]:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        content = json.loads(raw)
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a SQuAD file, {error}") from error
    articles: list[Any] = _field(content, "data", list, str(path))
    return articles


def _question(item: Any, paragraph: Paragraph, index: int, where: str) -> Question:
    identity = str(_field(item, "id", (str, int), where))
    where = f"{where}, question {identity}"
    answers = [] if item.get("is_impossible") else _field(item, "answers", list, where)
    golds = tuple(_gold(answer, paragraph, where) for answer in answers)
    return Question(id=identity, text=_field(item, "question", str, where), paragraph=index, answers=golds)


def _gold(answer: Any, paragraph: Paragraph, where: str) -> Gold:
    gold = Gold(text=_field(answer, "text", str, where), start=_field(answer, "answer_start", int, where))
    if gold.start < 0 or paragraph.text[gold.start : gold.end] != gold.text:
        raise ValueError(f"{where}: the answer {gold.text!r} is not at offset {gold.start}")
    return gold


def _field(holder: Any, name: str, kind: type | tuple[type, ...], where: str) -> Any:
    if not isinstance(holder, Mapping) or name not in holder:
        raise ValueError(f"{where}: not a SQuAD file, the field {name!r} is missing")
    if not isinstance(holder[name], kind):
        raise ValueError(f"{where}: not a SQuAD file, the field {name!r} is a {type(holder[name]).__name__}")
    return holder[name]
