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

# The letters of scripts without spaces between words, as a part of a character class: Thai, Lao, Burmese, Khmer, kana,
# Chinese characters.
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1780-\u17d3\u3005-\u3007\u3041-\u309f\u30a1-\u30fa"
    "\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNIT = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")  # a character of such a script, or a word of another
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
    """A passage of an article (`title`) that questions were written on."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question on the paragraph `dataset.paragraphs[paragraph]`; no answers means that it cannot be answered."""

    id: str
    text: str
    paragraph: int
    answers: tuple[Gold, ...]

    @property
    def answerable(self) -> bool:
        """Whether the paragraph answers the question."""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The paragraphs and questions of one file, both in the file's order."""

    name: str
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """A reader's best span for one question, its scores against the gold answers, and how sure it is of "no answer".

    `no_answer` may be on any scale; higher means more likely unanswerable. `exact` and `f1` are those of the span, as
    if it were always given.
    """

    answerable: bool
    no_answer: float
    exact: float
    f1: float


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """The best mean score over all thresholds, and the threshold: spans with `no_answer` above it are withheld."""

    score: float
    threshold: float


def load_squad(path: Path) -> Dataset:
    """Read a SQuAD 1.1 or 2.0 file, `.json` or `.json.gz`; the dataset is named after the file.

    Raises ValueError, naming the file and the place in it, if the file is no SQuAD file or an answer is not at
    its offset. Raises OSError if the file cannot be read.
    """
    articles = _read_json(path)
    paragraphs: list[Paragraph] = []
    questions: list[Question] = []
    for article_number, article in enumerate(articles):
        where = f"{path}: article {article_number}"
        title = article.get("title", "") if isinstance(article, dict) else ""
        for number, entry in enumerate(_field(article, "paragraphs", list, where)):
            place = f"{where}, paragraph {number}"
            paragraph = Paragraph(title=str(title), text=_field(entry, "context", str, place))
            asked = _field(entry, "qas", list, place)
            questions += [_question(item, paragraph, len(paragraphs), place) for item in asked]
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
    """F1 as in CMRC 2018's official script, for languages written without spaces: by the longest common run.

    The run is one of characters, in which a word or a number of another script counts as one character; case and
    punctuation do not count. The best one with any gold answer, as in `f1`. The script knows Chinese characters only;
    here the letters of all scripts without spaces are taken apart, and words are runs of letters and digits.
    """
    return max(_character_f1_pair(prediction, gold) for gold in golds or [""])


def best_threshold_f1(results: Iterable[Scored]) -> BestThreshold:
    """`best_f1` of `evaluate-v2.0.py`: the mean F1 if "no answer" is said above the best threshold of `no_answer`.

    The threshold is chosen on the very same results, as officially done, so the score is an upper bound. Unlike the
    official loop, questions with equal `no_answer` are moved together, since no threshold can part them. Raises
    ValueError without results.
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
    """As officially: golds that normalise to nothing are left out, and no gold at all counts as the empty answer."""
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
