"""Loaders that do what a hostile file may make a library do. Each is `hostile:NAME` in a table of loaders."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from askdoc.errors import LoadError
from askdoc.types import Content, Mark


def good(data: bytes) -> Content:
    """What a loader should do, with something in every field."""
    marks = (Mark(0, "Title", 1), Mark(1, None, None))
    return Content(data.decode(), marks=marks, remarks=("read",), skip=((0, 1),), extracted=True)


def process(data: bytes) -> Content:
    return Content(str(os.getpid()))


def refuses(data: bytes) -> NoReturn:
    raise LoadError("it is encrypted")


def loops(data: bytes) -> NoReturn:
    while True:
        pass


def sleeps(data: bytes) -> NoReturn:
    time.sleep(1000)
    raise AssertionError


def allocates(data: bytes) -> NoReturn:
    blocks = []
    while True:
        blocks.append(bytearray(2**24))


def leaks(data: bytes) -> Content:
    """Keeps so much that the next file has hardly any memory left."""
    sys.modules[f"leak{time.monotonic_ns()}"] = bytearray(int(data))  # type: ignore[assignment]
    return Content("leaked")


def segfaults(data: bytes) -> NoReturn:
    ctypes.string_at(0)
    raise AssertionError


def recurses(data: bytes) -> Content:
    return recurses(data)


def kills_itself(data: bytes) -> NoReturn:
    ctypes.CDLL(None).kill(os.getpid(), 9)  # as the system does when memory runs out
    time.sleep(1000)
    raise AssertionError


def leaves(data: bytes) -> NoReturn:
    os._exit(0)


def exits(data: bytes) -> NoReturn:
    sys.exit(0)


def raises(data: bytes) -> NoReturn:
    class Odd(BaseException):
        def __str__(self) -> str:
            raise RuntimeError

    raise Odd


def forgets(data: bytes) -> None:
    """Returns what is no text at all."""


def marks_nonsense(data: bytes) -> Content:
    return Content("text", marks=(Mark(99, "beyond the end", None),))


def types_nonsense(data: bytes) -> Content:
    return Content("text", marks=(Mark(0, {"a": 1}, None),))  # type: ignore[arg-type]


def talks(data: bytes) -> Content:
    """Prints where replies go, in every way there is, and reads what is not meant for it."""
    sys.stdout.write("x" * 10_000)
    sys.stderr.write("x" * 10_000)
    sys.__stdout__.write("y" * 10_000)  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
    os.write(1, b"\xff" * 10_000)
    return Content(f"read {os.read(0, 10)!r}")


def writes_much(data: bytes) -> Content:
    return Content("x" * int(data))


def marks_much(data: bytes) -> Content:
    return Content("x", marks=tuple(Mark(0, "x" * 1000, None) for _ in range(int(data))))


def half_characters(data: bytes) -> Content:
    return Content("one \ud800 two", marks=(Mark(4, "\udfff", None),))


def _tried(action: object) -> Content:
    try:
        action()  # type: ignore[operator]
    except OSError as error:
        return Content(type(error).__name__)
    return Content("done")


def writes_file(data: bytes) -> Content:
    return _tried(lambda: Path(data.decode()).write_text("written"))


def removes_file(data: bytes) -> Content:
    return _tried(Path(data.decode()).unlink)


def makes_folder(data: bytes) -> Content:
    return _tried(Path(data.decode()).mkdir)


def runs_program(data: bytes) -> Content:
    return _tried(lambda: subprocess.run(["touch", data.decode()], check=False))


def forks(data: bytes) -> Content:
    return _tried(os.fork)


def connects(data: bytes) -> Content:
    return _tried(lambda: socket.create_connection(("127.0.0.1", int(data))))


def _native(name: str, *arguments: object) -> Content:
    """Call the C library, past Python's own walls. The text is what it returned."""
    return Content(str(getattr(ctypes.CDLL(None), name)(*arguments)))


def writes_file_natively(data: bytes) -> Content:
    return _native("creat", data, 0o644)


def removes_file_natively(data: bytes) -> Content:
    return _native("unlink", data)


def renames_file_natively(data: bytes) -> Content:
    return _native("rename", data, data + b".new")


def makes_folder_natively(data: bytes) -> Content:
    return _native("mkdir", data, 0o755)


def runs_program_natively(data: bytes) -> Content:
    arguments = (ctypes.c_char_p * 3)(b"/bin/touch", data, None)
    return _native("execv", b"/bin/touch", arguments)


def signals_natively(data: bytes) -> Content:
    return _native("kill", int(data), 0)


def connects_natively(data: bytes) -> Content:
    address = socket.AF_INET.to_bytes(2, sys.byteorder) + int(data).to_bytes(2, "big") + b"\x7f\0\0\1" + bytes(8)
    libc = ctypes.CDLL(None)
    return Content(str(libc.connect(libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0), address, len(address))))


def forks_natively(data: bytes) -> Content:
    libc = ctypes.CDLL(None)
    child = libc.fork()
    if child == 0:
        libc._exit(0)
    return Content(str(child))


def forks_and_stays(data: bytes) -> NoReturn:
    """Leaves a child in a session of its own that holds all pipes open, and hangs."""
    libc = ctypes.CDLL(None)
    if libc.fork() == 0:
        libc.setsid()
        libc.sleep(20)
        libc._exit(0)
    libc.sleep(1000)
    raise AssertionError
