"""The tables of a report, each from the same figures, so that each adds up to the same total."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lgsp.catalogue.service import Catalogue
from lgsp.ledger.hours import percentile
from lgsp.ledger.past import About
from lgsp.ledger.tally import OFFICIAL, Key
from lgsp.model import Outcome
from lgsp.monitoring.report.document import Cell, Chart, Column, Language, Section, Table, in_day
from lgsp.monitoring.report.figures import Figures, Group, official_success, rounded, service_of, sli
from lgsp.monitoring.report.words import outcome_in, say

_WORST = 5
_FAILURES = tuple(outcome for outcome in Outcome if outcome not in OFFICIAL)
_ALL = "*"


@dataclass(frozen=True, slots=True)
class Tables:
    """Writes them in one language. `past`: what the simulated past calls its streams, and when it had troubles."""

    figures: Figures
    catalogue: Catalogue
    past: About | None
    language: Language

    def say(self, key: str, **values: object) -> str:
        """See `words.say`."""
        return say(self.language, key, **values)

    def services(self) -> Section:
        """What each service had, day by day and in all, and how long it took."""
        days = self.figures.by_time(lambda at: at.strftime("%Y-%m-%d"))
        labels = [in_day(group.name, self.language) for group in days]
        failed = [sum(group.counts[each] for each in _FAILURES) for group in days]
        charts = [
            Chart(self.say("days"), labels, [group.total for group in days]),
            Chart(self.say("failed-days"), labels, failed, "failed"),
        ]
        groups = self.figures.groups(service_of)
        columns = [
            Column("objective", self.say("objective"), "percent"),
            Column("objective_met", self.say("met"), "yes"),
        ]
        table = self._table("services", "service", groups, self._title, columns, self._objective)
        return Section("services", self.say("services-heading"), [*charts, table, self._durations(groups)])

    def _objective(self, group: Group) -> list[Cell]:
        if group.name not in self.catalogue:
            return [None, None]
        objective, reached = self.catalogue.find(group.name).objective, sli(group.counts)
        return [objective, None if reached is None else reached >= objective]

    def _title(self, service: str) -> str:
        if service not in self.catalogue:
            return self.say("unknown")
        title = self.catalogue.find(service).title
        return title.vi if self.language == "vi" else title.en

    def _durations(self, groups: Sequence[Group]) -> Table:
        columns = [
            Column("service", self.say("service")),
            *(Column(f"p{part}_ms", f"p{part}, ms", "milliseconds") for part in (50, 95, 99)),
            Column("mean_ms", self.say("mean"), "milliseconds"),
            Column("max_ms", self.say("max"), "milliseconds"),
            Column("request_bytes", self.say("asked"), "bytes"),
            Column("reply_bytes", self.say("answered"), "bytes"),
            Column("last_official", self.say("last"), "hour"),
        ]
        rows = []
        for group in groups:
            sums, sketch = self.figures.sums(group.name), self.figures.whole.sketches.get(group.name, {})
            hours = [
                self.figures.whole.last[group.name, each]
                for each in OFFICIAL
                if (group.name, each) in self.figures.whole.last
            ]
            rows.append(
                [
                    group.name,
                    # A histogram tells the end of a range; nothing took longer than the longest.
                    *(_ms(min(percentile(sketch, part) or 0, sums.max_us)) for part in (50, 95, 99)),
                    _ms(sums.sum_us / sums.n if sums.n else None),
                    _ms(sums.max_us),
                    *((None, None) if group.synthetic == group.total else (sums.request_bytes, sums.reply_bytes)),
                    f"{self.figures.span.local(max(hours)):%Y-%m-%dT%H:00}" if hours else None,
                ]
            )
        return Table("durations", self.say("durations"), columns, rows, note=self.say("percentiles"))

    def groups(self) -> Section:
        """The same transactions by provider, tier, route, consumer and month."""

        def of(field: str) -> Callable[[Key], str]:
            return lambda key: str(getattr(self.catalogue.find(key[0]), field)) if key[0] in self.catalogue else ""

        known = {name: self.say(name) for name in ("central", "provincial")}
        tables = [
            self._table("owners", "owner", self.figures.groups(of("owner")), None),
            self._table("tiers", "tier", self.figures.groups(of("tier")), known.get),
            self._table("routes", "route", self.figures.groups(of("route")), None),
            self._table("consumers", "consumer", self.figures.groups(lambda key: key[1]), None),
            self._table("months", "month", self.figures.by_time(lambda at: at.strftime("%Y-%m")), None),
        ]
        return Section("groups", self.say("groups"), tables)

    def _table(
        self,
        name: str,
        heading: str,
        groups: Sequence[Group],
        title_of: Callable[[str], Cell] | None,
        further: Sequence[Column] = (),
        further_of: Callable[[Group], list[Cell]] = lambda _: [],
    ) -> Table:
        """One row for each group, which add up to all transactions."""
        columns = [
            Column(heading, self.say(heading)),
            *([Column("title", self.say("what"))] if title_of else []),
            Column("total", self.say("total"), "count"),
            Column("share", self.say("share"), "percent"),
            *(Column(str(outcome), outcome_in(self.language, outcome), "count") for outcome in Outcome),
            Column("official_success", self.say("official"), "percent"),
            Column("sli", self.say("sli"), "percent"),
            *further,
            Column("synthetic", self.say("synthetic"), "count"),
        ]

        def row(group: Group, name: str, further: Sequence[Cell]) -> list[Cell]:
            return [
                name,
                *([title_of(group.name) if group.name != _ALL else None] if title_of else []),
                group.total,
                rounded(group.total / self.figures.whole.total),
                *(group.counts[outcome] for outcome in Outcome),
                rounded(official_success(group.counts)),
                rounded(sli(group.counts)),
                *further,
                group.synthetic,
            ]

        whole = Group(_ALL, self.figures.counts(), self.figures.synthetic.total)
        return Table(
            name,
            self.say(name),
            columns,
            [row(group, group.name or self._nameless(heading, group), further_of(group)) for group in groups],
            row(whole, self.say("total"), [None] * len(further)),
        )

    def _nameless(self, heading: str, group: Group) -> str:
        if heading != "consumer":
            return self.say("unknown")
        return self.say("untold" if group.synthetic == group.total else "nobody")

    def failures(self) -> Section:
        """What failed: why, whose fault it was, and when it was most."""
        counts = self.figures.counts()
        causes = [(outcome, counts[outcome]) for outcome in _FAILURES]
        faults = list(self.figures.faults().items())
        return Section(
            "failures",
            self.say("failures"),
            [
                self._parts("causes", "cause", [(outcome_in(self.language, each), n) for each, n in causes]),
                self._parts("faults", "whose", [(self.say(whose), n) for whose, n in faults]),
                self._worst(),
            ],
        )

    def _parts(self, name: str, heading: str, parts: Sequence[tuple[str, int]]) -> Table:
        whole = sum(n for _, n in parts)
        columns = [
            Column(heading, self.say(heading)),
            Column("total", self.say("total"), "count"),
            Column("share", self.say("share"), "percent"),
        ]
        rows = [[each, n, rounded(n / whole) if whole else None] for each, n in parts]
        return Table(name, self.say(name), columns, rows, [self.say("total"), whole, 1.0 if whole else None])

    def _worst(self) -> Table:
        failed: dict[int, int] = {}
        for (hour, _), count in self.figures.whole.failing.items():
            failed[hour] = failed.get(hour, 0) + count
        worst = sorted(failed, key=lambda hour: (-failed[hour], hour))[:_WORST]
        of = {hour: sum(n for (h, _), n in self.figures.whole.hours.items() if h == hour) for hour in worst}
        columns = [
            Column("hour", self.say("hour"), "hour"),
            Column("failed", self.say("failed"), "count"),
            Column("share", self.say("share"), "percent"),
            Column("service", self.say("most")),
            Column("incident", self.say("incident")),
        ]
        rows: list[list[Cell]] = []
        for hour in worst:
            by_service = {name: n for (h, name), n in self.figures.whole.failing.items() if h == hour}
            name = max(by_service, key=lambda each: (by_service[each], each))
            at = self.figures.span.local(hour)
            rows.append(
                [
                    f"{at:%Y-%m-%dT%H:00}",
                    failed[hour],
                    rounded(failed[hour] / of[hour]),
                    name,
                    self._incident(f"{at:%Y-%m-%d}"),
                ]
            )
        return Table("worst_hours", self.say("worst"), columns, rows)

    def _incident(self, day: str) -> str | None:
        past = self.past
        if past is None or not self.figures.synthetic.total:
            return None
        titles = [each["title"][self.language] for each in past.episodes if each["first"] <= day <= each["last"]]
        return "; ".join(titles) or None

    def streams(self) -> list[Section]:
        """What the simulated past counts beside the transactions; nothing where there is none in the period."""
        past = self.past
        if past is None:
            return []
        columns = [
            Column("stream", self.say("what")),
            Column("part", self.say("part")),
            Column("from", self.say("from"), "day"),
            Column("to", self.say("to"), "day"),
            Column("count", self.say("count"), "count"),
            Column("share", self.say("share"), "percent"),
        ]
        rows: list[list[Cell]] = []
        for stream in self.figures.streams:
            name, whole = self._caption(stream.name), sum(stream.parts.values())
            parts = list(stream.parts.items())
            rows += [
                [name, self._caption(part), stream.first, stream.last, n, rounded(n / whole) if whole else None]
                for part, n in parts
            ]
            if len(parts) > 1:
                rows.append([name, self.say("total"), stream.first, stream.last, whole, 1.0])
        note = self.say("synthetic-streams", scenario=past.scenario)
        tables = [Table("streams", self.say("streams"), columns, rows, note=note)] if rows else []
        if past.places and self.figures.synthetic.total:
            tables.append(self._places(past.places, past.places_title))
        return [Section("streams", self.say("streams"), tables)] if tables else []

    def _places(self, places: Mapping[str, Sequence[str]], title: Mapping[str, str]) -> Table:
        columns = [
            Column("state", self.say("state")),
            Column("count", self.say("count"), "count"),
            Column("names", self.say("names")),
        ]
        rows: list[list[Cell]] = [
            [self._caption(state), len(names), ", ".join(names)] for state, names in places.items()
        ]
        whole = sum(len(names) for names in places.values())
        return Table("places", title.get(self.language, ""), columns, rows, [self.say("total"), whole, None])

    def _caption(self, name: str) -> str:
        captions = self.past.captions if self.past else {}
        return captions.get(name, {}).get(self.language, name)


def _ms(us: float | None) -> float | None:
    return None if us is None else round(us / 1_000, 3)
