"""Official documents on the exchange, from their id; and what agencies answer there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.province.dossier import AGENCIES
from connectors.province.person import TODAY, Person, person_of
from connectors.province.seed import number, pick

CODES = {
    0: "Thành công",
    10: "Tệp không hợp lệ",
    15: "Sai SystemId hoặc SecretKey",
    18: "Đơn vị nhận không tồn tại",
    19: "Đơn vị gửi chưa đăng ký",
    20: "Lỗi hệ thống LGSP",
    21: "Lỗi xử lý tệp",
    22: "edXML không đúng QĐ 28/2018/QĐ-TTg",
    23: "Đơn vị nhận đang bị khóa",
}
"""Error codes of the document bus (S12)."""
STATES = {
    "01": "Đã đến",
    "02": "Từ chối tiếp nhận",
    "03": "Tiếp nhận",
    "04": "Phân công",
    "05": "Đang xử lý",
    "06": "Hoàn thành",
    "13": "Lấy lại",
    "15": "Đồng ý lấy lại",
    "16": "Từ chối lấy lại",
}
"""Processing states of QĐ 28/2018 (S12)."""
ON_THE_BUS = ("INITIAL", "PROCESSING", "DONE", "FAIL")
"""States of a message on the bus (S2)."""
LOCKED = "000.00.32.H47"
"""An agency that receives nothing: its calls end in code 23 (A)."""
SUBJECTS = (
    "V/v báo cáo công tác cải cách hành chính quý II",
    "V/v triển khai dịch vụ công trực tuyến",
    "V/v mời họp giao ban",
    "V/v góp ý dự thảo kế hoạch chuyển đổi số",
)


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CODES = tuple(AGENCIES)


@dataclass(frozen=True, slots=True)
class Document:
    """One document that was there before; `id` is a UUID or `orgId,yyyy/MM/dd,number`.

    A UUID of ours says the day, then sender and receiver: `yyyymmdd-ssrr-...`.
    """

    id: str

    @property
    def sender(self) -> str:
        """Organisation code of who sent it."""
        return self.id.split(",")[0] if "," in self.id else _CODES[int(self.id[9:11], 16) % len(_CODES)]

    @property
    def receiver(self) -> str:
        """Organisation code of who gets it."""
        others = _others(self.sender)
        return pick(self.id, "receiver", others) if "," in self.id else others[int(self.id[11:13], 16) % len(others)]

    @property
    def notation(self) -> str:
        """Number and notation, as `123/UBND-KGVX`."""
        return (
            f"{number(self.id, 'number', 3000) + 1}/{pick(self.id, 'notation', ('UBND-KGVX', 'STTTT-CNTT', 'VP-TH'))}"
        )

    @property
    def subject(self) -> str:
        """What it is about."""
        return pick(self.id, "subject", SUBJECTS)

    @property
    def signer(self) -> Person:
        """Who signed it."""
        return person_of(self.id, "signer")

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return number(self.id, "pages", 12) + 1

    @property
    def created(self) -> datetime:
        """When it was sent, local time: on the day of its id where that is one, in office hours."""
        day = _day(self.id.split(",")[1].replace("/", "") if "," in self.id else self.id[:8])
        if day is not None:
            return datetime(day.year, day.month, day.day, 7, 30) + timedelta(minutes=number(self.id, "minute", 9 * 60))  # noqa: DTZ001 - local time, as the field writes it
        start = datetime(TODAY.year, TODAY.month, TODAY.day, 7, 30)  # noqa: DTZ001 - local time, as the field writes it
        return start - timedelta(minutes=number(self.id, "age", 7 * 24 * 60))

    @property
    def due(self) -> datetime:
        """Until when it is to be answered."""
        return self.created + timedelta(days=number(self.id, "due", 10) + 1)

    @property
    def state(self) -> str:
        """Where it stands on the bus."""
        return pick(self.id, "state", ON_THE_BUS[:3])


def find_document(document_id: str) -> Document | None:
    """The document of that id; `None` where there is none (`ffffffff-...`) or it is neither form of id."""
    if re.fullmatch(r"[0-9A-Z.]+,[0-9]{4}/[0-9]{2}/[0-9]{2},[0-9]+", document_id):
        return Document(document_id)
    if not _UUID.fullmatch(document_id) or document_id.startswith("ffffffff"):
        return None
    return Document(document_id)


def document_id(content: str, day: date) -> str:
    """The id (a UUID) that a document with this content is given, when it is sent on that day."""
    tail = f"{number(content, 'document', 1 << 48):012x}"
    ends = f"{number(content, 'ends', 1 << 16):04x}"
    return f"{day:%Y%m%d}-{ends}-4{number(content, 'b', 1 << 12):03x}-8{number(content, 'c', 1 << 12):03x}-{tail}"


def documents_for(receiver: str, day: date, count: int) -> list[Document]:
    """Documents that an agency got on a day, always the same ones, in the order of their coming."""
    made = []
    for nth in range(count):
        thing = f"{receiver}/{day}/{nth}"
        sender = pick(thing, "sender", _others(receiver))
        ends = f"{_CODES.index(sender):02x}{_others(sender).index(receiver):02x}"
        plain = document_id(thing, day)
        made.append(Document(f"{plain[:9]}{ends}{plain[13:]}"))
    return sorted(made, key=lambda document: document.created)


def _others(code: str) -> tuple[str, ...]:
    return tuple(one for one in _CODES if one != code)


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
