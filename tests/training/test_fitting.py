import pytest

from askdoc.training.confidence import smoothed


def test_a_peak_alone_is_not_the_highest() -> None:
    values = [70.0, 70.0, 76.0, 70.0, 73.0, 74.0, 73.0, 70.0]
    means = smoothed(values)
    assert means.index(max(means)) == 5
    assert len(means) == len(values)


def test_at_the_ends_there_is_one_neighbour() -> None:
    assert smoothed([1.0, 3.0, 8.0]) == pytest.approx([2.0, 4.0, 5.5])
    assert smoothed([4.0]) == [4.0]
