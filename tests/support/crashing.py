"""Kills a writer at every step of its work, and tells what each time is left. Run as a program: it forks.

    python crashing.py INDEX

`INDEX` is an index whose documents have changed. For every N a forked writer is ended without ceremony at its Nth
step: before the Nth change that it makes below the index's folder. Then a second process asks what is there, and a
third updates the index. One line of JSON a step: {"step", "event", "found", "healed"}, found and healed being the
texts of all passages, or the words of an error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from askdoc import build
from askdoc.ask import open_index
from askdoc.stores.folder import dense, lexical  # noqa: F401  # loaded once, not in every fork

CHANGES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link")
KILLED = 9


def die_at(step: int, folder: str, report: int) -> None:
    """End this process before its change number `step` below `folder`."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in CHANGES or not any(folder in str(argument) for argument in arguments[:2]):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        left -= 1
        if left == 0:
            os.write(report, event.encode())
            os._exit(KILLED)

    sys.addaudithook(count)


def in_a_fork(work: object) -> tuple[int, str]:
    """Run `work(pipe)` in a process of its own; its exit status and what it wrote into the pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(writing)  # type: ignore[operator]
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


def ask(index: Path, pipe: int) -> None:
    try:
        with open_index(index, refresh="never", reader="overlap") as opened:
            reply = opened.search("stone bridge mill", passages=100)
            told = sorted(hit.passage.text for hit in reply.hits)
            assert len(told) == opened.info.passages, "an index lacks passages"
    except Exception as error:
        told = [repr(error)]
    os.write(pipe, json.dumps(told).encode())


def main(index: Path) -> None:
    kept = index.with_name("kept")
    index.rename(kept)
    step, status = 0, KILLED
    while status == KILLED:
        step += 1
        os.system(f"rm -rf '{index}' && cp -a '{kept}' '{index}'")  # noqa: S605  # paths that the test made

        def write(pipe: int, step: int = step) -> None:
            die_at(step, str(index), pipe)
            build.index([], index, wait=0)

        status, event = in_a_fork(write)
        _, found = in_a_fork(lambda pipe: ask(index, pipe))
        in_a_fork(lambda pipe: build.index([], index, wait=0) and None)
        _, healed = in_a_fork(lambda pipe: ask(index, pipe))
        told = {"step": step, "event": event, "found": json.loads(found), "healed": json.loads(healed)}
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
