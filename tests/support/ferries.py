"""One notice about a ferry in every format that askdoc reads, in versions: what one edits, and what one keeps."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable

from programs import ROOT

from askdoc.loaders import LOADERS

sys.path.append(str(ROOT / "tests" / "contracts"))
from test_loaders import CUE, PLAIN, SAMPLES  # type: ignore[import-not-found]  # a new format adds its sample there

SALUTATION = "Dear Mette."  # of this length in the Outlook file, whose parts have fixed places
_ODT = b'<text:p text:style-name="Text_20_body">'
_ODP = b'<text:p text:style-name="P6">'
_ODS = b'<table:table-row table:style-name="ro1"><table:table-cell office:value-type="string"><text:p>%s</text:p>'
_XLSX = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>'

# The place in each sample before which the salutation goes, and how it is written there.
BEFORE: dict[str, tuple[bytes, bytes]] = {
    ".tex": (b"The ", b"%s\n\n"),
    ".eml": (b"The ", b"%s\n\n"),
    ".mbox": (b"The ", b"%s\n\n"),
    ".csv": (b"\xd6zg\xfcr,", b"Lund,%s\n"),
    ".tsv": ("Özgür\t".encode(), b"Lund\t%s\n"),
    ".json": (b'{"text"', b'{"text": "%s"}, '),
    ".jsonl": (b'{"text"', b'{"text": "%s"}\n'),
    ".ndjson": (b'["The ', b'["%s"]\n'),
    ".ipynb": (b'{"cell_type"', b'{"cell_type": "markdown", "source": ["%s"]}, '),
    ".srt": (b"1\n", f"0\n{CUE}".encode() + b"%s\n\n"),
    ".vtt": (CUE.encode(), CUE.encode() + b"%s\n\n"),
    ".html": (b"<p>The ", b"<p>%s</p>"),
    ".epub": (b"<p>The ", b"<p>%s</p>"),
    ".rtf": (b"{\\pard \\ql \\f0 \\sa180 \\li0 \\fi0 The ", b"{\\pard \\ql %s\\par}\n"),
    ".odt": (_ODT, _ODT + b"%s</text:p>"),
    ".odp": (_ODP, _ODP + b"%s</text:p>"),
    ".ods": (b'<table:table-row table:style-name="ro1">', _ODS + b"</table:table-cell></table:table-row>"),
    ".docx": (b'<w:p><w:pPr><w:pStyle w:val="FirstParagraph"', b"<w:p><w:r><w:t>%s</w:t></w:r></w:p>"),
    ".pptx": (b'<a:p><a:pPr lvl="0"', b"<a:p><a:r><a:t>%s</a:t></a:r></a:p>"),
    ".xlsx": (_XLSX % (1, 1), _XLSX % (1, 1) + b"%s</t></is></c></row>"),
}
BEFORE |= {other: BEFORE[ending] for other, ending in [
    (".xhtml", ".html"), (".htm", ".html"), (".docm", ".docx"), (".pptm", ".pptx"), (".xlsm", ".xlsx"),
]}  # fmt: skip


def ferry(ending: str, time: str, *, salutation: str = SALUTATION, island: str = "Island") -> bytes:
    """A file of this format: the salutation, then the sentence that the ferry to Özgür `island` leaves at `time`.

    It is the format's sample, edited; only the PDF, in which text cannot be replaced, is written from scratch.
    """
    sample = SAMPLES[ending]
    assert len(time) == len("nine")
    assert len(island) == len("Island")
    if ending == ".pdf":
        return _pdf(salutation, f"The ferry to Özgür {island} leaves at {time}.")
    if ending == ".msg":  # UTF-16, and every stream keeps its size
        assert len(salutation) in range(len(SALUTATION), 0, -2)
        padding = "\r\n" * ((len(SALUTATION) - len(salutation)) // 2)  # a line break is one character when it is read
        replaced = {"Dear Mette,": salutation + padding, "nine": time, "Island": island}
        for old, new in replaced.items():
            sample = sample.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))
        return bytes(sample)
    anchor, written = (sample[:1], b"%s\n\n") if ending in PLAIN else BEFORE[ending]

    def edited(data: bytes) -> bytes:
        if b"nine" not in data or anchor not in data:
            return data
        data = data.replace(b"nine", time.encode()).replace(b"Island", island.encode())
        data = data.replace(anchor, written % salutation.encode() + _second(anchor), 1)
        return data.replace(b'"A1:A1"', b'"A1:A2"')

    return _rezipped(sample, edited) if sample.startswith(b"PK") else edited(sample)


def _second(anchor: bytes) -> bytes:
    """What follows the salutation: a row of a workbook has a number."""
    return _XLSX % (2, 2) if anchor == _XLSX % (1, 1) else anchor


def _rezipped(data: bytes, edited: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream := io.BytesIO(), "w") as new:
        for member in old.infolist():
            new.writestr(member, edited(old.read(member)))
    return stream.getvalue()


def _pdf(*lines: str) -> bytes:
    """One page with these lines, some way apart. Readers put up with the missing table of objects."""
    shown = b"".join(
        b"BT /F 12 Tf 72 %d Td (%s) Tj ET\n" % (700 - 40 * row, line.encode("cp1252")) for row, line in enumerate(lines)
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    body = b"".join(b"%d 0 obj%s endobj\n" % (number, data) for number, data in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF\n"


assert {*LOADERS} == {*PLAIN, *BEFORE, ".msg", ".pdf"}, "a new format says here where its text can be edited"
