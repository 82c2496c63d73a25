"""The contract of tthc-dossiers, and its dossiers' states."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import remembering
from builders import a_request
from facts import OURS, Case, Contract
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connectors import tthc_dossiers
from connectors.province.dossier import NEXT, STATES, find_dossier
from lgsp.clock import ManualClock
from lgsp.model import Outcome
from lgsp.runtime.state import States

contract = Contract("tthc-dossiers")
DOSSIER = (
    "MaHoSo", "MaTTHC", "ChuHoSo", "SoDinhDanh", "KenhThucHien", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy",
    "TrangThaiHoSo", "MoTa",
)  # fmt: skip
ERROR = "code message"
RECEIVE = contract.operation(
    "POST /tiepNhanHoSo",
    OURS,
    sends="MaHoSo MaTTHC ChuHoSo SoDinhDanh KenhThucHien",
    takes={"KenhThucHien": ["1", "2", "3"]},
    gets=f"MaHoSo TrangThaiHoSo MoTa {ERROR}",
    says={"code": ["SCHEMA_REJECT", "UNKNOWN_PROCEDURE", "DUPLICATE", "SYSTEM_ERROR"]},
    status=[200, 400, 409, 422, 500],
)
CHANGE = contract.operation(
    "PUT /capNhatTrangThai",
    OURS,
    sends="MaHoSo TrangThaiHoSo",
    takes={"TrangThaiHoSo": range(1, 11)},
    gets=f"MaHoSo TrangThaiHoSo MoTa {ERROR}",
    says={
        "code": ["SCHEMA_REJECT", "NOT_FOUND", "ILLEGAL_TRANSITION", "SYSTEM_ERROR"],
        "TrangThaiHoSo": range(1, 11),
    },
    status=[200, 400, 404, 409, 500],
)
QUERY = contract.operation(
    "GET /traCuuHoSo",
    OURS,
    sends="MaHoSo",
    gets=f"{' '.join(DOSSIER)} {ERROR}",
    says={"code": ["SCHEMA_REJECT", "NOT_FOUND", "SYSTEM_ERROR"], "TrangThaiHoSo": range(1, 11)},
    status=[200, 400, 404, 500],
)
NEW = contract.operation(
    "GET /layDanhSachMoi",
    OURS,
    sends="tuNgay gioiHan trang",
    gets=f"tongSo data {' '.join(f'data.{name}' for name in DOSSIER)} {ERROR}",
    says={"code": ["SCHEMA_REJECT", "SYSTEM_ERROR"]},
    status=[200, 400, 500],
)

CODE = "000.00.31.H47-230525-0101"
HANDED_IN = {"MaHoSo": CODE, "MaTTHC": "1.001193", "ChuHoSo": "Phan Công Khoa", "SoDinhDanh": "049085001234"}


def step(state: int, *after: Case) -> Case:
    body = {"MaHoSo": CODE, "TrangThaiHoSo": state}
    gives = {"MaHoSo": CODE, "TrangThaiHoSo": state, "MoTa": STATES[state]}
    return contract.case(f"to {state}", OURS, CHANGE, body=body, gives=gives, after=after)


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


received = contract.case(
    "handed in", OURS, RECEIVE, body=HANDED_IN | {"KenhThucHien": "1"}, gives={"MaHoSo": CODE, "TrangThaiHoSo": 1}
)
for channel in ("2", "3"):
    contract.case(f"by channel {channel}", OURS, RECEIVE, body=HANDED_IN | {"KenhThucHien": channel})
taken = step(2, received)
working = step(4, received, taken)
contract.case(
    "again", OURS, RECEIVE, body=HANDED_IN | {"KenhThucHien": "1"}, gives={"TrangThaiHoSo": 2}, after=(received, taken)
)
step(1, received)
for state in (3, 7):
    step(state, received)
for state in (5, 6, 8):
    step(state, received, taken, working)
finished = step(9, received, taken, working)
returned = step(10, received, taken, working, finished)
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
other = HANDED_IN | {"ChuHoSo": "Trần Thị Bình"}
refusal("another under its code", RECEIVE, "DUPLICATE", 409, FAULT, body=other, after=(received,))
refusal("no owner", RECEIVE, "SCHEMA_REJECT", 400, REFUSED, body={"MaHoSo": CODE, "MaTTHC": "1.001193"})
refusal("channel 4", RECEIVE, "SCHEMA_REJECT", 400, REFUSED, body=HANDED_IN | {"KenhThucHien": "4"})
refusal("no procedure", RECEIVE, "UNKNOWN_PROCEDURE", 422, REFUSED, body=HANDED_IN | {"MaTTHC": "9.999999"})
refusal("unknown", CHANGE, "NOT_FOUND", 404, FAULT, body={"MaHoSo": "000.00.31.H47-230525-0199", "TrangThaiHoSo": 2})
refusal("state 11", CHANGE, "SCHEMA_REJECT", 400, REFUSED, body={"MaHoSo": CODE, "TrangThaiHoSo": 11})
refusal(
    "a step too far",
    CHANGE,
    "ILLEGAL_TRANSITION",
    409,
    FAULT,
    body={"MaHoSo": CODE, "TrangThaiHoSo": 10},
    after=(received,),
)
contract.case(
    "as it was handed in",
    OURS,
    QUERY,
    query={"MaHoSo": CODE},
    gives={
        "MaTTHC": "1.001193",
        "ChuHoSo": "Phan Công Khoa",
        "SoDinhDanh": "049085001234",
        "KenhThucHien": 1,
        "NgayKetThucXuLy": "",
        "TrangThaiHoSo": 4,
        "MoTa": "Đang xử lý",
    },
    after=(received, taken, working),
)
contract.case(
    "one that was there before",
    OURS,
    QUERY,
    query={"MaHoSo": "000.00.31.H47-230524-0001"},
    gives={"ChuHoSo": "Trần Văn Tuấn", "NgayTiepNhan": "20230524083400", "TrangThaiHoSo": 9},
)
for after in ((received,), (received, taken)):
    contract.case("its state", OURS, QUERY, query={"MaHoSo": CODE}, gives={"TrangThaiHoSo": len(after)}, after=after)
for state in (3, 7):
    contract.case(
        "its state",
        OURS,
        QUERY,
        query={"MaHoSo": CODE},
        gives={"TrangThaiHoSo": state},
        after=(received, step(state, received)),
    )
for state in (5, 6, 8):
    contract.case(
        "its state",
        OURS,
        QUERY,
        query={"MaHoSo": CODE},
        gives={"TrangThaiHoSo": state},
        after=(received, taken, working, step(state, received, taken, working)),
    )
contract.case(
    "returned",
    OURS,
    QUERY,
    query={"MaHoSo": CODE},
    gives={"TrangThaiHoSo": 10, "NgayKetThucXuLy": "20230527131400"},
    after=(received, taken, working, finished, returned),
)
refusal("unknown", QUERY, "NOT_FOUND", 404, FAULT, query={"MaHoSo": "000.00.31.H47-230525-0199"})
refusal("no code", QUERY, "SCHEMA_REJECT", 400, REFUSED, query={"MaHoSo": "x"})
contract.case(
    "those handed in come first",
    OURS,
    NEW,
    query={"tuNgay": "20230525", "gioiHan": "2"},
    gives={"tongSo": 2, "data.MaHoSo": [CODE, "000.00.00.H47-230525-0001"], "data.TrangThaiHoSo": [1]},
    after=(received,),
)
contract.case("none wanted", OURS, NEW, query={"tuNgay": "20230525", "gioiHan": "0"}, gives={"data": [[]], "tongSo": 0})
FIRST = "000.00.07.H47-230417-000001"
contract.case(
    "a page of what came on a day",
    OURS,
    NEW,
    query={"tuNgay": "20230417", "gioiHan": "2", "trang": "1"},
    gives={"tongSo": 2366, "data.MaHoSo": [FIRST], "data.TrangThaiHoSo": [10], "data.KenhThucHien": [1]},
)
contract.case(
    "past its last page", OURS, NEW, query={"tuNgay": "20230417", "trang": "999"}, gives={"tongSo": 2366, "data": [[]]}
)
contract.case("tomorrow nothing came yet", OURS, NEW, query={"tuNgay": "20230525", "trang": "1"}, gives={"tongSo": 0})
contract.case(
    "one of the intake",
    OURS,
    QUERY,
    query={"MaHoSo": FIRST},
    gives={"NgayTiepNhan": "20230417155400", "NgayKetThucXuLy": "20230421045400"},
)
refusal("handed in by the desk already", RECEIVE, "DUPLICATE", 409, FAULT, body=HANDED_IN | {"MaHoSo": FIRST})
refusal("one that has not come", QUERY, "NOT_FOUND", 404, FAULT, query={"MaHoSo": "000.00.11.H47-230525-000001"})
refusal("no page", NEW, "SCHEMA_REJECT", 400, REFUSED, query={"tuNgay": "20230417", "trang": "0"})
refusal("no day", NEW, "SCHEMA_REJECT", 400, REFUSED, query={"tuNgay": "25/05/2023"})
for operation in (RECEIVE, CHANGE, QUERY, NEW):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "SCHEMA_REJECT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


NUMBERED = (CODE, "000.00.31.H47-230524-0003", "000.00.31.H47-230525-0199")
CODES = st.sampled_from(NUMBERED)


class Dossiers(RuleBasedStateMachine):
    """Whatever is asked in whatever order: the ten states are kept to, and what was told is what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = remembering.answering(tthc_dossiers)
        self.owners: dict[str, str] = {}
        self.states = {code: found.state for code in NUMBERED if (found := find_dossier(code))}

    def ask(self, operation: str, *, body: object = None, query: str = "") -> tuple[int, dict[str, Any]]:
        request = a_request(operation=operation, body=json.dumps(body).encode(), query=query, consumer="c")
        reply = asyncio.run(self.answer(request))
        return reply.status, json.loads(reply.body)

    @rule(code=CODES, owner=st.sampled_from(["Phan Công Khoa", "Trần Thị Bình"]))
    def hand_in(self, code: str, owner: str) -> None:
        status, said = self.ask(RECEIVE, body={"MaHoSo": code, "MaTTHC": "1.001193", "ChuHoSo": owner})
        if self.owners.get(code, owner) != owner:
            assert (status, said["code"]) == (409, "DUPLICATE")
            return
        if code not in self.owners:
            self.states[code] = 1
        self.owners[code] = owner
        assert (status, said["TrangThaiHoSo"]) == (200, self.states[code])

    @rule(code=CODES, wanted=st.sampled_from(sorted(STATES)))
    def change(self, code: str, wanted: int) -> None:
        status, said = self.ask(CHANGE, body={"MaHoSo": code, "TrangThaiHoSo": wanted})
        before = self.states.get(code)
        if before is None:
            assert (status, said["code"]) == (404, "NOT_FOUND")
        elif wanted == before or wanted in NEXT[before]:
            self.states[code] = wanted
            assert (status, said["TrangThaiHoSo"], said["MoTa"]) == (200, wanted, STATES[wanted])
        else:
            assert (status, said["code"]) == (409, "ILLEGAL_TRANSITION")
            assert STATES[before] in said["message"]

    @invariant()
    def what_was_told_is_said(self) -> None:
        for code in NUMBERED:
            status, said = self.ask(QUERY, query=f"MaHoSo={code}")
            assert (status, said.get("TrangThaiHoSo")) == (
                (200, self.states[code]) if code in self.states else (404, None)
            )
            assert self.owners.get(code) in {None, said.get("ChuHoSo")}
            assert bool(said.get("NgayKetThucXuLy")) == (self.states.get(code) in {9, 10})
        listed = self.ask(NEW, query="tuNgay=20230525")[1]["data"]
        told = sorted(code for code in NUMBERED if code in self.owners and "-230525-" in code)
        assert [dossier["MaHoSo"] for dossier in listed][: len(told)] == told


Dossiers.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestDossiers = Dossiers.TestCase


async def test_of_64_changes_at_once_one_wins_and_the_others_see_it(tmp_path: Path) -> None:
    async with States(ManualClock(), tmp_path / "s.sqlite") as states:
        answer = states.answering("tthc-dossiers", tthc_dossiers)
        for case in (received, taken, working):
            await answer(case.request)
        bodies = [json.dumps({"MaHoSo": CODE, "TrangThaiHoSo": 8 + n % 2}).encode() for n in range(64)]
        requests = [a_request(operation=CHANGE, body=body, consumer="c") for body in bodies]
        replies = await asyncio.gather(*(answer(request) for request in requests))
    by_wanted = [{(r.outcome, json.loads(r.body).get("message")) for r in replies[n::2]} for n in range(2)]
    loser = 0 if (Outcome.OK, None) in by_wanted[1] else 1
    assert by_wanted[1 - loser] == {(Outcome.OK, None)}
    says = f"Không thể chuyển từ «{STATES[9 - loser]}» sang «{STATES[8 + loser]}»"
    assert by_wanted[loser] == {(Outcome.BUSINESS_FAULT, says)}
