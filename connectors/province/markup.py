"""XML, read without entities, network or surprises; the one place for lxml."""

from __future__ import annotations

from lxml import etree

_BYTES = 32 * 1024 * 1024


class NotXml(ValueError):
    """Bytes that are no XML we take: not well-formed, with a document type, or too large."""


def parse(data: bytes) -> etree._Element:
    """The root element. Raises `NotXml`; a document type is refused, since only entity tricks need one."""
    if len(data) > _BYTES:
        raise NotXml("the document is too large")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotXml(f"not well-formed: {error.msg}") from error
    # lxml asks for the last of the parser's complaints alone: a mere warning after them lets unbound prefixes through.
    complaint = next(iter(parser.error_log.filter_from_errors()), None)
    if complaint is not None:
        raise NotXml(f"not well-formed: {complaint.message}, line {complaint.line}, column {complaint.column}")
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotXml("a document type is refused")
    return root


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return etree.QName(element).localname


def namespace(element: etree._Element) -> str:
    """An element's namespace, empty where it has none."""
    return etree.QName(element).namespace or ""


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """The elements right below one that have that local name."""
    return [inner for inner in element if isinstance(inner.tag, str) and local(inner) == name]


def find(root: etree._Element, name: str) -> etree._Element | None:
    """The first element of that local name, the root included."""
    return next((element for element in root.iter() if isinstance(element.tag, str) and local(element) == name), None)


def text(root: etree._Element, name: str) -> str:
    """The text of the first element of that local name, empty where there is none."""
    element = find(root, name)
    return "" if element is None else (element.text or "").strip()
