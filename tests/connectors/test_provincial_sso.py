"""The contract of provincial-sso: sign in, ask, and be locked out."""

from __future__ import annotations

from typing import Any

import pytest
from facts import OURS, Case, Contract

from connectors.provincial_sso import PASSWORD, TRIES
from lgsp.model import Outcome

contract = Contract("provincial-sso")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
CODES = ["INVALID_GRANT", "SYSTEM_ERROR"]
SIGN_IN = contract.operation(
    "POST /token", OURS, sends="username password", gets="access_token token_type expires_in code message",
    says={"token_type": ["Bearer"], "code": [*CODES, "ACCOUNT_LOCKED"]}, status=[200, 400, 403, 500],
)  # fmt: skip
ASK = contract.operation(
    "POST /introspect", OURS, sends="token", gets="active username org_code roles code message",
    says={"active": [True, False], "code": CODES}, status=[200, 400, 500],
)  # fmt: skip
WHO = contract.operation(
    "GET /userinfo", OURS, sends="access_token", gets="username org_code roles full_name code message",
    says={"code": [*CODES, "INVALID_TOKEN"]}, status=[200, 400, 401, 500],
)  # fmt: skip
TOKEN = "khoa1234.c0a811e96ce1d86636e2ee75"
RIGHT, WRONG = {"username": "khoa1234", "password": PASSWORD}, {"username": "khoa1234", "password": "x"}


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> Case:
    return contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


signed_in = contract.case("signed in", OURS, SIGN_IN, body=RIGHT, gives={"access_token": TOKEN, "expires_in": 28800})
wrong = refusal("a wrong password", SIGN_IN, "INVALID_GRANT", 400, REFUSED, body=WRONG)
refusal("no such account", SIGN_IN, "INVALID_GRANT", 400, REFUSED, body={"username": "x", "password": PASSWORD})
refusal("locked before", SIGN_IN, "ACCOUNT_LOCKED", 403, FAULT, body={"username": "khoa0099", "password": PASSWORD})
refusal("locked after five", SIGN_IN, "ACCOUNT_LOCKED", 403, FAULT, body=RIGHT, after=(wrong,) * TRIES)
contract.case(
    "right after four", OURS, SIGN_IN, body=RIGHT, after=(wrong,) * (TRIES - 1), gives={"access_token": TOKEN}
)
contract.case(
    "counted anew",
    OURS,
    SIGN_IN,
    body=RIGHT,
    after=((wrong,) * (TRIES - 1) + (signed_in,)) * 2,
    gives={"access_token": TOKEN},
)
contract.case(
    "active",
    OURS,
    ASK,
    body={"token": TOKEN},
    gives={"active": True, "username": "khoa1234", "org_code": "000.00.07.H47", "roles": ["can_bo", "lanh_dao"]},
)
contract.case("forged", OURS, ASK, body={"token": "x"}, gives={"active": False})
contract.case(
    "who", OURS, WHO, query={"access_token": TOKEN}, gives={"username": "khoa1234", "full_name": "Đặng Quang Khoa"}
)
refusal("forged", WHO, "INVALID_TOKEN", 401, REFUSED, query={"access_token": "x"})
for operation in (SIGN_IN, ASK, WHO):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "INVALID_GRANT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
