// `/`: a transaction by its id, or by the id that its caller knows it by.

import { byId, el, language, say, write } from "./dom.js";

export function prepare() {
  byId("find-button").addEventListener("click", ask);
  byId("find-close").addEventListener("click", () => byId("find").close());
  byId("find").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // what lies below stays open
    byId("find").close();
  });
  byId("find-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = byId("find-text").value.trim();
    if (text) await look(text);
  });
}

export function ask() {
  byId("find").showModal();
  byId("find-text").select();
}

export async function look(text) {
  if (!byId("find").open) ask();
  byId("find-text").value = text;
  const answer = await fetch(`/lgsp/v1/transactions/${encodeURIComponent(text)}`);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) {
    byId("found").replaceChildren(...told.transactions.map((each) => el("pre", {}, each.text[language])));
  } else {
    write(byId("found"), answer.status === 404 ? say("find-none") : told.problem ?? `HTTP ${answer.status}`);
  }
}
