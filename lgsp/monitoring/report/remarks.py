"""The two ends of a report that keep it honest: what is missing or made up, and what it can be checked with."""

from __future__ import annotations

from lgsp.catalogue.service import Catalogue
from lgsp.monitoring.report.document import Language, in_day, number
from lgsp.monitoring.report.figures import Figures
from lgsp.monitoring.report.proof import Proof
from lgsp.monitoring.report.words import say


def missing(
    figures: Figures, catalogue: Catalogue, proof: Proof, language: Language, *, still_open: int, is_over: bool
) -> list[str]:
    """Sentences: what the figures do not have, what they have from elsewhere, and what may still change."""
    found = []
    seen = {service for service, _, _ in figures.whole.sums}
    silent = [service.id for service in catalogue if service.id not in seen]
    gone = sorted(name for name in seen if name not in catalogue)
    begin, end = figures.span.hours
    empty = (end - begin) - len({hour for hour, _ in figures.whole.hours})
    for name, problem in proof.unread:
        found.append(say(language, "unreadable", name=name, problem=problem))
    if not is_over:
        found.append(say(language, "not-over"))
    if empty:
        found.append(say(language, "empty-hours", n=number(empty, language), total=number(end - begin, language)))
    if silent:
        found.append(say(language, "no-transactions", names=", ".join(silent)))
    if gone:
        found.append(say(language, "not-in-catalogue", names=", ".join(gone)))
    if figures.left_out:
        found.append(say(language, "left-out", n=number(figures.left_out, language)))
    found.append(say(language, "still-open", n=number(still_open, language)))
    found.append(say(language, "minutes"))
    return [*found, *_short_streams(figures, proof, language)]


def _short_streams(figures: Figures, proof: Proof, language: Language) -> list[str]:
    captions = proof.past.captions if proof.past else {}
    period = (figures.span.first.isoformat(), figures.span.last.isoformat())
    return [
        say(
            language,
            "stream-days",
            title=captions.get(stream.name, {}).get(language, stream.name),
            first=in_day(stream.first, language),
            last=in_day(stream.last, language),
        )
        for stream in figures.streams
        if (stream.first, stream.last) != period
    ]


def evidence(figures: Figures, proof: Proof, language: Language) -> list[str]:
    """Sentences: the definitions, what was read, and the line that anybody can check, or why there is none."""
    found = [say(language, "definition")]
    found += [
        say(
            language,
            "account" if account.number else "no-checkpoint",
            name=account.name,
            rows=number(account.rows, language),
            number=account.number,
            sequence=account.sequence,
            root=account.root,
        )
        for account in proof.accounts
    ]
    past = proof.past
    if past is not None and figures.synthetic.total:
        told = {"scenario": past.scenario, "sha": past.scenario_sha256, "seed": past.seed, "hours": past.hours_sha256}
        days = {"first": in_day(past.first, language), "last": in_day(past.last, language)}
        found.append(say(language, "past", **told, **days))
        if past.changes:
            found.append(say(language, "changes", changes="; ".join(past.changes)))
    if proof.holds:
        return [*found, say(language, "proof", digest=proof.digest, version=proof.version), f"`{proof.command}`"]
    if not proof.is_checked:
        return [*found, say(language, "unchecked")]
    return [*found, say(language, "refused"), *proof.problems, *(f"{name}: {why}" for name, why in proof.unread)]
