"""An index stays whole whatever happens to who writes it: a short run of `benchmarks/whole.py`."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from programs import ROOT, run


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    """What the program says of each part."""
    program = ROOT / "tests" / "benchmarks" / "whole.py"
    done = run([sys.executable, program, "--kills", "12", "--rounds", "3", "--disks", "8"], cwd=ROOT)
    assert done.err == ""
    return {part["part"]: part for part in done.lines}


def test_a_writer_killed_at_random_moments_leaves_the_old_index_or_the_new_one(parts: dict[str, Any]) -> None:
    assert parts["kills"]["failures"] == []
    assert parts["kills"]["runs"] == 12
    assert parts["kills"]["struck"]["while it worked"] > 3, "so few: were they struck too late?"


def test_whoever_asks_while_an_index_is_replaced_sees_one_edition_whole(parts: dict[str, Any]) -> None:
    assert parts["asking"]["failures"] == []
    assert min(parts["asking"]["asked"].values()) > 0


def test_writers_at_the_same_moment_all_get_their_turn(parts: dict[str, Any]) -> None:
    assert (parts["writers"]["runs"], parts["writers"]["failures"]) == (3, [])


def test_a_disk_that_is_full_at_any_moment_leaves_the_old_index(parts: dict[str, Any]) -> None:
    if "skipped" in parts["disks"]:
        pytest.skip(f"THE TEST OF FULL DISKS DID NOT RUN: {parts['disks']['skipped']}")
    assert (parts["disks"]["runs"], parts["disks"]["failures"]) == (8, [])
    assert set(parts["disks"]["ends"]) == {"the disk is full", "indexed"}, "both were tried"
