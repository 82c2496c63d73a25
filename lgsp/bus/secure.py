"""The TLS of an `amqps://` address, whose query names files: `cafile`, the authority, and `certfile`, ours with its key."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from lgsp.errors import SettingsError
from lgsp.trust import context_of

_KNOWN, _UNCHECKED = ("cafile", "certfile"), "no_verify_ssl"


def with_files(url: str, authority: Path | None, certificate: Path | None) -> str:
    """The address with these files. Raises `SettingsError` where it is no `amqps://`, for which they would mean nothing."""
    named = {name: str(file) for name, file in zip(_KNOWN, (authority, certificate), strict=True) if file}
    if not named:
        return url
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        raise SettingsError(
            "the broker's authority or our certificate is named, and the address is plain: write amqps://"
        )
    return urlunsplit(parts._replace(query=urlencode({**_first(parts.query), **named})))


def context(url: str) -> ssl.SSLContext | None:
    """What a connection to the address needs; `None` for a plain one. Raises `SettingsError`."""
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        return None
    named = _first(parts.query)
    if _UNCHECKED in named:
        raise SettingsError(f"{_UNCHECKED} in the broker's address: its certificate is always looked at")
    authority, certificate = (Path(named[name]) if name in named else None for name in _KNOWN)
    return context_of(authority, certificate)


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
