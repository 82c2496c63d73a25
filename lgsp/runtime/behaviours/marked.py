"""Answers that fail because of whom they are about: identifiers with a fixed meaning, for tests."""

from __future__ import annotations

from lgsp.model import Reply, Request
from lgsp.runtime.behaviours.errors import fail
from lgsp.runtime.connector import Forward, Marker


class MarkedBehaviour:
    """Fails every request that names an identifier which stands for a failure, whoever asks and however calm."""

    def __init__(self, service: str, connector: Marker) -> None:
        self._service = service
        self._connector = connector

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """Forward, refuse, or raise what an absent provider is."""
        outcome = self._connector.failure_of(request)
        if outcome is None:
            return await forward(request)
        return fail(outcome, self._service, request, self._connector)
