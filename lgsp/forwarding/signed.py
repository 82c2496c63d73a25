"""A signature on what is posted: who has the secret can tell from whom it is, and when."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path

from lgsp.clock import Clock

Post = Callable[[str, bytes, dict[str, str]], Awaitable[str]]
"""Posts a body with its headers to an address; why that failed, or nothing."""
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_SECRET_AT_LEAST = 16


def signed(secret: bytes, id_: str, at: int, body: bytes) -> str:
    """The signature of a call: HMAC-SHA256 over id, time and body, as its header has it."""
    text = f"{id_}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, text, "sha256")).decode()


class SignedPost:
    """Posts with an id, the time, and a signature by the secret in a file of `directory`; without a file, unsigned."""

    def __init__(self, post: Post, directory: Path, clock: Clock) -> None:
        self._post = post
        self._directory = directory
        self._clock = clock

    def __repr__(self) -> str:
        return f"<SignedPost by {self._post!r}>"

    async def __call__(self, url: str, id_: str, body: bytes, headers: dict[str, str], secret_file: str) -> str:
        """Why the body was not taken, a secret that cannot be read among it; nothing where it was."""
        at = int(self._clock.now())
        headers = headers | {ID: id_, TIME: str(at)}
        if secret_file:
            try:
                secret = await asyncio.to_thread(self._secret, secret_file)
            except (OSError, ValueError) as error:
                return f"{secret_file}: {error}"
            headers[SIGNATURE] = signed(secret, id_, at, body)
        return await self._post(url, body, headers)

    def _secret(self, file: str) -> bytes:
        secret = (self._directory / file).read_bytes().strip()
        if len(secret) < _SECRET_AT_LEAST:
            raise ValueError(f"a secret has {_SECRET_AT_LEAST} bytes or more")
        return secret
