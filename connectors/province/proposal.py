"""The one form of error of every contract that is our own proposal: `code` for programs, `message` for people."""

from __future__ import annotations

from lgsp import Outcome, Reply, Request


def refused(request: Request, code: str, says: str, outcome: Outcome, status: int) -> Reply:
    """A refusal; the code in lower case is the reason in the ledger and the metrics."""
    return Reply.of_json(request, {"code": code, "message": says}, outcome=outcome, status=status, reason=code.lower())
