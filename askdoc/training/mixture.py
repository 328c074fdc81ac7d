"""What the reader is trained on: which sets, how many questions of each, and how many made unanswerable.

Training goes in rounds. A round takes every question of the sets closest to SQuAD and a part of the others, another
part in the next round, and makes its unanswerable questions anew, so that rounds differ. All is fixed by the seed.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from askdoc.evaluation.squad import Dataset, Question, load_squad
from askdoc.training.batches import Example, seeded
from askdoc.training.negatives import MAKERS, Corpus, Maker, corpus, cut, elsewhere, unanswerable

_WITHOUT_QUESTION_MARK = 0.15  # share of questions; people who type a question often leave it out
_OUTRIGHT: dict[Maker, float] = {elsewhere: 1.0, cut: 1.0}


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a set a round takes.

    `questions` is the number of answerable ones (None: all); `nulls` the number of unanswerable ones to make for each
    of them; `edited` whether these may be made by editing the question, which takes well-edited prose with names;
    `copies` how often each question that the annotators marked unanswerable is shown.
    """

    name: str
    questions: int | None
    nulls: float
    edited: bool = False
    copies: int = 0


MIXTURE: tuple[Share, ...] = (
    Share("squad_train_partial", None, 0.75, edited=True, copies=2),
    Share("squadshifts_new_wiki", None, 0.75, edited=True),
    Share("squadshifts_reddit", 2000, 0.4),
    Share("squadshifts_amazon", 2000, 0.4),
    Share("fairytaleqa", 1800, 0.4),
    Share("qamr", 3500, 0.1),
    Share("covidqa", 500, 0.3),
    Share("policyqa", 500, 0.0),
    Share("friendsqa", 300, 0.0),
)

# What a larger network can see in an hour on two cores: most of the questions that are answered, once.
BRIEF: tuple[Share, ...] = (
    Share("squad_train_partial", None, 0.3, edited=True, copies=1),
    Share("squadshifts_new_wiki", None, 0.3, edited=True),
    Share("squadshifts_reddit", 800, 0.2),
    Share("squadshifts_amazon", 800, 0.2),
    Share("fairytaleqa", 1500, 0.2),
    Share("qamr", 3000, 0.0),
    Share("covidqa", 300, 0.0),
)
MIXTURES = {"reader": MIXTURE, "teacher": BRIEF}

# Sets that a reader labelled (`self_label`): most of their worth is in new subjects, so not all in every round.
SELF_LABELLED = Share("", 8_000, 0.35, edited=True)


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded set: its examples with and without answers, and the corpus that negatives are drawn from."""

    share: Share
    answerable: tuple[Example, ...]
    marked: tuple[Example, ...]
    corpus: Corpus


def load_sources(folder: Path, mixture: Sequence[Share] = MIXTURE) -> list[Source]:
    """The mixture's sets from `folder`/NAME.json.gz. Raises ValueError or OSError like `load_squad`."""
    return [source(load_squad(folder / f"{share.name}.json.gz"), share) for share in mixture]


def self_labelled(path: Path) -> Source:
    """A set written by `self_label`. Raises ValueError or OSError like `load_squad`."""
    dataset = load_squad(path)
    return source(dataset, replace(SELF_LABELLED, name=dataset.name))


def described(sources: Sequence[Source]) -> str:
    """What fixes the rounds besides the seed, to notice that a run is continued on another mixture."""
    parts = [f"{each.share} of {len(each.answerable)}+{len(each.marked)}" for each in sources]
    return "; ".join(parts)


def source(dataset: Dataset, share: Share) -> Source:
    """A dataset made ready for sampling."""
    return Source(
        share=share,
        answerable=tuple(_example(question, dataset) for question in dataset.questions if question.answerable),
        marked=tuple(_example(question, dataset) for question in dataset.questions if not question.answerable),
        corpus=corpus(
            [(paragraph.title, paragraph.text) for paragraph in dataset.paragraphs],
            [question.text for question in dataset.questions],
        ),
    )


def round_examples(sources: Sequence[Source], *, number: int, seed: int) -> list[Example]:
    """The examples of round `number` (from 0), shuffled; the same for the same arguments."""
    rng = seeded(seed, number)
    examples: list[Example] = []
    for each in sources:
        examples += source_examples(each, number=number, seed=seed)
    rng.shuffle(examples)
    return examples


def source_examples(source: Source, *, number: int, seed: int) -> list[Example]:
    """What round `number` takes of one set: answerable, marked and made unanswerable questions, in this order."""
    rng = seeded(seed, number, source.share.name)
    chosen = _slice(source, number, seed)
    makers = MAKERS if source.share.edited else _OUTRIGHT
    asked = rng.sample(chosen, round(source.share.nulls * len(chosen)))
    made = [found for example in asked if (found := unanswerable(example, source.corpus, rng, makers))]
    return [_as_typed(example, rng) for example in [*chosen, *source.marked * source.share.copies, *made]]


def _slice(source: Source, number: int, seed: int) -> list[Example]:
    """The round's part of a fixed shuffle of the set, going on where the last round's stopped, and around."""
    order = list(source.answerable)
    seeded(seed, source.share.name).shuffle(order)
    wanted = len(order) if source.share.questions is None else min(source.share.questions, len(order))
    first = number * wanted % max(1, len(order))
    return (order + order)[first : first + wanted]


def _example(question: Question, dataset: Dataset) -> Example:
    spans = tuple((gold.start, gold.end) for gold in question.answers if gold.text)
    return Example(question.text.strip(), dataset.paragraphs[question.paragraph].text, spans)


def _as_typed(example: Example, rng: random.Random) -> Example:
    if rng.random() >= _WITHOUT_QUESTION_MARK:
        return example
    return Example(example.question.rstrip("? "), example.passage, example.spans)
