from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.noise import Noise, learn
from lgsp.traffic.diff.pairing import NAMINGS, pairs
from lgsp.traffic.diff.rules import Rule, Rules, read_rules, written

MANY = 400


def a_run(seed: int, change: Callable[[int, dict[str, Any]], None] = lambda *_: None) -> list[Record]:
    """A build that gives ids, times, tokens and sums of its own in every run, and lists in no order."""
    draw, made = Random(seed), list[Record]()
    for seq in range(MANY):
        at = 1772330400 + seed * 86_400 + seq
        tags = ["a", "b", "c"]
        draw.shuffle(tags)
        body: dict[str, Any] = {
            "id": str(uuid.UUID(int=draw.getrandbits(128))),
            "at": f"2026-03-{draw.randint(10, 28)}T0{draw.randint(1, 9)}:00:00Z",
            "stamp": at,
            "token": f"{draw.getrandbits(64):016x}",
            "ref": f"YC-{draw.randint(1000, 9999)}",
            "note": "x" * draw.randint(1, 5),
            "tags": tags,
            "name": f"n{seq}",
            "status": "PAID" if seq % 2 else "OPEN",
        }
        if draw.random() < 0.5:
            body["sometimes"] = 1
        change(seq, body)
        reply = Answered(200, body=Body.of(json.dumps(body).encode()))
        operation = f"GET /{seq % 2}"
        made.append(Record(t=at, seq=seq, service="s", operation=operation, request=Asked("GET", "/"), reply=reply))
    return made


def learned(ours: list[Record], theirs: list[Record], *rules: Rule) -> Noise:
    return learn(pairs(ours, theirs, NAMINGS["seq"]), Rules(rules))


def left(ours: list[Record], theirs: list[Record], noise: Noise) -> Compared:
    return compare(pairs(ours, theirs, NAMINGS["seq"]), Rules(each.rule for each in noise.rules))


@pytest.fixture(scope="module")
def noise() -> Noise:
    return learned(a_run(1), a_run(2))


def test_each_kind_of_noise_has_the_narrowest_rule_that_holds(noise: Noise) -> None:
    told = {each.rule.at.removeprefix("reply.body."): (each.rule.compare, each.rule.of) for each in noise.rules if each.rule.operation == "GET /1"}  # fmt: skip
    time = "[0-9]{4}\\-[0-9]{2}\\-[0-9]{2}[A-Z][0-9]{2}:[0-9]{2}:[0-9]{2}[A-Z]"
    assert told == {
        "id": ("uuid", ""),
        "at": ("matches", time),
        "stamp": ("shape", ""),
        "token": ("matches", "[0-9a-f]{16}"),
        "ref": ("matches", "[A-Z]{2}\\-[0-9]{4}"),
        "note": ("shape", ""),
        "tags": ("unordered", ""),
        "sometimes": ("ignore", ""),
    }
    assert (noise.pairs, noise.alone, noise.seldom) == (MANY, 0, [])


def test_two_other_runs_of_the_build_have_no_findings_any_more(noise: Noise) -> None:
    ours, theirs = a_run(3), a_run(4)
    assert left(ours, theirs, Noise()).findings > MANY
    assert left(ours, theirs, noise).groups == []


def test_a_change_in_one_call_of_a_hundred_is_found_through_the_noise(noise: Noise) -> None:
    def changed(seq: int, body: dict[str, Any]) -> None:
        if seq % 100 == 7:
            body["status"] = "FAILED"
        if seq % 100 == 8:
            body["id"] = "no uuid"
        if seq % 100 == 9:
            body["name"] = 9

    found = left(a_run(3), a_run(4, changed), noise)
    assert sorted((group.path, group.kind, group.pairs) for group in found.groups) == [
        ("reply.body.id", "different", 4),
        ("reply.body.name", "type", 4),
        ("reply.body.status", "different", 4),
    ]


def test_what_differs_seldom_is_not_learned() -> None:
    def seldom(seq: int, body: dict[str, Any]) -> None:
        if seq % 25 == 0:
            body["name"], body["new"] = "other", 1

    noise = learned(a_run(1), a_run(2, seldom))
    assert noise.seldom == [("s", f"GET /{n}", f"reply.body.{name}") for n in (0, 1) for name in ("name", "new")]
    assert {each.rule.at for each in noise.rules} & {"reply.body.name", "reply.body.new"} == set()


def test_what_the_rules_excuse_already_is_not_learned_again() -> None:
    assert learned(a_run(1), a_run(2), Rule("reply.body", "ignore")).rules == []
    assert learned([], []).rules == []


def test_records_without_a_partner_are_counted() -> None:
    assert learned(a_run(1)[:3], a_run(2)[:2]).alone == 1


def test_what_was_learned_is_a_file_of_rules(noise: Noise, tmp_path: Path) -> None:
    file = tmp_path / "noise.yaml"
    file.write_text(written([(each.rule, f"{each.pairs} of {each.of}") for each in noise.rules], ["noise"]))
    assert read_rules(file) == [each.rule for each in noise.rules]
