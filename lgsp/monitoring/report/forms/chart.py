"""Bars as SVG: one for each label, on a scale that reads at a glance."""

from __future__ import annotations

from html import escape

from lgsp.monitoring.report.document import Chart, Language, number

_WIDTH, _HEIGHT = 1200, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 10, 12, 30
_COLOURS = {"whole": "#3b78b5", "failed": "#c2410c"}
_LABELS = 9
"""Labels below the bars, at the most: more would run into each other."""
_STEPS = (4, 8, 12, 16, 20, 24, 32)


def drawn(chart: Chart, language: Language) -> str:
    """The chart; every bar says its number to a pointer that rests on it."""
    top = rounded_up(max(chart.values, default=0))
    wide = (_WIDTH - _LEFT - _RIGHT) / max(len(chart.values), 1)
    parts = [_line(part * top // 4, top, language) for part in range(5)]
    for at, (label, value) in enumerate(zip(chart.labels, chart.values, strict=True)):
        says = f"<title>{escape(label)}: {number(value, language)}</title>"
        parts.append(f"<g>{says}{_bar(_LEFT + at * wide, wide, value / top, _COLOURS[chart.tone])}</g>")
    every = max(-(-len(chart.labels) // _LABELS), 1)
    for at in range(0, len(chart.labels), every):
        x, y = _LEFT + (at + 0.5) * wide, _HEIGHT - _BOTTOM + 18
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{escape(chart.labels[at])}</text>')
    place = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" font-size="13" fill="#1c2733"'
    inside = "\n".join([f"<title>{escape(chart.title)}</title>", *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {place}>{inside}</svg>'


def rounded_up(value: int) -> int:
    """The end of a scale that holds `value`: 4, 8 ... 32, 40, 80 ..., so that each quarter is a round number."""
    unit = 1
    while value > _STEPS[-1] * unit:
        unit *= 10
    return next(step * unit for step in _STEPS if value <= step * unit)


def _bar(x: float, wide: float, part: float, colour: str) -> str:
    gap, high = wide * 0.12, part * (_HEIGHT - _BOTTOM - _TOP)
    y = _HEIGHT - _BOTTOM - high
    return f'<rect x="{x + gap:.1f}" y="{y:.1f}" width="{wide - 2 * gap:.1f}" height="{high:.1f}" fill="{colour}"/>'


def _line(value: int, top: int, language: Language) -> str:
    y = _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _BOTTOM - _TOP)
    line = f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d5dce4"/>'
    return f'{line}<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value, language)}</text>'
