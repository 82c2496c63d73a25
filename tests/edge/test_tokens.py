"""Tokens: ours are read, everything else is nobody's."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from lgsp.edge import tokens as module
from lgsp.edge.tokens import HEADER, Grant, Returned, Tokens, make_key
from lgsp.errors import SettingsError

NOW = 1_684_886_400.0
KEY = make_key()


def make(key: bytes = KEY) -> Tokens:
    numbers = count(1)
    return Tokens(key, lambda: f"token-{next(numbers)}")


def b64(data: bytes | str) -> str:
    return urlsafe_b64encode(data.encode() if isinstance(data, str) else data).decode().rstrip("=")


def private() -> Ed25519PrivateKey:
    return make()._private


def signed(header: str, claims: object, key: Ed25519PrivateKey | None = None) -> str:
    body = f"{header}.{b64(json.dumps(claims))}"
    return f"{body}.{b64((key or private()).sign(body.encode()))}"


CLAIMS: dict[str, Any] = {
    "iss": "lgsp",
    "aud": "lgsp-gateway",
    "sub": "demo",
    "iat": int(NOW),
    "exp": int(NOW) + 3600,
    "jti": "1",
}


def test_a_token_says_for_whom_it_is_and_for_how_long() -> None:
    issued = make().issue("demo", NOW + 0.7)
    assert make().read(issued) == Grant("demo", "token-1", NOW + 3600)


def test_a_token_is_a_jwt_that_others_can_check() -> None:
    header, claims, signature = make().issue("demo", NOW).split(".")
    decoded = [json.loads(urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert decoded == [{"alg": "EdDSA", "typ": "at+jwt"}, CLAIMS | {"jti": "token-1"}]
    public = private().public_key()
    public.verify(urlsafe_b64decode(signature + "=="), f"{header}.{claims}".encode())
    with pytest.raises(InvalidSignature):
        public.verify(urlsafe_b64decode(signature + "=="), f"{header}.{claims}x".encode())


def test_the_same_claims_signed_elsewhere_with_our_key_are_ours() -> None:
    assert make().read(signed(HEADER, CLAIMS)) == Grant("demo", "1", NOW + 3600)


def hmac_of_the_public_key() -> str:
    public = private().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = f"{b64(json.dumps({'alg': 'HS256'}))}.{b64(json.dumps(CLAIMS))}"
    mac = HMAC(public, SHA256())
    mac.update(body.encode())
    return f"{body}.{b64(mac.finalize())}"


NONE = b64(json.dumps({"alg": "none"}))
GOOD = signed(HEADER, CLAIMS)
FORGED = {
    "empty": "",
    "a word": "abc",
    "dots": "..",
    "another key": signed(HEADER, CLAIMS, Ed25519PrivateKey.generate()),
    "alg none, unsigned": f"{NONE}.{b64(json.dumps(CLAIMS))}.",
    "alg none, signed": signed(NONE, CLAIMS),
    "our header, unsigned": GOOD.rpartition(".")[0] + ".",
    "another header, well signed": signed(b64(json.dumps({"alg": "EdDSA"})), CLAIMS),
    "a header with more in it": signed(b64(json.dumps({"alg": "EdDSA", "typ": "at+jwt", "crit": ["x"]})), CLAIMS),
    "a key of its own in the header": signed(b64(json.dumps({"alg": "EdDSA", "jwk": {}})), CLAIMS),
    "an HMAC under our public key": hmac_of_the_public_key(),
    "another audience": signed(HEADER, CLAIMS | {"aud": "another"}),
    "a list of audiences": signed(HEADER, CLAIMS | {"aud": ["lgsp-gateway"]}),
    "another issuer": signed(HEADER, CLAIMS | {"iss": "another"}),
    "no subject": signed(HEADER, {name: value for name, value in CLAIMS.items() if name != "sub"}),
    "a number for a subject": signed(HEADER, CLAIMS | {"sub": 1}),
    "no end": signed(HEADER, {name: value for name, value in CLAIMS.items() if name != "exp"}),
    "a text for an end": signed(HEADER, CLAIMS | {"exp": "tomorrow"}),
    "claims that are a list": signed(HEADER, [CLAIMS]),
    "a part too many": GOOD + ".x",
    "other claims under its signature": f"{HEADER}.{b64(json.dumps(CLAIMS | {'sub': 'tester'}))}.{GOOD.rpartition('.')[2]}",
    "padding": GOOD + "=",
    "a line end": GOOD + "\n",
    "letters beyond ASCII": GOOD[:-1] + "é",
    "the other base64": GOOD.rpartition(".")[0] + "." + "+" * 86,
    "much too long": signed(HEADER, CLAIMS | {"more": "x" * 3_000}),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_what_we_did_not_sign_so_is_nobodys(token: str) -> None:
    made = make()
    assert made.read(token) is None
    assert repr(made) == "<Tokens 0 known>"


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=127))
def test_a_token_with_one_other_character_is_nobodys(at: int, other: str) -> None:
    changed = GOOD[:at] + other + GOOD[at + 1 :]
    assert (make().read(changed) is None) is (changed != GOOD)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_no_text_makes_it_stumble(text: str) -> None:
    assert make().read(text) is None
    assert make().read(f"{HEADER}.{text}") is None


def test_a_known_token_is_not_checked_again_and_few_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_AT_MOST", 3)
    made, checks = make(), []
    checked = made._verified

    def counting(token: str) -> Grant | None:
        checks.append(token)
        return checked(token)

    monkeypatch.setattr(made, "_verified", counting)
    issued = [made.issue("demo", NOW) for _ in range(4)]
    for token in issued[:3] * 2:
        assert made.read(token) is not None
    assert checks == issued[:3]
    assert made.read(issued[3]) is not None
    assert repr(made) == "<Tokens 3 known>"
    assert made.read(issued[0]) is not None  # it was known the longest
    assert checks == [*issued, issued[0]]


@pytest.mark.parametrize("forged", ["abc", FORGED["another key"]])
def test_what_is_forged_takes_no_place(forged: str) -> None:
    made = make()
    for _ in range(3):
        assert made.read(forged) is None
    assert repr(made) == "<Tokens 0 known>"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (
            generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "openssl genpkey -algorithm ed25519",
        ),
    ],
)
def test_a_key_of_another_kind_is_a_sentence(key: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        make(key)


def test_what_was_returned_is_known_after_a_restart_until_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "secrets that nobody made yet" / "returned-tokens"
    assert Returned(file).read(NOW) == {}
    Returned(file).note(Grant("demo", "a", NOW + 10))
    Returned(file).note(Grant("demo", "b", NOW + 20))
    assert Returned(file).read(NOW) == {"a": NOW + 10, "b": NOW + 20}
    assert Returned(file).read(NOW + 10) == {"b": NOW + 20}
    Returned(file).shorten(NOW + 10)
    assert file.read_text() == f"b {int(NOW) + 20}\n"
    Returned(file).note(Grant("demo", "c", NOW + 30))
    assert set(Returned(file).read(NOW)) == {"b", "c"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_half_a_line_is_nobodys_token(tmp_path: Path) -> None:
    (tmp_path / "returned").write_text(f"a {int(NOW) + 10}\nb\nc 12x\n\nd ")
    assert Returned(tmp_path / "returned").read(NOW) == {"a": NOW + 10}
