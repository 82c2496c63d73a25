"""Who may look, and who may change, on the admin port.

reading on loopback is free --- changing wants the admin token --- beyond loopback everything does but the two health pages
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

COOKIE = "lgsp_admin"
CODE_SECONDS = 600.0
SESSION_SECONDS = 12 * 3600.0
SESSIONS_AT_MOST = 100
ALWAYS_FREE = frozenset({"/livez", "/readyz"})
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request shows of itself."""

    method: str
    path: str
    authorization: str = ""
    cookies: Mapping[str, str] | None = None


def wants_token(method: str, path: str, *, loopback: bool) -> bool:
    """Whether nobody may do this without the token."""
    if path in ALWAYS_FREE:
        return False
    return not loopback or method not in _READS


class Guard:
    """Lets in who has the admin token, or a cookie that came of a one-time code. `now` gives seconds that never step back."""

    def __init__(self, token: str, now: Callable[[], float], *, loopback: bool) -> None:
        self._token = token.encode()
        self._now = now
        self._loopback = loopback
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Guard {len(self._sessions)} sessions, {len(self._codes)} codes out>"

    def lets(self, asked: Asked) -> bool:
        """Whether the request may go on."""
        return not wants_token(asked.method, asked.path, loopback=self._loopback) or self.knows(asked)

    def knows(self, asked: Asked) -> bool:
        """Whether the request shows the token, or the cookie of a session that is not over."""
        scheme, _, shown = asked.authorization.partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), self._token):
            return True
        session = (asked.cookies or {}).get(COOKIE, "")
        return self._sessions.get(session, 0.0) > self._now()

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
