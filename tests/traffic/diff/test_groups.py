from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.diff.comparing import DIFFERENT, EXTRA, MISSING, TYPE
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.pairing import NAMINGS, pairs
from lgsp.traffic.diff.rules import Rule, Rules

MANY = 10_000
SERVICES = 28


def a_record(seq: int, **changed: Any) -> Record:
    service = f"s{seq % SERVICES}"
    body = {
        "id": seq,
        "name": f"n{seq}",
        "items": [{"n": place, "state": "OPEN"} for place in range(seq % 3)],
    } | changed
    reply = Answered(200, (("Content-Type", "application/json"),), Body.of(json.dumps(body).encode()))
    return Record(t=seq, seq=seq, service=service, operation="GET /x/{id}", request=Asked("GET", f"/x/{seq}"), reply=reply, outcome="ok")  # fmt: skip


def compared(ours: Mapping[int, Record], theirs: Mapping[int, Record], *rules: Rule) -> Compared:
    return compare(pairs(ours.values(), theirs.values(), NAMINGS["seq"]), Rules(rules))


def test_nothing_one_and_the_same() -> None:
    assert compared({}, {}) == Compared()
    one = {1: a_record(1)}
    same = compared(one, one)
    assert (same.pairs, same.different, same.findings, dict(same.operations)) == (1, 0, 0, {("s1", "GET /x/{id}", "gateway"): 1})  # fmt: skip


def test_seven_planted_changes_in_ten_thousand_pairs_are_seven() -> None:
    ours = {seq: a_record(seq) for seq in range(MANY)}
    theirs = dict(ours)
    theirs[11] = a_record(11, name="other")
    theirs[1_000] = a_record(1_000, id="1000")
    theirs[2_000] = a_record(2_000, added=1)
    theirs[3_002] = a_record(3_002, items=[{"n": 0, "state": "OPEN"}, {"n": 1}])
    theirs[4_000] = replace(ours[4_000], outcome="timeout")
    del theirs[5_000]
    theirs[MANY] = a_record(MANY)
    found = compared(ours, theirs)
    assert [(group.operation[0], group.path, group.kind, group.pairs) for group in found.groups] == [
        ("s11", "reply.body.name", DIFFERENT, 1),
        ("s12", "reply.body.added", EXTRA, 1),
        ("s16", "", MISSING, 1),
        ("s20", "reply.body.id", TYPE, 1),
        ("s24", "outcome", DIFFERENT, 1),
        ("s4", "", EXTRA, 1),
        ("s6", "reply.body.items[].state", MISSING, 1),
    ]
    assert (found.findings, found.pairs, found.different, found.missing, found.extra) == (7, MANY - 1, 5, 1, 1)


def test_one_systematic_change_is_one_group_with_two_samples() -> None:
    ours = {seq: replace(a_record(seq), service="s") for seq in range(MANY)}
    theirs = {seq: replace(a_record(seq, name=seq), service="s") for seq in range(MANY)}
    found = compared(ours, theirs)
    [group] = found.groups
    assert (group.path, group.kind, group.pairs, found.different) == ("reply.body.name", TYPE, MANY, MANY)
    assert [(sample.name, sample.difference.ours, sample.difference.theirs) for sample in group.samples] == [
        ("0", "n0", 0),
        ("1", "n1", 1),
    ]
    assert compared(ours, theirs, Rule("reply.body.name", "ignore")).groups == []


def test_a_pair_counts_once_in_a_group_however_often_it_has_it() -> None:
    ours, theirs = {2: a_record(2)}, {2: a_record(2, items=[{"n": 7, "state": "OPEN"}, {"n": 8, "state": "OPEN"}])}
    [group] = compared(ours, theirs).groups
    assert (group.pairs, group.path, group.samples[0].difference.theirs) == (1, "reply.body.items[].n", 7)


def test_calls_without_an_operation_are_grouped_by_a_path_without_ids() -> None:
    ours = {seq: replace(a_record(seq), service="", operation="") for seq in range(100)}
    theirs = {seq: replace(record, outcome="timeout") for seq, record in ours.items()}
    assert [(group.operation, group.pairs) for group in compared(ours, theirs).groups] == [(("", "GET /x/{}", "gateway"), 100)]  # fmt: skip
