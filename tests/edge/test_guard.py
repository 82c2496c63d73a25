from __future__ import annotations

import pytest

from lgsp.edge.guard import COOKIE, SESSIONS_AT_MOST, Asked, Guard, Role, needed

TOKEN = "made-up-admin-token"


class Time:
    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        return self.at


TOKENS = {Role.VIEWER: "made-up-viewer", Role.OPERATOR: "made-up-operator", Role.ADMIN: TOKEN}


def a_guard(time: Time | None = None, *, loopback: bool = True) -> Guard:
    return Guard(TOKENS, (time or Time()).now, loopback=loopback)


@pytest.mark.parametrize(
    ("method", "path", "loopback", "wanted"),
    [
        ("GET", "/metrics", True, None),
        ("HEAD", "/lgsp/v1/faults", True, None),
        ("POST", "/lgsp/v1/faults", True, Role.OPERATOR),
        ("DELETE", "/lgsp/v1/faults/{name}", True, Role.OPERATOR),
        ("DELETE", "/lgsp/v1/faults/{name}/x", True, Role.ADMIN),
        ("POST", "/lgsp/v1/parked/{id}", True, Role.OPERATOR),
        ("DELETE", "/lgsp/v1/parked/{id}", True, Role.ADMIN),
        ("PUT", "/lgsp/v1/faults", True, Role.ADMIN),
        ("POST", "/what/nobody/thought/of", True, Role.ADMIN),
        ("OPTIONS", "/", True, Role.ADMIN),
        ("GET", "/metrics", False, Role.VIEWER),
        ("GET", "/", False, Role.VIEWER),
        ("POST", "/lgsp/v1/faults", False, Role.OPERATOR),
        ("GET", "/livez", False, None),
        ("GET", "/readyz", False, None),
        ("GET", "/readyz/", False, Role.VIEWER),
    ],
)
def test_what_wants_which_role(method: str, path: str, loopback: bool, wanted: Role | None) -> None:  # noqa: FBT001 - a table
    assert needed(method, path, loopback=loopback) is wanted
    guard = a_guard(loopback=loopback)
    shown = {None: "", **{role: f"Bearer {token}" for role, token in TOKENS.items()}}
    for role, value in shown.items():
        enough = wanted is None or (role is not None and role >= wanted)
        assert guard.wants(Asked(method, path, value)) is (None if enough else wanted), role


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (f"Bearer {TOKEN}", Role.ADMIN),
        (f"bearer {TOKEN} ", Role.ADMIN),
        ("Bearer made-up-operator", Role.OPERATOR),
        ("Bearer made-up-viewer", Role.VIEWER),
        (f"Basic {TOKEN}", None),
        (f"Bearer {TOKEN}x", None),
        ("Bearer ", None),
        ("Bearer é", None),
        (TOKEN, None),
        ("", None),
    ],
)
def test_only_a_token_itself_is_known(shown: str, known: Role | None) -> None:
    assert a_guard().role(Asked("POST", "/x", authorization=shown)) is known


def test_a_code_opens_one_session() -> None:
    guard = a_guard()
    code = guard.code()
    session = guard.redeem(code)
    assert session
    assert guard.wants(Asked("POST", "/x", cookies={COOKIE: session})) is None
    assert guard.wants(Asked("POST", "/x", cookies={COOKIE: code})) is Role.ADMIN
    assert guard.redeem(code) is None
    assert guard.redeem("nobody made it") is None


def test_codes_and_sessions_end() -> None:
    time = Time()
    guard = a_guard(time)
    late, used = guard.code(), guard.code()
    session = guard.redeem(used)
    assert session
    time.at += 600
    assert guard.redeem(late) is None
    assert guard.role(Asked("POST", "/x", cookies={COOKIE: session})) is Role.ADMIN
    time.at += 12 * 3600 - 600
    assert guard.role(Asked("POST", "/x", cookies={COOKIE: session})) is None


def test_the_oldest_session_gives_way() -> None:
    guard = a_guard()
    sessions = [guard.redeem(guard.code()) or "" for _ in range(SESSIONS_AT_MOST + 1)]
    known = [guard.role(Asked("POST", "/x", cookies={COOKIE: session})) for session in sessions]
    assert known == [None] + [Role.ADMIN] * SESSIONS_AT_MOST
