"""A capture against its own replay: what the calls were answered then and now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lgsp.capture.record import GATEWAY, Answered, Asked, Body, Record
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
    """The replies of a replay, in memory, until they are compared: of a record that went in several rounds, the reply of each."""

    def __init__(self) -> None:
        self._meant: dict[int, dict[str, None]] = {}
        """The keys of the calls that were meant to go, by the number of their record, in their order."""
        self._records: list[Record] = []

    def meant(self, calls: Iterable[Planned]) -> Iterator[Planned]:
        """The calls as they are read; from then on each is one that should be answered."""
        for call in calls:
            self._meant.setdefault(call.seq, {})[call.key] = None
            yield call

    def __call__(self, call: Planned, answer: Answer) -> None:
        """One more."""
        self._records.append(
            Record(
                t=0,
                key=call.key,
                service=call.service,
                operation=call.operation,
                request=Asked(call.method, call.target, tuple(call.headers.items()), Body.of(call.body)),
                reply=Answered(answer.status, tuple(answer.headers.items()), Body.of(answer.body)),
                outcome=str(answer.outcome) if call.service else "",
            )
        )

    def against(self, recorded: Iterable[Record], rules: Rules, mask: Callable[[Record], Record]) -> Compared:
        """The capture's calls against these, which are masked as the capture was; a call without an answer is missing."""
        meant = (replace(record, key=key) for record in recorded for key in self._meant.get(record.seq, ()))
        paired = pairs(meant, map(mask, self._records), replace(NAMINGS["key"], tap=GATEWAY))
        return compare(map(_alike_in_kind, paired), Rules([*OF_A_REPLAY, *rules.all]))


def _alike_in_kind(pair: Pair) -> Pair:
    """Where the provider said nothing, what the gateway said instead is compared by its outcome alone."""
    if pair.ours is None or pair.theirs is None or pair.ours.reply is not None:
        return pair
    return replace(pair, theirs=replace(pair.theirs, reply=None))
