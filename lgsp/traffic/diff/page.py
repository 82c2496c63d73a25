"""What two captures differ in as one page of HTML: no script, no address, prints well."""

from __future__ import annotations

from html import escape

from lgsp.traffic.diff.groups import Compared, Group, Sample
from lgsp.traffic.diff.report import Part, called, place, printable, summary, values_of

_LONG = 4_000
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem }
table { border-collapse: collapse; width: 100%; table-layout: fixed } th, td { padding: .2rem .6rem; border-bottom: 1px solid #8884 }
th { text-align: left } td { vertical-align: top; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .85rem }
.kind { color: #c6362c; font-weight: 600 } .same { color: #18794e } .name { width: 14rem }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } table { break-inside: avoid } }
"""


def page(*parts: Part) -> str:
    """The whole page. Of each comparison: a section for each group, then the operations in which nothing differs."""
    title = " + ".join(_told(part.title) for part in parts)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{_STYLE}</style></head><body>
{"".join(_chapter(part.title, part.compared) for part in parts)}
</body></html>
"""


def _chapter(title: str, compared: Compared) -> str:
    found = {group.operation for group in compared.groups}
    same = [
        f"{_told(called(name))} ({count:,})" for name, count in sorted(compared.operations.items()) if name not in found
    ]
    kept = f'<h2>The same</h2><p class="same">{"<br>".join(same)}</p>' if same else ""
    return f"""<h1>{_told(title)}</h1>
<p>{_told(summary(compared))}</p>
{"".join(_section(group) for group in compared.groups)}
{kept}
"""


def _section(group: Group) -> str:
    head = f"{group.pairs:,} × {_told(called(group.operation))}: {_told(place(group))}: "
    rows = "".join(_row(sample) for sample in group.samples)
    names = '<tr><th class="name">record</th><th>A</th><th>B</th></tr>'
    return f'<h2>{head}<span class="kind">{_told(group.kind)}</span></h2><table>{names}{rows}</table>\n'


def _row(sample: Sample) -> str:
    ours, theirs = values_of(sample)
    return f'<tr><td class="name">{_told(sample.name)}</td><td>{_told(ours)}</td><td>{_told(theirs)}</td></tr>'


def _told(text: str) -> str:
    return escape(printable(text if len(text) <= _LONG else f"{text[:_LONG]}..."))
