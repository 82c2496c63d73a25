"""The one form of error of every contract that is our own proposal: `code` for programs, `message` for people."""

from __future__ import annotations

from lgsp import Outcome, Reply, Request


def refused(request: Request, code: str, says: str, outcome: Outcome, status: int) -> Reply:
    """A refusal; the code in lower case is the reason in the ledger and the metrics."""
    return Reply.of_json(request, {"code": code, "message": says}, outcome=outcome, status=status, reason=code.lower())


def refuse(request: Request, outcome: Outcome) -> Reply:
    """A failure that is simulated, in that form: not permitted, or a system that fails."""
    if outcome is Outcome.REJECTED:
        return refused(request, "NOT_PERMITTED", "Chưa được cấp quyền khai thác", outcome, 403)
    return refused(request, "SYSTEM_ERROR", "Hệ thống cung cấp gặp lỗi", outcome, 500)
