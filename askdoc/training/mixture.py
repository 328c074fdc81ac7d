"""The training data of the reader: the sets, the number of questions of each, and how many are made unanswerable.

Training runs in rounds. Each round takes another part of each set and makes its own unanswerable questions, so that
rounds differ. The seed fixes all of it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from askdoc.evaluation.squad import Dataset, Question, load_squad
from askdoc.training.batches import Example, seeded
from askdoc.training.negatives import Corpus, corpus, unanswerable

_WITHOUT_QUESTION_MARK = 0.15  # share of questions; people who type a question often leave it out


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a set a round takes.

    `questions` is the number of answerable ones (None: all); `nulls` how many unanswerable ones to make for each
    of them, on another passage or on their own without the answer; `copies` how often each question that the annotators
    marked unanswerable is shown, and `marked` of how many of these (None: all).
    """

    name: str
    questions: int | None
    nulls: float
    copies: int = 0
    marked: int | None = None


# All of SQuAD 2.0: the questions that people wrote to look answerable, and a few on a passage that is not theirs.
SQUAD: tuple[Share, ...] = (
    Share("en/squad2_original", None, 0.05, copies=1),
    Share("en/squad2_rest", None, 0.05, copies=1),
)

# The whole of SQuAD 2.0 again beside small shares of the others. Of a language whose set has answerable questions only
# few are taken, and some are put on another passage, or the script itself would come to mean "there is an answer".
LANGUAGES: tuple[Share, ...] = (
    Share("en/squad2_original", 24_000, 0.05, copies=1, marked=12_000),
    Share("en/squad2_rest", 8_000, 0.05, copies=1, marked=4_000),
    Share("en/nq_qed", 3_000, 0.3),
    Share("en/nq_unanswerable", None, 0.3, copies=1),
    Share("en/tydiqa_en", 1_700, 0.3),
    Share("en/afriqa_en", 600, 0.3),
    Share("en/squadshifts_new_wiki", 2_000, 0.3),
    Share("en/squadshifts_reddit", 1_000, 0.3),
    Share("en/squadshifts_amazon", 1_000, 0.3),
    Share("en/fairytaleqa", 500, 0.3),
    Share("en/covidqa", 300, 0.3),
    Share("en/policyqa", 300, 0.1),
    Share("other/idk_mrc_id", 2_000, 0.05, copies=1, marked=2_000),
    Share("other/pquad_fa", 2_000, 0.05, copies=1),
    Share("other/heq_he", 1_057, 0.05, copies=1),
    Share("other/poquad_pl", 1_660, 0.05, copies=1),
    Share("other/squad2_fi", 2_500, 0.05, copies=1, marked=1_250),
    Share("other/jaquad_ja", 2_000, 0.5),
    Share("other/jsquad_ja", 1_000, 0.5),
    Share("other/cmrc2018_zh", 995, 0.5),
    Share("other/drcd_zh_hant", 1_200, 0.5),
    Share("other/piaf_fr", 1_600, 0.5),
    Share("other/tquad_tr", 1_200, 0.5),
    Share("other/tydiqa_ko", 800, 0.5),
    Share("other/tydiqa_sw", 800, 0.5),
    Share("other/iapp_th", 1_000, 0.5),
    Share("other/norquad_nb", 800, 0.5),
    Share("other/arcd_ar", 559, 0.5),
    Share("other/amqa_am", 600, 0.5),
    Share("other/faquad_pt", 755, 0.5),
    Share("other/afriqa_cross", 600, 0.3),
)
MIXTURES = {"squad": SQUAD, "languages": LANGUAGES}


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded set: its examples with and without answers, and the corpus that negatives are drawn from."""

    share: Share
    answerable: tuple[Example, ...]
    marked: tuple[Example, ...]
    corpus: Corpus


def load_sources(folder: Path, mixture: Sequence[Share]) -> list[Source]:
    """The mixture's sets from `folder`/NAME.json.gz. Raises ValueError or OSError like `load_squad`."""
    return [source(load_squad(folder / f"{share.name}.json.gz"), share) for share in mixture]


def described(sources: Sequence[Source]) -> str:
    """What fixes the rounds besides the seed, to notice that a run is continued on another mixture."""
    parts = [f"{each.share} of {len(each.answerable)}+{len(each.marked)}" for each in sources]
    return "; ".join(parts)


def source(dataset: Dataset, share: Share) -> Source:
    """A dataset made ready for sampling."""
    return Source(
        share=share,
        answerable=tuple(example_of(question, dataset) for question in dataset.questions if question.answerable),
        marked=tuple(example_of(question, dataset) for question in dataset.questions if not question.answerable),
        corpus=corpus(paragraph.text for paragraph in dataset.paragraphs),
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
    share = source.share
    chosen = _slice(source.answerable, share.questions, number, f"{seed}/{share.name}")
    marked = _slice(source.marked, share.marked, number, f"{seed}/{share.name}/marked")
    asked = rng.sample(chosen, round(share.nulls * len(chosen)))
    made = [found for example in asked if (found := unanswerable(example, source.corpus, rng))]
    return [_as_typed(example, rng) for example in [*chosen, *marked * share.copies, *made]]


def _slice(examples: Sequence[Example], count: int | None, number: int, seed: str) -> list[Example]:
    """The round's part of a fixed shuffle of the examples, going on where the last round's ended, and around."""
    order = list(examples)
    seeded(seed).shuffle(order)
    wanted = len(order) if count is None else min(count, len(order))
    first = number * wanted % max(1, len(order))
    return (order + order)[first : first + wanted]


def example_of(question: Question, dataset: Dataset) -> Example:
    """A dataset's question with its paragraph."""
    spans = tuple((gold.start, gold.end) for gold in question.answers if gold.text)
    return Example(question.text.strip(), dataset.paragraphs[question.paragraph].text, spans)


def _as_typed(example: Example, rng: random.Random) -> Example:
    if rng.random() >= _WITHOUT_QUESTION_MARK:
        return example
    return Example(example.question.rstrip("? "), example.passage, example.spans)
