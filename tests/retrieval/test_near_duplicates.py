"""Which passages count as one."""

from __future__ import annotations

import pytest

from askdoc.retrieval.near_duplicates import nearly_same, shingles


def same_text(text: str, other: str) -> bool:
    return nearly_same(shingles(text), shingles(other))


LONG = "the old stone bridge over the Lune was finished by the mason Thomas Reed in the summer of 1784"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LONG, True),
        (LONG.upper() + "!", True),
        (LONG + " again", True),
        (LONG.replace("1784", "1785"), True),
        (LONG.replace("mason", "late").replace("summer", "spring"), False),
        (" ".join(reversed(LONG.split())), False),
        ("", False),
    ],
)
def test_passages_are_nearly_the_same_if_they_share_nearly_all_their_shingles(other: str, same: bool) -> None:
    assert same_text(LONG, other) is same
    assert same_text(other, LONG) is same


def test_short_passages_are_the_same_only_if_they_are_equal() -> None:
    assert same_text("Two words", "Two words")
    assert not same_text("Two words", "Other words")
    assert not same_text("…", "!")
