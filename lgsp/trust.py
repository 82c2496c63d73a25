"""TLS towards others: whom we trust, who we are to them, and in words what was wrong. There is no way to trust anybody."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from lgsp.errors import SettingsError

_EXPIRED, _EARLY = 10, 9
_OTHER_NAME = frozenset({62, 64})
_OTHER_AUTHORITY = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's codes of a certificate that does not hold (X509_V_ERR_...)."""


def context_of(authority: Path | None = None, certificate: Path | None = None) -> ssl.SSLContext:
    """What a client needs: certificates of `authority` alone (the system's, where there is none) that carry the name asked for.

    `certificate` is ours, with its key in the same file, for those who want to see one. Raises `SettingsError`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority is None:
        context.load_default_certs()
    else:
        trust(context, authority)
    if certificate is not None:
        load(context, certificate)
    return context


def load(context: ssl.SSLContext, certificate: Path) -> None:
    """Be the one whose certificate, with its key, lies in this file. Raises `SettingsError`."""
    try:
        context.load_cert_chain(certificate)
    except OSError as error:
        raise SettingsError(f"{certificate} holds no certificate with its key, in PEM ({_why(error)})") from error


def trust(context: ssl.SSLContext, authority: Path) -> None:
    """Trust this authority. Raises `SettingsError`."""
    try:
        context.load_verify_locations(cafile=authority)
    except OSError as error:
        raise SettingsError(f"{authority} holds no authority's certificate, in PEM ({_why(error)})") from error


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def what_is_wrong(error: BaseException) -> str:
    """Why the other side is not trusted, or does not trust us; nothing where that is not what happened."""
    for each in _behind(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            if hasattr(each, "verify_code"):  # aiohttp's error of this kind has none, and wraps the one that does
                return f"{_of_certificate(each.verify_code)} ({each.verify_message})"
            continue
        if isinstance(each, ssl.SSLError):
            return _of_handshake(str(each))
    return ""


def has_hung_up(error: BaseException) -> bool:
    """Whether the other side ended the connection: its last word, if it had one, may be lost with that."""
    return any(isinstance(each, ConnectionResetError) for each in _behind(error))


def _of_certificate(code: int) -> str:
    if code == _EXPIRED:
        return "its certificate has expired"
    if code == _EARLY:
        return "its certificate is not valid yet"
    if code in _OTHER_NAME:
        return "its certificate is for another name"
    if code in _OTHER_AUTHORITY:
        return "its certificate comes from an authority that is not trusted here"
    return "its certificate does not hold"


def _of_handshake(reason: str) -> str:
    if "ALERT" in reason:  # its last word, before it hung up on us
        return f"it does not take our certificate, or wants one ({reason})"
    return f"TLS with it does not come about ({reason})"


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and what these wrap."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop(0)
        if each is None or each in seen:
            continue
        seen.append(each)
        yield each
        left += [each.__cause__, each.__context__, *(arg for arg in each.args if isinstance(arg, BaseException))]
