"""The connector of the chaos run, and its witness: a line in a file of its own for each request that it begins.

Written by itself, outside lgsp's code: one write, appended, so that a killed process leaves whole lines.
"""

from __future__ import annotations

import asyncio
import os

from lgsp import Outcome, Reply, Request

_FILE = os.environ.get("CHAOS_EXECUTIONS", os.devnull)
_LOG = os.open(_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
SLOW, FAULTY = 0x20, 0x18
"""Of 256 nonces so many are answered slowly, and so many with a business fault."""


def begun(request: Request) -> None:
    """Testify that a request was begun."""
    nonce, method = request.path.rpartition("/")[2], request.operation.partition(" ")[0]
    os.write(_LOG, f"{request.id} {nonce} {method}\n".encode())


async def answer(request: Request) -> Reply:
    """An echo of the nonce; what it does is a function of the nonce."""
    begun(request)
    nonce = request.path.rpartition("/")[2]
    if int(nonce[:2], 16) < SLOW:
        await asyncio.sleep(0.3)
    if int(nonce[2:4], 16) < FAULTY:
        return Reply.of_json(request, {"nonce": nonce}, outcome=Outcome.BUSINESS_FAULT, status=404, reason="nobody")
    return Reply.of_json(request, {"nonce": nonce})
