from __future__ import annotations

import hmac
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from connectors import payment_platform, population
from lgsp.settings import find_config
from lgsp.traffic.replay.bind import Which
from lgsp.traffic.replay.place import Said, parse_place, values
from lgsp.traffic.replay.script import read_script
from lgsp.traffic.replay.sign import Signature, Value, signed

NOW = 1_684_890_000.25  # 08:00:00 of 24 May 2023 at seven hours east
SAID = Said((("content-type", "application/json"),), b'{"a":"x","n":1.5}', "/p/1?q=2")


def one(value: Value, **others: Value) -> str:
    signature = Signature("s", (), {**others, "v": value}, ((parse_place("header:S"), "<{v}>"),))
    [found] = values(parse_place("header:S"), signed(SAID, "POST", signature, NOW))
    return found[1:-1]


@pytest.mark.parametrize(
    ("value", "gives"),
    [
        (Value("text", "{method} {path}?{query} {$.a} {$.n} {$.none}{header:none}."), "POST /p/1?2".replace("?2", "?q=2") + " x 1.5 ."),
        (Value("as-is", "{path}"), "{path}"),
        (Value("now", "%Y%m%d%H%M%S", east=7 * 3_600), "20230524080000"),
        (Value("now", "%d/%m/%Y %H:%M", east=-3_600), "24/05/2023 00:00"),
        (Value("now", "unix"), "1684890000"),
        (Value("now", "unix-ms"), "1684890000250"),
        (Value("base64", "ă:{$.a}"), b64encode("ă:x".encode()).decode()),
        (Value("sha256", "{body}"), sha256(SAID.body).hexdigest()),
        (Value("sha256", "a", raw=True), b64encode(sha256(b"a").digest()).decode()),
        (Value("hmac-sha256", "a{$.a}", key="k{$.a}"), hmac.new(b"kx", b"ax", "sha256").hexdigest()),
    ],
)  # fmt: skip
def test_a_value_is_computed_over_what_the_call_says(value: Value, gives: str) -> None:
    assert one(value) == gives


def test_values_build_on_each_other_and_what_was_put_before_counts() -> None:
    stamp, digest = Value("now", "unix"), Value("sha256", "{$.at}{stamp}")
    puts = ((parse_place("$.at"), "{stamp}"), (parse_place("$.hash"), "{hash}"))
    made = signed(SAID, "POST", Signature("s", (), {"stamp": stamp, "hash": digest}, puts), NOW)
    assert values(parse_place("$.hash"), made) == [sha256(b"16848900001684890000").hexdigest()]


@pytest.mark.parametrize(
    ("kind", "means"),
    [("svc", True), ("POST /p/*", True), ("svc POST /p/{id}", True), ("GET /p/1", False), ("other", False)],
)
def test_it_is_said_for_which_calls(kind: str, means: bool) -> None:  # noqa: FBT001 - a table
    assert (
        Signature("s", (Which("none"), Which(kind)), {}, ()).means("svc", "POST /p/{id}", "POST", "/p/1?q=2") is means
    )


def shipped(name: str, **environment: str) -> Signature:
    [signature] = read_script(
        [find_config(None, {}, Path.cwd()) / "replay" / f"{name}.yaml"], environment.get
    ).signatures
    return signature


def test_population_s_file_signs_as_its_adapter_wants_it() -> None:
    made = signed(Said(target="/population/v1.0.0/traCuu"), "POST", shipped("population"), NOW)
    password = population.signature("/traCuu", "qnam", "20230524080000", population.ACCOUNTS["qnam"])
    assert made.headers == (
        ("timestamp", "20230524080000"),
        ("authorization", f"Basic {b64encode(f'qnam:{password}'.encode()).decode()}"),
    )
    other = signed(Said(target="/population/v1.0.0/traCuu"), "POST", shipped("population", POPULATION_SECRET="x"), NOW)
    assert other.headers[1] != made.headers[1]


def test_payment_s_file_signs_every_field_of_the_platform() -> None:
    fields = {name: f"{number} ă" for number, name in enumerate(payment_platform.FIELDS)} | {"MaXacThuc": "old"}
    said = Said(body=json.dumps(fields).encode())
    made = signed(said, "POST", shipped("payment-platform"), NOW)
    fields["ThoiGianGD"] = "20230524080000"
    assert values(parse_place("$.MaXacThuc"), made) == [payment_platform.authentication(fields)]
    assert values(parse_place("$.ThoiGianGD"), made) == ["20230524080000"]
