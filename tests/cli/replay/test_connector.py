"""A capture asked straight of the stand-ins."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from desks import MS, run

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.errors import SettingsError
from lgsp.settings import find_config

LIFELIKE = """
people:
  title: People
  operations:
    GET /people/{id}: {reply: {id: "{{ path.id }}"}}
    POST /people: {reply: {name: "{{ body.name }}"}}
  errors: {rejected: 20%, provider_error: 20%}
"""


def of_people(answers: Mapping[int, bytes]) -> Iterator[Record]:
    """Sixty calls without service and operation, as a HAR has them, and what was answered; the last goes nowhere."""
    for number in range(60):
        reply = Answered(200, (), Body.of(answers.get(number, json.dumps({"id": f"p{number}"}).encode())))
        yield Record(t=number * MS, request=Asked("GET", f"/people/people/p{number}"), reply=reply)
    yield Record(t=60 * MS, request=Asked("GET", "/people/nowhere"), reply=Answered(404))


def test_stand_ins_are_asked_without_a_bus_and_differ_where_they_do(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(LIFELIKE)
    shutil.copy(find_config(None, {}, Path.cwd()) / "consumers.yaml", tmp_path / "config")
    calls = tmp_path / "calls.lgsp.jsonl"
    with Writer.create(calls, {}) as writer:
        writer.write(*of_people({7: b'{"id":"p8"}', 9: b'{"id":"p9","old":true}'}))
    straight = (
        "replay",
        calls,
        "--via",
        "connector",
        "--config",
        tmp_path / "config",
        "--speed",
        "max",
        "--max-lag",
        "1h",
    )
    straight += ("--state", tmp_path / "state", "--json")

    code, said = run(*straight, "--diff")
    told = json.loads(said)
    groups = [(group["path"], group["kind"], group["pairs"]) for group in told["diff"]["groups"]]
    assert (code, groups) == (
        1,
        [("", "missing", 1), ("reply.body.id", "different", 1), ("reply.body.old", "missing", 1)],
    )
    books = told["books"]
    assert (books["records"], books["sent"], books["failed"], books["why"]) == (61, 60, 1, {"unroutable": 1})
    assert told["outcomes"] == {"bus_error": 1, "ok": 60}

    drawn = []
    for options in (("--seed", 7), ("--seed", 7, "--max-in-flight", 1), ("--seed", 8), ("--seed", 7, "--calm")):
        file = tmp_path / "outcomes"
        run(*straight, "--as", "demo", "--outcomes", file, *options)
        drawn.append(file.read_text())
    assert drawn[0] == drawn[1] != drawn[2]
    counts = [Counter(json.loads(line)["outcome"] for line in each.splitlines()) for each in drawn]
    assert counts[0] == {"ok": 37, "rejected": 12, "provider_error": 11, "bus_error": 1}
    assert counts[3] == {"ok": 60, "bus_error": 1}


def test_what_may_change_a_stand_in_wants_to_be_allowed_too(tmp_path: Path) -> None:
    calls = tmp_path / "calls.lgsp.jsonl"
    with Writer.create(calls, {}) as writer:
        writer.write(Record(t=0, request=Asked("POST", "/people/people")))
    with pytest.raises(SettingsError, match="1 of 1 calls may change something at the stand-ins: POST /people/people"):
        run("replay", calls, "--via", "connector", "--state", tmp_path)
