"""Makes the fixed sample that the quality test asks: `python tests/quality/make_sample.py DEV_FOLDER`.

About 200 questions over 100 paragraphs: of every article of squad_v2.0_dev_a a run of paragraphs, of each paragraph at
most three questions, about one in four of them unanswerable. The choice depends on nothing but the file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

PARAGRAPHS, ANSWERABLE, UNANSWERABLE = 100, 150, 50
HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Write `squad_sample.json` beside this file."""
    with gzip.open(folder / "squad_v2.0_dev_a.json.gz", "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    share = -(-PARAGRAPHS // len(articles))
    chosen = [(article["title"], paragraph) for article in articles for paragraph in article["paragraphs"][:share]]
    chosen = chosen[:PARAGRAPHS]
    questions = [(_order(question), question) for _, paragraph in chosen for question in paragraph["qas"]]
    questions.sort(key=lambda pair: pair[0])
    answerable = [question for _, question in questions if question["answers"]][:ANSWERABLE]
    unanswerable = [question for _, question in questions if not question["answers"]][:UNANSWERABLE]
    ids = {question["id"] for question in (*answerable, *unanswerable)}
    data = [_article(title, paragraph, ids) for title, paragraph in chosen]
    text = json.dumps({"version": "v2.0 sample", "data": data}, ensure_ascii=False, indent=1)
    (HERE / "squad_sample.json").write_text(text + "\n", encoding="utf-8")


def _order(question: dict[str, Any]) -> bytes:
    return hashlib.sha256(question["id"].encode()).digest()


def _article(title: str, paragraph: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    asked = [
        {name: question[name] for name in ("id", "question", "answers", "is_impossible") if name in question}
        for question in paragraph["qas"]
        if question["id"] in ids
    ]
    return {"title": title, "paragraphs": [{"context": paragraph["context"], "qas": asked}]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
