"""What a load promised: `p95<800ms,errors<1%,lag_p99<20ms`, and whether it held."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lgsp.catalogue.units import parse_duration, parse_percent
from lgsp.errors import SettingsError
from lgsp.traffic.load.account import Account, Times

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"([a-z]+_)?(p[\d.]+|mean|max|errors|official|rate)\s*(<=|>=|<|>)\s*(.+)")
_PARTS = ("errors", "official", "rate")
_OF = {"": "response", "response_": "response", "service_": "service", "lag_": "lag"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise. `of` is whose time: `response` (from due), `service` (from send), `lag` (ours); empty for a part or a rate."""

    text: str
    of: str
    figure: str
    sign: str
    bound: float

    @property
    def is_ours(self) -> bool:
        """Whether it judges lgsp and not the target."""
        return self.of == "lag"

    def seen(self, account: Account) -> float:
        """The figure as it is: seconds, a part from 0 to 1, or calls a second."""
        if self.figure == "errors":
            return account.whole.errors
        if self.figure == "official":
            return 1 - account.whole.errors
        if self.figure == "rate":
            return account.rate
        times: Times = account.lag if self.is_ours else getattr(account.whole, self.of)
        if self.figure in {"mean", "max"}:
            return times.mean if self.figure == "mean" else times.highest
        return times.percentile(float(self.figure[1:]))

    def holds(self, account: Account) -> bool:
        """Whether the promise was kept. Nothing that was judged keeps none."""
        return account.whole.n > 0 and _SIGNS[self.sign](self.seen(account), self.bound)

    def told(self, account: Account) -> str:
        """The promise and the figure, for a person."""
        seen = self.seen(account)
        if not self.of:
            return f"{self.text}: {seen:.1f}/s" if self.figure == "rate" else f"{self.text}: {seen:.2%}"
        return f"{self.text}: {seen * 1000:.1f} ms"


def parse_limits(text: str) -> list[Limit]:
    """The promises of `--fail`. Raises `SettingsError` with the one that cannot be read."""
    return [_limit(part.strip()) for part in text.split(",") if part.strip()]


def _limit(text: str) -> Limit:
    match = _FORM.fullmatch(text)
    if match:
        whose, figure, sign, written = match.groups()
        bound = _bound(figure, written)
        if bound is not None and ((figure in _PARTS and not whose) or (figure not in _PARTS and (whose or "") in _OF)):
            return Limit(text, "" if figure in _PARTS else _OF[whose or ""], figure, sign, bound)
    raise SettingsError(
        f"{text!r} is no limit: write p95<800ms, service_p99<50ms, lag_p99<20ms, mean<100ms, errors<1%, "
        "official>=99% or rate>=95/s"
    )


def _bound(figure: str, written: str) -> float | None:
    """The bound in the figure's own unit; `None` where it is written in none."""
    try:
        if figure == "rate":
            return float(written.removesuffix("/s"))
        if figure in _PARTS:
            return parse_percent(written)
        if figure.startswith("p") and not 0 < float(figure[1:]) < 100:
            return None
        return parse_duration(written)
    except ValueError:
        return None
