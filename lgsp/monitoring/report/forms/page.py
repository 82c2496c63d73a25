"""For a browser and for print: one HTML file that needs nothing beside it."""

from __future__ import annotations

from html import escape

from lgsp.monitoring.report.document import Chart, Document, Table, in_words
from lgsp.monitoring.report.forms.chart import drawn

_STYLE = """\
@page { size: A4 landscape; margin: 12mm }
:root { color-scheme: light }
body { font: 15px/1.5 "Noto Sans", "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1c2733; background: #fff;
  max-width: 1480px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .8rem }
h2 { font-size: 1.2rem; border-bottom: 2px solid #21588f; padding-bottom: .2rem; margin: 2rem 0 .8rem }
.banner { border: 2px solid #b4450f; background: #fff4ec; padding: .5rem .8rem; font-weight: 600 }
.lead { font-size: 1.06rem }
figure { margin: 1rem 0 1.4rem; overflow-x: auto }
figcaption, caption { font-weight: 600; text-align: left; padding: .3rem 0 }
table { border-collapse: collapse; font-size: .76rem; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .22rem .45rem; border-bottom: 1px solid #d5dce4; text-align: right; vertical-align: top }
td { white-space: nowrap }
th { background: #eef3f8; font-weight: 600; vertical-align: bottom }
.text { text-align: left }
.text + .text { white-space: normal; min-width: 9rem }
tfoot td { border-top: 2px solid #21588f; font-weight: 600 }
.note, li { font-size: .88rem; overflow-wrap: anywhere }
svg { max-width: 100%; height: auto }
@media print {
  body { font-size: 10px; margin: 0; max-width: none; padding: 0 }
  h1 { font-size: 17px }
  h2 { font-size: 13px }
  .lead { font-size: 11px }
  table { font-size: 7.4px }
  th, td { padding: 2px 3px }
  .text + .text { min-width: 4rem }
  h2, caption, figcaption { break-after: avoid }
  tr, figure.chart { break-inside: avoid }
  thead { display: table-header-group }
  tfoot { display: table-row-group }
  figure { overflow: visible }
  .banner { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""


def as_page(document: Document) -> str:
    """The report as one HTML page with its charts; no script, nothing fetched from anywhere."""
    body = [f"<h1>{escape(document.title)}</h1>"]
    body += [f'<p class="banner">{escape(text)}</p>' for text in document.banner]
    body += [f'<p class="lead">{escape(text)}</p>' for text in document.lead]
    for section in document.sections:
        body.append(f'<section id="{escape(section.name)}">\n<h2>{escape(section.title)}</h2>')
        items = [block for block in section.blocks if isinstance(block, str)]
        body += [_block(block, document) for block in section.blocks if not isinstance(block, str)]
        if items:
            body.append("<ul>\n" + "\n".join(f"<li>{_item(item)}</li>" for item in items) + "\n</ul>")
        body.append("</section>")
    head = f'<meta charset="utf-8">\n<title>{escape(document.title)}</title>\n<style>\n{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n{head}\n</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _item(text: str) -> str:
    return f"<code>{escape(text.strip('`'))}</code>" if text.startswith("`") else escape(text)


def _block(block: Table | Chart, document: Document) -> str:
    if isinstance(block, Chart):
        title = f"<figcaption>{escape(block.title)}</figcaption>"
        return f'<figure class="chart">{title}\n{drawn(block, document.language)}\n</figure>'
    return _table(block, document)


def _table(table: Table, document: Document) -> str:
    def row(cells: object, tag: str) -> str:
        return "<tr>" + "".join(cells_of(cells, tag)) + "</tr>"  # type: ignore[arg-type]

    def cells_of(cells: list[str], tag: str) -> list[str]:
        sorts = [' class="text"' if column.sort == "text" else "" for column in table.columns]
        return [f"<{tag}{sort}>{escape(cell)}</{tag}>" for cell, sort in zip(cells, sorts, strict=True)]

    rows = [*table.rows, *([table.total] if table.total else [])]
    words = [[in_words(cell, c.sort, document) for cell, c in zip(each, table.columns, strict=True)] for each in rows]
    heads = row([column.title for column in table.columns], "th")
    body = "\n".join(row(each, "td") for each in words[: len(table.rows)])
    foot = f"\n<tfoot>{row(words[-1], 'td')}</tfoot>" if table.total else ""
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<figure id="{escape(table.name)}"><table>\n<caption>{escape(table.title)}</caption>\n<thead>{heads}</thead>\n'
        f"<tbody>\n{body}\n</tbody>{foot}\n</table>{note}</figure>"
    )
