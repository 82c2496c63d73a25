"""The same payloads for everybody: JSON of the size of a small look-up and its answer."""

from __future__ import annotations

import json
from pathlib import Path

REQUEST_SIZE = 328
REPLY_SIZE = 641


def of_size(size: int, **fields: object) -> bytes:
    """A JSON object of exactly `size` bytes."""
    empty = json.dumps(fields | {"text": ""}, separators=(",", ":")).encode()
    filling = "0123456789abcdef" * (size // 16 + 1)
    return empty[:-2] + filling[: size - len(empty)].encode() + empty[-2:]


REQUEST = of_size(REQUEST_SIZE, question="who", number=49085001234, page=1)
REPLY = of_size(REPLY_SIZE, answer="somebody", found=True, items=[1, 2, 3])


def write(directory: Path) -> None:
    """Put both where the candidates that are not Python find them."""
    (directory / "request.json").write_bytes(REQUEST)
    (directory / "reply.json").write_bytes(REPLY)
