"""The report of a load as one page of HTML: no script, no address, prints well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from lgsp.traffic.load.account import PERCENTS, Account, Point, Times

_WIDE, _HIGH, _LEFT, _LOW = 860, 180, 70, 22
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8884 } th:first-child, td:first-child { text-align: left }
.kept { color: #18794e } .broken { color: #c6362c; font-weight: 600 }
svg text { font: 11px system-ui, sans-serif; fill: currentColor } svg { width: 100%; height: auto }
.a { stroke: #8a8f98 } .b { stroke: #2563c9 } .c { stroke: #c6362c } path { fill: none; stroke-width: 1.5 }
.key { display: inline-block; width: 1.4em; height: .2em; margin: 0 .3em .2em 1em }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } svg, table { break-inside: avoid } }
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of judgement: what was promised or is always judged, how it came out."""

    text: str
    kept: bool


def page(title: str, said: Iterable[str], account: Account, verdicts: Sequence[Verdict]) -> str:
    """The whole page. `said` are sentences about the run: the target, the plan, the seed, what was cut."""
    points = list(account.points())
    judged = "".join(
        f'<tr><td>{escape(verdict.text)}</td><td class="{"kept" if verdict.kept else "broken"}">'
        f"{'kept' if verdict.kept else 'broken'}</td></tr>"
        for verdict in verdicts
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{"".join(f"<p>{escape(sentence)}</p>" for sentence in said)}
<h2>Judgement</h2><table>{judged}</table>
<h2>Times, in milliseconds</h2>{_times(account)}
<h2>Calls a second: asked for <span class="key" style="background:#8a8f98"></span>, answered
<span class="key" style="background:#2563c9"></span>, failed <span class="key" style="background:#c6362c"></span></h2>
{chart([("a", [p.asked for p in points]), ("b", [p.achieved for p in points]), ("c", [p.errors for p in points])], points, "/s")}
<h2>Response time: median <span class="key" style="background:#2563c9"></span>, p99
<span class="key" style="background:#c6362c"></span></h2>
{chart([("b", [p.p50 * 1000 for p in points]), ("c", [p.p99 * 1000 for p in points])], points, " ms")}
<h2>Services</h2>{_services(account)}
<p>Response time runs from the moment when a call was due, service time from when it went; lag is how late this tool was.</p>
</body></html>
"""


def _times(account: Account) -> str:
    head = "".join(f"<th>p{percent:g}</th>" for percent in PERCENTS)
    rows = (("response", account.whole.response), ("service", account.whole.service), ("own lag", account.lag))
    body = "".join(f"<tr><td>{name}</td><td>{times.n:,}</td>{_cells(times)}</tr>" for name, times in rows)
    return f"<table><tr><th></th><th>calls</th>{head}<th>mean</th><th>max</th></tr>{body}</table>"


def _cells(times: Times) -> str:
    values = [*map(times.percentile, PERCENTS), times.mean, times.highest]
    return "".join(f"<td>{value * 1000:,.1f}</td>" for value in values)


def _services(account: Account) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{line.n:,}</td><td>{line.errors:.2%}</td>"
        f"<td>{line.response.percentile(50) * 1000:,.1f}</td><td>{line.response.percentile(95) * 1000:,.1f}</td></tr>"
        for name, line in sorted(account.services.items(), key=lambda item: (-item[1].errors, item[0]))
    )
    return f"<table><tr><th>service</th><th>calls</th><th>errors</th><th>p50 ms</th><th>p95 ms</th></tr>{rows}</table>"


def chart(lines: Sequence[tuple[str, Sequence[float]]], points: Sequence[Point], unit: str) -> str:
    """Lines over the time of the run, from 0 up, with the highest value and the length named."""
    top = max((value for _, values in lines for value in values), default=0.0) or 1.0
    long = points[-1].at if points else 0.0

    def place(at: int, value: float) -> str:
        x = _LEFT + (_WIDE - _LEFT) * at / max(1, len(points) - 1)
        return f"{x:.1f},{(_HIGH - _LOW) * (1 - value / top) + 2:.1f}"

    drawn = "".join(
        f'<path class="{name}" d="M{" L".join(place(at, value) for at, value in enumerate(values))}"/>'
        for name, values in lines
        if values
    )
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img"><line x1="{_LEFT}" x2="{_WIDE}" y1="{_HIGH - _LOW + 2}" '
        f'y2="{_HIGH - _LOW + 2}" stroke="currentColor" stroke-opacity=".3"/>{drawn}'
        f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{top:,.4g}{unit}</text>'
        f'<text x="{_LEFT - 6}" y="{_HIGH - _LOW}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HIGH - 4}">0 s</text><text x="{_WIDE}" y="{_HIGH - 4}" text-anchor="end">{long:.0f} s</text></svg>'
    )
