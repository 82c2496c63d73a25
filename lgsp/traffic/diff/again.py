"""A capture against its own replay: what the calls were answered then and now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.traffic.caller import Answer
from lgsp.traffic.diff.groups import Compared, compare
from lgsp.traffic.diff.pairing import NAMINGS, Pair, pairs
from lgsp.traffic.diff.rules import IGNORE, SUBSET, Rule, Rules
from lgsp.traffic.replay.plan import Planned

OF_A_REPLAY = (
    Rule("request", IGNORE),  # it is what the replay made of it
    Rule("reason", IGNORE),  # known to the gateway alone
    Rule("fault", IGNORE),
    Rule("reply.header", SUBSET),  # the gateway adds its own to what the provider said
)


class Heard:
    """The replies of a replay, in memory, until they are compared. `called` are the numbers of the calls that were meant to go, when they are compared."""

    def __init__(self, called: Collection[int]) -> None:
        self._called = called
        self._records: list[Record] = []

    def __call__(self, call: Planned, answer: Answer) -> None:
        """One more."""
        self._records.append(
            Record(
                t=0,
                key=str(call.seq),
                service=call.service,
                operation=call.operation,
                request=Asked(call.method, call.target, tuple(call.headers.items()), Body.of(call.body)),
                reply=Answered(answer.status, tuple(answer.headers.items()), Body.of(answer.body)),
                outcome=str(answer.outcome) if call.service else "",
            )
        )

    def against(self, recorded: Iterable[Record], rules: Rules, mask: Callable[[Record], Record]) -> Compared:
        """The capture's calls against these, which are masked as the capture was; a call without an answer is missing."""
        meant = (record for record in recorded if record.seq in self._called)
        paired = pairs(meant, map(mask, self._records), NAMINGS["replay"])
        return compare(map(_alike_in_kind, paired), Rules([*OF_A_REPLAY, *rules.all]))


def _alike_in_kind(pair: Pair) -> Pair:
    """Where the provider said nothing, what the gateway said instead is compared by its outcome alone."""
    if pair.ours is None or pair.theirs is None or pair.ours.reply is not None:
        return pair
    return replace(pair, theirs=replace(pair.theirs, reply=None))
