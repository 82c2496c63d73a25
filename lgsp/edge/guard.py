"""Who may look, and who may change, on the admin port.

viewer: reads (on loopback everybody does) --- operator: injects faults, sends once more what was parked --- admin: the rest

Beyond loopback everything wants one of the three tokens but the two health pages.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

COOKIE = "lgsp_admin"
CODE_SECONDS = 600.0
SESSION_SECONDS = 12 * 3600.0
SESSIONS_AT_MOST = 100
ALWAYS_FREE = frozenset({"/livez", "/readyz"})
READS = frozenset({"GET", "HEAD"})


class Role(IntEnum):
    """Who somebody is on the admin port; each may do what those before it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As the ledger's events and the tokens' files have it."""
        return self.name.lower()


OPERATORS = frozenset(
    {
        ("POST", "/lgsp/v1/faults"),
        ("DELETE", "/lgsp/v1/faults"),
        ("DELETE", "/lgsp/v1/faults/{name}"),
        ("POST", "/lgsp/v1/parked/{id}"),
        ("DELETE", "/lgsp/v1/exchanges"),
    }
)
"""The changes for which an operator is enough. Dropping a request and recording what people say are not among them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request shows of itself; `path` is the template of what it asks for, where there is one."""

    method: str
    path: str
    authorization: str = ""
    cookies: Mapping[str, str] | None = None


def needed(method: str, path: str, *, loopback: bool) -> Role | None:
    """The role that this wants; `None`: anybody may. What nobody has thought of wants an admin."""
    if path in ALWAYS_FREE:
        return None
    if method in READS:
        return None if loopback else Role.VIEWER
    return Role.OPERATOR if (method, path) in OPERATORS else Role.ADMIN


class Guard:
    """Lets in who has a role's token, or a cookie that came of a one-time code, which makes an admin.

    `now` gives seconds that never step back.
    """

    def __init__(self, tokens: Mapping[Role, str], now: Callable[[], float], *, loopback: bool) -> None:
        self._tokens = {role: token.encode() for role, token in tokens.items()}
        self._now = now
        self._loopback = loopback
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Guard {len(self._sessions)} sessions, {len(self._codes)} codes out>"

    def wants(self, asked: Asked) -> Role | None:
        """The role that the request wants, where it shows none that is enough; `None`: it may go on."""
        role = needed(asked.method, asked.path, loopback=self._loopback)
        return role if role is not None and (self.role(asked) or 0) < role else None

    def role(self, asked: Asked) -> Role | None:
        """Whose token the request shows, or the cookie of a session that is not over; `None`: nobody's."""
        scheme, _, shown = asked.authorization.partition(" ")
        # All are compared, so that the time does not tell which was near.
        fitting = [role for role, token in self._tokens.items() if hmac.compare_digest(shown.strip().encode(), token)]
        if scheme.lower() == "bearer" and fitting:
            return max(fitting)
        session = (asked.cookies or {}).get(COOKIE, "")
        return Role.ADMIN if self._sessions.get(session, 0.0) > self._now() else None

    def code(self) -> str:
        """A code for one visit within ten minutes."""
        self._codes = {code: due for code, due in self._codes.items() if due > self._now()}
        code = secrets.token_urlsafe(24)
        self._codes[code] = self._now() + CODE_SECONDS
        return code

    def redeem(self, code: str) -> str | None:
        """The session that a code opens, once; `None` for any other."""
        now = self._now()
        if self._codes.pop(code, 0.0) <= now:
            return None
        self._sessions = {session: due for session, due in self._sessions.items() if due > now}
        while len(self._sessions) >= SESSIONS_AT_MOST:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(32)
        self._sessions[session] = now + SESSION_SECONDS
        return session
