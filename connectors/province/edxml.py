"""edXML, the form in which documents travel (QCVN 102:2016): read from senders, written for documents that were there before."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from connectors.province.document import Document
from connectors.province.markup import NotXml, children, find, namespace, parse, text

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


class NotEdxml(ValueError):
    """XML that is no edXML: another root, or a header without its sender, receiver or document id."""


@dataclass(frozen=True, slots=True)
class Edoc:
    """What the exchange reads of a document."""

    id: str
    sender: str
    receivers: tuple[str, ...]
    notation: str
    subject: str


def read_edxml(data: bytes) -> Edoc:
    """A document as it was sent: as it is, or in base64. Raises `NotXml` or `NotEdxml`."""
    root = parse(plain(data))
    header = find(root, "MessageHeader")
    if namespace(root) != NAMESPACE or header is None:
        raise NotEdxml("no Message of QCVN 102:2016 with a MessageHeader")
    sender = [text(one, "OrganId") for one in children(header, "From")]
    receivers = tuple(text(one, "OrganId") for one in children(header, "To"))
    own = text(header, "DocumentId")
    if not own or not receivers or not all((*sender, *receivers)) or len(sender) != 1:
        raise NotEdxml("MessageHeader wants From, To and DocumentId")
    notation = "/".join(filter(None, (text(header, "CodeNumber"), text(header, "CodeNotation"))))
    return Edoc(own, sender[0], receivers, notation, text(header, "Subject"))


def plain(data: bytes) -> bytes:
    """The XML itself, of a document sent as it is (with or without a byte order mark) or in base64. Raises `NotXml`."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.lstrip()[:1] == b"<":
        return data
    try:
        return base64.b64decode(re.sub(rb"\s", b"", data), validate=True).removeprefix(codecs.BOM_UTF8)
    except binascii.Error as error:
        raise NotXml("neither XML nor base64") from error


def write_edxml(document: Document, names: dict[str, str]) -> str:
    """The edXML of a document that was there before, without signature and attachments; `names`: those of agencies."""
    number, _, notation = document.notation.partition("/")
    people = "".join(
        _tag(end, _tag("OrganId", escape(code)) + _tag("OrganName", escape(names.get(code, code))))
        for end, code in (("From", document.sender), ("To", document.receiver))
    )
    header = (
        people
        + _tag("DocumentId", escape(document.id))
        + _tag("Code", _tag("CodeNumber", number) + _tag("CodeNotation", notation))
        + _tag(
            "PromulgationInfo",
            _tag("Place", "Quảng Nam") + _tag("PromulgationDate", f"{document.created:%Y/%m/%d}"),
        )
        + _tag("DocumentType", _tag("Type", "1") + _tag("TypeName", "Công văn"))
        + _tag("Subject", escape(document.subject))
        + _tag("SignerInfo", _tag("FullName", escape(document.signer.name)) + _tag("Position", "Giám đốc"))
        + _tag("DueDate", f"{document.due:%Y/%m/%d}")
        + _tag("OtherInfo", _tag("Priority", "0") + _tag("PageAmount", str(document.pages)))
        + _tag("ToPlaces", _tag("Place", escape(names.get(document.receiver, document.receiver))))
    )
    business = _tag("BussinessDocType", "0") + _tag("Paper", "0") + _tag("StaffInfo", _tag("Department", "Văn phòng"))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML:Message xmlns:edXML="{NAMESPACE}">'
        + _tag("MessageHeader", header)
        + "<edXML:TraceHeaderList/>"
        + _tag("Bussiness", business)
        + "</edXML:Message>"
    )


def _tag(name: str, inner: str) -> str:
    return f"<edXML:{name}>{inner}</edXML:{name}>"
