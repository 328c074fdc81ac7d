"""Documents that are zip archives of XML: read part by part, with bounds, and without anything from outside."""

from __future__ import annotations

import posixpath
import zipfile
from io import BytesIO
from urllib.parse import unquote

from askdoc.errors import LoadError
from askdoc.loaders.xml import Element, children, parse_xml

MAX_PART = 64 * 1024**2  # bytes of one part, unpacked; its tree takes several times as much
MAX_PARTS = 4 * MAX_PART  # bytes of all parts that are read
MAX_ENTRIES = 100_000

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream that holds an encrypted office document


class Package:
    """The parts of a document by name. Raises LoadError for what is locked, of an old format or absurdly large."""

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE):
            raise _old_or_locked(data)
        self._zip = zipfile.ZipFile(BytesIO(data))
        if len(self._zip.infolist()) > MAX_ENTRIES:
            raise LoadError(f"it is an archive of more than {MAX_ENTRIES} parts, which no document has")
        self.names = frozenset(self._zip.namelist())
        self._read = 0

    def read(self, name: str) -> bytes:
        """A part's bytes. Raises KeyError if there is no such part."""
        info = self._zip.getinfo(name)
        self.count(info.file_size)
        if info.flag_bits & 1:
            raise locked()
        return self._zip.read(info)

    def count(self, size: int) -> None:
        """Take note that a part of this size, in bytes, is unpacked. Raises LoadError if that is too much."""
        self._read += size
        if size > MAX_PART or self._read > MAX_PARTS:
            raise LoadError("it unpacks to more than can be read", hint="split it, or save it as plain text")

    def xml(self, name: str) -> Element:
        """The root element of a part."""
        return parse_xml(self.read(name))

    def xml_if_there(self, name: str) -> Element | None:
        """The root element of a part that not every document has."""
        return self.xml(name) if name in self.names else None

    def sizes(self) -> dict[str, int]:
        """The bytes of each part, unpacked."""
        return {info.filename: info.file_size for info in self._zip.infolist()}


def locked() -> LoadError:
    """What to say of a document that is encrypted."""
    return LoadError("it is encrypted with a password: save it without one to have it read")


def resolve(base: str, target: str) -> str:
    """The name of a part that another one, `base`, refers to."""
    path = unquote(target.split("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname("/" + base), path)).lstrip("/")


def relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """What a part of an Office document refers to: id → (last word of the type, name of the part)."""
    folder, _, name = part.rpartition("/")
    root = package.xml_if_there(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
    return {
        relation.get("Id", ""): (relation.get("Type", "").rpartition("/")[2], resolve(part, relation.get("Target", "")))
        for relation in children(root, "Relationship")
        if relation.get("TargetMode") != "External"
    }


def related(package: Package, part: str, kind: str) -> list[str]:
    """The parts of a kind, such as "styles", that a part refers to and that are there."""
    return [name for found, name in relations(package, part).values() if found == kind and name in package.names]


def _old_or_locked(data: bytes) -> LoadError:
    if _ENCRYPTED in data:
        return locked()
    return LoadError("it is in the format of Office before 2007: save it in today's format (.docx, .pptx, .xlsx)")
