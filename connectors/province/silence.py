"""Failures for which a contract has no words: the provider says nothing of its own, and the gateway answers in its form."""

from __future__ import annotations

from lgsp import Outcome, Reply, Request


def without_words(request: Request, outcome: Outcome, reason: str = "") -> Reply:
    """A reply without a body: HTTP 400 for a refusal, 500 for an error, with `reason` for the ledger."""
    status, word = (400, "bad_request") if outcome is Outcome.REJECTED else (500, "provider_fault")
    return Reply(request.id, outcome, status, reason or word)
