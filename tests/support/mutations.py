"""Damage to files, from a source of chance: what disks, networks, other programs and ill will do to them."""

from __future__ import annotations

import io
import random
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence

LARGEST = 2**20  # bytes of a damaged file

# Signs that formats are made of, and numbers, names and nestings that break programs.
TOKENS = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n\n",
        b"\x1b]0;x\x07",
        b"\x1b[2J",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80",
    ),
    *(b"-1", b"0", b"4294967296", b"9" * 40, b"1e400", b"NaN", b"%s%n", b"../../../x", b"C:\\x", b"file:///etc/passwd"),
    *(b"<", b"</", b"/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<div>", b"</p>", b"<script>", b"&#0;", b"&#xD800;"),
    *(b"<table><tr><td colspan=999999999>", b"<svg>", b"<template>", b'<?xml version="1.0"?>', b"&lol;", b"<a:b>"),
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY lol "&b;&b;&b;&b;&b;">]>',
    b'<!DOCTYPE x [<!ENTITY lol SYSTEM "file:///etc/passwd">]>',
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b'{"a":', b"\\u0000", b"\\ud800", b"null", b"```", b"---"),
    *(b"#", b"> ", b"\t", b"|", b";", b"%", b"$", b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer"),
    *(b"{\\rtf1", b"\\par", b"\\u-1?", b"\\'ff", b"\\bin9999999 ", b"{\\*", b"\\begin{x}", b"\\end{x}", b"%PDF-1.7"),
    *(b"/Kids [1 0 R]", b"/Length 999999999", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"--x", b"--x--"),
    *(b"=?utf-8?B?", b"?=", b"Content-Type: multipart/mixed; boundary=x", b"Content-Transfer-Encoding: base64"),
    b"00:00:00,000 --> 99:99:99,999",
)
NESTED = (b"<div>", b"<b>", b"<table><tr><td>", b"[", b'{"a":', b"{", b"(", b"> ", b"- ", b"\\begin{x}", b"{\\b ", b"*")
_NUMBER = re.compile(rb"\d+")
_NUMBERS = (b"0", b"1", b"-1", b"255", b"65536", b"2147483648", b"9999999999999999999")


def damaged(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A file with one to six damages; of an archive, mostly inside its members."""
    if data[:2] == b"PK" and chance.random() < 0.8:
        return _damaged_archive(data, others, chance)
    for _ in range(chance.randint(1, 6)):
        data = chance.choice(_DAMAGES)(data, others, chance)[:LARGEST]
    return data


def _flip(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8) if data else 0):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at, count = _place(data, chance), chance.randint(1, 16)
    return data[:at] + chance.randbytes(count) + data[at + count :]


def _cut(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return data[: _place(data, chance)]


def _drop(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start, end = sorted((_place(data, chance), _place(data, chance)))
    return data[:start] + data[end:]


def _repeat(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start = _place(data, chance)
    piece = data[start : start + chance.randint(1, 200)]
    return data[:start] + piece * chance.choice((2, 5, 100, 1000)) + data[start:]


def _splice(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others) if others else data
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _insert(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(TOKENS) + data[at:]


def _nest(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(NESTED) * chance.choice((10, 300, 3000, 50_000)) + data[at:]


def _renumber(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    number = chance.choice(found)
    return data[: number.start()] + chance.choice(_NUMBERS) + data[number.end() :]


_DAMAGES: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    *(_flip, _overwrite, _cut, _drop, _repeat, _splice, _insert, _insert, _nest, _renumber),
)  # fmt: skip


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(data))


def _damaged_archive(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Damage the content of one to three members, or which there are; the archive around them stays sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return _flip(data, others, chance)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(members))
        name, content = members[at]
        kind = chance.random()
        if kind < 0.8:
            members[at] = name, chance.choice(_DAMAGES)(content, [each for _, each in members], chance)[:LARGEST]
        elif kind < 0.85 and len(members) > 1:
            del members[at]
        elif kind < 0.9:
            members.append((name, content))  # twice the same name
        elif kind < 0.95:
            members[at] = chance.choice(("../../evil", "/etc/evil", "a" * 300, "x\n\x1b[2J", "ü\0")), content
        else:
            members[at] = name, members[chance.randrange(len(members))][1]  # another one's content
    return _archive(members)


def _archive(members: Sequence[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # that a name occurs twice is meant
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()
