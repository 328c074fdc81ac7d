"""XML and HTML trees of lxml, read without their namespaces."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = Any  # lxml has no types of its own


def parse_xml(data: bytes) -> Element:
    """The root element. Entities are not expanded, nothing is fetched, depth and size are bounded."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(data, parser)


def local(element: Element) -> str:
    """An element's name without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """The value of an attribute, by its name without namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def children(element: Element | None, name: str) -> list[Element]:
    """The child elements of that name, without namespace; none of None."""
    return [] if element is None else [child for child in element if local(child) == name]


def child(element: Element | None, *path: str) -> Element | None:
    """The first child of that name, its first child of the next name and so on, or None."""
    for name in path:
        element = next(iter(children(element, name)), None)
    return element


def descendants(element: Element | None, name: str) -> list[Element]:
    """All elements of that name below, in the order of the document."""
    return [] if element is None else [below for below in element.iterdescendants() if local(below) == name]
