"""The contract of emc-monitoring: the province's figures, taken in."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("emc-monitoring")
CODES = ["SCHEMA_REJECT", "INVALID_DAY", "SYSTEM_ERROR"]
DAILY = contract.operation(
    "POST /pushDailyStats", OURS, sends="ngay tongGiaoDich", gets="ngay soTiepNhan tongGiaoDich code message",
    says={"code": [*CODES, "INVALID_COUNT"]}, status=[200, 400, 500],
)  # fmt: skip
SERVICES = contract.operation(
    "POST /pushServiceStatus", OURS, sends="ngay dichVu dichVu.ma dichVu.trangThai", gets="ngay soDichVu code message",
    says={"code": CODES}, status=[200, 400, 500],
)  # fmt: skip
DAY = {"ngay": "2023-05-24"}


def refusal(name: str, operation: str, code: str, body: object) -> None:
    contract.case(name, OURS, operation, body=body, outcome=Outcome.REJECTED, status=400, gives={"code": code})


contract.case(
    "a day",
    OURS,
    DAILY,
    body=DAY | {"tongGiaoDich": 1831368},
    gives={"ngay": "2023-05-24", "soTiepNhan": "EMC13496219", "tongGiaoDich": 1831368},
)
contract.case("a day of nothing", OURS, DAILY, body=DAY | {"tongGiaoDich": 0}, gives={"tongGiaoDich": 0})
contract.case(
    "two services",
    OURS,
    SERVICES,
    body=DAY | {"dichVu": [{"ma": "gis", "trangThai": "tốt"}, {"ma": "health"}]},
    gives={"soDichVu": 2},
)
contract.case("no service", OURS, SERVICES, body=DAY | {"dichVu": []}, gives={"soDichVu": 0})
for count in (-1, 1.5, "1", True, None):
    refusal(f"{count!r} transactions", DAILY, "INVALID_COUNT", DAY | {"tongGiaoDich": count})
refusal("a service without its name", SERVICES, "SCHEMA_REJECT", DAY | {"dichVu": [{"trangThai": "tốt"}]})
for operation in (DAILY, SERVICES):
    refusal("a day in another form", operation, "INVALID_DAY", {"ngay": "24/05/2023"})
    refusal("no JSON", operation, "SCHEMA_REJECT", b"{")
    contract.failure("refused", OURS, operation, Outcome.REJECTED, 400, {"code": "SCHEMA_REJECT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
