"""Electronic books (EPUB): the chapters in reading order, under the book's title."""

from __future__ import annotations

from askdoc.errors import LoadError
from askdoc.loaders.guard import guarded
from askdoc.loaders.office.package import Package, resolve
from askdoc.loaders.textbuilder import TextBuilder, single_line
from askdoc.loaders.web import html
from askdoc.loaders.xml import Element, attribute, child, children, descendants
from askdoc.types import Content

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # these lock fonts alone


@guarded("electronic book (EPUB)")
def load(data: bytes) -> Content:
    """Read the chapters of a book, without its lists of contents. Raises LoadError for a locked book."""
    package = Package(data)
    _check_rights(package)
    opf = attribute(descendants(package.xml(_CONTAINER), "rootfile")[0], "full-path") or ""
    root = package.xml(opf)
    builder = TextBuilder()
    title = _title(root)
    contents = set(_contents(root, opf))
    missing = 0
    for name, wanted in _spine(root, opf):
        if name in contents or not wanted:
            continue
        if name not in package.names:
            missing += 1
            continue
        builder.move_to(title or None)
        _chapter(package, name, builder)
    builder.leave_out("chapter that is missing in the file", missing)
    return builder.content()


def _check_rights(package: Package) -> None:
    encryption = package.xml_if_there(_ENCRYPTION)
    for method in descendants(encryption, "EncryptionMethod"):
        if method.get("Algorithm") not in _FONT_METHODS:
            raise LoadError("it is locked by its seller (DRM) and cannot be read")


def _title(root: Element) -> str:
    title = child(root, "metadata", "title")
    return "" if title is None else single_line("".join(title.itertext()))


def _items(root: Element) -> dict[str, Element]:
    return {item.get("id", ""): item for item in children(child(root, "manifest"), "item")}


def _spine(root: Element, opf: str) -> list[tuple[str, bool]]:
    """The files in reading order, and whether each is text."""
    items = _items(root)
    entries = [items.get(entry.get("idref", "")) for entry in children(child(root, "spine"), "itemref")]
    return [
        (resolve(opf, item.get("href", "")), "html" in item.get("media-type", ""))
        for item in entries
        if item is not None
    ]


def _contents(root: Element, opf: str) -> list[str]:
    """Files that only list what is in the book."""
    navigation = [item for item in _items(root).values() if "nav" in item.get("properties", "").split()]
    guides = [entry for entry in descendants(root, "reference") if entry.get("type") == "toc"]
    return [resolve(opf, element.get("href", "")) for element in (*navigation, *guides)]


def _chapter(package: Package, name: str, builder: TextBuilder) -> None:
    text, remarks = html.decode(package.read(name))
    for remark in remarks:
        builder.remark(f"{name}: {remark}")
    root = html.parse(text)
    if root is not None:
        html.read_page(root, builder)
