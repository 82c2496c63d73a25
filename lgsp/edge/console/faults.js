// Faults: what is under way, and, with the admin token behind a cookie, one more or one less.

import { byId, el, language, say, write } from "./dom.js";
import * as numbers from "./numbers.js";

const PATH = "/lgsp/v1/faults";
let kinds = [];
let may = false;
let listed = "";

export async function prepare() {
  const answer = await fetch("/lgsp/v1/console/me");
  if (!answer.ok) return;
  const me = await answer.json();
  kinds = me.kinds;
  may = me.admin;
  byId("inject").hidden = !may;
  byId("need-link").hidden = may;
  byId("fault-kind").replaceChildren(...kinds.map(({ kind }) => el("option", { value: kind }, kind)));
  byId("fault-kind").addEventListener("change", offer);
  offer();
  byId("inject").addEventListener("submit", inject);
  byId("stop-all").addEventListener("click", () => change("DELETE", PATH));
  listed = "";
}

function offer() {
  const { value } = kinds.find(({ kind }) => kind === byId("fault-kind").value) ?? {};
  const field = byId("fault-value");
  field.disabled = value === null || value === undefined;
  field.value = field.disabled ? "" : value;
}

async function change(method, path, body) {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  const told = answer.ok ? "" : (await answer.json().catch(() => ({}))).problem ?? `HTTP ${answer.status}`;
  write(byId("fault-problem"), told && say("refused", told));
}

async function inject(event) {
  event.preventDefault();
  const asked = { service: byId("fault-service").value, kind: byId("fault-kind").value, seconds: Number(byId("fault-seconds").value) };
  if (!byId("fault-value").disabled && byId("fault-value").value) asked.value = Number(byId("fault-value").value);
  await change("POST", PATH, asked);
}

export function offerServices(services) {
  const select = byId("fault-service");
  const chosen = select.value;
  select.replaceChildren(...Object.entries(services).map(([id, service]) => el("option", { value: id }, service[language])));
  if (services[chosen]) select.value = chosen;
}

export function showFaults(faults, services, now) {
  write(byId("faults-count"), faults.length ? say("faults-more", faults.length) : "");
  byId("no-faults").hidden = faults.length > 0;
  byId("stop-all").hidden = !may || faults.length < 2;
  const wanted = faults.map((fault) => fault.id).join(" ");
  const list = byId("faults");
  if (wanted !== listed) {
    listed = wanted;
    list.replaceChildren(...faults.map((fault) => el("li", {},
      el("span", { class: "fault-name" }, `⚡ ${fault.kind} · ${services[fault.service]?.[language] ?? fault.service}`),
      el("span", { class: "fault-end" }),
      may ? stop(fault) : null)));
  }
  faults.forEach((fault, place) => {
    write(list.children[place].querySelector(".fault-end"), fault.end === null ? say("never-ends") : say("ends-in", numbers.span(Math.max(0, fault.end - now))));
  });
}

function stop(fault) {
  const button = el("button", { type: "button" }, say("stop"));
  button.addEventListener("click", () => change("DELETE", `${PATH}/${encodeURIComponent(fault.id)}`));
  return button;
}
