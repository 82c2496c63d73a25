"""Nền tảng thanh toán trực tuyến quốc gia: Online Payment Platform.

Seen (S13b): operations, fields, the states 1, 3, 4, the hash over the pipe-joined fields, that started payments are checked
again from half an hour on. Assumptions: paths, the values of `MaLoi`, the shared secret of the stand-in, that a bank which
sends no notice has decided after half an hour, and that the last digit of the reference tells how.

A signed call has no age: `ThoiGianGD`, though under the hash, is when the payment was made, by which it is asked for again up
to three days later (S13b), and no source gives a time within which a call has to come. So a hash that is right stays right.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from connectors.province import meanings
from connectors.province.meanings import Meaning
from connectors.province.seed import digits
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

failure_of = meanings.failure_of

FIELDS = (
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
)
"""The fields under the hash, in their order; one that is not sent is empty there (A)."""
SECRET = "khoa-bi-mat-cua-ban-mo-phong"  # noqa: S105 - a stand-in's, made up, and meant to be known
OK, UNKNOWN, HASH, SCHEMA, AMOUNT, DUPLICATE, FINAL, SYSTEM = "00", "01", "02", "03", "04", "05", "06", "99"
SUCCESS, PENDING, FAILED = "1", "3", "4"
TEXTS = {
    OK: "Thành công",
    UNKNOWN: "Không tìm thấy giao dịch",
    HASH: "Mã xác thực không đúng",
    SCHEMA: "Thiếu thông tin giao dịch",
    AMOUNT: "Số tiền không hợp lệ",
    DUPLICATE: "Mã tham chiếu đã được dùng cho giao dịch khác",
    FINAL: "Giao dịch đã kết thúc với kết quả khác",
    SYSTEM: "Lỗi hệ thống",
}
_FAULTS = {UNKNOWN, DUPLICATE, FINAL}
DECIDED_AFTER = 1_800
_SOON = 10  # seconds until a payment of the amount that stands for "pending, then ready" has succeeded
STATE = {"payment": Kept(seconds=30 * 86_400)}
"""What was started or confirmed, by reference: what it was `asked` for, when it `started`, its `state` where a notice told."""


def authentication(fields: dict[str, Any]) -> str:
    """`MaXacThuc`: SHA-256 over the fields joined by `|` and the secret, in hexadecimal."""
    return sha256("|".join([*(str(fields.get(name, "")) for name in FIELDS), SECRET]).encode()).hexdigest()


def answer_with(request: Request, state: State) -> Reply:
    """`MaLoi` 00 with the transaction, or what was wrong."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _coded(request, {}, SCHEMA)
    if not fields.get("MaThamChieu") or not fields.get("ThoiGianGD"):
        return _coded(request, fields, SCHEMA)
    reference = str(fields["MaThamChieu"])
    if request.operation == "POST /checkPaymentStatus":
        return _status(request, fields, state)
    if fields.get("MaXacThuc") != authentication(fields):
        return _coded(request, fields, HASH)
    if not _is_amount(str(fields.get("SoTien", ""))):
        return _coded(request, fields, AMOUNT)
    payment = state.get("payment", reference)
    if payment and payment["asked"] != _asked(fields):
        return _coded(request, fields, DUPLICATE)
    return (_start if request.operation == "POST /initPayment" else _notice)(request, fields, payment, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """02 for a refusal, 99 for an error."""
    return _coded(request, {}, HASH if outcome is Outcome.REJECTED else SYSTEM)


def _start(request: Request, fields: dict[str, Any], payment: dict[str, Any] | None, state: State) -> Reply:
    reference = str(fields["MaThamChieu"])
    if payment is None:
        payment = {"asked": _asked(fields), "started": state.now, "state": None}
        state.put("payment", reference, payment)
    return _coded(request, fields, OK, TrangThaiGD=_stands(reference, payment, state.now))


def _notice(request: Request, fields: dict[str, Any], payment: dict[str, Any] | None, state: State) -> Reply:
    """The bank's result: it ends a payment that is pending, and one that ended otherwise stays as it is."""
    reference = str(fields["MaThamChieu"])
    result = SUCCESS if str(fields.get("MaLoi", OK)) == OK else FAILED
    if payment and _stands(reference, payment, state.now) not in {PENDING, result}:
        return _coded(request, fields, FINAL)
    known = payment or {"asked": _asked(fields), "started": state.now, "state": None}
    if known["state"] is None:
        state.put("payment", reference, known | {"state": result})
    return _coded(request, fields, OK, TrangThaiGD=result)


def _status(request: Request, fields: dict[str, Any], state: State) -> Reply:
    reference = str(fields["MaThamChieu"])
    payment = state.get("payment", reference)
    if payment is None and reference.endswith("99"):
        return _coded(request, fields, UNKNOWN)
    return _coded(request, fields, OK, TrangThaiGD=_stands(reference, payment, state.now))


def _asked(fields: dict[str, Any]) -> list[str]:
    """What makes a payment another one under the same reference."""
    return [str(fields.get(name, "")) for name in ("MaDoiTac", "SoTien", "MaTienTe")]


def _stands(reference: str, payment: dict[str, Any] | None, now: float) -> str:
    """Where a payment stands: as the notice said, else pending until the bank has decided."""
    if payment and payment["state"]:
        return str(payment["state"])
    meant = meanings.meaning_of(payment["asked"][1]) if payment else None
    if payment and meant:
        decided = SUCCESS if now - float(payment["started"]) >= _SOON else PENDING
        return {Meaning.EXISTS: SUCCESS, Meaning.NOT_FOUND: FAILED}.get(meant, decided)
    if payment and now - float(payment["started"]) < DECIDED_AFTER:
        return PENDING
    return {"3": PENDING, "4": FAILED}.get(reference[-1], SUCCESS)


def _is_amount(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15 and int(text) > 0


def _coded(request: Request, fields: dict[str, Any], code: str, **more: object) -> Reply:
    reference = str(fields.get("MaThamChieu", ""))
    body = {
        "MaLoi": code,
        "MoTaLoi": TEXTS[code],
        "MaThamChieu": reference,
        "MaGiaoDich": f"GD{digits(reference, 'payment', 12)}" if code == OK else "",
        "ThoiGianGD": str(fields.get("ThoiGianGD", "")),
        **more,
    }
    outcome = Outcome.OK if code == OK else Outcome.BUSINESS_FAULT if code in _FAULTS else Outcome.REJECTED
    if code == SYSTEM:
        outcome = Outcome.PROVIDER_ERROR
    return Reply.of_json(request, body, outcome=outcome, reason="" if code == OK else f"error_{code}")
