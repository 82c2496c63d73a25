"""HTTPS with a test authority of our own: for clients that have `https://` fixed."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lgsp.errors import SettingsError
from lgsp.settings import keep_secret
from lgsp.trust import load, trust

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AUTHORITY_DAYS, _CERTIFICATE_DAYS = 3_650, 397
_EARLIER = timedelta(hours=1)
"""A client's clock may be behind ours."""


def authority_file(state: Path) -> Path:
    """The certificate that a client has to trust; made by `serving`."""
    return state / "tls" / "authority.crt"


def serving(state: Path, name: str, names: Iterable[str], now: float) -> ssl.SSLContext:
    """What a gateway called `name` needs to listen as these names and as loopback's.

    The authority is made once and lies in the state directory; the certificate is made anew. Raises `SettingsError`.
    """
    made = hand_out(state / "tls", {name: names}, (), now)
    return listening(made[name])


def make_authority(now: float) -> bytes:
    """A new authority: its key and its certificate, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("lgsp test authority")
    made = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return _pem(key) + made.public_bytes(Encoding.PEM)


def listening(certificate: Path) -> ssl.SSLContext:
    """What a listener needs whose certificate, with its key, lies in this file. Raises `SettingsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load(context, certificate)
    return context


def wants_to_see(context: ssl.SSLContext, authority: Path) -> None:
    """Have a listener take the certificates that callers show, if they come from this authority. Raises `SettingsError`.

    One that does not hold ends the connection; who shows none may still have a token.
    """
    trust(context, authority)
    context.verify_mode = ssl.CERT_OPTIONAL


def hand_out(
    directory: Path, servers: Mapping[str, Iterable[str]], clients: Iterable[str], now: float
) -> dict[str, Path]:
    """Files of a test authority in a directory: it is made once, everybody's certificate with its key anew.

    `servers`: the names that each answers to beside loopback's; a client has its own. Raises `SettingsError`.
    """
    pem = keep_secret(directory / "authority.pem", lambda: make_authority(now))
    made = {"authority": directory / "authority.crt"}
    keep_secret(made["authority"], lambda: _certificate_of(pem).public_bytes(Encoding.PEM))
    wanted = {name: make_certificate(pem, [*LOOPBACK, *names], now) for name, names in servers.items()}
    wanted |= {name: make_certificate(pem, [name], now, is_client=True) for name in clients}
    for name, content in wanted.items():
        made[name] = directory / f"{name}.pem"
        made[name].unlink(missing_ok=True)
        keep_secret(made[name], lambda content=content: content)  # type: ignore[misc]  # bound as it is now
    return made


def make_certificate(
    authority: bytes, names: Iterable[str], now: float, *, is_client: bool = False, days: int = _CERTIFICATE_DAYS
) -> bytes:
    """A new certificate for these names and addresses, with its key, in PEM: of a server or of who calls one.

    Raises `SettingsError`.
    """
    by = _certificate_of(authority)
    signer = load_pem_private_key(authority, password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise SettingsError("the test authority's key is not the one that was made here: remove tls/ and start again")
    key = ec.generate_private_key(ec.SECP256R1())
    named = list(dict.fromkeys(names))
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if is_client else ExtendedKeyUsageOID.SERVER_AUTH
    made = (
        _builder(_named(named[0] if is_client else "lgsp gateway"), by.subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_as_name(name) for name in named]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, SHA256())
    )
    return _pem(key) + made.public_bytes(Encoding.PEM)


def _certificate_of(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise SettingsError(f"the test authority cannot be read ({error}): remove tls/ and start again") from error


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, days: int
) -> x509.CertificateBuilder:
    begins = datetime.fromtimestamp(now, UTC) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """`signs`: handshakes; else certificates."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _as_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise SettingsError(f"--tls-name {name!r} is no name of a machine: {error}") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
