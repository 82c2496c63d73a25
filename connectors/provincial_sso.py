"""Xác thực tập trung: Staff SSO of the province. Not to be confused with the gateway's own `POST /token`.

Facts: none public. Assumptions: everything; five wrong passwords lock an account for a quarter of an hour.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import parse_qsl

from connectors.province.dossier import AGENCIES
from connectors.province.names import plain
from connectors.province.person import Person, person_of
from connectors.province.proposal import refused
from connectors.province.seed import pick
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

ROLES = (["can_bo"], ["can_bo", "lanh_dao"], ["mot_cua"], ["quan_tri"])
PASSWORD = "Mo-phong-2023"  # noqa: S105 - everybody's in the stand-in, made up, and meant to be known
TRIES = 5
STATE = {"wrong": Kept(seconds=900)}
"""How many wrong passwords came for an account since the last right one."""
_ACCOUNT = re.compile(r"[a-z]+[0-9]{4}")


def answer_with(request: Request, state: State) -> Reply:
    """A token, its state, or who holds it."""
    match request.operation:
        case "POST /token":
            return _token(request, state)
        case "POST /introspect":
            return _introspect(request)
        case _:
            return _userinfo(request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """INVALID_GRANT for a refusal."""
    if outcome is Outcome.REJECTED:
        return refused(request, "INVALID_GRANT", "Sai tài khoản hoặc mật khẩu", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống xác thực gặp lỗi", outcome, 500)


def token_of(account: str) -> str:
    """The token of an account: its name and a seal."""
    return f"{account}.{sha256(f'sso {account}'.encode()).hexdigest()[:24]}"


def account_of(person: Person) -> str:
    """Somebody's account: given name without accents, and the last digits of the citizen id."""
    return f"{plain(person.given).lower()}{str(person.id)[-4:]}"


def _token(request: Request, state: State) -> Reply:
    fields = _fields(request)
    account = fields.get("username", "")
    if not _ACCOUNT.fullmatch(account):
        return refused(request, "INVALID_GRANT", "Sai tài khoản hoặc mật khẩu", Outcome.REJECTED, 400)
    wrong = state.get("wrong", account) or 0
    if account.endswith("99") or wrong >= TRIES:
        return refused(request, "ACCOUNT_LOCKED", "Tài khoản đang bị khóa", Outcome.BUSINESS_FAULT, 403)
    if fields.get("password") != PASSWORD:
        state.put("wrong", account, wrong + 1)
        return refused(request, "INVALID_GRANT", "Sai tài khoản hoặc mật khẩu", Outcome.REJECTED, 400)
    if wrong:
        state.remove("wrong", account)
    return Reply.of_json(request, {"access_token": token_of(account), "token_type": "Bearer", "expires_in": 28_800})


def _introspect(request: Request) -> Reply:
    account = _holder(_fields(request).get("token", ""))
    return Reply.of_json(request, {"active": False} if account is None else {"active": True, **_who(account)})


def _userinfo(request: Request) -> Reply:
    account = _holder(request.query_values.get("access_token", ""))
    if account is None:
        return refused(request, "INVALID_TOKEN", "Token không hợp lệ", Outcome.REJECTED, 401)
    return Reply.of_json(request, _who(account) | {"full_name": person_of(account, "officer").name})


def _who(account: str) -> dict[str, object]:
    return {
        "username": account,
        "org_code": pick(account, "agency", tuple(AGENCIES)),
        "roles": pick(account, "roles", ROLES),
    }


def _holder(token: str) -> str | None:
    account, _, _ = token.partition(".")
    return account if _ACCOUNT.fullmatch(account) and token == token_of(account) else None


def _fields(request: Request) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in request.json_object.items()}
    except MalformedRequest:
        return dict(parse_qsl(request.body.decode(errors="replace")))
