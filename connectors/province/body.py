"""Bodies as contracts take them that have a word for a missing field, and none for bytes that are no JSON."""

from __future__ import annotations

from typing import Any

from lgsp import MalformedRequest, Request


def object_of(request: Request) -> dict[str, Any]:
    """The JSON object of a body; empty where it is none, so that its fields are missing."""
    try:
        return request.json_object
    except MalformedRequest:
        return {}
