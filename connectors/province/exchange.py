"""A document exchange: who takes part, what was sent, where it stands. Two services are one, each for itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from connectors.province.document import (
    CODES,
    LOCKED,
    ON_THE_BUS,
    STATES,
    Document,
    document_id,
    documents_for,
    find_document,
)
from connectors.province.dossier import AGENCIES
from connectors.province.edxml import NotEdxml, plain, read_edxml, write_edxml
from connectors.province.markup import NotXml
from lgsp import Kept, Outcome, Reply, Request, State

_MONTH = 30 * 86_400
STATE = {
    "agency": Kept(seconds=_MONTH, most=500),
    "document": Kept(seconds=_MONTH),
    "content": Kept(seconds=_MONTH),
    "inbox": Kept(seconds=_MONTH),
    "status": Kept(seconds=_MONTH),
}
"""`agency`: the name of one that joined, `null` of one that left; `document`, `content` (base64), `status`: by document id;
`inbox`: document ids, by receiver, day and id."""
FORMER = "000.00.34.H47"
"""An agency that had left before: to leave again changes nothing."""
FAULTS, ERRORS = {18, 23}, {20, 21}
STANDS = {"01": "INITIAL", "02": "FAIL", "03": "PROCESSING", "04": "PROCESSING", "05": "PROCESSING", "06": "DONE"} | {
    "13": "PROCESSING",
    "15": "FAIL",
    "16": "PROCESSING",
}
"""What a processing state of QĐ 28 is on the bus (A)."""
_LOCAL = timezone(timedelta(hours=7))
_AGENCY = re.compile(r"[0-9]{3}(\.[0-9]{2}){2}\.[A-Z][0-9]{2}")


def agencies(state: State) -> dict[str, str]:
    """Who takes part: code to name."""
    joined = dict(AGENCIES)
    for code, name in state.each("agency"):
        if name is None:
            joined.pop(code, None)
        else:
            joined[code] = name
    return joined


def is_agency(code: str) -> bool:
    """Whether it has the form of an organisation code of level 3 (QCVN 102:2016)."""
    return bool(_AGENCY.fullmatch(code))


def join(code: str, name: str, state: State) -> None:
    """Take an agency in, or change its name."""
    if agencies(state).get(code) != name:
        state.put("agency", code, name)


def leave(code: str, state: State) -> bool:
    """Let an agency go; False where it never took part."""
    if code in agencies(state):
        state.put("agency", code, None)
        return True
    return code == FORMER or any(code == left for left, _ in state.each("agency", code))


def send(edoc: bytes, state: State) -> tuple[int, str]:
    """The code that a document is answered with, and its id; sent again it keeps its first content."""
    try:
        sent = read_edxml(edoc)
    except NotXml:
        return 10, ""
    except NotEdxml:
        return 22, ""
    known = agencies(state)
    if sent.sender not in known:
        return 19, ""
    if not set(sent.receivers) <= known.keys():
        return 18, ""
    if LOCKED in sent.receivers:
        return 23, ""
    now = datetime.fromtimestamp(state.now, UTC).astimezone(_LOCAL)
    made = document_id(sent.id, _day_of(sent.id) or now.date())
    if state.get("document", made) is None:
        header = {"from": sent.sender, "to": sent.receivers[0], "subject": sent.subject, "code": sent.notation}
        state.put("document", made, header | {"created": f"{now:%Y/%m/%d %H:%M:%S}"})
        state.put("content", made, base64.b64encode(plain(edoc)).decode())
        for receiver in sent.receivers:
            state.put("inbox", f"{receiver}/{now:%Y/%m/%d}/{made}", receiver)
    return 0, made


def _day_of(own: str) -> date | None:
    """The day in an edXML id, `orgId,yyyy/MM/dd,number`."""
    parts = own.split(",")
    return parse_day(parts[1]) if len(parts) == 3 else None


def parse_day(text: str) -> date | None:
    """The day of yyyy/MM/dd; `None` for anything else."""
    if not re.fullmatch(r"[0-9]{4}/[0-9]{2}/[0-9]{2}", text):
        return None
    try:
        return date(*(int(part) for part in text.split("/")))
    except ValueError:
        return None


def came(receiver: str, first: date, last: date, state: State) -> Iterator[dict[str, str]]:
    """What was sent to an agency from the first day to the last."""
    for nth in range((last - first).days + 1):
        for key, _ in state.each("inbox", f"{receiver}/{first + timedelta(days=nth):%Y/%m/%d}/"):
            yield _listed(key.rpartition("/")[2], state) | {"to": receiver}


def there_before(receiver: str, first: date, last: date, per_day: int, state: State) -> Iterator[dict[str, str]]:
    """What it had got on each of these days without anybody's doing."""
    for nth in range((last - first).days + 1 if receiver in AGENCIES else 0):
        for document in documents_for(receiver, first + timedelta(days=nth), per_day):
            yield _listed(document.id, state)


def is_document(document_id: str, state: State) -> bool:
    """Whether there is such a document: one that was sent, or that was there before."""
    return find_document(document_id) is not None or state.get("document", document_id) is not None


def one(document_id: str, state: State) -> dict[str, str]:
    """A document, with its subject, number and notation."""
    sent = state.get("document", document_id)
    before = Document(document_id)
    more = sent or {"subject": before.subject, "code": before.notation}
    return _listed(document_id, state) | {"subject": more["subject"], "code": more["code"]}


def content(document_id: str, state: State) -> str:
    """Its edXML in base64: as it was sent, or written for one that was there before."""
    sent = state.get("content", document_id)
    return sent or base64.b64encode(write_edxml(Document(document_id), agencies(state)).encode()).decode()


def _listed(document_id: str, state: State) -> dict[str, str]:
    sent = state.get("document", document_id)
    before = Document(document_id)
    stands = state.get("status", document_id) or ("INITIAL" if sent else before.state)
    return {
        "serviceType": "eDoc",
        "messageType": "edoc",
        "statusDesc": STATES.get(stands, ""),
        "docId": document_id,
        "from": sent["from"] if sent else before.sender,
        "to": sent["to"] if sent else before.receiver,
        "status": stands if stands in ON_THE_BUS else STANDS[stands],
        "createdTime": sent["created"] if sent else f"{before.created:%Y/%m/%d %H:%M:%S}",
    }


def report(document_id: str, status: str, state: State) -> None:
    """Note where a document stands: one of `STATES`, or of `ON_THE_BUS`."""
    if state.get("status", document_id) != status:
        state.put("status", document_id, status)


def coded(request: Request, code: int, **more: object) -> Reply:
    """`status`, `errorCode`, `errorDesc` and what was asked."""
    outcome = Outcome.REJECTED
    if code in FAULTS:
        outcome = Outcome.BUSINESS_FAULT
    elif code in ERRORS:
        outcome = Outcome.PROVIDER_ERROR
    elif code == 0:
        outcome = Outcome.OK
    body: dict[str, Any] = {"status": "OK" if code == 0 else "FAIL", "errorCode": str(code), "errorDesc": CODES[code]}
    return Reply.of_json(request, body | more, outcome=outcome, reason="" if code == 0 else f"error_{code}")
