"""askdoc as a process, and the walls that a process can run into: no rights, no space."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ASKDOC = (sys.executable, "-m", "askdoc")


@dataclass(frozen=True)
class Ran:
    """What a process left: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**more: str) -> dict[str, str]:
    """Our own environment, in which `askdoc` is this checkout and nothing of the person's settings counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASKDOC", "XDG_"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | more


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    privileged: bool = True,
) -> Ran:
    """Run a program to its end. privileged: False takes from root what lets it ignore the rights of files."""
    done = subprocess.run(
        [os.fspath(word) for word in command],
        cwd=cwd,
        input=stdin,
        env=environment(**(env or {})),
        capture_output=True,
        check=False,
        timeout=120,
        preexec_fn=None if privileged else _drop,  # one call into libc, no threads in between
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def askdoc(*words: str | Path, cwd: Path, **options: Any) -> Ran:
    """Run this checkout's askdoc."""
    return run([*ASKDOC, *words], cwd=cwd, **options)


_BOUNDING_SET_DROP = 24  # prctl(2)
_IGNORE_RIGHTS = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root read and write anything


def _drop() -> None:
    with suppress(AttributeError, OSError):  # who is not root has nothing to drop, and no other system needs it
        libc = ctypes.CDLL(None)
        for capability in _IGNORE_RIGHTS:
            libc.prctl(_BOUNDING_SET_DROP, capability, 0, 0, 0)


@cache
def rights_count(probe: Path) -> bool:
    """Does a file without rights stop an unprivileged process here, or does the file system not care?"""
    file = probe / "probe"
    file.touch(mode=0o000)
    return run(["cat", file], cwd=probe, privileged=False).status != 0


@cache
def small_disk() -> tuple[str, ...] | None:
    """A command that runs `sh -c SCRIPT` where it may mount file systems; None where the system lets nobody."""
    for flags in (["-m"], ["-Urm"]):
        command = ("unshare", *flags, "sh", "-ec")
        probe = 'mount -t tmpfs -o size=64k tmpfs "$0"'
        if shutil.which("unshare") and run([*command, probe, "/mnt"], cwd=ROOT).status == 0:
            return command
    return None
