"""The dossiers that the province takes in, day by day: so many at each level, each with its way through the ten states.

Facts (report of 24 May 2023): 197,734 in January to April by level; 16,960 in the new system from 17 April to 7 May, 7,928 of
them online. Assumptions: how they fall on days, what goes on at the same pace afterwards, and every rate below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import blake2b
from struct import Struct

from connectors.province.dossier import PROCEDURES
from connectors.province.places import DISTRICTS
from connectors.province.seed import SEED
from connectors.province.working import after, spread, weight_until

LEVELS = {"province": 37_710, "district": 70_296, "commune": 89_728}
"""Taken in from January to April 2023."""
LAST = date(2023, 4, 30)
CUT_OVER = (date(2023, 4, 17), date(2023, 5, 7))
IN_NEW, ONLINE = 16_960, 7_928
"""Of these three weeks: in the new system, and online."""


def _part(share: float) -> int:
    return round(share * 65_536)


LATE, SUPPLEMENT, TWICE, DISLIKED = _part(0.05), _part(0.06), _part(0.01), _part(0.01)
REFUSED, WITHDRAWN, STOPPED = _part(0.015), _part(0.020), _part(0.025)
"""How a dossier ends otherwise than done, each with the ones before it."""
FEE, PAID_ONLINE, BY_POST, ONLINE_BEFORE = _part(0.30), _part(0.135), _part(0.08), _part(0.40)
SYNCHRONISED, E_RESULT, DIGITISED, BY_POPULATION = _part(0.978), _part(0.65), _part(0.85), _part(0.62)
"""Parts of all, of 65,536 (A); `DIGITISED` of those with an electronic result."""
_DRAWS = Struct(">17H")
_REFUSED, _DONE = 3, 9
_OPEN_MINUTES = 9 * 60
_PROCEDURES = tuple(PROCEDURES)
_CODE = re.compile(r"([0-9]{3}\.[0-9]{2}\.[0-9]{2}\.H47)-([0-9]{6})-([0-9]{6})")
_DEPARTMENTS = ("000.00.05.H47", "000.00.07.H47", "000.00.11.H47")
_STRIDE = 7_919
_PICKED_UP = 72
"""Hours until a result is handed out, at the most."""


@dataclass(frozen=True, slots=True)
class Filed:
    """One dossier. Moments are local time. `ending`: the state in which its work ends."""

    code: str
    level: str
    district: str
    procedure: str
    in_new: bool
    channel: int
    received: datetime
    due: datetime
    end: datetime
    returned: datetime
    ending: int
    supplements: int
    has_fee: bool
    is_synchronised: bool
    has_e_result: bool
    is_paid_online: bool
    is_digitised: bool
    by_population: bool
    is_disliked: bool

    @property
    def is_late(self) -> bool:
        """Whether it ended after its day, or had to be supplemented more than once (index 2.1)."""
        return self.end > self.due or self.supplements > 1

    def state_at(self, now: datetime) -> int | None:
        """Its state at a moment; `None` before it came."""
        if now < self.received:
            return None
        gone = (now - self.received) / (self.end - self.received)
        if gone >= 1:
            if self.ending != _DONE:
                return self.ending
            return 10 if now >= self.returned else _DONE
        if self.ending == _REFUSED:
            return 1
        if gone < 0.05:
            return 1
        if gone < 0.1:
            return 2
        if self.supplements and 0.25 <= gone < 0.4:
            return 5
        return 6 if self.has_fee and 0.5 <= gone < 0.6 else 4


@dataclass(frozen=True, slots=True)
class Day:
    """How many came on a day: at each level, in the new system, and of these online."""

    levels: dict[str, int]
    in_new: int
    online: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.levels.values())


@cache
def day_of(day: date) -> Day:
    """The intake of a day; none before the books begin."""
    levels = {level: _taken_in(total, day) for level, total in LEVELS.items()}
    total = sum(levels.values())
    if day < CUT_OVER[0]:
        return Day(levels, 0, 0)
    if day > CUT_OVER[1]:
        return Day(levels, total, round(total * ONLINE / IN_NEW))
    return Day(levels, spread(IN_NEW, day, *CUT_OVER), spread(ONLINE, day, *CUT_OVER))


def each_of(day: date) -> Iterator[Filed]:
    """Every dossier of a day, always the same ones."""
    came = day_of(day)
    nth = 0
    for level, number in came.levels.items():
        for _ in range(number):
            nth += 1
            yield _filed(day, nth, level, came)


def find(code: str) -> Filed | None:
    """The dossier of a code that the intake gave out; `None` for any other code."""
    match = _CODE.fullmatch(code)
    if match is None:
        return None
    try:
        day = datetime.strptime(match[2], "%y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    nth = int(match[3])
    came = day_of(day)
    if not 1 <= nth <= came.total:
        return None
    filed = _filed(day, nth, _level(came, nth), came)
    return filed if filed.code == code else None


def _taken_in(total: int, day: date) -> int:
    """At the pace of the four months, so that these have exactly `total`."""
    whole = weight_until(LAST)
    return round(total * weight_until(day) / whole) - round(total * weight_until(day - timedelta(days=1)) / whole)


def _level(came: Day, nth: int) -> str:
    for level, number in came.levels.items():
        if nth <= number:
            return level
        nth -= number
    raise AssertionError(nth)


def _filed(day: date, nth: int, level: str, came: Day) -> Filed:
    drawn = _DRAWS.unpack(
        blake2b(f"{SEED}\x1f{day}\x1f{nth}".encode(), digest_size=_DRAWS.size, person=b"intake").digest()
    )
    (
        where,
        online,
        by_post,
        what,
        minute,
        late,
        way,
        hours,
        office,
        handed,
        paper,
        again,
        fee,
        sync,
        digital,
        people,
        dislike,
    ) = drawn
    place = where * len(DISTRICTS) >> 16
    # A stride (a prime, longer than any day) spreads the new system's dossiers and the online ones over all levels.
    rank = nth * _STRIDE % came.total
    in_new = rank < came.in_new
    procedure = _PROCEDURES[what * len(_PROCEDURES) >> 16]
    received = datetime(day.year, day.month, day.day, 7, 30) + timedelta(minutes=minute * _OPEN_MINUTES >> 16)  # noqa: DTZ001 - local time
    due = datetime.combine(after(day, PROCEDURES[procedure][2] + 1), received.time())
    ending = _ending(way)
    if ending == _REFUSED:
        end = received + timedelta(minutes=60 + (hours * 400 >> 16))
    elif late < LATE:
        end = due + timedelta(hours=4 + (hours * 68 >> 16))
    else:
        end = max(due - timedelta(hours=1 + (hours * 20 >> 16)), received + timedelta(hours=1))
    return Filed(
        code=f"{_office(level, place, office)}-{day:%y%m%d}-{nth:06d}",
        level=level,
        district=DISTRICTS[place].code,
        procedure=procedure,
        in_new=in_new,
        channel=_channel(rank < came.online if in_new else online < ONLINE_BEFORE, by_post),
        received=received,
        due=due,
        end=end,
        returned=end + timedelta(hours=1 + (handed * _PICKED_UP >> 16)),
        ending=ending,
        supplements=2 if again < TWICE else int(again < SUPPLEMENT),
        has_fee=fee < FEE,
        is_synchronised=sync < SYNCHRONISED,
        has_e_result=paper < E_RESULT,
        is_paid_online=fee < PAID_ONLINE,
        is_digitised=paper < E_RESULT and digital < DIGITISED,
        by_population=people < BY_POPULATION,
        is_disliked=dislike < DISLIKED,
    )


def _ending(drawn: int) -> int:
    if drawn < REFUSED:
        return _REFUSED
    if drawn < WITHDRAWN:
        return 7
    return 8 if drawn < STOPPED else _DONE


def _channel(online: bool, drawn: int) -> int:  # noqa: FBT001 - drawn or given out
    if online:
        return 2
    return 3 if drawn < BY_POST else 1


def _office(level: str, place: int, drawn: int) -> str:
    """An organisation code: a department's, a district's, or that of communes of a district (A but for `001.00.10`)."""
    if level == "province":
        return _DEPARTMENTS[drawn * len(_DEPARTMENTS) >> 16]
    return f"{'001' if level == 'district' else '101'}.00.{place + 4:02d}.H47"
