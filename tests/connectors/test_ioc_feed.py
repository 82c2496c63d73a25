"""The contract of ioc-feed: figures, events, cameras."""

from __future__ import annotations

from typing import Any

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("ioc-feed")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
KPI = contract.operation(
    "GET /kpi/{code}",
    OURS,
    sends="{code} org_code",
    gets="code name org_code value unit at message",
    status=[200, 400, 404, 409, 500],
)
EVENT = contract.operation(
    "POST /events", OURS, sends="type org_code", gets="event_id accepted code message",
    says={"accepted": [True], "code": ["SCHEMA_REJECT", "SYSTEM_ERROR"]}, status=[200, 400, 500],
)  # fmt: skip
CAMERA = contract.operation(
    "GET /camera/{id}/status", OURS, sends="{id}", gets="id state at code message",
    says={"state": ["online", "offline"], "code": ["UNKNOWN_CAMERA", "SCHEMA_REJECT", "SYSTEM_ERROR"]}, status=[200, 400, 404, 500],
)  # fmt: skip


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


contract.case(
    "a figure",
    OURS,
    KPI,
    path={"code": "ho-so-tiep-nhan"},
    query={"org_code": "000.00.31.H47"},
    gives={"code": "ho-so-tiep-nhan", "value": 0.2, "unit": "hồ sơ", "at": "2023-05-24T09:45:00+07:00"},
)
contract.case(
    "an event",
    OURS,
    EVENT,
    body={"type": "ngap-lut", "org_code": "000.00.32.H47"},
    gives={"event_id": "EV2060071545", "accepted": True},
)
contract.case("a camera", OURS, CAMERA, path={"id": "CAM-0001"}, gives={"id": "CAM-0001", "state": "online"})
contract.case("one that is dark", OURS, CAMERA, path={"id": "CAM-0011"}, gives={"state": "offline"})
refusal("no such figure", KPI, "UNKNOWN_KPI", 404, FAULT, path={"code": "x"})
refusal(
    "an old figure",
    KPI,
    "STALE_DATA",
    409,
    FAULT,
    path={"code": "ho-so-tiep-nhan"},
    query={"org_code": "999.00.00.H47"},
)
refusal("an event of nobody", EVENT, "SCHEMA_REJECT", 400, REFUSED, body={"type": "ngap-lut"})
refusal("no such camera", CAMERA, "UNKNOWN_CAMERA", 404, FAULT, path={"id": "x"})
for operation in (KPI, EVENT, CAMERA):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "SCHEMA_REJECT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
