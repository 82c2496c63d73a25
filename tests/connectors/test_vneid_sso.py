"""The contract of vneid-sso: OIDC's code flow, and a token that ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from facts import OURS, Case, Contract, seen

from lgsp.model import Outcome

contract = Contract("vneid-sso")
S20 = seen("S20")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
FORM = {"content-type": "application/x-www-form-urlencoded"}
AUTHORIZE = contract.operation(
    "GET /authorize", S20, sends="response_type client_id redirect_uri state", gets="code state"
)
contract.knows(
    OURS, AUTHORIZE, sends="login_hint", gets="error", status=[200, 400, 500],
    says={"error": ["login_required", "invalid_request", "invalid_grant", "server_error"]},
)  # fmt: skip
TOKEN = contract.operation(
    "POST /token", OURS, sends="(application/x-www-form-urlencoded)", gets="access_token token_type expires_in scope error",
    says={"token_type": ["Bearer"], "error": ["invalid_grant", "server_error"]}, status=[200, 400, 500],
)  # fmt: skip
USER = contract.operation(
    "GET /userinfo", OURS, sends="access_token mucDinhDanh", gets="sub SoDinhDanh HoVaTen mucDinhDanh error",
    says={"mucDinhDanh": [1, 2], "error": ["invalid_token", "insufficient_identity_level", "invalid_grant", "server_error"]},
    status=[200, 400, 401, 500],
)  # fmt: skip
LOGOUT = contract.operation(
    "POST /logout", OURS, sends="(application/x-www-form-urlencoded)", gets="result error",
    says={"result": ["logged_out"], "error": ["invalid_grant", "server_error"]}, status=[200, 400, 500],
)  # fmt: skip
CODE = "049085001234.f1c57b27bbe3bac3"
ASKED = {"response_type": "code", "client_id": "dvc", "redirect_uri": "https://dichvucong.example/cb", "state": "abc"}


def form(**fields: str) -> dict[str, Any]:
    return {"body": urlencode(fields).encode(), "headers": FORM}


def refusal(name: str, operation: str, error: str, status: int, outcome: Outcome, *after: Case, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"error": error}, after=after, **more)


contract.case(
    "a code", S20, AUTHORIZE, query=ASKED | {"login_hint": "049085001234"}, gives={"code": CODE, "state": "abc"}
)
refusal("nobody logged in", AUTHORIZE, "login_required", 200, FAULT, query=ASKED)
for name in ("response_type", "client_id", "redirect_uri"):
    refusal(f"no {name}", AUTHORIZE, "invalid_request", 400, REFUSED, query=ASKED | {name: ""})
given = contract.case(
    "a token",
    OURS,
    TOKEN,
    **form(grant_type="authorization_code", code=CODE),
    gives={"access_token": CODE, "token_type": "Bearer", "expires_in": 3600},
)
refusal("a forged code", TOKEN, "invalid_grant", 400, REFUSED, **form(grant_type="authorization_code", code=f"{CODE}0"))
refusal("another grant", TOKEN, "invalid_grant", 400, REFUSED, **form(grant_type="password", code=CODE))
contract.case(
    "who it is",
    OURS,
    USER,
    query={"access_token": CODE, "mucDinhDanh": "2"},
    gives={"SoDinhDanh": "049085001234", "HoVaTen": "Phan Công Khoa", "mucDinhDanh": 2},
)
LOW = "049085000006.3096a80f9062eec9"
contract.case("a low level", OURS, USER, query={"access_token": LOW}, gives={"mucDinhDanh": 1})
refusal(
    "too low a level", USER, "insufficient_identity_level", 200, FAULT, query={"access_token": LOW, "mucDinhDanh": "2"}
)
refusal("a forged token", USER, "invalid_token", 401, REFUSED, query={"access_token": "x"})
ended = contract.case("logged out", OURS, LOGOUT, **form(token=CODE), gives={"result": "logged_out"})
contract.case("logged out again", OURS, LOGOUT, **form(token=CODE), after=(ended,), gives={"result": "logged_out"})
refusal("an ended token", USER, "invalid_token", 401, REFUSED, given, ended, query={"access_token": CODE})
contract.case(
    "logged in again",
    OURS,
    USER,
    query={"access_token": CODE},
    after=(ended, given),
    gives={"SoDinhDanh": "049085001234"},
)
for operation, status in ((AUTHORIZE, 400), (TOKEN, 400), (USER, 400), (LOGOUT, 400)):
    contract.failure("refused", OURS, operation, REFUSED, status, {"error": "invalid_grant"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"error": "server_error"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
