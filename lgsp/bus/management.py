"""RabbitMQ's management API: what stands on a broker, told whole; imported, and taken away."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from lgsp.bus.drift import Difference
from lgsp.bus.topology import VHOST
from lgsp.errors import BusUnavailable, SettingsError
from lgsp.settings import Address
from lgsp.trust import what_is_wrong

_SECONDS = 30.0
_PATHS: Mapping[str, str] = {
    "user": "users/{0}",
    "permission": "permissions/{vhost}/{0}",
    "policy": "policies/{vhost}/{0}",
    "exchange": "exchanges/{vhost}/{0}",
    "queue": "queues/{vhost}/{0}?if-empty=true",
    "binding": "bindings/{vhost}/e/{0}/q/{1}/{2}",
}
"""Where a thing of each kind is removed; a queue that holds something stays."""


class Management:
    """The API at `url`, as `user`. Over plain HTTP only on this machine; `ca` is the authority to trust, in PEM.

    Everything here raises `BusUnavailable` when nobody answers, `SettingsError` when it does not let us.
    """

    def __init__(self, url: str, user: str, password: str, ca: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(f"{url!r} is no management API: write it as http://127.0.0.1:15672")
        if parts.scheme == "http" and not Address(parts.hostname, 0).is_loopback:
            raise SettingsError(f"{url}: passwords do not go over plain HTTP beyond this machine: write https://")
        self._url = url.rstrip("/")
        self._user = user
        self._shown = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        self._ca = ca

    def __repr__(self) -> str:
        return f"<Management of {self._url} as {self._user}>"

    def read(self) -> dict[str, Any]:
        """The definitions of the whole broker."""
        told: dict[str, Any] = json.loads(self._ask("GET", "definitions"))
        return told

    def bring(self, document: Mapping[str, Any]) -> None:
        """Make what is in the document, and change users, rights and policies to what it says; nothing is removed."""
        self._ask("POST", "definitions", json.dumps(document).encode())

    def remove(self, extra: Difference) -> None:
        """Take away what nobody asked for."""
        names = [quote(name, safe="") or "~" for name in extra.name]
        self._ask("DELETE", _PATHS[extra.kind].format(*names, vhost=quote(VHOST, safe="")))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self._url}/api/{path}",
            data=body,
            method=method,
            headers={"Authorization": self._shown, "Content-Type": "application/json"},
        )
        try:
            # No proxy that the environment names: it would be shown the password of a broker on this machine.
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}),
                urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self._ca)),
            )
            with opener.open(request, timeout=_SECONDS) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise SettingsError(self._refusal(error)) from error
        except (OSError, ValueError) as error:
            why = error.reason if isinstance(error, urllib.error.URLError) else error
            wrong = what_is_wrong(why) if isinstance(why, ssl.SSLError) else ""
            if wrong:
                raise BusUnavailable("bus_unavailable", f"{self._url} is not trusted: {wrong}; see --ca") from error
            raise BusUnavailable("bus_unavailable", f"no management API answers at {self._url} ({why})") from error

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        if error.code in {401, 403}:
            return (
                f"the management API at {self._url} does not let {self._user} do this: it wants a user with the tag "
                "administrator, see --broker-user and LGSP_BROKER_PASSWORD_FILE"
            )
        says = error.read(2_000).decode(errors="replace")
        return f"the management API at {self._url} refused ({error.code}): {says}"
