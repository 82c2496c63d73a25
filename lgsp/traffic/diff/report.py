"""What two captures differ in, for a terminal, a program, a pipeline, a pull request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from lgsp.traffic.diff.comparing import EXTRA, MISSING
from lgsp.traffic.diff.groups import Compared, Group, Sample
from lgsp.traffic.diff.latency import Pace
from lgsp.traffic.diff.view import Operation

_LONG = 80
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison of a report: by which `name` a pipeline knows it, under which `title` people read it."""

    name: str
    title: str
    compared: Compared


def text(compared: Compared) -> str:
    """Lines for a terminal."""
    lines = [summary(compared)]
    for group in compared.groups:
        lines.append(f"{group.pairs:>8,} {called(group.operation)}: {place(group)}: {group.kind}")
        lines += [f"{'':9}{sample.name}: {_values(sample)}" for sample in group.samples if group.path]
        lines += [f"{'':9}{sample.name}" for sample in group.samples if not group.path]
    lines += map(_paced, compared.paces)
    return "".join(f"{printable(line)}\n" for line in lines)


def as_json(compared: Compared) -> dict[str, Any]:
    """The same for a program, values whole."""
    names = ("service", "operation", "tap")
    return {
        "pairs": compared.pairs,
        "different": compared.different,
        "missing": compared.missing,
        "extra": compared.extra,
        "findings": compared.findings,
        "groups": [
            dict(zip(names, group.operation, strict=True))
            | {"path": printable(group.path), "kind": group.kind, "pairs": group.pairs}
            | {"samples": [_sampled(sample) for sample in group.samples]}
            for group in compared.groups
        ],
        "latency": [
            dict(zip(names, pace.operation, strict=True))
            | {"percent": pace.percent, "ours": pace.ours, "theirs": pace.theirs, "pairs": pace.pairs}
            | {"needs": pace.needs, "slower": pace.slower}
            for pace in compared.paces
        ],
    }


def junit(*parts: Part) -> str:
    """A suite for each comparison, in it a test case for each operation, so that those without a difference are seen as well."""
    suites = [_suite(part.name, part.compared) for part in parts]
    root = suites[0]
    if len(suites) > 1:
        root = ET.Element("testsuites")
        root.extend(suites)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(name: str, compared: Compared) -> ET.Element:
    by_operation: dict[Operation, list[Group]] = {operation: [] for operation in sorted(compared.operations)}
    for group in compared.groups:
        by_operation[group.operation].append(group)
    failed = sum(1 for groups in by_operation.values() if groups)
    suite = ET.Element("testsuite", name=name, tests=str(len(by_operation)), failures=str(failed), errors="0")
    for operation, groups in by_operation.items():
        case = ET.SubElement(suite, "testcase", classname=_clean(operation[0] or "-"), name=_clean(called(operation)))
        if groups:
            told = [f"{group.pairs} x {place(group)}: {group.kind}" for group in groups]
            failure = ET.SubElement(case, "failure", message=_clean("; ".join(told)))
            samples = (f"{place(g)} {s.name}: {_values(s)}" for g in groups for s in g.samples)
            failure.text = _clean("\n".join(samples))
    return suite


def markdown(compared: Compared) -> str:
    """For a pull request."""
    lines = ["### lgsp diff", "", summary(compared)]
    if compared.groups:
        lines += ["", "| pairs | operation | where | kind | for example |", "| ---: | --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(_cells(group))} |" for group in compared.groups]
    return "\n".join(lines) + "\n"


def called(operation: Operation) -> str:
    """An operation by its name."""
    service, name, tap = operation
    return f"{service} {name} ({tap})".strip()


def place(group: Group) -> str:
    """Where a group differs."""
    return group.path or "the record"


def summary(compared: Compared) -> str:
    """The counts in a sentence."""
    return (
        f"{compared.pairs:,} pairs, {compared.different:,} of them different; {compared.missing:,} records missing, "
        f"{compared.extra:,} extra; {len(compared.groups):,} groups"
    )


def _paced(pace: Pace) -> str:
    told = "" if pace.told else f": too few to tell, it takes {pace.needs:,}"
    return (
        f"latency {called(pace.operation)}: p{pace.percent} {pace.ours * 1000:,.1f} ms became {pace.theirs * 1000:,.1f} ms, "
        f"{pace.pairs:,} pairs{told}"
    )


def _sampled(sample: Sample) -> dict[str, Any]:
    values = {"ours": sample.difference.ours, "theirs": sample.difference.theirs}
    told: dict[str, Any] = json.loads(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))
    return {"record": printable(sample.name)} | told


def values_of(sample: Sample) -> tuple[str, str]:
    """The two values of a sample as JSON; `nothing` where there is none."""
    difference = sample.difference
    ours = "nothing" if difference.kind == EXTRA else json.dumps(difference.ours, ensure_ascii=False)
    theirs = "nothing" if difference.kind == MISSING else json.dumps(difference.theirs, ensure_ascii=False)
    return ours, theirs


def _values(sample: Sample) -> str:
    ours, theirs = values_of(sample)
    return f"{_short(ours)} became {_short(theirs)}"


def _short(shown: str) -> str:
    return shown if len(shown) <= _LONG else f"{shown[:_LONG]}..."


def printable(line: str) -> str:
    """Names and bodies come from outside: nothing of them moves a cursor or is no Unicode."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def _cells(group: Group) -> Iterator[str]:
    sample = group.samples[0]
    example = f"{sample.name}: {_values(sample)}" if group.path else sample.name
    for cell in (f"{group.pairs:,}", called(group.operation), place(group), group.kind, example):
        # Angle brackets and bars of a body must not become markup of the page that shows them.
        yield printable(cell).replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;").replace("`", "&#96;")


def _clean(words: str) -> str:
    return _NO_XML.sub("\ufffd", words)
