"""Bưu chính công ích: Public Postal Delivery.

Seen (S21): the path of an order and its fields, the names of the two queries; the token travels in the query. Assumptions:
the methods of the queries, all replies and faults.
"""

from __future__ import annotations

from connectors.province.proposal import refused
from connectors.province.seed import digits, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

NEEDED = (
    "SoDonHang",
    "MaKhachHang",
    "TenNguoiGui",
    "DiaChiNguoiGui",
    "DienThoaiNguoiGui",
    "TenNguoiNhan",
    "DiaChiNguoiNhan",
)
_POSTS = (
    "Bưu điện thành phố Tam Kỳ",
    "Bưu điện thành phố Hội An",
    "Bưu điện huyện Duy Xuyên",
    "Bưu điện huyện Thăng Bình",
)


async def answer(request: Request) -> Reply:
    """The order's state."""
    return _order(request) if request.operation == "POST /postDieuTin" else _query(request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The post's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "INVALID_TOKEN", "Token không hợp lệ", outcome, 401)
    return refused(request, "SYSTEM", "Hệ thống bưu chính gặp lỗi", outcome, 500)


def _order(request: Request) -> Reply:
    if not request.query_values.get("token"):
        return refused(request, "INVALID_TOKEN", "Thiếu token", Outcome.REJECTED, 401)
    try:
        fields = request.json_object
    except MalformedRequest:
        fields = {}
    missing = [name for name in NEEDED if not fields.get(name)]
    if missing:
        return refused(request, "INCOMPLETE", f"Thiếu {', '.join(missing)}", Outcome.REJECTED, 400)
    order = str(fields["SoDonHang"])
    return Reply.of_json(request, {"SoDonHang": order, "MaBuuGui": _item(order), "TrangThai": "Đã tiếp nhận"})


def _query(request: Request) -> Reply:
    order = request.query_values.get("SoDonHang", "")
    if not order or order.endswith("99"):
        return refused(request, "NOT_FOUND", "Không tìm thấy đơn hàng", Outcome.BUSINESS_FAULT, 404)
    accepted = request.operation == "GET /getAcceptance"
    state = "Đã chấp nhận" if accepted else pick(order, "delivery", ("Đang phát", "Đã phát", "Đã phát"))
    return Reply.of_json(
        request,
        {"SoDonHang": order, "MaBuuGui": _item(order), "TrangThai": state, "BuuCuc": pick(order, "post", _POSTS)},
    )


def _item(order: str) -> str:
    return f"CQ{digits(order, 'item', 9)}VN"
