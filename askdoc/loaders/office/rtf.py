"""Rich Text Format (RTF): the text with all changes accepted, under the path of its headings."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from askdoc.errors import LoadError
from askdoc.loaders.guard import guarded
from askdoc.loaders.textbuilder import TextBuilder
from askdoc.types import Content

_MAX_DEPTH = 1000  # of groups within groups
_HEADING_LEVELS = 9

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    r"|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)|\\",
    re.DOTALL,
)
# Groups that hold no text of the document. One that begins with \* may be skipped unless it is known.
_NO_TEXT = frozenset(
    "colortbl info pict object header headerl headerr headerf footer footerl footerr footerf fldinst themedata "
    "listtable listoverridetable rsidtbl generator xmlnstbl annotation atnid atnauthor bkmkstart bkmkend nonshppict "
    "shprslt datafield filetbl revtbl latentstyles datastore colorschememapping pgptbl sp ftnsep ftnsepc ftncn aftnsep "
    "aftnsepc aftncn pntxta pntxtb xe tc rxe mmathPr".split()
)
_KNOWN = frozenset("footnote shpinst shptxt shppict".split())
_ASIDE = frozenset("footnote shptxt".split())  # text outside the paragraph it is written in
_PICTURES = frozenset("pict object".split())
_SIGNS = {
    "tab": " ", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ", "nestcell": " ", "nestrow": " ",
    "lbr": "\n", "softline": "\n",
}  # fmt: skip
# A font's character set → its encoding
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_OWN = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}


@dataclass(frozen=True, slots=True)
class _State:
    """What holds within a group."""

    kind: str = "body"  # the destination: "body", "skip", "fonttbl", "stylesheet", "listtext" or one of `_ASIDE`
    encoding: str = ""  # of the font; "" for that of the document
    font: int = 0
    hidden: bool = False
    deleted: bool = False
    fallback: int = 1  # how many characters follow \u for readers that do not know it


@dataclass(slots=True)
class _Paragraph:
    """What is being written, and what it is."""

    words: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    mark: list[str] = field(default_factory=list)  # the bullet or number of a list's item
    style: int = -1
    outline: int = -1
    in_table: bool = False


@guarded("RTF document")
def load(data: bytes) -> Content:
    """Read an RTF document; pictures, comments and running heads are left out."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ValueError("no RTF")
    return _Reader().read(data)


class _Reader:
    def __init__(self) -> None:
        self.builder = TextBuilder()
        self.encoding = "cp1252"
        self.fonts: dict[int, str] = {}
        self.styles: dict[int, str] = {}
        self.style_words: list[str] = []
        self.state = _State()
        self.stack: list[tuple[_State, _Paragraph | None]] = []
        self.open = _Paragraph()
        self.asides: list[str] = []
        self.aside_depth = 0  # how many groups of such text are open
        self.rows: list[list[str]] = []
        self.headed = False
        self.raw = bytearray()  # bytes that are not yet decoded: a character may take two
        self.skip = 0  # characters that only repeat the last \u
        self.begins = False  # a group has just begun
        self.star = False

    def read(self, data: bytes) -> Content:
        """Go through the tokens of a document once."""
        text = data.decode("latin-1")
        at = 0
        while token := _TOKEN.match(text, at):
            at = token.end()
            if token["word"] == "bin":
                at += max(0, int(token["number"] or 0))  # bytes of a picture that follow
            elif token["word"]:
                self._word(token["word"], token["number"])
            elif token["brace"]:
                self._brace(token["brace"])
            elif token["hex"]:
                self._bytes(bytes.fromhex(token["hex"]))
            elif token["text"]:
                self._bytes(token["text"].encode("latin-1"))
            elif token["sign"]:
                self._sign(token["sign"])
        self._end_paragraph()
        self._end_table()
        self._end_paragraph()  # footnotes and boxes of the table
        return self.builder.content()

    # --- text

    def _bytes(self, data: bytes) -> None:
        self.begins = False
        skipped = min(self.skip, len(data))
        self.skip -= skipped
        self.raw += data[skipped:]

    def _decode(self) -> None:
        if self.raw:
            text = self.raw.decode(self.state.encoding or self.encoding, "replace")
            self.raw = bytearray()
            self._write(text)

    def _write(self, text: str) -> None:
        state = self.state
        if state.kind == "stylesheet":
            self.style_words.append(text)
        elif state.kind in ("skip", "fonttbl") or state.deleted:
            return
        elif state.hidden:
            self.builder.leave_out("hidden place", int(bool(text.strip())))
        elif state.kind == "listtext":
            self.open.mark.append(text)
        else:
            self.open.words.append(text)

    def _sign(self, sign: str) -> None:
        if sign == "*":
            self.star = self.begins
            return
        self._decode()
        self.begins = False
        if sign in "~_":
            self._write(" " if sign == "~" else "-")
        elif sign in "\r\n":
            self._end_paragraph()
        elif sign in "\\{}":
            self._write(sign)

    # --- groups

    def _brace(self, brace: str) -> None:
        self._decode()
        self.skip = 0
        if brace == "{":
            if len(self.stack) > _MAX_DEPTH:
                raise LoadError("its groups are nested deeper than any program writes them")
            self.stack.append((self.state, None))
            self.begins = True
        elif self.stack:
            if self.state.kind == "stylesheet":
                self._end_style()
            self.state, outer = self.stack.pop()
            if outer is not None:
                self.aside_depth -= 1
                self.asides.append("".join(self.open.words))
                self.open = outer
            self.begins = False
        self.star = False

    def _begin(self, kind: str) -> None:
        """What the group that has just begun is for."""
        if kind in _PICTURES and self.state.kind != "skip":
            self.builder.leave_out("picture")
        if self.state.kind == "skip":
            return
        if kind in _ASIDE:
            self.stack[-1] = (self.stack[-1][0], self.open)
            self.open = _Paragraph()
            self.aside_depth += 1
            self.state = replace(self.state, kind="body")
        elif kind in ("fonttbl", "stylesheet", "listtext", "pntext"):
            self.state = replace(self.state, kind="listtext" if kind == "pntext" else kind)
        elif kind in _NO_TEXT or (self.star and kind not in _KNOWN):
            self.state = replace(self.state, kind="skip")

    def _end_style(self) -> None:
        name = "".join(self.style_words).partition(";")[0].strip().casefold()
        self.style_words = []
        if self.open.style >= 0 and name:
            self.styles[self.open.style] = name
        self.open.style = -1

    # --- control words

    def _word(self, word: str, digits: str | None) -> None:
        self._decode()
        begins, self.begins = self.begins, False
        number = None if digits is None else int(digits)
        if begins:
            self._begin(word)
        if self.skip and word != "u":
            self.skip = max(0, self.skip - 1) if word in _SIGNS else 0
        if word == "u" and number is not None:
            self._unicode(number)
        elif word in _SIGNS:
            self._write(_SIGNS[word])
        elif not self._encoding(word, number):
            self._formatting(word, number)

    def _unicode(self, number: int) -> None:
        code = number % 0x10000
        if 0xDC00 <= code < 0xE000 and self.open.words and self.open.words[-1:] and self.state.kind == "body":
            pair = (self.open.words.pop() + chr(code)).encode("utf-16", "surrogatepass")
            self._write(pair.decode("utf-16", "replace"))
        else:
            self._write(chr(code))
        self.skip = self.state.fallback

    def _encoding(self, word: str, number: int | None) -> bool:
        """Follow a word about the encoding; whether it was such a word."""
        if word in _OWN:
            self.encoding = _OWN[word]
        elif word == "ansicpg":
            self.encoding = _known(f"cp{number}", self.encoding)
        elif word == "uc":
            self.state = replace(self.state, fallback=max(0, number or 0))
        elif word in ("f", "af") and number is not None:
            self.state = replace(self.state, font=number, encoding=self.fonts.get(number, ""))
        elif word == "fcharset" and self.state.kind == "fonttbl":
            self.fonts[self.state.font] = _CHARSETS.get(number or 0, "") if number else ""
        else:
            return False
        return True

    def _formatting(self, word: str, number: int | None) -> None:
        if word in ("v", "deleted", "plain"):
            on = number != 0 and word != "plain"
            hidden = on if word in ("v", "plain") else self.state.hidden
            deleted = on if word in ("deleted", "plain") else self.state.deleted
            self.state = replace(self.state, hidden=hidden, deleted=deleted, encoding=self.state.encoding)
        elif self.state.kind == "stylesheet":
            self.open.style = number if word == "s" and number is not None else self.open.style
        elif self.state.kind == "body":
            self._structure(word, number)

    def _structure(self, word: str, number: int | None) -> None:
        if word in ("par", "sect", "page") and not self.open.in_table and not self.aside_depth:
            self._end_paragraph()
        elif word in ("par", "sect", "page"):
            self.open.words.append("\n")
        elif word == "pard":
            self.open.style = self.open.outline = -1
            self.open.in_table = False
        elif word == "s" and number is not None:
            self.open.style = number
        elif word == "outlinelevel" and number is not None:
            self.open.outline = number
        elif word == "intbl":
            self.open.in_table = True
        elif word == "cell":
            self.open.cells.append("".join([*self.open.mark, *self.open.words]))
            self.open.words, self.open.mark = [], []
        elif word == "row":
            self.rows.append(self.open.cells)
            self.open.cells, self.open.words = [], []
        elif word == "trhdr":
            self.headed = self.headed or not self.rows

    # --- blocks

    def _end_paragraph(self) -> None:
        self._decode()
        text, mark = "".join(self.open.words), "".join(self.open.mark).strip()
        self.open.words, self.open.mark = [], []
        if text.strip():
            self._end_table()
            self._add(text, mark)
        if not self.rows:
            for aside in self.asides:
                self.builder.paragraph(aside)
            self.asides = []

    def _add(self, text: str, mark: str) -> None:
        level = self._level()
        if level is not None:
            self.builder.heading(level, f"{mark} {text}")
        elif mark:
            self.builder.item(f"{mark if any(map(str.isalnum, mark)) else '•'} {text}")
        elif text.lstrip().startswith("•"):
            self.builder.item(text)
        else:
            self.builder.paragraph(text)

    def _end_table(self) -> None:
        if self.rows:
            self.builder.table(self.rows, headed=self.headed or None)
            self.rows, self.headed = [], False

    def _level(self) -> int | None:
        """Of which level the open paragraph is a heading: 0 for the title; None if it is none."""
        name = self.styles.get(self.open.style, "")
        if name == "title":
            return 0
        if name.startswith("heading ") and name[8:].isdecimal():
            return int(name[8:])
        return self.open.outline + 1 if 0 <= self.open.outline < _HEADING_LEVELS else None


def _known(encoding: str, default: str) -> str:
    if encoding == "cp65001":
        return "utf-8"
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return default
