"""Plain text: Unicode as declared, everything else by a guess that is reported."""

from __future__ import annotations

import re

from askdoc.errors import LoadError
from askdoc.types import Content

# The longer mark first: UTF-32 LE begins with the whole mark of UTF-16 LE.
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Tab, line breaks, form feed, backspace, escape and DOS's end-of-file mark do occur in texts.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1a\x1b")) + b"\x7f"
_MOST_CONTROLS = 0.05  # share of control characters above which data is not text (random bytes have 0.1)
_MOST_DAMAGE = 0.1  # share of broken characters among the non-ASCII ones up to which text is still UTF-8

# Encodings of the Latin script differ in a few letters, which detection mixes up in short texts; so the one wins in
# which most characters are common ones of its languages, at a tie the first. Sure signs of another language are left
# out: Czech has what would be Icelandic in windows-1252, Hungarian what would be Portuguese.
_SIGNS = "‘’“”–—…•€§°«»\xa0"
_WESTERN = _SIGNS + "¿¡£ßœàáâãäåæçèéêëìíîïñòóôöøùúûüÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖØÙÚÛÜŒ"
_CENTRAL = _SIGNS + "áâăäąćčďđéęěëíîľłńňóôőöřśšşťţúůűüýźžżßÁÂĂÄĄĆČĎĐÉĘĚËÍÎĽŁŃŇÓÔŐÖŘŚŠŞŤŢÚŮŰÜÝŹŽŻ"
_TURKISH = _SIGNS + "âçğıîöşûüÂÇĞİÎÖŞÛÜ"
_LATIN = {
    "cp1252": frozenset(_WESTERN),
    "cp1250": frozenset(_CENTRAL),
    "iso8859_2": frozenset(_CENTRAL),
    "cp1254": frozenset(_TURKISH),
    "cp850": frozenset(_WESTERN),
    "mac_roman": frozenset(_WESTERN),
}
_LEGACY = [
    *_LATIN,
    *"cp1251 koi8_r cp866 cp1253 iso8859_7 cp1255 cp1256 cp932 euc_jp gb18030 big5 euc_kr".split(),
]
_SAMPLE_BYTES = 1 << 16  # what detection looks at: more does not make the guess better, only slower
_FEW_BYTES = 4  # with fewer bytes outside ASCII there is nothing to detect: the most common encoding is the best guess
_CONTEXT_BYTES = 200  # how much of a line before its first byte outside ASCII helps to guess
_HIGH_BYTES = bytes(range(0x80, 0x100))
_OUTSIDE_ASCII = re.compile(rb"[\x80-\xff]")
_ONLY_IN_WINDOWS = re.compile(rb"[\x80-\x9f]")


def load(data: bytes) -> Content:
    """Decode a text file: the text is the file's own after the byte order mark, its line breaks as they are.

    A guessed encoding and replaced bytes are reported in `remarks`. Raises LoadError for binary data.
    """
    if data.startswith(b"\x00\x00\xfe\xff") or not _is_binary(data):
        loaded = _marked(data) or _utf8(data) or _utf16(data) or _legacy(data)
        if not _is_garbage(loaded.text):
            return loaded
    raise LoadError("the file is binary, not text")


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes of a file, which may end inside a character, are those of a text."""
    try:
        load(head)
    except LoadError:
        return False
    return True


def _is_binary(data: bytes) -> bool:
    """NUL bytes outside UTF-16 and UTF-32, or too many control characters."""
    if b"\0" in data:
        return not (data.startswith((b"\xff\xfe", b"\xfe\xff")) or _utf16_order(data))
    return _share_of_controls(data) > _MOST_CONTROLS


def _share_of_controls(data: bytes) -> float:
    return 1 - len(data.translate(None, _CONTROLS)) / len(data) if data else 0.0


def _is_garbage(text: str) -> bool:
    """Text that only looked like Unicode: more than half of it could not be decoded, or is control characters."""
    head = text[:_SAMPLE_BYTES]
    return 2 * head.count("\ufffd") > len(head) or _share_of_controls(head.encode()) > _MOST_CONTROLS


def _marked(data: bytes) -> Content | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    return None


def _replacing(data: bytes, encoding: str) -> Content:
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd") - data.count("\ufffd".encode(encoding))
    if broken <= 0:
        return Content(text)
    name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
    return Content(text, remarks=(f"{broken} {'places are' if broken > 1 else 'place is'} not valid {name}",))


def _utf8(data: bytes) -> Content | None:
    """Read as UTF-8, which text in another encoding hardly ever is by chance, if nearly all of it is valid."""
    if b"\0" in data:
        return None
    try:
        return Content(data.decode("utf-8"))
    except UnicodeDecodeError:
        loaded = _replacing(data, "utf-8")
    ascii_only = len(data.translate(None, _HIGH_BYTES))
    broken = loaded.text.count("\ufffd")
    return loaded if broken <= _MOST_DAMAGE * (len(loaded.text) - ascii_only) else None


def _utf16(data: bytes) -> Content | None:
    order = _utf16_order(data) if b"\0" in data else None
    return _replacing(data, order) if order else None


def _utf16_order(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, if evident: every second byte is NUL, as in European languages."""
    head = data[:_SAMPLE_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    rare, often = 0.02 * len(head), 0.3 * len(head)
    if odd >= often and even <= rare:
        return "utf-16-le"
    return "utf-16-be" if even >= often and odd <= rare else None


def _legacy(data: bytes) -> Content:
    for encoding in (*_guesses(_sample(data)), "cp1252"):
        try:
            return Content(data.decode(encoding), remarks=(f"read as {_public_name(encoding)} (guessed)",))
        except UnicodeDecodeError:
            continue
    return Content(data.decode("latin-1"), remarks=("read as iso-8859-1 (guessed)",))


def _sample(data: bytes) -> bytes:
    """All of a small file, of a large one the first lines that are not pure ASCII."""
    if len(data) <= _SAMPLE_BYTES:
        return data
    lines: list[bytes] = []
    left, at = _SAMPLE_BYTES, 0
    while left > 0 and (accent := _OUTSIDE_ASCII.search(data, at)):
        start = max(at, accent.start() - _CONTEXT_BYTES, data.rfind(b"\n", at, accent.start()) + 1)
        at = data.find(b"\n", accent.start(), start + left)
        if at < 0:
            lines.append(_whole_characters(data[start : start + left], fallback=not lines))
            break
        lines.append(data[start:at])
        left -= at - start
    return b"\n".join(lines)


def _whole_characters(cut: bytes, *, fallback: bool) -> bytes:
    """Drop what follows the last byte that is a character of its own in every encoding: a space, a comma."""
    whole = cut.rstrip(bytes(range(0x30, 0x100)))
    return cut if fallback and not whole else whole


def _guesses(sample: bytes) -> list[str]:
    outside_ascii = len(sample) - len(sample.translate(None, _HIGH_BYTES))
    if outside_ascii < _FEW_BYTES:
        return []
    from charset_normalizer import from_bytes  # imported only here: most files are UTF-8

    matches = from_bytes(sample, cp_isolation=_LEGACY, preemptive_behaviour=False)
    encodings = [match.encoding for match in matches if match.encoding != "euc_kr" or _is_korean(str(match))]
    if encodings and encodings[0] in _LATIN:
        encodings.insert(0, _latin_guess(sample))
    return encodings


def _is_korean(text: str) -> bool:
    """Whether Korean letters prevail by far: Chinese read as Korean is a mixture of them and Chinese characters."""
    hangul = sum("\uac00" <= char <= "\ud7a3" for char in text)
    chinese = sum("\u4e00" <= char <= "\u9fff" for char in text)
    return hangul > 10 * chinese


def _latin_guess(sample: bytes) -> str:
    best = max(_LATIN, key=lambda encoding: _share_of_common(sample, encoding))
    if best == "cp1250" and not _ONLY_IN_WINDOWS.search(sample):
        return "iso8859_2"  # hardly a sentence of Polish or Czech in windows-1250 has none of these bytes
    return best


def _share_of_common(sample: bytes, encoding: str) -> float:
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    outside_ascii = [char for char in text if not char.isascii()]
    return sum(char in _LATIN[encoding] for char in outside_ascii) / max(1, len(outside_ascii))


def _public_name(codec: str) -> str:
    """The name that people and browsers use: windows-1252, iso-8859-2, koi8-r."""
    return codec.replace("cp12", "windows-12").replace("iso8859", "iso-8859").replace("_", "-")
