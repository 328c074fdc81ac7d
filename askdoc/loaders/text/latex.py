r"""LaTeX: what a reader sees of it, without preamble, comments and commands, with the path of headings.

Commands are not run: those that only format vanish and leave what they format, `\newcommand` without arguments is put
in where it is used, and what is unknown is left out, its arguments in braces kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from askdoc.loaders.rows import row_sentences
from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import MAX_LABEL, Outline, Part, assemble
from askdoc.types import Content

MAX_CHARACTERS = 10_000_000  # reading takes about 1 s a million characters; longer texts stay as they are
MAX_DEFINITION = 200  # characters that a command of the author's own may expand to

_VERBATIM = r"verbatim\*?|Verbatim|lstlisting|minted|comment"
_TOKEN = re.compile(
    rf"""
    (?P<comment>%[^\n]*+(?:\n[ \t]*+(?!\s))?)                # with the line's end, and the indent of the next
  | \\begin\{{(?P<verbatim>{_VERBATIM})\}}(?:\[[^\]\n]{{0,200}}+\])?
  | \\verb\*?(?P<quote>[^\w\s*])(?P<quoted>[^\n]{{0,200}}?)(?P=quote)
  | \\(?P<edge>begin|end)[ \t]{{0,9}}\{{(?P<environment>[^{{}}\n]{{0,60}})\}}
  | \\(?P<accent>["'`^~=.]|[HcvbdkruC](?![A-Za-z]))[ \t]{{0,9}}
      (?:\{{\\?(?P<in>[A-Za-z])\}}|\\(?P<dotless>[ij])[ \t]*+|(?P<on>[A-Za-z]))
  | \\(?P<name>[A-Za-z@]++)\*?[ \t]*+
  | \\(?P<sign>[^A-Za-z@])
  | (?P<open>\{{) | (?P<close>\}})
  | (?P<special>---|--|``|''|[~&$])
    """,
    re.VERBOSE,
)
_BRACE = re.compile(
    rf"%[^\n]*+|\\begin\{{(?P<verbatim>{_VERBATIM})\}}|\\verb\*?([^\w\s*])[^\n]{{0,200}}?\2|\\.|(?P<brace>[{{}}])", re.S
)
_OPTION = re.compile(r"\s{0,9}\[[^\]\[]{0,500}\]")
_GROUP = re.compile(r"\s{0,9}\{")
_DEFINED = re.compile(
    r"\s{0,9}\{?\s{0,9}\\(?P<name>[A-Za-z@]++)\s{0,9}\}?(?P<arguments>\[\d\])?(?:\[[^\]\n]{0,200}\])?"
)
_PREAMBLE = re.compile(r"\\(?P<name>title|author|date|(?:re|provide)?newcommand|def)(?![A-Za-z])\*?")
_BODY = re.compile(r"^[^%\n]*?\\begin\{document\}", re.M)
_COMMAND = re.compile(r"\\[A-Za-z@]+[ \t]*|[{}$]")

_LEVELS = {
    name: level for level, name in enumerate("title part chapter section subsection subsubsection paragraph".split())
} | {"subparagraph": 7, "frametitle": 5, "addchap": 2, "addsec": 3}
_DROPPED = dict.fromkeys(
    "label documentclass usepackage RequirePackage includegraphics bibliography bibliographystyle vspace hspace vskip "
    "pagestyle thispagestyle pagenumbering hypersetup color pagecolor cline cmidrule index textcolor colorbox parbox "
    "graphicspath addbibresource nocite selectlanguage tikzset lstset foreignlanguage phantom hyphenation "
    "hypertarget".split(),
    1,
) | dict.fromkeys(["multicolumn", "multirow", "setlength", "addtolength", "setcounter", "fcolorbox"], 2)
# What is shown of a command whose argument is no text of its own
_KEYS = dict.fromkeys("url path ref eqref pageref autoref cref Cref nameref vref".split(), "{}")
_KEYS["bibitem"] = "\n\n[{}] "
_AROUND = {  # what is shown before and after the argument
    "footnote": (" (", ")"), "caption": ("\n\n", "\n\n"), "author": ("\n\n", "\n\n"), "date": ("\n\n", "\n\n"),
    "frac": ("", "/"), "tfrac": ("", "/"), "dfrac": ("", "/"), "sqrt": ("√(", ")"), "thanks": (" (", ")"),
    "enquote": ("“", "”"),
}  # fmt: skip
_SHOWN = {
    "ldots": "…", "dots": "…", "cdots": "…", "textellipsis": "…", "textendash": "–", "textemdash": "—", "S": "§",
    "LaTeX": "LaTeX", "TeX": "TeX", "copyright": "©", "texteuro": "€", "euro": "€", "EUR": "€", "pounds": "£",
    "textsterling": "£", "degree": "°", "textdegree": "°", "circ": "°", "times": "×", "pm": "±", "leq": "≤", "le": "≤",
    "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "∼", "cdot": "·", "to": "→",
    "rightarrow": "→", "infty": "∞", "ss": "ß", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
    "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "i": "i", "j": "j", "par": "\n\n", "newline": "\n", "linebreak": "\n",
    "and": ", ", "quad": " ", "qquad": " ", "textbackslash": "\\", "textasciitilde": "~", "textquotesingle": "'",
    "percent": "%", "slash": "/", "item": "\n- ", "tableofcontents": "", "maketitle": "", "textbar": "|",
}  # fmt: skip
_SILENT_IN_MATH = frozenset(
    "left right big Big bigg Bigg mathrm mathbf mathit mathcal mathbb mathsf text textbf textit operatorname limits "
    "displaystyle nonumber notag label boldsymbol hat bar tilde vec overline underline mbox".split()
)
_SIGNS = {sign: sign for sign in "%&$#_{}"} | dict.fromkeys(",;: \n\t", " ") | dict.fromkeys("[]", "\n")
_SPECIAL = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}
_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "H": "\u030b", "c": "\u0327", "v": "\u030c", "b": "\u0331", "d": "\u0323", "k": "\u0328", "r": "\u030a",
    "u": "\u0306", "C": "\u030f",
}  # fmt: skip
_MATH = frozenset("equation align gather multline eqnarray displaymath math alignat flalign".split())
_TABLES = {"tabular": 1, "tabular*": 2, "tabularx": 2, "tabulary": 2, "longtable": 1, "supertabular": 1, "array": 1}
_WITH_ARGUMENTS = {"minipage": 1, "thebibliography": 1, "multicols": 1, "wrapfigure": 2, "adjustbox": 1, "tblr": 1}
_INPUTS = frozenset(["input", "include", "subfile"])
_DEFINITIONS = frozenset(["newcommand", "renewcommand", "providecommand", "def"])
_CELL, _ROW = "\x1f", "\x1e"  # between the cells and rows of a table that is being read

_SPACES = re.compile(r"[ \t]*+\n[ \t]*+")
_BLANK = re.compile(r"\n{3,}+")
_BEFORE_ITEM = re.compile(r"\n\n(?=- )")


def load(data: bytes) -> Content:
    r"""Read a document, or a part of one without `\begin{document}`. Files that it takes in are named in `remarks`.

    Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    if len(loaded.text) > MAX_CHARACTERS:
        return replace(loaded, remarks=(*loaded.remarks, "too long to be read as LaTeX; read as plain text"))
    reader = _Reader(loaded.text.replace("\r\n", "\n").replace("\r", "\n").replace(_CELL, " ").replace(_ROW, " "))
    parts = list(reader.parts())
    inputs = ", ".join(dict.fromkeys(reader.inputs))
    remarks = [f"takes in other files, which are read on their own if they are indexed: {inputs}"] if inputs else []
    return assemble(parts, (*loaded.remarks, *remarks))


class _Reader:
    """Goes through a text once, from token to token, and collects what is shown, part by part."""

    def __init__(self, text: str) -> None:
        self.inputs: list[str] = []
        self._text = text
        self._closing = _pairs(text)
        self._defined: dict[str, str] = {}
        self._outline = Outline()
        self._shown: list[str] = []
        self._behind: dict[int, str] = {}  # what is shown at a closing brace
        self._heading: tuple[int, int] | None = None  # where the heading that is being read ends, and its level
        self._tables: list[int] = []  # where in `_shown` the tables begin that are being read
        self._math = False

    def parts(self) -> Iterator[Part]:
        body = _BODY.search(self._text)
        start = body.end() if body else 0
        for definition in _PREAMBLE.finditer(self._text, 0, start):
            end = self._group_end(definition.end())
            if definition["name"] not in _LEVELS | _AROUND:
                self._define(definition.end())
            elif end is not None:
                yield from self._read(definition.start(), end)
        yield from self._read(start, len(self._text))
        yield self._finished()

    def _finished(self) -> Part:
        part = Part(self._outline.label, _tidy("".join(self._shown)))
        self._shown = []
        return part

    def _read(self, start: int, end: int) -> Iterator[Part]:
        while token := _TOKEN.search(self._text, start, end):
            self._shown.append(self._text[start : token.start()])
            if token["name"] in _LEVELS and self._heading is None and not self._tables:
                start = self._after_options(token.end())
                if (close := self._group_end(start)) is not None:
                    yield self._finished()
                    self._heading = close - 1, _LEVELS[token["name"]]
            elif self._heading and token.start() == self._heading[0]:
                self._end_heading(self._heading[1])
                start = token.end()
            elif token["environment"] == "document":
                return
            else:
                start = self._token(token)
        self._shown.append(self._text[start:end])

    def _end_heading(self, level: int) -> None:
        title = " ".join("".join(self._shown).split())
        if 0 < len(title) <= MAX_LABEL:
            self._outline.enter(level, title)
        self._shown = [title, "\n\n"]
        self._heading = None

    def _token(self, token: re.Match[str]) -> int:
        """Show a token, and return where to read on."""
        if token["verbatim"] is not None:
            return self._show_verbatim(token)
        if token["environment"] is not None:
            return self._environment(token["edge"], token["environment"].strip(), token.end())
        if token["name"] is not None:
            return self._command(token["name"], token.end())
        self._shown.append(self._sign(token))
        return self._after_options(token.end()) if token["sign"] == "\\" else token.end()

    def _sign(self, token: re.Match[str]) -> str:
        """What is shown of a token that is no command."""
        if token["close"]:
            return self._behind.pop(token.start(), "")
        if token["accent"]:
            return unicodedata.normalize(
                "NFC", (token["in"] or token["dotless"] or token["on"]) + _ACCENTS[token["accent"]]
            )
        if token["special"]:
            return self._special(token["special"])
        if token["sign"]:
            self._math = (self._math or token["sign"] in "([") and token["sign"] not in ")]"
            return (_ROW if self._tables else "\n") if token["sign"] == "\\" else _SIGNS.get(token["sign"], "")
        return token["quoted"] or ""

    def _special(self, sign: str) -> str:
        if sign == "$":
            self._math = not self._math
        return (_CELL if self._tables else " ") if sign == "&" else _SPECIAL.get(sign, "")

    def _show_verbatim(self, token: re.Match[str]) -> int:
        closing = f"\\end{{{token['verbatim']}}}"
        end = self._text.find(closing, token.end())
        end = len(self._text) if end < 0 else end
        if token["verbatim"] != "comment":
            self._shown += ["\n\n", self._text[token.end() : end], "\n\n"]
        return end + len(closing)

    def _environment(self, edge: str, name: str, at: int) -> int:
        plain_name = name.removesuffix("*")
        if plain_name in _MATH:
            self._math = edge == "begin"
        if edge == "end":
            self._end_environment(name)
            return at
        if name == "abstract":
            self._shown.append("\n\nAbstract")
        self._shown.append("\n" if plain_name in _MATH else "\n\n")
        if name in _TABLES:
            self._tables.append(len(self._shown))
        return self._after_groups(at, _TABLES.get(name, _WITH_ARGUMENTS.get(name, 0)))

    def _end_environment(self, name: str) -> None:
        if name in _TABLES and self._tables:
            first = self._tables.pop()
            table = "".join(self._shown[first:])
            self._shown[first:] = ["\n".join(_rows(table))]
        self._shown.append("\n" if name.removesuffix("*") in _MATH else "\n\n")

    def _command(self, name: str, at: int) -> int:
        if name in _DEFINITIONS:
            return self._define(at)
        if name in _DROPPED:
            return self._after_groups(at, _DROPPED[name])
        if name in _KEYS or name in _INPUTS or "cite" in name.lower():
            return self._key(name, at)
        if name == "href":
            return self._link(at)
        if name == "item":
            return self._item(at)
        at = self._after_options(at) if self._text.startswith("[", at) and not self._math else at
        before, behind = _AROUND.get(name, ("", ""))
        close = self._group_end(at)
        if behind and close is not None:
            self._behind[close - 1] = behind
        self._shown.append(before if name in _AROUND else self._symbol(name))
        return at

    def _symbol(self, name: str) -> str:
        if name in self._defined:
            return self._defined[name]
        if name in _SHOWN:
            return _SHOWN[name]
        size = "CAPITAL" if name[0].isupper() else "SMALL"
        try:
            return unicodedata.lookup(f"GREEK {size} LETTER {name.removeprefix('var').upper()}")
        except KeyError:
            return f"{name} " if self._math and name not in _SILENT_IN_MATH else ""

    def _define(self, at: int) -> int:
        definition = _DEFINED.match(self._text, at)
        close = None if definition is None else self._group_end(definition.end())
        if definition is None or close is None:
            return at
        body = self._text[definition.end() : close].strip()[1:-1]
        if definition["arguments"] is None and len(body) <= MAX_DEFINITION:
            self._defined[definition["name"]] = _COMMAND.sub("", body)
        return close

    def _key(self, name: str, at: int) -> int:
        """A reference, a citation, an address, a file: its argument is shown as it is written, or named."""
        at = self._after_options(at)
        close = self._group_end(at)
        if close is None:
            return at
        key = self._text[at:close].strip()[1:-1]
        if name in _INPUTS:
            self.inputs.append(" ".join(key.split())[:MAX_LABEL])
        else:
            self._shown.append(_KEYS.get(name, "[{}]").replace("{}", key))
        return close

    def _link(self, at: int) -> int:
        after = self._after_groups(at, 1)
        close = self._group_end(after)
        if close is not None:
            self._behind[close - 1] = f" ({self._text[at:after].strip()[1:-1]})"
        return after

    def _item(self, at: int) -> int:
        option = _OPTION.match(self._text, at)
        term = _COMMAND.sub("", option[0].strip()[1:-1]) if option else ""
        self._shown.append(f"\n- {term}: " if term else "\n- ")
        return option.end() if option else at

    def _after_options(self, at: int) -> int:
        while option := _OPTION.match(self._text, at):
            at = option.end()
        return at

    def _after_groups(self, at: int, count: int) -> int:
        at = self._after_options(at)
        for _ in range(count):
            at = self._after_options(self._group_end(at) or at)
        return at

    def _group_end(self, at: int) -> int | None:
        """Where the group in braces ends that begins at `at`, white space aside; None if there is none."""
        opening = _GROUP.match(self._text, at)
        return None if opening is None else self._closing.get(opening.end() - 1)


def _pairs(text: str) -> dict[int, int]:
    """For each opening brace with a partner, where its group ends."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    at = 0
    while token := _BRACE.search(text, at):
        at = token.end()
        if token["verbatim"] is not None:
            end = text.find(f"\\end{{{token['verbatim']}}}", at)
            at = len(text) if end < 0 else end
        elif token["brace"] == "{":
            opened.append(token.start())
        elif token["brace"] and opened:
            pairs[opened.pop()] = at
    return pairs


def _rows(table: str) -> Iterator[str]:
    cells = ([" ".join(cell.split()) for cell in row.split(_CELL)] for row in table.split(_ROW))
    return (sentence for _, sentence in row_sentences(enumerate(cells, 1), may_be_pairs=False))


def _tidy(text: str) -> str:
    lines = _SPACES.sub("\n", " ".join(re.split(r"[ \t]+", text)))
    return _BEFORE_ITEM.sub("\n", _BLANK.sub("\n\n", lines.replace(_CELL, " ").replace(_ROW, "\n")))
