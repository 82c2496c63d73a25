"""Documents to send, as edXML."""

from __future__ import annotations

from connectors.province.edxml import NAMESPACE

HEADER = (
    "DocumentId", "Code.CodeNumber", "Code.CodeNotation", "PromulgationInfo.Place", "PromulgationInfo.PromulgationDate",
    "DocumentType.Type", "DocumentType.TypeName", "Subject", "SignerInfo.FullName", "SignerInfo.Position", "DueDate",
    "OtherInfo.Priority", "OtherInfo.PageAmount", "ToPlaces.Place",
)  # fmt: skip
"""The fields of a `MessageHeader` besides `From` and `To`."""
ID = "000.00.05.H47,2023/05/24,123"


def edoc(
    *, sender: str = "000.00.05.H47", to: tuple[str, ...] = ("000.00.07.H47",), own: str = ID, subject: str = "Báo cáo"
) -> bytes:
    """A complete document, with a signature and an attachment."""
    values = {"DocumentId": own, "Subject": subject, "Code.CodeNumber": "123", "Code.CodeNotation": "STTTT-CNTT"}
    header = end("From", sender) + "".join(end("To", one) for one in to)
    parents: dict[str, str] = {}
    for name in HEADER:
        above, _, below = name.rpartition(".")
        parents[above or below] = parents.get(above or below, "") + (
            tag(below, values.get(name, "x")) if above else values.get(name, "x")
        )
    header += "".join(tag(name, inner) for name, inner in parents.items())
    business = tag("BussinessDocType", "0") + tag("Paper", "0") + tag("StaffInfo", tag("Department", "x"))
    signature = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignatureValue>eA==</ds:SignatureValue></ds:Signature>'
    attachment = tag(
        "AttachmentEncoded",
        tag(
            "Attachment",
            tag("ContentType", "application/pdf") + tag("AttachmentName", "a.pdf") + tag("Content", "JVBERi0="),
        ),
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML:Message xmlns:edXML="{NAMESPACE}">'
        f"{tag('MessageHeader', header)}<edXML:TraceHeaderList/>{tag('Bussiness', business)}{signature}{attachment}</edXML:Message>"
    ).encode()


def end(name: str, code: str) -> str:
    return tag(name, tag("OrganId", code) + tag("OrganName", "x"))


def tag(name: str, inner: str) -> str:
    return f"<edXML:{name}>{inner}</edXML:{name}>"


BOMB = (
    b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><m>&j;</m>"
)
OUTSIDE = b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]><m>&x;</m>'
