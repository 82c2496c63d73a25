"""From numbers to a document. Pure: the same figures in the same language make the same report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from lgsp.catalogue.service import Catalogue
from lgsp.ledger.tally import OFFICIAL
from lgsp.model import Outcome
from lgsp.monitoring.report.document import (
    Document,
    Language,
    Section,
    in_day,
    in_hour,
    number,
    percent,
)
from lgsp.monitoring.report.figures import Figures, Group, official_success, rounded, service_of, sli
from lgsp.monitoring.report.proof import Proof
from lgsp.monitoring.report.remarks import evidence, missing
from lgsp.monitoring.report.tables import Tables
from lgsp.monitoring.report.words import say


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known at the moment of writing and is no count of the period: what is open, and whether the period is over."""

    still_open: int = 0
    is_over: bool = True


def compose(
    figures: Figures,
    catalogue: Catalogue,
    proof: Proof,
    standing: Standing,
    language: Language,
    annexes: Sequence[Section] = (),
) -> Document:
    """The report. `annexes` are sections of others, shown after the streams."""
    writer, tables = _Writer(figures, proof, language), Tables(figures, catalogue, proof.past, language)
    first, last = (in_day(day.isoformat(), language) for day in (figures.span.first, figures.span.last))
    remarks = missing(figures, catalogue, proof, language, still_open=standing.still_open, is_over=standing.is_over)
    about = Section("missing", writer.say("missing"), remarks)
    return Document(
        language=language,
        title=writer.say("title"),
        banner=writer.banner(),
        lead=[
            writer.say("period", first=first, last=last, days=figures.span.days, zone=figures.span.zone.key),
            *writer.lead(first, last),
        ],
        facts=writer.facts() | {"missing": remarks, "evidence": _stands(proof)},
        sections=[
            *([tables.services(), tables.groups(), tables.failures()] if figures.whole.total else []),
            *tables.streams(),
            *annexes,
            about,
            Section("evidence", writer.say("evidence"), evidence(figures, proof, language)),
        ],
        words={word: writer.say(word) for word in ("yes", "no", "total")},
    )


def _stands(proof: Proof) -> dict[str, object]:
    return {"holds": proof.holds, "digest": proof.digest if proof.holds else None, "command": proof.command}


@dataclass(frozen=True, slots=True)
class _Writer:
    figures: Figures
    proof: Proof
    language: Language

    def say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def n(self, count: int) -> str:
        return number(count, self.language)

    def banner(self) -> list[str]:
        synthetic, total = self.figures.synthetic.total, self.figures.whole.total
        if not synthetic:
            return []
        past = self.proof.past
        moved = ""
        if past is not None and past.moved_days:
            told_of = date.fromisoformat(past.first) - timedelta(days=past.moved_days)
            moved = self.say("moved", days=past.moved_days, year=told_of.year)
        key = "all-synthetic" if synthetic == total else "some-synthetic"
        return [self.say(key, n=self.n(synthetic), total=self.n(total), moved=moved)]

    def lead(self, first: str, last: str) -> list[str]:
        figures = self.figures
        counts, total = figures.counts(), figures.whole.total
        success = official_success(counts)
        if success is None:
            return [self.say("nothing", first=first, last=last)]
        good = sum(counts[each] for each in OFFICIAL)
        day, hour = self._busiest("%Y-%m-%d"), self._busiest("%Y-%m-%dT%H:00")
        return [
            self.say(
                "headline", first=first, last=last, services=len(figures.groups(service_of)), total=self.n(total),
                official=percent(success, self.language), good=self.n(good), bad=self.n(total - good),
            ),
            self.say(
                "pace", daily=self.n(round(total / figures.span.days)), day=in_day(day.name, self.language),
                day_total=self.n(day.total), hour=in_hour(hour.name, self.language), hour_total=self.n(hour.total),
            ),
            self._compared(total),
        ]  # fmt: skip

    def _compared(self, total: int) -> str:
        before = self.figures.span.before()
        where = {
            "days": before.days,
            "first": in_day(before.first.isoformat(), self.language),
            "last": in_day(before.last.isoformat(), self.language),
        }
        was = self.figures.before
        if not was:
            return self.say("nothing-before", **where)
        change = percent(abs(total - was) / was, self.language)
        return self.say(
            "compared", total=self.n(was), change=self.say("more" if total >= was else "less", change=change), **where
        )

    def facts(self) -> dict[str, object]:
        figures = self.figures
        counts, total = figures.counts(), figures.whole.total
        facts: dict[str, object] = {
            "from": figures.span.first.isoformat(),
            "to": figures.span.last.isoformat(),
            "zone": figures.span.zone.key,
            "days": figures.span.days,
            "total": total,
            "official": sum(counts[each] for each in OFFICIAL),
            "official_success": rounded(official_success(counts)),
            "sli": rounded(sli(counts)),
            "outcomes": {str(outcome): counts[outcome] for outcome in Outcome},
            "synthetic": figures.synthetic.total,
            "live": total - figures.synthetic.total,
            "total_before": figures.before,
        }
        if total:
            day, hour = self._busiest("%Y-%m-%d"), self._busiest("%Y-%m-%dT%H:00")
            facts |= {
                "daily_average": round(total / figures.span.days),
                "busiest_day": {"day": day.name, "total": day.total},
                "busiest_hour": {"hour": hour.name, "total": hour.total},
            }
        return facts

    def _busiest(self, form: str) -> Group:
        return max(self.figures.by_time(lambda at: at.strftime(form)), key=lambda group: group.total)
