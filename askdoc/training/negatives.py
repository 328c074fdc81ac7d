"""Questions that a passage does not answer, made from questions that it does; pure, and the same for the same seed.

SQuAD 2.0's unanswerable questions were written by people to look answerable. Its authors found these kinds (Rajpurkar
et al. 2018, table 2): an entity swapped, a word replaced by its antonym, a negation put in, something near that the
passage does not mention. Each maker here imitates one of them, or does what a retriever does to a reader: it shows a
passage that looks right and is not. A maker returns None where it finds no edit that all but surely leaves the question
without an answer, since one wrong "no answer" teaches more harm than several right ones teach good.
"""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from askdoc.training.batches import Example

_WORD = re.compile(r"\w+")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"\u201d')\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9])|\n+")
_CAPITAL = r"[A-Z][\w'\u2019&-]*\w"
_NAME = re.compile(rf"{_CAPITAL}(?: (?:of |the |de |von )?{_CAPITAL})*")
_INNER_NAME = re.compile(rf"(?<=[a-z,] ){_NAME.pattern}")  # a capital within a sentence is a name's
_NUMBER = re.compile(r"(?<![\w.,$-])\d+(?![\w.,%-]*\d)")
_NEGATION = re.compile(r"\b(?:not|never|no|nor|without|except|cannot)\b|n['\u2019]t\b", re.IGNORECASE)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|did|does|do|could|has|have|had|would|should)\b(?= (?!it\b|there\b))", re.IGNORECASE
)
_FUNCTION_WORDS = """
    a an the of in on at to for from by with and or as is are was were be been do does did has have had what which who
    whom whose when where why how many much long name type kind it its he she they his her their this that these those
    than not there would could can will may about into during after before between also most more one other some such no
    according
"""
STOP = frozenset(_FUNCTION_WORDS.split())
_OPPOSITES = """
    first last, largest smallest, biggest smallest, highest lowest, oldest youngest, longest shortest, most least,
    more fewer, before after, increase decrease, increased decreased, rise fall, rose fell, north south,
    northern southern, east west, eastern western, won lost, win lose, begin end, began ended, start end, started ended,
    inside outside, above below, early late, earlier later, earliest latest, newest oldest, best worst, better worse,
    high low, higher lower, larger smaller, greater lesser, majority minority, maximum minimum, positive negative,
    success failure, successful unsuccessful, public private, male female, men women, rural urban, support oppose,
    supported opposed, supports opposes, accept reject, accepted rejected, allow forbid, allowed forbidden,
    allows forbids, arrive leave, arrived left, create destroy, created destroyed, buy sell, bought sold, import export,
    imported exported, opened closed, popular unpopular, common rare, strong weak, rich poor, modern ancient,
    major minor, upper lower, birth death, born buried, friend enemy, legal illegal, natural artificial,
    internal external, domestic foreign, gained lost, hot cold, summer winter, day night, front back, top bottom,
    primary secondary, ally opponent, joined left, agree disagree, agreed refused, liked disliked, loved hated,
    expensive cheap, easy difficult, fast slow, heavy light, advantage disadvantage, adults children, parents children,
    include exclude, included excluded, married divorced, raised lowered, gave took, sent received, added removed,
    offer refuse, offered refused, praised criticized, hired fired, older younger, longer shorter, faster slower,
    stronger weaker, possible impossible, active inactive, known unknown, complete incomplete, formal informal
"""
ANTONYMS: Mapping[str, str] = {
    word: opposite for pair in reversed(_OPPOSITES.split(",")) for word, opposite in (pair.split(), pair.split()[::-1])
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """The passages of one set, and what the makers look up in them. Build it with `corpus`.

    `articles` maps a passage to its article's other passages, `postings` a word to the passages that hold it, and
    `contexts` the two neighbours of a word in any question to the words seen between them.
    """

    passages: tuple[str, ...]
    articles: Mapping[str, tuple[str, ...]]
    postings: Mapping[str, tuple[int, ...]]
    contexts: Mapping[tuple[str, str], tuple[str, ...]]


Maker = Callable[[Example, Corpus, random.Random], Example | None]


def corpus(passages: Sequence[tuple[str, str]], questions: Iterable[str]) -> Corpus:
    """A corpus of (title, passage) pairs and of the questions asked on them; one article is one title."""
    texts = tuple(dict.fromkeys(text for _, text in passages))
    by_title: dict[str, list[str]] = defaultdict(list)
    for title, text in passages:
        by_title[title].append(text)
    postings: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for word in dict.fromkeys(words(text)):
            postings[word].append(number)
    return Corpus(
        passages=texts,
        articles={text: tuple(by_title[title]) for title, text in passages},
        postings={word: tuple(numbers) for word, numbers in postings.items()},
        contexts=_contexts(questions),
    )


def sentences(passage: str) -> list[tuple[int, int]]:
    """The character ranges [start, end) of the passage's sentences, in order, without the white space between them."""
    ranges, start = [], 0
    for found in _SENTENCE_BREAK.finditer(passage):
        end = found.start() + len(found.group().rstrip())
        ranges.append((start, end))
        start = found.end()
    ranges.append((start, len(passage)))
    return [(left, right) for left, right in ranges if passage[left:right].strip()]


def elsewhere(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question on one of the three passages that share most of its rare words and hold none of its answers."""
    scores: Counter[int] = Counter()
    for word in dict.fromkeys(words(example.question)):
        numbers = among.postings.get(word, ())
        if word not in STOP and 0 < len(numbers) <= len(among.passages) // 10:
            scores.update(dict.fromkeys(numbers, math.log(len(among.passages) / len(numbers))))
    ranked = sorted(scores, key=lambda number: (-scores[number], number))[:12]
    near = [among.passages[number] for number in ranked]
    wrong = [text for text in near if text != example.passage and not _holds_answer(text, example)][:3]
    return Example(example.question, rng.choice(wrong), ()) if wrong else None


def cut(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question on its own passage without the sentences that hold, or repeat, an answer."""
    kept = [
        example.passage[left:right]
        for left, right in sentences(example.passage)
        if not _holds_answer(example.passage[left:right], example)
        and not any(start < right and end > left for start, end in example.spans)
    ]
    rest = " ".join(kept)
    return Example(example.question, rest, ()) if len(rest.split()) >= 40 else None


def other_name(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question about another name of its article: one that the passage has elsewhere, or does not have at all."""
    old = [name for name in _question_names(example.question) if _holds(example.passage, name)]
    old = [name for name in old if not any(_share_word(name, answer) for answer in _answers(example))]
    if not old:
        return None
    swapped = rng.choice(old)
    names = _near_names(example) if rng.random() < 0.5 else _absent_names(example, among)
    names = [name for name in names if _same_shape(name, swapped) and not _share_word(name, example.question)]
    names = [name for name in names if not any(_share_word(name, answer) for answer in _answers(example))]
    return Example(example.question.replace(swapped, rng.choice(names)), example.passage, ()) if names else None


def other_number(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question with a year or number of the passage changed to one that the passage does not have."""
    old = [number for number in _NUMBER.findall(example.question) if _holds(example.passage, number)]
    if not old:
        return None
    swapped = rng.choice(old)
    nearby = rng.choice([-1, 1]) * rng.randint(1, 12 if len(swapped) == 4 else max(2, int(swapped[:6]) // 2))
    new = str(abs(int(swapped) + nearby))
    if _holds(example.passage, new) or _holds(example.question, new):
        return None
    return Example(example.question.replace(swapped, new), example.passage, ())


def opposite(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question with a word replaced by its antonym, where the passage has no trace of the antonym."""
    present = [word for word in words(example.question) if word in ANTONYMS]
    usable = [word for word in present if not _holds(example.passage, ANTONYMS[word])]
    if not usable:
        return None
    word = rng.choice(usable)
    pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
    return Example(pattern.sub(ANTONYMS[word], example.question, count=1), example.passage, ())


def negated(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question with "not" after its first auxiliary verb, unless it or the answer's sentence denies already."""
    found = _AUXILIARY.search(example.question)
    denies = any(_NEGATION.search(example.passage[left:right]) for left, right in _answer_sentences(example))
    if not found or denies or _NEGATION.search(example.question):
        return None
    contracted = found.group(1).lower().startswith("d") or rng.random() < 0.5
    inserted = "n't" if contracted else rng.choice([" not", " not", " never"])
    question = example.question[: found.end()] + inserted + example.question[found.end() :]
    return Example(question, example.passage, ())


def other_word(example: Example, among: Corpus, rng: random.Random) -> Example | None:
    """The question with a word of the passage replaced by one that other questions have between the same neighbours."""
    asked = _WORD.findall(example.question)
    stems = {_stem(word) for word in words(example.passage)}
    options = []
    for before, word, after in zip(asked, asked[1:], asked[2:], strict=False):
        if _is_common_word(word) and _stem(word) in stems:
            seen = among.contexts.get((before, after), ())
            options += [(word, new) for new in seen if _stem(new) not in stems and new not in asked]
    if not options:
        return None
    word, new = rng.choice(options)
    pattern = re.compile(rf"\b{word}\b")
    return Example(pattern.sub(new, example.question, count=1), example.passage, ())


# How readily each kind is tried first. Names, numbers and antonyms fit few questions, so they come first where they do.
MAKERS: Mapping[Maker, float] = {
    other_name: 5.0,
    other_number: 4.0,
    opposite: 4.0,
    negated: 0.5,
    other_word: 1.0,
    cut: 1.4,
    elsewhere: 1.5,
}


def unanswerable(
    example: Example, among: Corpus, rng: random.Random, makers: Mapping[Maker, float] = MAKERS
) -> Example | None:
    """An unanswerable question made from an answerable one by the first maker that can, in a weighted random order."""
    order = sorted(makers, key=lambda maker: -(rng.random() ** (1.0 / makers[maker])))  # Efraimidis and Spirakis 2006
    made = (maker(example, among, rng) for maker in order)
    return next((found for found in made if found is not None), None)


def _contexts(questions: Iterable[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    seen: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for question in questions:
        asked = _WORD.findall(question)
        for before, word, after in zip(asked, asked[1:], asked[2:], strict=False):
            if _is_common_word(word):
                seen[before, after][word] = None
    return {context: tuple(found) for context, found in seen.items()}


def _is_common_word(word: str) -> bool:
    return len(word) >= 4 and word not in STOP and word.isalpha() and word.islower()


def words(text: str) -> list[str]:
    """The text's words in lower case, in order, punctuation left out."""
    return _WORD.findall(text.lower())


def _stem(word: str) -> str:
    return word[:5]


def _answers(example: Example) -> list[str]:
    return [example.passage[start:end] for start, end in dict.fromkeys(example.spans)]


def _answer_sentences(example: Example) -> list[tuple[int, int]]:
    spans = example.spans
    return [
        (left, right)
        for left, right in sentences(example.passage)
        if any(start < right and end > left for start, end in spans)
    ]


def _holds(text: str, part: str) -> bool:
    """Whether the words of `part` stand in `text` as whole words, in their order, whatever their case."""
    return re.search(rf"(?<!\w){re.escape(part.lower().strip())}(?!\w)", text.lower()) is not None


def _holds_answer(text: str, example: Example) -> bool:
    return any(_holds(text, answer) for answer in _answers(example))


def _share_word(left: str, right: str) -> bool:
    return not _rare_words(left).isdisjoint(_rare_words(right))


@lru_cache(maxsize=1 << 17)
def _rare_words(text: str) -> frozenset[str]:
    return frozenset(words(text)) - STOP


@lru_cache(maxsize=1 << 14)
def _inner_names(passage: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_INNER_NAME.findall(passage)))


def _same_shape(left: str, right: str) -> bool:
    """Both of one word or both of several, and both acronyms or neither."""
    return (" " in left) == (" " in right) and left.isupper() == right.isupper()


def _question_names(question: str) -> list[str]:
    """The names of a question; its first word has a capital for another reason."""
    return [found.group() for found in _NAME.finditer(question) if found.start() > 0]


def _absent_names(example: Example, among: Corpus) -> list[str]:
    article = among.articles.get(example.passage, ())
    names = dict.fromkeys(name for text in article if text != example.passage for name in _inner_names(text))
    return [name for name in names if not _share_word(name, example.passage)]


def _near_names(example: Example) -> list[str]:
    """Names from other sentences than the answer's, where no rival answer of the same kind stands beside them."""
    answers, answering = _answers(example), _answer_sentences(example)
    said = " ".join(example.passage[left:right] for left, right in answering)
    result: dict[str, None] = {}
    for left, right in sentences(example.passage):
        sentence = example.passage[left:right]
        names = _inner_names(sentence)
        rivals = any(character.isdigit() for character in sentence) if _has_digit(answers) else len(names) > 1
        if (left, right) not in answering and not rivals:
            result.update(dict.fromkeys(name for name in names if not _share_word(name, said)))
    return list(result)


def _has_digit(texts: Iterable[str]) -> bool:
    return any(character.isdigit() for text in texts for character in text)
