"""Official documents on the exchange, from their id; and what agencies answer there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.province.dossier import AGENCIES
from connectors.province.person import TODAY
from connectors.province.seed import digits, number, pick

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


@dataclass(frozen=True, slots=True)
class Document:
    """One document; `id` is a UUID or `orgId,yyyy/MM/dd,number`."""

    id: str

    @property
    def sender(self) -> str:
        """Organisation code of who sent it."""
        return self.id.split(",")[0] if "," in self.id else pick(self.id, "sender", tuple(AGENCIES))

    @property
    def receiver(self) -> str:
        """Organisation code of who gets it."""
        return pick(self.id, "receiver", tuple(code for code in AGENCIES if code != self.sender))

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
    def created(self) -> datetime:
        """When it was sent, local time."""
        start = datetime(TODAY.year, TODAY.month, TODAY.day, 7, 30)  # noqa: DTZ001 - local time, as the field writes it
        return start - timedelta(minutes=number(self.id, "age", 7 * 24 * 60))

    @property
    def state(self) -> str:
        """Where it stands on the bus."""
        return pick(self.id, "state", ON_THE_BUS[:3])


def find_document(document_id: str) -> Document | None:
    """The document of that id; `None` where there is none or it is neither form of id."""
    if re.fullmatch(r"[0-9A-Z.]+,[0-9]{4}/[0-9]{2}/[0-9]{2},[0-9]+", document_id):
        return Document(document_id)
    try:
        uuid.UUID(document_id)
    except ValueError:
        return None
    return None if document_id.startswith("ffffffff") else Document(document_id)


def document_id(content: str) -> str:
    """The id (a UUID) that a document with this content is given."""
    return str(uuid.UUID(int=int(digits(content, "high", 18) + digits(content, "low", 18)) % (1 << 128), version=4))


def some_documents(thing: str, count: int) -> list[Document]:
    """Documents for an agency or a day, always the same ones."""
    return [Document(document_id(f"{thing}/{n}")) for n in range(count)]
