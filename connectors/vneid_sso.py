"""Đăng nhập một lần, định danh điện tử qua Cổng DVCQG, VNeID: National SSO.

Fact (S20, secondary): sign-on uses the OIDC code flow. Assumptions: paths, methods, fields and faults, that a token is good
until its holder logs out.
"""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import parse_qsl

from connectors.province import meanings
from connectors.province.person import Person, find_person
from connectors.province.seed import number
from lgsp import Kept, Outcome, Reply, Request, State

STATE = {"ended": Kept(seconds=3_600)}
"""Tokens whose holder logged out."""

failure_of = meanings.failure_of


def answer_with(request: Request, state: State) -> Reply:
    """The steps of the code flow."""
    match request.operation:
        case "GET /authorize":
            return _authorize(request)
        case "POST /token":
            return _token(request, state)
        case "GET /userinfo":
            return _userinfo(request, state)
        case _:
            return _logout(request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """OIDC's words: `invalid_grant` for a refusal, `server_error` for an error."""
    if outcome is Outcome.REJECTED:
        return _error(request, "invalid_grant", outcome, 400)
    return _error(request, "server_error", outcome, 500)


def code_of(person: Person) -> str:
    """The authorisation code that stands for a person's login: the id, and a seal."""
    return f"{person.id}.{_seal(str(person.id))}"


def _seal(citizen_id: str) -> str:
    return sha256(f"vneid {citizen_id}".encode()).hexdigest()[:16]


def _authorize(request: Request) -> Reply:
    fields = request.query_values
    if fields.get("response_type") != "code" or not fields.get("client_id") or not fields.get("redirect_uri"):
        return _error(request, "invalid_request", Outcome.REJECTED, 400)
    person = find_person(fields.get("login_hint", ""))
    if person is None:
        return _error(request, "login_required", Outcome.BUSINESS_FAULT, 200)
    return Reply.of_json(request, {"code": code_of(person), "state": fields.get("state", "")})


def _token(request: Request, state: State) -> Reply:
    fields = _form(request)
    person = _holder(fields.get("code", ""))
    if fields.get("grant_type") != "authorization_code" or person is None:
        return _error(request, "invalid_grant", Outcome.REJECTED, 400)
    if state.get("ended", code_of(person)):
        state.remove("ended", code_of(person))
    body = {"access_token": code_of(person), "token_type": "Bearer", "expires_in": 3600, "scope": "openid profile"}
    return Reply.of_json(request, body)


def _logout(request: Request, state: State) -> Reply:
    """End a token; one that is none, or that was ended, is no longer good either way."""
    token = _form(request).get("token", "")
    if _holder(token):
        state.put("ended", token, value=True)
    return Reply.of_json(request, {"result": "logged_out"})


def _userinfo(request: Request, state: State) -> Reply:
    token = request.query_values.get("access_token", "")
    person = _holder(token)
    if person is None or state.get("ended", token):
        return _error(request, "invalid_token", Outcome.REJECTED, 401)
    level = 2 if person.age >= 14 and number(str(person.id), "vneid", 10) else 1
    wanted = request.query_values.get("mucDinhDanh", "1")
    if wanted == "2" and level < 2:
        return _error(request, "insufficient_identity_level", Outcome.BUSINESS_FAULT, 200)
    body = {"sub": _seal(str(person.id)), "SoDinhDanh": str(person.id), "HoVaTen": person.name, "mucDinhDanh": level}
    return Reply.of_json(request, body)


def _holder(code: str) -> Person | None:
    citizen, _, seal = code.partition(".")
    return find_person(citizen) if seal == _seal(citizen) else None


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _error(request: Request, code: str, outcome: Outcome, status: int) -> Reply:
    return Reply.of_json(request, {"error": code}, outcome=outcome, status=status, reason=code)
