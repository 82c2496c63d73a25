"""What a gateway's metrics say, read without lgsp's code, and whether it can be true."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"^(lgsp_\w+)\{(.*?)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="(.*?)"')


@dataclass
class Scrape:
    """Counts by service (and outcome)."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    still_open: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, text: str) -> Scrape:
        """The families that make the account."""
        made = cls()
        for name, labels, value in _LINE.findall(text):
            named = dict(_LABEL.findall(labels))
            if name == "lgsp_transactions_total":
                made.ended[named["service"], named["outcome"]] = int(float(value))
            elif name == "lgsp_transactions_accepted_total":
                made.accepted[named["service"]] = int(float(value))
            elif name == "lgsp_open_transactions":
                made.still_open[named["service"]] = int(float(value))
            elif name == "lgsp_parked_transactions":
                made.parked[named["service"]] = int(float(value))
        return made

    def complaints(self, before: Scrape | None) -> Iterator[str]:
        """Where accepted is not ended + open, and where a counter is less than it was."""
        ended: Counter[str] = Counter()
        for (service, _), count in self.ended.items():
            ended[service] += count
        for service, count in self.accepted.items():
            if count != ended[service] + self.still_open[service]:
                yield f"{service}: accepted {count}, ended {ended[service]}, open {self.still_open[service]}"
        for key, count in before.ended.items() if before else ():
            if self.ended[key] < count:
                yield f"{' '.join(key)} went back from {count} to {self.ended[key]}"
