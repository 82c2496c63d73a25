"""Dossiers of administrative procedures, from their code; procedures, and the agencies that take them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.province import meanings
from connectors.province.identifiers import is_dossier_code, is_procedure_code
from connectors.province.person import TODAY, Person, person_of
from connectors.province.seed import number, pick

STATES = {
    1: "Mới đăng ký",
    2: "Được tiếp nhận",
    3: "Không được tiếp nhận",
    4: "Đang xử lý",
    5: "Yêu cầu bổ sung giấy tờ",
    6: "Yêu cầu thực hiện nghĩa vụ tài chính",
    7: "Công dân yêu cầu rút hồ sơ",
    8: "Dừng xử lý",
    9: "Đã xử lý xong",
    10: "Đã trả kết quả",
}
"""The ten states of a dossier (S13, S18)."""
NEXT = {1: (2, 3, 7), 2: (4, 7), 3: (), 4: (5, 6, 7, 8, 9), 5: (4, 7, 8), 6: (4, 7, 8), 7: (), 8: (), 9: (10,), 10: ()}
"""The steps a dossier may take from each state (A)."""
FINISHED = {9, 10}
CHANNELS = {1: "trực tiếp", 2: "trực tuyến", 3: "bưu chính công ích"}
PROCEDURES = {
    "1.004873": ("Cấp Giấy xác nhận tình trạng hôn nhân", "Hộ tịch", 3),
    "1.001193": ("Đăng ký khai sinh", "Hộ tịch", 1),
    "1.004884": ("Đăng ký lại khai sinh", "Hộ tịch", 5),
    "2.000815": ("Chứng thực bản sao từ bản chính", "Chứng thực", 1),
    "1.005129": ("Thẩm định, phê duyệt hồ sơ", "Xây dựng", 15),
    "1.001612": ("Đăng ký thành lập hộ kinh doanh", "Thành lập và hoạt động doanh nghiệp", 3),
    "1.002969": ("Cấp đổi Giấy chứng nhận quyền sử dụng đất", "Đất đai", 7),
    "2.001610": ("Đăng ký thành lập doanh nghiệp tư nhân", "Thành lập và hoạt động doanh nghiệp", 3),
}
"""Code to name, field and working days; the days are A."""
AGENCIES = {
    "000.00.00.H47": "UBND tỉnh Quảng Nam",
    "000.00.01.H47": "Văn phòng UBND tỉnh",
    "000.00.05.H47": "Sở Thông tin và Truyền thông",
    "000.00.07.H47": "Sở Tư pháp",
    "000.00.11.H47": "Sở Tài nguyên và Môi trường",
    "000.00.31.H47": "UBND thành phố Tam Kỳ",
    "000.00.32.H47": "UBND thành phố Hội An",
    "001.00.00.H47": "UBND các huyện",
    "001.00.10.H47": "UBND huyện Duy Xuyên",
}
"""Organisation codes by QCVN 102:2016 to names; H47, `001.00.00.H47` and `001.00.10.H47` from S2, the others A."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One dossier."""

    code: str
    asked: str = ""
    """The code of the procedure where somebody named one."""

    @property
    def agency(self) -> str:
        """The organisation code that it begins with."""
        return self.code.split("-")[0]

    @property
    def procedure(self) -> str:
        """The code of its procedure."""
        return self.asked or pick(self.code, "procedure", tuple(PROCEDURES))

    @property
    def applicant(self) -> Person:
        """Who handed it in."""
        return person_of(self.code, "applicant")

    @property
    def state(self) -> int:
        """Where it stands today."""
        if meanings.meaning_of(self.code):
            return 10
        return pick(self.code, "state", (2, 4, 4, 4, 5, 6, 9, 9, 10, 10, 10, 10))

    @property
    def channel(self) -> int:
        """How it came: 1 in person, 2 online, 3 by post."""
        return pick(self.code, "channel", (1, 1, 2, 2, 3))

    @property
    def received(self) -> datetime:
        """When it came, local time: the day of its code where that is one, in office hours."""
        minutes = 7 * 60 + 30 + number(self.code, "minute", 9 * 60)
        day = self._day()
        return datetime(day.year, day.month, day.day, minutes // 60, minutes % 60)  # noqa: DTZ001 - local time, as the field writes it

    @property
    def due(self) -> datetime:
        """When its result is promised."""
        return self.received + timedelta(days=PROCEDURES[self.procedure][2] + 2)

    @property
    def finished(self) -> datetime | None:
        """When the work was done, of a dossier that is finished."""
        if self.state not in FINISHED:
            return None
        return self.end

    @property
    def end(self) -> datetime:
        """When the work is done, whether it is by today or not."""
        return self.due - timedelta(hours=number(self.code, "hours", 60) - 6)

    def _day(self) -> datetime:
        digits = self.code.split("-")[1]
        for pattern in ("%y%m%d", "%Y%m%d"):
            try:
                return datetime.strptime(digits, pattern)  # noqa: DTZ007 - local time, as the field writes it
            except ValueError:
                continue
        return datetime(TODAY.year, TODAY.month, TODAY.day)  # noqa: DTZ001 - local time, as the field writes it


def may_become(state: int, wanted: int) -> bool:
    """Whether a dossier may go from one state to another; to report the same state again changes nothing."""
    return wanted == state or wanted in NEXT[state]


def find_dossier(code: str) -> Dossier | None:
    """The dossier of that code; `None` where there is none (numbers that end in 99) or it breaks the rule."""
    if not is_dossier_code(code) or code.endswith("99"):
        return None
    return Dossier(code)


def find_procedure(code: str) -> tuple[str, str, int] | None:
    """Name, field and working days of a procedure; `None` where there is none."""
    return PROCEDURES.get(code) if is_procedure_code(code) else None


def some_dossiers(period: str, count: int) -> list[Dossier]:
    """Dossiers of a day (`yyMMdd`), always the same ones."""
    made = (f"{pick(f'{period}{n}', 'agency', tuple(AGENCIES))}-{period}-{n + 1:04d}" for n in range(count))
    return [Dossier(code) for code in made]
