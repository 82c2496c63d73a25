// One service in depth: an hour by the second, how long calls take, the slowest and where their time went.

import { byId, el, language, say, write } from "./dom.js";
import { hour, split, spread } from "./charts.js";
import * as numbers from "./numbers.js";

let shown = "";
let back = null;

export const open = () => shown;

export async function show(id, services, marks) {
  if (!services[id]) return;
  if (!shown) back = document.activeElement;
  shown = id;
  write(byId("drawer-title"), services[id][language]);
  byId("drawer").hidden = false;
  await refresh(services, marks);
}

export function close() {
  if (!shown) return;
  shown = "";
  byId("drawer").hidden = true;
  byId("drawer-body").replaceChildren();
  back?.focus();
}

function table(names, lines) {
  return el("table", {}, el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...lines));
}

function slowest(told) {
  const longest = Math.max(...told.map((slow) => slow.seconds), 1e-9);
  return told.map((slow) => el("li", {},
    el("p", {}, `${numbers.clock(slow.at)} · ${numbers.duration(slow.seconds)} · ${say(slow.outcome)} · `,
      el("a", { href: `/transactions?lang=${language}&id=${encodeURIComponent(slow.id)}` }, slow.id)),
    slow.parts.length
      ? split(slow.parts, longest, slow.parts.map((part, place) => `${say(`part-${place}`)} ${numbers.duration(part)}`))
      : el("p", { class: "small" }, say("untold")),
    slow.parts.length ? el("p", { class: "small parts" }, slow.parts.map((part, place) => `${say(`part-${place}`)} ${numbers.duration(part)}`).join(" · ")) : null));
}

export async function refresh(services, marks) {
  const id = shown;
  if (!id || !services[id]) return;
  const answer = await fetch(`/lgsp/v1/console/services/${encodeURIComponent(id)}`);
  if (!answer.ok || shown !== id) return;
  const told = await answer.json();
  const service = services[id];
  const pick = (place) => told.hour.map((second) => [second[0], second[place]]);
  const facts = [["owner", service.owner], ["route", service.route], ["mode", service.mode], ["objective", numbers.percent(service.objective, 1)], ["timeout-set", numbers.duration(service.timeout)]];
  const body = byId("drawer-body");
  const scrolled = body.scrollTop;
  body.replaceChildren(
    el("p", { class: "small" }, `${id} · `, el("a", { href: `/transactions?lang=${language}&service=${encodeURIComponent(id)}` }, say("all-of"))),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, say(name)), el("dd", {}, value || numbers.NONE)])),
    el("h3", {}, say("hour")),
    ...(told.hour.length
      ? [
        hour(pick(1), told.at, marks, `${say("hour-calls")}: ${Math.max(...told.hour.map((second) => second[1]))}`, "calls"),
        hour(pick(2), told.at, marks, `${say("hour-failed")}: ${Math.max(...told.hour.map((second) => second[2]))}`, "failed"),
        hour(pick(3).filter(([, value]) => value > 0), told.at, marks, `${say("hour-p95")}: ${numbers.duration(Math.max(...told.hour.map((second) => second[3])))}`, "slow"),
        marks.length ? el("p", { class: "small" }, `┆ ${say("mark-fault")}`) : null,
      ].filter(Boolean)
      : [el("p", { class: "empty" }, say("nothing-yet"))]),
    el("h3", {}, say("spread")),
    told.spread.length ? spread(told.spread, numbers.duration) : el("p", { class: "empty" }, say("nothing-yet")),
    el("h3", {}, say("slowest")),
    told.slowest.length ? el("ol", { class: "slowest" }, ...slowest(told.slowest)) : el("p", { class: "empty" }, say("nothing-yet")),
    el("h3", {}, say("failures")),
    told.failures.length
      ? table(["time", "outcome", "at-fault", "reason"].map((name) => say(name)), told.failures.slice(-12).reverse().map((each) => el("tr", {}, el("td", {}, numbers.clock(each.at)), el("td", {}, say(each.outcome)), el("td", {}, say(`segment-${each.segment}`)), el("td", {}, each.reason))))
      : el("p", { class: "empty" }, say("no-failures")));
  body.scrollTop = scrolled;
}
