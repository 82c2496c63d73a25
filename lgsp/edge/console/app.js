// The console: takes what the stream tells and has it drawn, once a second.

import { byId, el, language, say, write } from "./dom.js";
import { days } from "./charts.js";
import * as drawer from "./drawer.js";
import * as faults from "./faults.js";
import * as find from "./find.js";
import { follow } from "./feed.js";
import { showHead, showPlace, showPulse } from "./head.js";
import { onLane, showMap } from "./map.js";
import * as numbers from "./numbers.js";
import { choose, chosen, move, showRows } from "./table.js";

const FAILURES = 50, STALE = 3, KEPT = 120, DRAWER_EVERY = 5;
const parameters = new URLSearchParams(location.search);
const state = { all: null, rows: [], seconds: [], failures: [], marks: new Map(), frozen: false, paused: false, heard: 0, ticks: 0 };

function named(rows) {
  return rows.map((row) => Object.fromEntries(state.all.fields.map((name, place) => [name, row[place]])));
}

function take(told) {
  state.heard = performance.now();
  state.head = told.head;
  state.rows = named(told.rows);
  state.faults = told.faults;
  for (const fault of told.faults) state.marks.set(fault.id, { at: fault.start, service: fault.service });
  if (!state.frozen) draw();
}

function draw() {
  performance.mark("draw");
  const { all, head, rows } = state;
  showHead(head, state.seconds, all.place, rows.length);
  showRows(rows, all.services, all.glyphs, head.at, openService);
  showMap(rows, head, all.services, all.glyphs, all.consumers);
  faults.showFaults(state.faults, all.services, head.at);
  showAge();
  performance.measure("update", "draw");
}

function showAge() {
  const age = state.heard ? (performance.now() - state.heard) / 1000 : null;
  showPulse(age === null ? "connecting" : age > STALE ? "stale" : state.frozen ? "frozen" : "live", age);
}

function showFailures() {
  if (state.paused || state.frozen) return;
  const feed = byId("feed");
  byId("no-failures").hidden = state.failures.length > 0;
  feed.replaceChildren(...state.failures.slice(-FAILURES).reverse().map(failureLine));
}

function failureLine(failure) {
  const id = el("button", { type: "button", class: "link" }, failure.id);
  id.addEventListener("click", () => find.look(failure.id));
  return el("tr", { "data-segment": failure.segment },
    el("td", { class: "time" }, numbers.clock(failure.at)),
    el("td", {}, state.all.services[failure.service]?.[language] ?? failure.service),
    el("td", {}, `✖ ${say(failure.outcome)}`),
    el("td", { class: "segment" }, say(`segment-${failure.segment}`)),
    el("td", {}, failure.reason),
    el("td", { class: "number" }, numbers.duration(failure.seconds)),
    el("td", {}, state.all.consumers[failure.consumer] || failure.consumer),
    el("td", { class: "id" }, id));
}

function showDays(told) {
  if (!told) return;
  days(byId("days"), told, (place) => {
    const at = Date.parse(`${told.first}T00:00:00Z`) / 1000 + place * 86400;
    return say("day-told", numbers.date(new Date(at * 1000).toISOString().slice(0, 10)), numbers.count(told.real[place]), numbers.count(told.simulated[place]));
  });
  const about = told.about;
  write(byId("past"), about ? say(about.moved_from ? "moved-past" : "simulated-past",
    numbers.count(about.calls), numbers.date(about.first), numbers.date(about.last), about.moved_from)
    : told.real.some(Boolean) ? "" : `○ ${say("no-data")}`);
}

function notice(text) {
  byId("notice").hidden = !text;
  write(byId("notice"), text);
  if (text) setTimeout(() => { byId("notice").hidden = true; }, 8000);
}

const marksOf = (service) => [...state.marks.values()].filter((mark) => mark.service === service).map((mark) => mark.at);

function address(name, value) {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
  history.replaceState(null, "", url);
}

function openService(id) {
  choose(id);
  address("service", id);
  drawer.show(id, state.all.services, marksOf(id));
}

function closeService() {
  drawer.close();
  address("service", "");
}

function freeze() {
  state.frozen = !state.frozen;
  if (!state.frozen && state.all) { draw(); showFailures(); } else showAge();
}

function pause() {
  state.paused = !state.paused;
  byId("pause").setAttribute("aria-pressed", String(state.paused));
  write(byId("pause"), say(state.paused ? "resume" : "pause"));
  showFailures();
}

function otherLanguage() {
  const url = new URL(location.href);
  url.searchParams.set("lang", language === "vi" ? "en" : "vi");
  return url;
}

function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
}

function otherTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const wanted = dark ? "light" : "dark";
  theme(wanted);
  address("theme", wanted);
}

const KEYS = {
  "/": find.ask, ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => chosen() && openService(chosen()),
  Escape: closeService, p: freeze, l: () => location.assign(otherLanguage()), t: otherTheme,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("find").open) return;
  if (event.target.matches("input, select, textarea")) return;
  if (event.key === "Enter" && event.target.matches("button, a")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || !state.all) return;
  event.preventDefault();
  act();
}

const told = {
  snapshot(all) {
    state.all = all;
    state.seconds = all.seconds;
    state.failures = all.failures;
    showPlace(all.place);
    faults.offerServices(all.services);
    take(all);
    showFailures();
    showDays(all.days);
    if (all.missed !== null) notice(say("back", numbers.count(all.missed)));
    if (parameters.get("service") && !drawer.open()) openService(parameters.get("service"));
  },
  tick(tick) {
    state.seconds = [...state.seconds, ...tick.head.second].slice(-KEPT);
    take(tick);
    state.ticks += 1;
    if (!state.frozen && state.ticks % DRAWER_EVERY === 0 && drawer.open()) drawer.refresh(state.all.services, marksOf(drawer.open()));
  },
  failure(failures) {
    state.failures = [...state.failures, ...failures].slice(-FAILURES);
    showFailures();
  },
  alert(changes) {
    const worse = changes.filter((change) => ["down", "burning"].includes(change.state) || ["down", "burning"].includes(change.was));
    if (worse.length) notice(worse.map((change) => say("became", state.all.services[change.service]?.[language] ?? change.service, say(change.was), say(change.state))).join(" · "));
  },
};

theme(parameters.get("theme"));
byId("other-language").href = otherLanguage();
byId("theme").addEventListener("click", otherTheme);
byId("pause").addEventListener("click", pause);
byId("drawer-close").addEventListener("click", closeService);
document.addEventListener("keydown", onKey);
onLane((id) => openService(id));
find.prepare();
await faults.prepare();
setInterval(showAge, 1000);
follow(told, showAge);
