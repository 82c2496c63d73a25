"""The real-time index of QĐ 766/QĐ-TTg in its five groups, from the dossiers and reports that came in.

Formulas: those of a later working document (S38), which gives no thresholds but three and no formula for 4.3; how a group's
points are shared among its criteria is not public, so shares are given and no points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache

from connectors.province import calls, intake


@dataclass(frozen=True, slots=True)
class Counts:
    """What the formulas count, of one day or of many."""

    came: int = 0
    synchronised: int = 0
    in_time: int = 0
    online_with_result: int = 0
    with_fee: int = 0
    paid_online: int = 0
    e_results: int = 0
    digitised: int = 0
    by_population: int = 0
    disliked: int = 0
    online: int = 0
    by_post: int = 0
    reports: int = 0
    reports_in_time: int = 0
    reports_settled: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One formula of a group; `share` gives a ratio from 0 to 1, `None` of nothing (N/A). Without `share` it has no formula."""

    code: str
    group: str
    name: tuple[str, str]
    share: Callable[[Counts], float | None] | None = None
    full_from: float | None = None


GROUPS: dict[str, tuple[tuple[str, str], int]] = {
    "1": (("Công khai, minh bạch", "Transparency"), 18),
    "2": (("Tiến độ, kết quả giải quyết", "Progress and results"), 20),
    "3": (("Cung cấp dịch vụ trực tuyến", "Online service"), 22),
    "4": (("Số hóa hồ sơ", "Digitisation"), 22),
    "5": (("Mức độ hài lòng", "Satisfaction"), 18),
}
"""Name and most points (S37)."""


def ratio(part: int, whole: int) -> float | None:
    """A share; `None` where there is nothing to share."""
    return part / whole if whole else None


def _online(counts: Counts) -> float | None:
    """3.3: online with an electronic result, times the rate of synchronisation."""
    return counts.online_with_result * counts.synchronised / counts.came**2 if counts.came else None


def _satisfaction(counts: Counts) -> float | None:
    """5.4: all but the late and the disliked."""
    return 1 - (counts.came - counts.in_time + counts.disliked) / counts.came if counts.came else None


CRITERIA = (
    Criterion("1.4", "1", ("Tỷ lệ đồng bộ hồ sơ", "Dossiers synchronised"), lambda c: ratio(c.synchronised, c.came)),
    Criterion("2.1", "2", ("Tỷ lệ giải quyết đúng hạn", "Settled in time"), lambda c: ratio(c.in_time, c.came)),
    Criterion("3.3", "3", ("Tỷ lệ hồ sơ trực tuyến", "Online dossiers"), _online, 0.5),
    Criterion(
        "3.6", "3", ("Tỷ lệ thanh toán trực tuyến", "Fees paid online"), lambda c: ratio(c.paid_online, c.with_fee)
    ),
    Criterion("4.1", "4", ("Tỷ lệ cấp kết quả điện tử", "Electronic results"), lambda c: ratio(c.e_results, c.came)),
    Criterion("4.2", "4", ("Tỷ lệ số hóa hồ sơ", "Digitised"), lambda c: ratio(c.digitised, c.came), 0.8),
    Criterion("4.3", "4", ("Tỷ lệ khai thác lại dữ liệu số hóa", "Re-use of digitised data")),
    Criterion(
        "4.5", "4", ("Hồ sơ dùng dữ liệu dân cư", "With population data"), lambda c: ratio(c.by_population, c.came)
    ),
    Criterion(
        "5.2",
        "5",
        ("Phản ánh xử lý đúng hạn", "Reports settled in time"),
        lambda c: ratio(c.reports_in_time, c.reports),
    ),
    Criterion("5.4", "5", ("Mức độ hài lòng", "Satisfaction"), _satisfaction, 0.9),
)


@cache
def counts_of(day: date) -> Counts:
    """What came on a day."""
    return count(list(intake.each_of(day)), list(calls.each_of(day)))


def count(filed: Sequence[intake.Filed], reports: Sequence[calls.Call]) -> Counts:
    """What some dossiers and reports of citizens come to."""
    return Counts(
        came=len(filed),
        synchronised=sum(each.is_synchronised for each in filed),
        in_time=sum(not each.is_late for each in filed),
        online_with_result=sum(each.channel == 2 and each.has_e_result for each in filed),
        with_fee=sum(each.has_fee for each in filed),
        paid_online=sum(each.is_paid_online for each in filed),
        e_results=sum(each.has_e_result for each in filed),
        digitised=sum(each.is_digitised for each in filed),
        by_population=sum(each.by_population for each in filed),
        disliked=sum(each.is_disliked for each in filed),
        online=sum(each.channel == 2 for each in filed),
        by_post=sum(each.channel == 3 for each in filed),
        reports=len(reports),
        reports_in_time=sum(each.in_time for each in reports),
        reports_settled=sum(each.settled is not None for each in reports),
    )


def counts_between(first: date, last: date) -> Counts:
    """What came from one day to another, both included."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return sum(map(counts_of, days), Counts())
