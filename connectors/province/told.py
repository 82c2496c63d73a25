"""What the province's systems have of some days, for a report: tables of plain cells, in both languages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from connectors.province import calls, desks, index, intake
from connectors.province.dossier import CHANNELS, STATES
from connectors.province.places import DISTRICTS

Cell = str | int | float | None
Names = tuple[str, str]
"""In Vietnamese and in English."""
_LEVELS: dict[str, Names] = {
    "province": ("Cấp tỉnh", "Province"),
    "district": ("Cấp huyện", "District"),
    "commune": ("Cấp xã", "Commune"),
}
_STATES = (
    "newly filed", "accepted", "refused", "at work", "supplement asked for", "fee asked for", "withdrawn", "stopped",
    "done", "result handed out",
)  # fmt: skip
_CHANNELS = ("in person", "online", "by post")


@dataclass(frozen=True, slots=True)
class Told:
    """One table. Each column has a key, its names, and the sort of its cells: `text`, `count`, `percent`."""

    name: str
    title: Names
    columns: tuple[tuple[str, Names, str], ...]
    rows: list[list[Cell | Names]]
    total: list[Cell | Names] | None = None
    note: Names = ("", "")


def told(first: date, last: date, now: datetime) -> list[Told]:
    """Dossiers, desks and the index of the days from `first` to `last`, as they stand at the end of these or at `now` (local time)."""
    until = min(last, now.date())
    now = min(now, datetime.combine(last + timedelta(days=1), time()))
    days = [first + timedelta(days=number) for number in range((until - first).days + 1)]
    if not any(intake.day_of(day).total for day in days):
        return []
    levels: Counter[tuple[str, int]] = Counter()
    states: Counter[int] = Counter()
    districts: Counter[tuple[str, bool]] = Counter()
    counts = index.Counts()
    for day in days:
        came = [filed for filed in intake.each_of(day) if filed.received <= now]
        counts += index.count(came, [call for call in calls.each_of(day) if call.received <= now])
        for filed in came:
            stands = filed.state_at(now)
            if stands is not None:
                levels[filed.level, filed.channel] += 1
                states[stands] += 1
                districts[filed.district, filed.channel == 3] += 1
    return [_by_level(levels), _by_state(states), _by_desk(districts), _index(counts)]


def _count(key: str, vietnamese: str, english: str) -> tuple[str, Names, str]:
    return key, (vietnamese, english), "count"


def _by_level(levels: Counter[tuple[str, int]]) -> Told:
    columns = (
        ("level", ("Cấp", "Level"), "text"),
        _count("total", "Tổng số", "Total"),
        *(_count(f"channel_{n}", CHANNELS[n].capitalize(), _CHANNELS[n - 1].capitalize()) for n in CHANNELS),
    )
    rows: list[list[Cell | Names]] = [
        [_LEVELS[level], sum(levels[level, n] for n in CHANNELS), *(levels[level, n] for n in CHANNELS)]
        for level in intake.LEVELS
    ]
    by_channel = [sum(levels[level, n] for level in intake.LEVELS) for n in CHANNELS]
    total: list[Cell | Names] = [("Tổng số", "Total"), sum(by_channel), *by_channel]
    note = (
        "Hệ thống mô phỏng: số hồ sơ bốn tháng đầu năm 2023 là số thật của báo cáo, phần còn lại là giả định.",
        "A simulated system: the numbers of January to April 2023 are the report's, the rest is assumed.",
    )
    return Told(
        "dossiers", ("Hồ sơ theo cấp và hình thức nộp", "Dossiers by level and channel"), columns, rows, total, note
    )


def _by_state(states: Counter[int]) -> Told:
    columns = (("state", ("Trạng thái", "State"), "text"), _count("count", "Số hồ sơ", "Dossiers"))
    rows: list[list[Cell | Names]] = [[(f"{n} {STATES[n]}", f"{n} {_STATES[n - 1]}"), states[n]] for n in STATES]
    title = ("Hồ sơ theo trạng thái đến hết kỳ", "Dossiers by state at the end of the period")
    return Told("dossier_states", title, columns, rows, [("Tổng số", "Total"), sum(states.values())])


def _by_desk(districts: Counter[tuple[str, bool]]) -> Told:
    columns = (
        ("district", ("Huyện, thị xã, thành phố", "District"), "text"),
        ("state", ("Nhân viên bưu điện", "Post-office staff"), "text"),
        _count("dossiers", "Hồ sơ", "Dossiers"),
        _count("by_post", "Trong đó qua bưu chính", "Of them by post"),
    )
    rows: list[list[Cell | Names]] = []
    for district in DISTRICTS:
        by_post = districts[district.code, True]
        state = desks.STATES[desks.state_of(district.code)][0]
        rows.append([(district.name, district.english), state, by_post + districts[district.code, False], by_post])
    posted = sum(n for (_, is_post), n in districts.items() if is_post)
    total: list[Cell | Names] = [("Tổng số", "Total"), None, sum(districts.values()), posted]
    return Told("desks", ("Bộ phận một cửa theo huyện", "One-stop desks by district"), columns, rows, total)


def _index(counts: index.Counts) -> Told:
    columns = (
        ("criterion", ("Tiêu chí", "Criterion"), "text"),
        ("group", ("Nhóm", "Group"), "text"),
        _count("most", "Điểm tối đa của nhóm", "Most points of the group"),
        ("name", ("Nội dung", "What"), "text"),
        ("share", ("Kết quả", "Result"), "percent"),
        ("full_from", ("Đủ điểm từ", "Full marks from"), "percent"),
        ("remark", ("Ghi chú", "Remark"), "text"),
    )
    rows: list[list[Cell | Names]] = []
    for each in index.CRITERIA:
        name, most = index.GROUPS[each.group]
        share = each.share(counts) if each.share else None
        remark: Cell | Names = None
        if each.share is None:
            remark = ("không có công thức công bố", "no formula is public")
        elif share is None:
            remark = ("N/A: không có hồ sơ", "N/A: nothing to share")
        rows.append(
            [each.code, name, most, each.name, None if share is None else round(share, 4), each.full_from, remark]
        )
    note = (
        "Công thức theo tài liệu hướng dẫn sau này (S38), tính trên hồ sơ mô phỏng; cách chia điểm trong nhóm không công bố nên không tính điểm.",
        "Formulas of a later working document (S38), over simulated dossiers; how points are shared within a group is not public, so there are none.",
    )
    return Told("index_766", ("Bộ chỉ số theo QĐ 766/QĐ-TTg", "Index of QĐ 766/QĐ-TTg"), columns, rows, None, note)
