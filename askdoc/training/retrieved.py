"""Groups of passages for training: a question's own passage, and wrong passages that askdoc finds for it.

    python -m askdoc.training.retrieved OUT.jsonl SQUAD_FILE… [--questions N]

Each file's paragraphs are indexed, each of its answerable questions (or N of them, drawn at random) is asked, and the
best passages that hold none of its answers are kept. `askdoc.training.reader --groups` trains on the result.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from askdoc import ask
from askdoc.evaluation.run import Plan, document_path, temporary_index
from askdoc.evaluation.squad import load_squad
from askdoc.retrieval.fusion import fuse
from askdoc.training.batches import seeded
from askdoc.training.groups import Group
from askdoc.training.mixture import example_of
from askdoc.training.negatives import holds_answer

KEPT = 4  # wrong passages a question
LOOKED_AT = 12


def groups_of(path: Path, *, questions: int | None = None, seed: int = 1) -> Iterator[Group]:
    """The groups of a SQuAD-format file, questions in random order; those with no wrong passage are left out."""
    dataset = load_squad(path)
    answerable = [example_of(question, dataset) for question in dataset.questions if question.answerable]
    texts = [paragraph.text for paragraph in dataset.paragraphs]
    by_path = {document_path(number): text for number, text in enumerate(texts)}
    asked = seeded(seed, dataset.name).sample(answerable, min(questions or len(answerable), len(answerable)))
    with temporary_index(texts, Plan(), lambda *_: None) as opened:
        index = cast(ask.Index, opened)
        for example in asked:
            found = fuse(index.rankings(example.question), index.settings.weights)[:LOOKED_AT]
            paths = index.paths([hit.id for hit in found])
            passages = dict.fromkeys(by_path[paths[hit.id]] for hit in found)
            wrong = [text for text in passages if text != example.passage and not holds_answer(text, example)]
            if wrong:
                yield Group(example.question, example.passage, example.spans, tuple(wrong[:KEPT]))


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
