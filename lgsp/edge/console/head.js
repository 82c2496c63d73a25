// The strip on top: what the bus as a whole does.

import { byId, say, set, write } from "./dom.js";
import { spark } from "./charts.js";
import * as numbers from "./numbers.js";

export function showPlace(place) {
  numbers.inZone(place.zone);
  write(byId("gateway"), `${say("gateway")} ${place.gateway} · ${say("only-this")}`);
  byId("gateway").title = `${place.url} · lgsp ${place.version}`;
}

const official = (told) => (told.all ? told.official / told.all : null);

function tone(id, name) {
  set(byId(id), "data-tone", name);
}

export function showHead(head, seconds, place, services) {
  write(byId("local-time"), `${numbers.day(head.at)} ${numbers.clock(head.at)}`);
  write(byId("rate"), numbers.rate(head.rate));
  spark(byId("spark"), seconds);
  for (const [id, told] of [["today", head.today], ["year", head.year]]) {
    write(byId(id), numbers.count(told.all));
    const share = numbers.percent(official(told));
    write(byId(`${id}-more`), `${share} ${say("official")}`);
    set(byId(`${id}-more`), "title", numbers.count(told.official));
  }
  write(byId("sli"), numbers.percent(head.sli));
  tone("sli", head.sli === null ? "quiet" : head.burning ? "down" : "");
  write(byId("sli-more"), head.failed
    ? `✖ ${numbers.count(head.failed)} ${say("of")} ${numbers.count(head.calls)} · ${say(head.blamed)}`
    : head.calls ? `0 ${say("of")} ${numbers.count(head.calls)}` : `○ ${say("no-data")}`);
  write(byId("p95"), numbers.duration(head.p95));
  tone("p95", head.p95 === null ? "quiet" : "");
  write(byId("p95-more"), say("median", numbers.duration(head.p50)));
  write(byId("open"), numbers.count(head.open));
  write(byId("burning"), `${head.burning ? "▲ " : ""}${head.burning} ${say("of")} ${services}`);
  tone("burning", head.burning ? "down" : "");
  write(byId("burning-more"), say("below-head", head.below));
  write(byId("bus"), head.problems.length ? `✖ ${say("trouble")}` : `● ${say("works")}`);
  tone("bus", head.problems.length ? "down" : "well");
  write(byId("bus-more"), head.problems.length ? head.problems.join("; ") : say(`bus-${place.bus}`));
  byId("bus-more").title = head.problems.join("\n");
  write(byId("ledger"), numbers.count(head.sequence));
  write(byId("ledger-more"), head.verify_failed ? `✖ ${say("verify-failed")}`
    : head.verified_at ? say("verified", numbers.span(head.at - head.verified_at)) : say("never-verified"));
  tone("ledger", head.verify_failed ? "down" : "");
}

// `connecting`, `live`, `frozen` or `stale`; anything but live is hatched.
export function showPulse(state, age) {
  const glyph = { connecting: "◌", live: "●", frozen: "❙❙", stale: "▨" }[state];
  const words = state === "stale" ? say("stale-since", numbers.span(age)) : say(state);
  write(byId("pulse-word"), `${glyph} ${words} · ${say("age")} ${age === null ? numbers.NONE : Math.round(age)} s`);
  set(byId("pulse-word"), "data-tone", { live: "well", stale: "down" }[state] ?? "quiet");
  set(document.body, "data-pulse", state);
}
