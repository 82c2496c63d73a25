from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lgsp.errors import SettingsError
from lgsp.trust import context_of, has_hung_up, what_is_wrong


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_file_that_is_no_certificate_is_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"file\.pem holds no authority's certificate"):
        context_of(file)
    with pytest.raises(SettingsError, match=r"file\.pem holds no certificate with its key"):
        context_of(None, file)


def test_without_an_authority_the_systems_are_trusted_and_names_are_looked_at() -> None:
    made = context_of()
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


def test_what_is_no_matter_of_trust_is_not_called_so() -> None:
    assert what_is_wrong(ConnectionRefusedError("no")) == ""


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "it does not take our certificate, or wants one"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "TLS with it does not come about"),
    ],
)
def test_what_lies_behind_an_error_is_found(said: str, means: str) -> None:
    outer = ConnectionError("gone")
    outer.__cause__ = OSError(1, ssl.SSLError(1, said))
    assert what_is_wrong(outer).startswith(means)


def test_who_hung_up_is_seen_behind_another_error() -> None:
    error = OSError("no connection")
    assert not has_hung_up(error)
    error.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    assert has_hung_up(error)
