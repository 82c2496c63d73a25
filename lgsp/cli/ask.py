"""Asking a running process through its admin port, with the admin token that lies in its state directory."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsp.app.door import ADMIN_FILE
from lgsp.errors import BusUnavailable, SettingsError
from lgsp.settings import environment, read_secret

_SECONDS = 30


def ask_admin(
    admin: str,
    method: str,
    path: str,
    state: Path,
    body: object = None,
    *,
    query: Mapping[str, str] | None = None,
    absent: object = None,
) -> Any:  # noqa: ANN401 - JSON
    """What the process answers; `absent`, where that is given and the process says that there is no such thing.

    Raises `SettingsError` where it refuses, `BusUnavailable` where nobody answers.
    """
    if not admin.startswith(("http://", "https://")):
        raise SettingsError(f"{admin!r} is no address: write it as http://127.0.0.1:8290")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        admin.rstrip("/") + path + (f"?{urllib.parse.urlencode(query)}" if query else ""),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"} | _token(state),
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404 and absent is not None:
            return absent
        raise SettingsError(_why(error, admin, path)) from error
    except (OSError, ValueError) as error:
        raise BusUnavailable(
            "unreachable",
            f"no process answers at {admin} ({getattr(error, 'reason', error)}): is `lgsp up` running? or name it with --admin",
        ) from error


def _token(state: Path) -> dict[str, str]:
    file = state / ADMIN_FILE
    token = read_secret("LGSP_ADMIN_TOKEN", environment()) or (
        file.read_text("utf-8").strip() if file.is_file() else ""
    )
    return {"Authorization": f"Bearer {token}"} if token else {}


def _why(error: urllib.error.HTTPError, admin: str, path: str) -> str:
    if error.code == 401:
        return f"{admin} wants its admin token: give the process's own --state, or LGSP_ADMIN_TOKEN_FILE"
    text = error.read().decode(errors="replace").strip()
    try:
        return str(json.loads(text)["problem"])
    except (ValueError, KeyError, TypeError):
        return f"{admin}{path} answers {error.code}: {text[:200]}"
