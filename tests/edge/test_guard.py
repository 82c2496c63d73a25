from __future__ import annotations

import pytest

from lgsp.edge.guard import COOKIE, SESSIONS_AT_MOST, Asked, Guard, wants_token

TOKEN = "made-up-admin-token"


class Time:
    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        return self.at


def a_guard(time: Time | None = None, *, loopback: bool = True) -> Guard:
    return Guard(TOKEN, (time or Time()).now, loopback=loopback)


@pytest.mark.parametrize(
    ("method", "path", "loopback", "wanted"),
    [
        ("GET", "/metrics", True, False),
        ("HEAD", "/lgsp/v1/faults", True, False),
        ("POST", "/lgsp/v1/faults", True, True),
        ("DELETE", "/lgsp/v1/faults/1", True, True),
        ("OPTIONS", "/", True, True),
        ("GET", "/metrics", False, True),
        ("GET", "/", False, True),
        ("GET", "/livez", False, False),
        ("GET", "/readyz", False, False),
        ("GET", "/readyz/", False, True),
    ],
)
def test_what_wants_the_token(method: str, path: str, loopback: bool, wanted: bool) -> None:  # noqa: FBT001 - a table
    assert wants_token(method, path, loopback=loopback) is wanted
    assert a_guard(loopback=loopback).lets(Asked(method, path)) is not wanted


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN} ", True),
        (f"Basic {TOKEN}", False),
        (f"Bearer {TOKEN}x", False),
        ("Bearer ", False),
        ("Bearer é", False),
        (TOKEN, False),
        ("", False),
    ],
)
def test_only_the_token_itself_is_known(shown: str, known: bool) -> None:  # noqa: FBT001 - a table
    assert a_guard().lets(Asked("POST", "/x", authorization=shown)) is known


def test_a_code_opens_one_session() -> None:
    guard = a_guard()
    code = guard.code()
    session = guard.redeem(code)
    assert session
    assert guard.lets(Asked("POST", "/x", cookies={COOKIE: session}))
    assert not guard.lets(Asked("POST", "/x", cookies={COOKIE: code}))
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
    assert guard.knows(Asked("POST", "/x", cookies={COOKIE: session}))
    time.at += 12 * 3600 - 600
    assert not guard.knows(Asked("POST", "/x", cookies={COOKIE: session}))


def test_the_oldest_session_gives_way() -> None:
    guard = a_guard()
    sessions = [guard.redeem(guard.code()) or "" for _ in range(SESSIONS_AT_MOST + 1)]
    known = [guard.knows(Asked("POST", "/x", cookies={COOKIE: session})) for session in sessions]
    assert known == [False] + [True] * SESSIONS_AT_MOST
