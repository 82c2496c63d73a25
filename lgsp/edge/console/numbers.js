// Numbers for people. Counts are whole and exact; what is not known is a dash, never a nought.

import { language, say } from "./dom.js";

const locale = language === "vi" ? "vi-VN" : "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const NONE = "–";

export const count = (value) => (value === null || value === undefined ? NONE : whole.format(value));

export const rate = (value) => (value >= 1000 ? whole.format(value) : tenths.format(value));

// Down, never up: 99.996 % is not 100 %.
export function percent(ratio, digits = 2) {
  if (ratio === null || ratio === undefined) return NONE;
  const factor = 10 ** digits;
  const shown = Math.floor(ratio * 100 * factor + 1e-6) / factor;
  return `${(digits === 2 ? hundredths : digits === 1 ? tenths : whole).format(shown)} %`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 0.001) return `${hundredths.format(seconds * 1000)} ms`;
  if (seconds < 0.01) return `${tenths.format(seconds * 1000)} ms`;
  if (seconds < 1) return `${whole.format(seconds * 1000)} ms`;
  if (seconds < 100) return `${tenths.format(seconds)} s`;
  return span(seconds);
}

// A stretch of time in its largest unit.
export function span(seconds) {
  if (seconds < 90) return `${whole.format(seconds)} ${say("unit-s")}`;
  if (seconds < 5400) return `${whole.format(seconds / 60)} ${say("unit-min")}`;
  if (seconds < 48 * 3600) return `${tenths.format(seconds / 3600)} ${say("unit-h")}`;
  return `${tenths.format(seconds / 86400)} ${say("unit-d")}`;
}

export function since(at, now) {
  if (!at) return say("never");
  const seconds = Math.max(0, now - at);
  return seconds < 5 ? say("now") : say("ago", span(seconds));
}

let zone = "UTC";
let times = null;
let dates = null;
export function inZone(name) {
  if (name === zone && times) return;
  zone = name;
  times = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  dates = new Intl.DateTimeFormat(locale, {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit",
  });
}
inZone("UTC");

export const clock = (at) => times.format(new Date(at * 1000));
export const day = (at) => dates.format(new Date(at * 1000));
const plain = new Intl.DateTimeFormat(locale, { timeZone: "UTC", year: "numeric", month: "2-digit", day: "2-digit" });
export const date = (text) => plain.format(new Date(`${text}T00:00:00Z`));
