"""Stores a run's figures as one JSON file, with what is needed to compare it: date, commit, weights, machine.

Nothing in it names a person, a host or a folder of the machine, so that the files can be published.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from askdoc.errors import LoadError, WriteError
from askdoc.evaluation.report import as_json
from askdoc.evaluation.run import Run

RECORD_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """The code that ran. sha: 40 hexadecimal digits. dirty: files under version control differ from it."""

    sha: str
    dirty: bool


def write_result(run: Run, folder: Path, *, now: datetime | None = None, commit: Commit | None = None) -> Path:
    """Write the run to a new file in the folder, which is made if need be, and return its path.

    now, commit: found out if not given. Raises WriteError; an older file is never overwritten.
    """
    now, commit = now or datetime.now(UTC), commit or current_commit()
    path = folder / _name(now, commit, run.report.setting.data)
    text = json.dumps(_record(run, now, commit), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}", hint="name another folder") from error
    return path


def read_results(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """All runs in the folder, oldest first. Raises LoadError for a file that is not one."""
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def current_commit() -> Commit | None:
    """The commit of this code; None if git is missing or this file is not under its control (an installed copy)."""
    sha = _git("rev-parse", "HEAD")
    if not sha or _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return Commit(sha=sha, dirty=bool(_git("status", "--porcelain", "--untracked-files=no")))


def machine() -> Mapping[str, Any]:
    """What speed depends on: processor kind, cores that may be used, operating system, Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": platform.machine(),
        "cores": cores,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _record(run: Run, now: datetime, commit: Commit | None) -> Mapping[str, Any]:
    return {
        "schema": RECORD_SCHEMA,
        "date": now.astimezone(UTC).isoformat(timespec="seconds"),
        "commit": commit.sha if commit else None,
        "dirty": commit.dirty if commit else None,
        "weights": dict(run.weights),
        "machine": machine(),
        "report": as_json(run.report),
    }


def _name(now: datetime, commit: Commit | None, data: str) -> str:
    """Sorts by date; free of what some file systems cannot hold."""
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in data)
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{commit.sha[:7] if commit else 'unknown'}-{safe}.json"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: not a stored result, {error}", hint="remove it from the folder") from error
    if not isinstance(record, dict) or record.get("schema") != RECORD_SCHEMA:
        raise LoadError(f"{path}: not a stored result of schema {RECORD_SCHEMA}", hint="remove it from the folder")
    return record


def _git(*arguments: str) -> str | None:
    """What git prints, without the last line break; None if it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
