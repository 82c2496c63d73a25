// The services, the worst first. A row is made once and then only written to.

import { byId, el, language, say, set, write } from "./dom.js";
import * as numbers from "./numbers.js";

const COLUMNS = ["state", "service", "rate", "peak", "sli", "objective", "left", "lasts", "p50", "p95", "wait", "open", "last", "year"];
const rows = new Map();
let order = "";
let selected = "";

function makeRow(id, open) {
  const cells = COLUMNS.map((name) => (name === "service"
    ? el("th", { scope: "row", class: name }, el("button", { type: "button", tabindex: "-1" }))
    : el("td", { class: name })));
  const row = el("tr", { "data-service": id, tabindex: "-1" }, ...cells);
  row.addEventListener("click", () => open(id));
  const made = { row, cells: Object.fromEntries(COLUMNS.map((name, place) => [name, cells[place]])) };
  made.cells.service = cells[1].firstChild;
  rows.set(id, made);
  return made;
}

export function showRows(told, services, glyphs, now, open) {
  const wanted = told.map((each) => each.service).join(" ");
  for (const each of told) {
    const { row, cells } = rows.get(each.service) ?? makeRow(each.service, open);
    const service = services[each.service];
    set(row, "data-state", each.state);
    write(cells.state, `${glyphs[each.state]} ${say(each.state)}`);
    write(cells.service, service[language]);
    set(cells.service, "title", `${each.service} · ${service.owner}`);
    write(cells.rate, numbers.rate(each.rate));
    write(cells.peak, numbers.rate(each.peak));
    write(cells.sli, numbers.percent(each.sli));
    write(cells.objective, numbers.percent(service.objective, 1));
    write(cells.left, numbers.percent(each.left, 0));
    set(cells.left, "data-tone", each.left === null ? "quiet" : each.left <= 0 ? "down" : each.left < 0.2 ? "below" : "");
    write(cells.lasts, each.left === null ? numbers.NONE : each.left <= 0 ? say("whole") : each.lasts === null ? say("for-ever") : numbers.span(each.lasts));
    write(cells.p50, numbers.duration(each.p50));
    write(cells.p95, numbers.duration(each.p95));
    write(cells.wait, numbers.duration(each.wait));
    write(cells.open, numbers.count(each.open));
    write(cells.last, numbers.since(each.last_official, now));
    write(cells.year, numbers.count(each.year));
  }
  if (wanted === order) return;
  order = wanted;
  const body = byId("rows");
  const focused = document.activeElement;
  for (const [id, { row }] of rows) if (!services[id]) { row.remove(); rows.delete(id); }
  body.append(...told.map((each) => rows.get(each.service).row));
  if (body.contains(focused)) focused.focus();
}

export function move(step) {
  const ids = order.split(" ");
  const place = ids.indexOf(selected);
  choose(ids[Math.min(Math.max(place + step, 0), ids.length - 1)]);
}

export function choose(id) {
  rows.get(selected)?.row.removeAttribute("aria-selected");
  selected = rows.has(id) ? id : "";
  const row = rows.get(selected)?.row;
  if (!row) return;
  row.setAttribute("aria-selected", "true");
  row.focus();
}

export const chosen = () => selected;
