"""Bưu chính công ích: Public Postal Delivery.

Seen (S21): the path of an order and its fields, the names of the two queries; the token travels in the query. Assumptions:
the methods of the queries, all replies and faults, that an item is delivered a day after it was ordered.
"""

from __future__ import annotations

from connectors.province.body import object_of
from connectors.province.desks import POSTS
from connectors.province.proposal import refused
from connectors.province.seed import digits, pick
from lgsp import Kept, Outcome, Reply, Request, State

NEEDED = (
    "SoDonHang",
    "MaKhachHang",
    "TenNguoiGui",
    "DiaChiNguoiGui",
    "DienThoaiNguoiGui",
    "TenNguoiNhan",
    "DiaChiNguoiNhan",
)
FURTHER = ("MaTinhGui", "MaHuyenGui", "MaTinhNhan", "MaHuyenNhan", "SoTienCOD", "TrongLuong", "MaBuuGui")
TAKEN, ACCEPTED, ON_THE_WAY, DELIVERED = "Đã tiếp nhận", "Đã chấp nhận", "Đang phát", "Đã phát"
UNDERWAY = 86_400
OTHERS = "0098"
"""An order whose number ends so was another's before."""
STATE = {"order": Kept(seconds=90 * 86_400)}
"""What was ordered and when, by number."""


def answer_with(request: Request, state: State) -> Reply:
    """The order's state."""
    return _order(request, state) if request.operation == "POST /postDieuTin" else _query(request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The post's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "INVALID_TOKEN", "Token không hợp lệ", outcome, 401)
    return refused(request, "SYSTEM", "Hệ thống bưu chính gặp lỗi", outcome, 500)


def _order(request: Request, state: State) -> Reply:
    if not request.query_values.get("token"):
        return refused(request, "INVALID_TOKEN", "Thiếu token", Outcome.REJECTED, 401)
    fields = object_of(request)
    missing = [name for name in NEEDED if not fields.get(name)]
    if missing:
        return refused(request, "INCOMPLETE", f"Thiếu {', '.join(missing)}", Outcome.REJECTED, 400)
    order = str(fields["SoDonHang"])
    asked = {name: str(fields[name]) for name in (*NEEDED, *FURTHER) if name in fields}
    there = state.get("order", order)
    if order.endswith(OTHERS) or (there and there["asked"] != asked):
        return refused(request, "DUPLICATE", "Số đơn hàng đã được dùng", Outcome.BUSINESS_FAULT, 409)
    if there is None:
        state.put("order", order, {"asked": asked, "at": state.now})
    return Reply.of_json(request, {"SoDonHang": order, "MaBuuGui": _item(order, asked), "TrangThai": TAKEN})


def _query(request: Request, state: State) -> Reply:
    order = request.query_values.get("SoDonHang", "")
    there = state.get("order", order)
    if there is None and (not order or order.endswith("99")):
        return refused(request, "NOT_FOUND", "Không tìm thấy đơn hàng", Outcome.BUSINESS_FAULT, 404)
    if request.operation == "GET /getAcceptance":
        says = ACCEPTED
    elif there:
        says = ON_THE_WAY if state.now - float(there["at"]) < UNDERWAY else DELIVERED
    else:
        says = pick(order, "delivery", (ON_THE_WAY, DELIVERED, DELIVERED))
    item = _item(order, there["asked"] if there else {})
    body = {"SoDonHang": order, "MaBuuGui": item, "TrangThai": says, "BuuCuc": pick(order, "post", POSTS)}
    return Reply.of_json(request, body)


def _item(order: str, asked: dict[str, str]) -> str:
    """The item's number: the sender's own, where one was given."""
    return asked.get("MaBuuGui") or f"CQ{digits(order, 'item', 9)}VN"
