"""Recorded calls to a services file: operations, replies, latency, error mix, and how near all that is."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lgsp.capture.record import CONNECTOR, GATEWAY, Body, Record, split_url
from lgsp.catalogue.draft import head, keyed, narrowed, quoted, safe
from lgsp.catalogue.parse import MIXABLE, wrong_name
from lgsp.catalogue.replies import outcome_of
from lgsp.catalogue.service import Distribution, Exponential, Fixed, Lognormal, Mixture, Percentiles, Uniform
from lgsp.errors import SettingsError
from lgsp.model import Outcome
from lgsp.traffic.fit.latency import Fit, chosen, differ, fits, told
from lgsp.traffic.fit.paths import Path, split, templates, values

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_LARGEST = 20_000
"""Bytes of a body that a file still shows."""
_WELL = (Outcome.OK, Outcome.BUSINESS_FAULT)


@dataclass(frozen=True, slots=True)
class Law:
    """The latency of the service, or of `operations` that differ from it: each law with its distance, and the one taken.

    `times`: how many were measured; `bound`: the distance up to which a law is right.
    """

    operations: tuple[str, ...]
    times: int
    fits: Sequence[Fit]
    chosen: Fit
    bound: float

    @property
    def fits_well(self) -> bool:
        """Whether some law is near enough."""
        return any(fit.distance <= self.bound for fit in self.fits if fit.family != "percentiles")


@dataclass(frozen=True, slots=True)
class Learned:
    """A services file, and what it was made of. `laws`: the service's own first; none where no times were measured."""

    text: str
    calls: int
    operations: int
    outcomes: Mapping[Outcome, int]
    laws: Sequence[Law]
    left_out: Sequence[str]

    @property
    def fits_well(self) -> bool:
        """Whether each law is near enough; where none was measured there is nothing to be far from."""
        return all(law.fits_well for law in self.laws)


@dataclass(slots=True)
class _Operation:
    """What was seen of one operation."""

    calls: int = 0
    sample: tuple[Path, Record] | None = None


@dataclass(slots=True)
class _Seen:
    """What is kept of the records while they pass."""

    calls: list[tuple[str, Path, str]] = field(default_factory=list)
    """Method, path and the operation that the record names."""
    samples: dict[tuple[str, Path], Record] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    seconds: list[tuple[int, float]] = field(default_factory=list)
    """The number of a call, and how long it took."""
    at_connectors: list[tuple[str, float]] = field(default_factory=list)
    """An operation, where the record names it, and how long it took there."""


def learn(service: str, records: Iterable[Record], at_most: float) -> Learned:
    """The file of service `service`. `at_most`: the distance up to which a law is right. Raises `SettingsError` for no calls."""
    seen = _collected(records)
    if not seen.calls:
        raise SettingsError("there is no call with a request in it: nothing can be learned")
    names = _names(seen)
    operations, left_out = _operations(seen, names)
    laws = _laws(_times(seen, names), at_most)
    own = {name: law for law in laws for name in law.operations}
    lines = [
        *head(service, ()),
        f"# Learned from {len(seen.calls)} recorded calls" + (f"; latency: {_nearness(laws[0])}." if laws else "."),
        f"{service}:",
        f"  title: {quoted(service)}",
        *([f"  latency: {_law(laws[0].chosen.latency.distribution)}"] if laws else []),
        *_mix(seen.outcomes),
        "  operations:",
        *(line for name, operation in operations.items() for line in _lines(name, operation, own.get(name))),
    ]
    text = "\n".join(lines) + "\n"
    return Learned(text, len(seen.calls), len(operations), seen.outcomes, laws, left_out)


def _collected(records: Iterable[Record]) -> _Seen:
    seen = _Seen()
    for record in records:
        asked = record.request
        total = record.times.get("total", 0) / 1e9
        if record.tap == CONNECTOR and total:
            seen.at_connectors.append((record.operation, total))
        if asked is None or record.tap != GATEWAY:
            continue
        outcome = _outcome(record)
        seen.outcomes[outcome] += 1
        path = split(split_url(asked.url).path)
        template = record.operation.partition(" ")[2]
        if template:
            path = path[-len(split(template)) :]  # below the context
        seen.calls.append((asked.method.upper(), path, template))
        if outcome in _WELL:
            key = asked.method.upper(), path
            if key not in seen.samples or (outcome is Outcome.OK) > (_outcome(seen.samples[key]) is Outcome.OK):
                seen.samples[key] = record
        if total and outcome not in {Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.BUS_ERROR}:
            seen.seconds.append((len(seen.calls) - 1, total))
    return seen


def _outcome(record: Record) -> Outcome:
    if record.outcome in list(Outcome):
        return Outcome(record.outcome)
    status = record.reply.status if record.reply else 0
    return outcome_of(status) if status else Outcome.TIMEOUT


def _names(seen: _Seen) -> list[str]:
    """The operation of each call."""
    inferred = {
        method: templates(path for asked, path, template in seen.calls if asked == method and not template)
        for method in {method for method, _, _ in seen.calls}
    }
    return [f"{method} {template or inferred[method][path]}" for method, path, template in seen.calls]


def _times(seen: _Seen, names: Sequence[str]) -> dict[str, list[float]]:
    """How long calls took, by operation (empty where nobody knows): at the connectors, where that was recorded."""
    times: dict[str, list[float]] = defaultdict(list)
    for name, seconds in seen.at_connectors or [(names[number], seconds) for number, seconds in seen.seconds]:
        times[name].append(seconds)
    return times


def _laws(times: Mapping[str, list[float]], at_most: float) -> list[Law]:
    """One law for all operations that do not differ, the most called of them first; those that do have their own."""
    alike: list[tuple[list[str], list[float]]] = []
    for name, seconds in sorted(times.items(), key=lambda item: (-len(item[1]), item[0])):
        same = next((group for group in alike if not differ(seconds, group[1], at_most)), None)
        if same is None:
            alike.append(([name], list(seconds)))
        else:
            same[0].append(name)
            same[1].extend(seconds)
    alike.sort(key=lambda group: -len(group[1]))
    made = []
    for number, (names, seconds) in enumerate(alike):
        found, bound = fits(seconds), told(len(seconds), at_most)
        named = () if number == 0 else tuple(filter(None, names))
        made.append(Law(named, len(seconds), found, chosen(found, bound), bound))
    return made


def _nearness(law: Law) -> str:
    return f"{law.chosen.family}, distance {law.chosen.distance:.4f} of {law.times} times"


def _operations(seen: _Seen, names: Sequence[str]) -> tuple[dict[str, _Operation], list[str]]:
    """Operations by name, the most asked first, and names that no operation can have."""
    found: dict[str, _Operation] = defaultdict(_Operation)
    for (method, path, _), name in zip(seen.calls, names, strict=True):
        operation = found[name]
        operation.calls += 1
        sample = seen.samples.get((method, path))
        if sample is not None and (operation.sample is None or _is_better(sample, operation.sample[1])):
            operation.sample = path, sample
    left_out = [name for name in found if wrong_name(name)]
    good = {name: operation for name, operation in found.items() if name not in left_out}
    if not good:
        raise SettingsError(f"no call asked for an operation that could be served, such as {left_out[0]}")
    return dict(sorted(good.items(), key=lambda item: (-item[1].calls, item[0]))), left_out


def _is_better(one: Record, other: Record) -> bool:
    """Whether a sample shows more: a good reply rather than a "no"."""
    return _outcome(one) is Outcome.OK and _outcome(other) is not Outcome.OK


def _mix(outcomes: Mapping[Outcome, int]) -> Iterator[str]:
    calls = sum(outcomes.values())
    rates = {outcome: outcomes[outcome] / calls for outcome in MIXABLE if outcomes.get(outcome)}
    if rates:
        yield f"  errors: {{{', '.join(f'{outcome}: {_percent(rate)}' for outcome, rate in rates.items())}}}"


def _percent(rate: float) -> str:
    return f"{int(rate * 1_000_000) / 10_000:.4f}".rstrip("0").rstrip(".") + "%"


def _law(law: Distribution) -> str:
    match law:
        case Fixed(seconds=seconds):
            return f"{{fixed: {_ms(seconds)}}}"
        case Lognormal(p50=p50, p99=p99):
            return f"{{p50: {_ms(p50)}, p99: {_ms(p99)}}}"
        case Exponential(mean=mean):
            return f"{{exponential: {_ms(mean)}}}"
        case Uniform(low=low, high=high):
            return f"{{uniform: [{_ms(low)}, {_ms(high)}]}}"
        case Percentiles(points=points):
            return f"{{percentiles: {{{', '.join(f'p{percent:g}: {_ms(seconds)}' for percent, seconds in points)}}}}}"
        case Mixture(parts=parts):
            each = (f"{{weight: {part.weight:g}, lognormal: {_law(part.distribution)}}}" for part in parts)
            return f"{{mixture: [{', '.join(each)}]}}"
    raise SettingsError(f"{law} is no law that is fitted")


def _ms(seconds: float) -> str:
    return f"{max(seconds * 1000, 0.001):.3f}".rstrip("0").rstrip(".") + "ms"


def _lines(name: str, operation: _Operation, law: Law | None) -> Iterator[str]:
    yield f"    {quoted(name)}:"
    yield f"      weight: {operation.calls}"
    if law is not None:
        yield f"      # Its times differ from the others': {_nearness(law)}."
        yield f"      latency: {_law(law.chosen.latency.distribution)}"
    if operation.sample is None:
        yield "      # No reply of it was recorded that went well: it echoes."
        return
    path, record = operation.sample
    template = name.partition(" ")[2]
    asked, reply = record.request, record.reply
    body = None if reply is None else _content(reply.body)
    if asked is None or reply is None or body is None:
        yield "      # No reply of it was recorded that is JSON or XML: it echoes."
        return
    said = _with_names(safe(body), values(template, path))
    if reply.status == 200:
        yield from keyed("      reply", said)
    else:
        yield "      replies:"
        yield f"        - status: {reply.status}"
        yield from keyed("          body", said)
    example: dict[str, object] = {"path": "/" + "/".join(path)} if "{" in template else {}
    query = split_url(asked.url).query
    if query:
        example["query"] = query
    sent = _content(asked.body)
    if sent is not None:
        example["body"] = sent
    yield "      examples:"
    yield "        recorded:"
    yield from keyed("          request", example)
    yield "          reply:"
    yield f"            status: {reply.status}"
    outcome = outcome_of(reply.status)
    if outcome is not Outcome.OK:
        yield f"            outcome: {outcome}"
    yield from keyed("            body", body)


def _content(body: Body) -> object:
    """A whole body as the YAML can have it: JSON, or XML as text; else nothing."""
    if not body.whole or not body.data or len(body.data) > _LARGEST:
        return None
    try:
        text = body.data.decode()
        if text[0] in "{[":
            return narrowed(json.loads(text))
    except (ValueError, RecursionError):
        return None
    return text if text.startswith("<") and text.isprintable() else None


def _with_names(value: object, names: Mapping[str, str]) -> object:
    """The value with what stood in the path taken from the path."""
    if isinstance(value, dict):
        return {key: _with_names(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_names(item, names) for item in value]
    name = next((name for name, segment in names.items() if segment == value), None)
    return value if name is None else f"{{{{ path.{name} }}}}"
