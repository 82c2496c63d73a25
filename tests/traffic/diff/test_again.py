from __future__ import annotations

from dataclasses import replace

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.caller import Answer
from lgsp.traffic.diff.again import Heard
from lgsp.traffic.diff.groups import Compared
from lgsp.traffic.diff.rules import Rules
from lgsp.traffic.replay.plan import Planned


def recorded(seq: int, body: bytes = b"1", outcome: str = "ok") -> Record:
    reply = Answered(200, (("content-type", "a"),), Body.of(body))
    return Record(
        t=seq, seq=seq, service="s", operation="GET /", request=Asked("GET", "/"), reply=reply, outcome=outcome
    )


def a_call(seq: int, key: str = "") -> Planned:
    return Planned(seq, seq, 0.0, "GET", "/new", {}, b"", "s", "GET /", key or str(seq))


def an_answer(body: bytes, outcome: str = "ok") -> Answer:
    return Answer(200, {"content-type": "a", "x-transaction-id": "t", "x-lgsp-outcome": outcome}, body)


def heard(*answers: tuple[int, bytes, str]) -> Heard:
    told = Heard()
    assert [call.seq for call in told.meant(map(a_call, range(1, 4)))] == [1, 2, 3]
    for seq, body, outcome in answers:
        told(a_call(seq), an_answer(body, outcome))
    return told


def found(compared: Compared) -> list[tuple[str, str]]:
    return [(group.path, group.kind) for group in compared.groups]


def test_replies_and_outcomes_are_compared_and_what_did_not_go_is_not() -> None:
    ours = [recorded(1), recorded(2), recorded(3), recorded(7)]
    answers = heard((1, b"1", "ok"), (2, b"2", "ok"), (3, b"1", "timeout"))
    compared = answers.against(ours, Rules(), lambda record: record)
    assert (compared.pairs, compared.missing, found(compared)) == (
        3,
        0,
        [("outcome", "different"), ("reply.body", "different")],
    )


def test_a_call_without_an_answer_is_missing_and_one_that_never_had_a_reply_is_its_outcome() -> None:
    silent = replace(recorded(2, outcome="timeout"), reply=None, reason="silent")
    compared = heard((2, b"gateway's words", "timeout")).against([recorded(1), silent], Rules(), lambda record: record)
    assert (compared.pairs, found(compared)) == (1, [("", "missing")])


def test_what_is_heard_is_masked_as_the_capture_is() -> None:
    def mask(record: Record) -> Record:
        return replace(record, reply=Answered(200, (("content-type", "a"),), Body.of(b"masked")))

    compared = heard((1, b"a name", "ok")).against([recorded(1, b"masked")], Rules(), mask)
    assert (compared.pairs, found(compared)) == (1, [])


def test_each_round_is_compared_with_what_was_recorded_once() -> None:
    told = Heard()
    calls = [a_call(1), a_call(2), a_call(1, "1.2"), a_call(2, "2.2"), a_call(2, "2.3")]
    for call in told.meant(iter(calls)):
        if call.key != "2.3":
            told(call, an_answer(b"another" if call.key == "1.2" else b"1"))
    compared = told.against([recorded(1), recorded(2), recorded(3)], Rules(), lambda record: record)
    groups = [(group.path, group.kind, [sample.name for sample in group.samples]) for group in compared.groups]
    assert groups == [("", "missing", ["2.3"]), ("reply.body", "different", ["1.2"])]
    assert (compared.pairs, compared.different, compared.missing, compared.extra) == (4, 1, 1, 0)


def test_two_records_of_one_number_are_each_compared_once() -> None:
    told = Heard()
    for call in told.meant(iter([a_call(1), a_call(1)])):
        told(call, an_answer(b"1"))
    compared = told.against([recorded(1), recorded(1)], Rules(), lambda record: record)
    assert (compared.pairs, compared.missing, compared.extra, compared.groups) == (2, 0, 0, [])
