"""The connector of the chaos run for what is stored, and its witness: how often each transaction had its effect.

The effect stands in the stand-ins' own file, where it is one transaction with the note that the request was answered.
`books.py` reads it with plain SQL.
"""

from __future__ import annotations

from executor import FAULTY, begun

from lgsp import Kept, Outcome, Reply, Request, State

EFFECTS = 5_000_000
"""More than a run of hours has: a witness that forgets accuses the innocent."""
STATE = {"effect": Kept(30 * 86_400.0, EFFECTS), "refused": Kept(30 * 86_400.0, EFFECTS)}
PASSING, REFUSED = 0x20, 0x10
"""Of 256 nonces so many find nobody at the first try, and so many are refused for good until they are sent once more."""


def answer_with(request: Request, state: State) -> Reply:
    """An echo of the nonce; a POST has an effect, which is counted by transaction."""
    nonce = request.path.rpartition("/")[2]
    if request.operation.startswith("GET"):
        begun(request)
        return Reply.of_json(request, {"nonce": nonce})
    if int(nonce[:2], 16) < PASSING and request.attempt == 1:
        return Reply(request.id, Outcome.UNREACHABLE, 503, "provider_down")
    if int(nonce[4:6], 16) < REFUSED and state.get("refused", nonce) in {None, request.id}:
        state.put("refused", nonce, request.id)
        return Reply.of_json(request, {"nonce": nonce}, outcome=Outcome.PROVIDER_ERROR, status=502, reason="refused")
    times, _ = state.get("effect", request.id) or (0, nonce)
    state.put("effect", request.id, (times + 1, nonce))
    if int(nonce[2:4], 16) < FAULTY:
        return Reply.of_json(request, {"nonce": nonce}, outcome=Outcome.BUSINESS_FAULT, status=404, reason="nobody")
    return Reply.of_json(request, {"nonce": nonce})
