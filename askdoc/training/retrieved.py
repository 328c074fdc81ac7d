"""Groups of passages for training: a question's own passage, and what askdoc itself finds for it that is wrong.

    python -m askdoc.training.retrieved OUT.jsonl SQUAD_FILE… [--questions N]

Each file's paragraphs are indexed, each of its answerable questions (or N of them, drawn at random) is asked, and the
best passages that hold none of its answers are kept. Where the question can be edited into one that its own passage
does not answer (`negatives`), that is kept too. `askdoc.training.reader --groups` trains on the result.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from askdoc import ask
from askdoc.evaluation.run import Plan, document_path, temporary_index
from askdoc.evaluation.squad import load_squad
from askdoc.retrieval.fusion import fuse
from askdoc.training.batches import Example, seeded
from askdoc.training.mixture import Share, source
from askdoc.training.negatives import unanswerable

KEPT = 4  # wrong passages a question
_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Group:
    """A question with its passage and spans as in `Example`, `wrong` passages, best first, and an edited question.

    The passage does not answer `edited`; it is empty where no edit was found.
    """

    question: str
    passage: str
    spans: tuple[tuple[int, int], ...]
    wrong: tuple[str, ...]
    edited: str


def load_groups(path: Path) -> list[Group]:
    """What this program wrote. Raises OSError, or ValueError naming the line."""
    groups = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            read = json.loads(line)
            spans = tuple((int(start), int(end)) for start, end in read["spans"])
            groups.append(Group(read["question"], read["passage"], spans, tuple(read["wrong"]), read["edited"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: line {number} is no group: {error}") from error
    return groups


def groups_of(path: Path, *, questions: int | None = None, seed: int = 1) -> Iterator[Group]:
    """The groups of a SQuAD-format file, questions in random order; those with no wrong passage are left out."""
    dataset = load_squad(path)
    made = source(dataset, Share(dataset.name, None, 0.0))
    rng = seeded(seed, dataset.name)
    texts = [paragraph.text for paragraph in dataset.paragraphs]
    by_path = {document_path(number): text for number, text in enumerate(texts)}
    asked = rng.sample(made.answerable, min(questions or len(made.answerable), len(made.answerable)))
    with temporary_index(texts, Plan(), lambda *_: None) as opened:
        index = cast(ask.Index, opened)
        for example in asked:
            found = fuse(index.rankings(example.question), index.settings.weights)[:_LOOKED_AT]
            paths = index.paths([one.id for one in found])
            passages = dict.fromkeys(by_path[paths[one.id]] for one in found)
            wrong = tuple(text for text in passages if not _answers(text, example))[:KEPT]
            null = unanswerable(example, made.corpus, rng)
            edited = null.question if null and null.passage == example.passage else ""
            if wrong:
                yield Group(example.question, example.passage, example.spans, wrong, edited)


def _answers(text: str, example: Example) -> bool:
    lowered = text.lower()
    return text == example.passage or any(example.passage[start:end].lower() in lowered for start, end in example.spans)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Ask training questions, and keep what is found that is wrong.")
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+", help="in SQuAD format")
    parser.add_argument("--questions", type=int, help="of each file (all)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with options.out.open("w", encoding="utf-8") as out:
        for path in options.files:
            count = 0
            for group in groups_of(path, questions=options.questions, seed=options.seed):
                out.write(json.dumps(asdict(group)) + "\n")
                count += 1
            print(f"{path.name}: {count} groups", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
