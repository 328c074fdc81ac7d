from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import results
from results import Commit, read_results, write_result

from askdoc.errors import LoadError, WriteError
from askdoc.evaluation.run import Plan, Run, evaluate

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
COMMIT = Commit(sha="abcdef0123" * 4, dirty=False)


@pytest.fixture
def measured(town: Path, open_small: Callable[..., Any]) -> Run:
    return evaluate(town, Plan(), open_texts=open_small)


def test_a_result_says_what_was_measured_and_with_what(measured: Run, tmp_path: Path) -> None:
    path = write_result(measured, tmp_path / "kept", now=NOW, commit=COMMIT)
    assert path.name == "20250304T050607Z-abcdef0-town.json"
    record = json.loads(path.read_text())
    assert (record["date"], record["commit"], record["dirty"]) == ("2025-03-04T05:06:07+00:00", COMMIT.sha, False)
    assert record["weights"]["by-heart"] == "f" * 64
    assert len(record["weights"]) == 2
    assert record["report"]["end_to_end"]["exact"]["value"] == 0.5
    assert record["machine"]["cores"] >= 1


def test_a_result_names_no_host_and_no_folder(measured: Run, tmp_path: Path) -> None:
    text = write_result(measured, tmp_path, now=NOW, commit=COMMIT).read_text()
    assert str(tmp_path) not in text
    assert platform.node() not in text or not platform.node()


def test_results_are_read_oldest_first(measured: Run, tmp_path: Path) -> None:
    for day in (9, 5, 7):
        write_result(measured, tmp_path / "kept", now=NOW.replace(day=day), commit=COMMIT)
    assert [record["date"][8:10] for record in read_results(tmp_path / "kept")] == ["05", "07", "09"]


def test_an_older_result_is_never_overwritten(measured: Run, tmp_path: Path) -> None:
    write_result(measured, tmp_path, now=NOW, commit=COMMIT)
    with pytest.raises(WriteError):
        write_result(measured, tmp_path, now=NOW, commit=COMMIT)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}'])
def test_a_stray_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "stray.json").write_text(content)
    with pytest.raises(LoadError, match="stray"):
        read_results(tmp_path)


def test_without_git_the_commit_is_unknown(measured: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_arguments: object, **_options: object) -> object:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert results.current_commit() is None
    path = write_result(measured, tmp_path, now=NOW)
    assert path.name.endswith("-unknown-town.json")
    assert json.loads(path.read_text())["commit"] is None


def test_a_copy_that_git_does_not_know_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed copy inside somebody's repository is not of that repository's commit."""
    monkeypatch.setattr(results, "_git", lambda *arguments: None if arguments[0] == "ls-files" else "0" * 40)
    assert results.current_commit() is None
