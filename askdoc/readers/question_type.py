"""The type of a question, by its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

KINDS: Mapping[str, str] = {  # question type → pattern; the first that matches
    "many": r"\bhow (?:many|much|old|long|far|tall|big|large|often|high|deep|fast)\b",
    "who": r"\b(?:who|whom|whose)\b",
    "when": r"\b(?:when|what (?:year|date|day|month|time|century|decade)|which (?:year|date|day|month))\b",
    "where": r"\b(?:where|what (?:city|country|state|place|location)|which (?:city|country|state|place))\b",
    "why": r"\bwhy\b",
    "how": r"\bhow\b",
    "which": r"\bwhich\b",
    "what": r"\bwhat\b",
}
BRIEF = frozenset({"many", "who", "when", "where", "which", "other"})  # answered by a name, a number, a few words
CLAUSE = frozenset({"why", "how"})  # answered by a clause


def kind_of(question: str) -> str:
    """The question's type, a key of `KINDS`, or "other"."""
    lowered = question.lower()
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, lowered)), "other")
