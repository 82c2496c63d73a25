"""The connector of the bench's own services: answers at once, in a real connectors process."""

from __future__ import annotations

from bench.peers.payload import REPLY
from lgsp import Reply, Request

JSON = {"content-type": "application/json"}


async def answer(request: Request) -> Reply:
    """The usual reply; on `/mirror` what was asked."""
    body = request.body if request.path == "/mirror" else REPLY
    return Reply(request.id, body=body, headers=JSON)
