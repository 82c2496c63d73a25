"""Nền tảng thanh toán trực tuyến quốc gia: Online Payment Platform.

Seen (S13b): operations, fields, the states 1, 3, 4, the hash over the pipe-joined fields. Assumptions: paths, the values of
`MaLoi`, the shared secret of the stand-in, and that the amount tells how a payment ends.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from connectors.province.seed import digits
from lgsp import MalformedRequest, Outcome, Reply, Request

FIELDS = ("LoaiBanTin", "MaDoiTac", "MaThamChieu", "SoTien", "MaTienTe", "ThoiGianGD")
"""The fields under the hash, in their order (A)."""
SECRET = "khoa-bi-mat-cua-ban-mo-phong"  # noqa: S105 - a stand-in's, made up, and meant to be known
OK, UNKNOWN, HASH, SCHEMA, AMOUNT, SYSTEM = "00", "01", "02", "03", "04", "99"
SUCCESS, PENDING, FAILED = "1", "3", "4"
TEXTS = {
    OK: "Thành công",
    UNKNOWN: "Không tìm thấy giao dịch",
    HASH: "Mã xác thực không đúng",
    SCHEMA: "Thiếu thông tin giao dịch",
    AMOUNT: "Số tiền không hợp lệ",
    SYSTEM: "Lỗi hệ thống",
}


def authentication(fields: dict[str, Any]) -> str:
    """`MaXacThuc`: SHA-256 over the fields joined by `|` and the secret, in hexadecimal."""
    return sha256("|".join([*(str(fields.get(name, "")) for name in FIELDS), SECRET]).encode()).hexdigest()


async def answer(request: Request) -> Reply:
    """`MaLoi` 00 with the transaction, or what was wrong."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _coded(request, {}, SCHEMA, Outcome.REJECTED)
    if not fields.get("MaThamChieu") or not fields.get("ThoiGianGD"):
        return _coded(request, fields, SCHEMA, Outcome.REJECTED)
    if request.operation == "POST /checkPaymentStatus":
        return _status(request, fields)
    if fields.get("MaXacThuc") != authentication(fields):
        return _coded(request, fields, HASH, Outcome.REJECTED)
    amount = str(fields.get("SoTien", ""))
    if not (amount.isascii() and amount.isdigit() and int(amount[:15]) > 0):
        return _coded(request, fields, AMOUNT, Outcome.REJECTED)
    return _coded(request, fields, OK, TrangThaiGD=PENDING if request.operation == "POST /initPayment" else SUCCESS)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """02 for a refusal, 99 for an error."""
    return _coded(request, {}, HASH if outcome is Outcome.REJECTED else SYSTEM, outcome)


def _status(request: Request, fields: dict[str, Any]) -> Reply:
    reference = str(fields["MaThamChieu"])
    if reference.endswith("99"):
        return _coded(request, fields, UNKNOWN, Outcome.BUSINESS_FAULT)
    state = {"3": PENDING, "4": FAILED}.get(reference[-1], SUCCESS)
    return _coded(request, fields, OK, TrangThaiGD=state)


def _coded(request: Request, fields: dict[str, Any], code: str, outcome: Outcome = Outcome.OK, **more: object) -> Reply:
    reference = str(fields.get("MaThamChieu", ""))
    body = {
        "MaLoi": code,
        "MoTaLoi": TEXTS[code],
        "MaThamChieu": reference,
        "MaGiaoDich": f"GD{digits(reference, 'payment', 12)}" if code == OK else "",
        "ThoiGianGD": str(fields.get("ThoiGianGD", "")),
        **more,
    }
    return Reply.of_json(request, body, outcome=outcome, reason="" if code == OK else f"error_{code}")
