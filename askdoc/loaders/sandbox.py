"""Loaders of complex formats run in a process of their own, so that a hostile file costs itself and nothing else.

    this process                         worker: python -c BOOT
    LoaderProcess.load ─ request line, file's bytes ─→ serve ─ loader ─ JSON ─→ Content

One worker reads file after file. It has a limit on its time for a file, on memory and on what it may answer; it writes
no file, starts no program and opens no connection. Breaking a limit, or the worker, is a `LoadError`, and the next
file gets a new worker. What comes back is JSON, checked; nothing the worker says is ever executed.

Everywhere: the limits on time and on text, and for libraries written in Python the other restrictions (an audit hook).
Linux: the limit on memory; and from 5.13 on, native code too can change no file, start no program and make no TCP
connection (Landlock). Reading files is not restricted.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from askdoc.errors import AskdocError, LoadError
from askdoc.loaders import is_isolated, open_entry
from askdoc.types import Content

MIB = 2**20
_STARTING = 60.0  # seconds a worker may take to start, which takes a twentieth of one
_PATIENCE = 5
_LONGEST_REASON = 300  # characters
_SIZE = struct.Struct(">Q")  # before each reply
_BYTES_PER_CHARACTER = 8  # at most, in the JSON of a reply; marks included
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from askdoc.loaders.sandbox import serve; serve()"

_CREATE_RULESET, _RESTRICT_SELF, _NO_NEW_PRIVILEGES = 444, 446, 38
_READING = 0b1100  # of the rights to files: to read a file, to list a folder
# Per version of Landlock: how many rights to files it knows, whether it knows TCP, and signals to other processes.
_LANDLOCK = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 3, 0), 5: (16, 3, 0), 6: (16, 3, 3)}
# Audit events that a worker may not cause, by their beginnings; and the flags of files that are opened to be changed
_FORBIDDEN = tuple(
    "socket.connect socket.bind socket.sendto socket.getaddrinfo subprocess. os.exec os.fork os.posix_spawn os.spawn "
    "os.startfile os.system os.kill os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod "
    "os.chown".split()
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Request:
    """The line before a file's bytes."""

    loader: str  # "module:function"
    size: int  # bytes that follow
    seconds: float
    characters: int  # of text, at most


@dataclass(frozen=True, slots=True)
class Response:
    """What the worker says of a file: one of these."""

    content: Content | None = None
    refused: str | None = None  # by the loader, with its reason
    failed: str | None = None  # the loader misbehaved


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost: seconds, and more for each MiB of it; bytes of memory; characters of text.

    The seconds are of processor time, so that a busy machine reads what an idle one reads; by the clock it may take
    `_PATIENCE` times as long.
    """

    seconds: float = 30.0
    seconds_per_mib: float = 4.0
    memory: int = 2048 * MIB
    characters: int = 50_000_000


class MisbehavedError(LoadError):
    """A loader crashed, took too much of something, or raised what it may not."""


class _TooSlowError(MisbehavedError):
    """Timed out; retrying would not help."""


class LoaderProcess:
    """Runs loaders: simple ones here, the others in a worker, which is started when the first file needs it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LoaderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            _kill(self._worker)
            self._worker = None

    def load(self, entry: str, data: bytes) -> Content:
        """A file's text by the loader `entry` ("module:function"); raises only `LoadError`, whatever `data` does.

        Or `AskdocError` if there can be no worker at all, which is not the file's fault.
        """
        if not is_isolated(entry, len(data)):
            return _load_here(entry, data)
        was_used = self._worker is not None
        try:
            return self._load(entry, data)
        except _TooSlowError:
            raise
        except MisbehavedError:
            if not was_used:
                raise
        return self._load(entry, data)  # in a new worker: what earlier files left behind is not this one's fault

    def _load(self, entry: str, data: bytes) -> Content:
        worker = self._worker = self._worker or self._start()
        seconds = self.limits.seconds + self.limits.seconds_per_mib * len(data) / MIB
        request = Request(entry, len(data), seconds, self.limits.characters)
        try:
            reply = self._ask(worker, _encoded(request) + b"\n", data, _PATIENCE * seconds)
        except TimeoutError:
            self.close()
            raise _too_slow(seconds) from None
        except BaseException:  # such as Ctrl-C: the worker is in the middle of something
            self.close()
            raise
        if reply is None:
            self.close()
            raise _why_dead(worker.returncode, seconds)
        return self._understood(reply)

    def _understood(self, reply: bytes) -> Content:
        try:
            response = _decoded(reply)
        except (ValueError, RecursionError) as error:
            response = Response(failed=f"its reader failed ({type(error).__name__})")
        if response.content is not None:
            return response.content
        if response.refused is not None:
            raise LoadError(response.refused[:_LONGEST_REASON])
        self.close()
        raise MisbehavedError((response.failed or "its reader failed")[:_LONGEST_REASON])

    def _start(self) -> subprocess.Popen[bytes]:
        paths = json.dumps([os.path.abspath(path) for path in sys.path])  # noqa: PTH100  # "" is a path too
        command = [sys.executable, "-I", "-S", "-c", _BOOT, paths, str(self.limits.memory)]
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each would take its share of the memory
        try:
            worker = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | threads,
                start_new_session=True,  # a process group, to be ended as one; Ctrl-C is for us alone
            )
        except OSError as error:
            raise _no_worker(error) from error
        try:
            ready = self._ask(worker, b"", b"", _STARTING)
        except BaseException as error:
            _kill(worker)
            raise (_no_worker(error) if isinstance(error, TimeoutError) else error) from error
        if ready is None:
            _kill(worker)
            raise _no_worker(f"exit status {worker.returncode}")
        return worker

    def _ask(self, worker: subprocess.Popen[bytes], request: bytes, data: bytes, seconds: float) -> bytes | None:
        """The worker's reply, or None if it died or talks nonsense; raises TimeoutError.

        A thread waits for it: pipes know no time limits that work on every platform, and a process that the worker
        started may hold its end of the pipe open for ever.
        """
        replies: list[bytes] = []

        def exchange() -> None:
            with suppress(OSError, ValueError, struct.error, MemoryError):
                stdin, stdout = _pipe(worker.stdin), _pipe(worker.stdout)
                stdin.write(request)
                stdin.write(data)
                stdin.flush()
                (size,) = _SIZE.unpack(stdout.read(_SIZE.size))
                if size > self.limits.characters * _BYTES_PER_CHARACTER:
                    replies.append(_encoded(Response(failed="holds too many headings")))
                    return
                reply = stdout.read(size)
                replies.extend([reply] if len(reply) == size else [])

        thread = threading.Thread(target=exchange, daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise TimeoutError
        return replies[0] if replies else None


def _load_here(entry: str, data: bytes) -> Content:
    try:
        return open_entry(entry)(data)
    except LoadError:
        raise
    except Exception as error:  # a fault of ours, but the other files need not suffer from it
        raise MisbehavedError(f"its reader failed ({type(error).__name__})") from error


def _no_worker(reason: object) -> AskdocError:
    return AskdocError(
        f"the process that reads files cannot be started: {reason}", hint="close other programs and try again"
    )


def _why_dead(status: int, seconds: float) -> MisbehavedError:
    """What a worker died of that was not ended by us."""
    if hasattr(signal, "SIGXCPU") and status == -signal.SIGXCPU:
        return _too_slow(seconds)
    if hasattr(signal, "SIGKILL") and status == -signal.SIGKILL:
        return MisbehavedError("needed so much memory that the system ended its reader")
    return MisbehavedError("crashed its reader")


def _too_slow(seconds: float) -> _TooSlowError:
    return _TooSlowError(f"took longer than {seconds:.0f} s to read")


def _kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and what it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with suppress(OSError):  # something may still be unsent
                pipe.close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101  # it was started with pipes
    return stream


def _decoded(reply: bytes) -> Response:
    """A worker's reply, if it makes sense; raises ValueError or RecursionError."""
    import msgspec  # here, for the worker imports this module too, and would start 20 ms later

    response = msgspec.json.decode(reply, type=Response)
    if response.content is not None:
        length, skip = len(response.content.text), chain.from_iterable(response.content.skip)
        for offsets in ([mark.start for mark in response.content.marks], list(skip)):
            if offsets != sorted(offsets) or not all(0 <= offset <= length for offset in offsets):
                raise ValueError("offsets are not in the text, or not ascending")
    return response


# The worker -----------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Read files until there are no more. The process's own standard streams lead nowhere: libraries like to print."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    memory = int(sys.argv[2])
    _confine(memory)
    _reply(replies, b"")
    for line in iter(requests.readline, b""):
        request = Request(**json.loads(line))
        data = requests.read(request.size)
        _limit_time(request.seconds)
        _reply(replies, _answer(request, data, memory))


def _reply(replies: IO[bytes], reply: bytes) -> None:
    replies.write(_SIZE.pack(len(reply)))
    replies.write(reply)
    replies.flush()


def _answer(request: Request, data: bytes, memory: int) -> bytes:
    try:
        content = open_entry(request.loader)(data)
        if len(content.text) > request.characters:
            return _encoded(
                Response(refused=f"holds more than {request.characters / 1e6:g} million characters of text")
            )
        return _encoded(Response(content))
    except LoadError as error:
        return _encoded(Response(refused=error.message))
    except MemoryError:
        return _encoded(Response(failed=f"needed more than {memory / 2**30:g} GiB of memory"))
    except BaseException as error:  # also SystemExit, which a library has no business to raise
        return _encoded(Response(failed=f"its reader failed ({type(error).__name__})"))


def _encoded(message: Request | Response) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which no index could store, becomes one question mark."""
    return json.dumps(message, ensure_ascii=False, default=_as_object).encode("utf-8", "replace")


def _as_object(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _confine(memory: int) -> None:
    """Drop every privilege loaders do not need, for good. Each restriction is skipped where the system lacks it."""
    with suppress(ImportError):
        _limit_resources(memory)
    if sys.platform == "linux":
        with suppress(OSError):
            _forbid_changes_to_files()
    sys.dont_write_bytecode = True
    sys.addaudithook(_forbid)


def _limit_resources(memory: int) -> None:
    import resource

    for name, limit in (("AS", memory), ("FSIZE", 0), ("CORE", 0), ("NPROC", 0)):
        with suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, f"RLIMIT_{name}")
            _, most = resource.getrlimit(kind)
            limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
            resource.setrlimit(kind, (limit, limit))


def _limit_time(seconds: float) -> None:
    """End this process after this much processor time, or `_PATIENCE` times as long by the clock."""
    with suppress(ImportError, ValueError):
        import resource

        signal.alarm(int(_PATIENCE * seconds) + 2)  # our parent does that, if there still is one
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, most))


def _forbid_changes_to_files() -> None:
    """Landlock: a set of rules that handles every right but reading, and grants none. See landlock(7)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long
    version = libc.syscall(number(_CREATE_RULESET), None, number(0), number(1))
    if version < 1:
        return
    rights, network, scopes = _LANDLOCK[min(version, max(_LANDLOCK))]
    handled = struct.pack("=QQQ", (1 << rights) - 1 & ~_READING, network, scopes)
    rules = libc.syscall(number(_CREATE_RULESET), handled, number(len(handled)), number(0))
    libc.prctl(_NO_NEW_PRIVILEGES, number(1), number(0), number(0), number(0))
    libc.syscall(number(_RESTRICT_SELF), number(rules), number(0))


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN) or (event == "open" and arguments[2] & _WRITING):
        raise PermissionError(f"a loader may not do this: {event}")
