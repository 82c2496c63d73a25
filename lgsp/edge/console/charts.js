// Small charts by hand: a line of seconds, bars of days, a split bar.

import { set, svg } from "./dom.js";

// Points as a path; a gap where seconds are missing.
export function path(points, x, y, gap) {
  let text = "";
  let before = -Infinity;
  for (const [at, value] of points) {
    text += `${at - before > gap ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}h0`; // a lone second is a dot
    before = at;
  }
  return text;
}

// The last two minutes: all calls as an area, failures on top of it.
export function spark(chart, seconds) {
  const width = 240, height = 36, most = 120;
  if (!chart.firstChild) {
    chart.append(svg("path", { class: "area" }), svg("path", { class: "bad-area" }));
  }
  const highest = Math.max(1, ...seconds.map(([all]) => all));
  const begin = most - seconds.length;
  const area = (pick) => {
    if (!seconds.length) return "";
    const step = width / most;
    let text = `M${(begin * step).toFixed(1)} ${height}`;
    seconds.forEach((second, place) => {
      text += `L${((begin + place) * step).toFixed(1)} ${(height - (pick(second) / highest) * (height - 2)).toFixed(1)}`;
    });
    return `${text}L${((begin + seconds.length - 1) * step).toFixed(1)} ${height}Z`;
  };
  set(chart.children[0], "d", area(([all]) => all));
  set(chart.children[1], "d", area(([, failed]) => failed));
}

const HATCH = () =>
  svg("defs", {}, svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 5, height: 5, class: "hatch-ground" }), svg("rect", { width: 2, height: 5, class: "hatch-line" })));

// Days: simulated hatched, real solid, and the seam between them.
export function days(chart, told, describe) {
  const width = 300, height = 70, count = told.real.length, step = width / count;
  const highest = Math.max(1, ...told.real.map((real, place) => real + told.simulated[place]));
  set(chart, "viewBox", `0 0 ${width} ${height}`);
  const bars = [HATCH()];
  for (let place = 0; place < count; place += 1) {
    const high = (value) => (value ? Math.max(1, (value / highest) * (height - 8)) : 0);
    const simulated = high(told.simulated[place]), real = high(told.real[place]);
    bars.push(svg("g", {},
      svg("title", {}, describe(place)),
      svg("rect", { class: "hit", x: place * step, y: 0, width: step, height }),
      svg("rect", { class: "simulated", fill: "url(#hatch)", x: place * step + 1, y: height - simulated, width: step - 2, height: simulated }),
      svg("rect", { class: "real", x: place * step + 1, y: height - simulated - real, width: step - 2, height: real })));
  }
  if (told.seam !== null) {
    const x = Math.min(told.seam * step, width - 1);
    bars.push(svg("line", { class: "seam", x1: x, x2: x, y1: 0, y2: height }));
  }
  chart.replaceChildren(...bars);
}

// An hour of seconds: one line, its highest value named, marks where faults began.
export function hour(points, now, marks, label, tone) {
  const width = 440, height = 64, begin = now - 3600;
  const highest = Math.max(...points.map(([, value]) => value), 1e-9);
  const x = (at) => ((at - begin) / 3600) * width;
  const y = (value) => height - 2 - (value / highest) * (height - 16);
  return svg("svg", { class: `hour ${tone}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...[15, 30, 45].map((minute) => svg("line", { class: "grid", x1: x(begin + minute * 60), x2: x(begin + minute * 60), y1: 0, y2: height })),
    ...marks.map((at) => svg("line", { class: "mark", x1: x(at), x2: x(at), y1: 0, y2: height })),
    svg("path", { class: "line", d: path(points, x, y, 30) }),
    svg("text", { class: "label", x: 2, y: 11 }, label));
}

// How long calls took: a bar a doubling.
export function spread(found, name) {
  const width = 440, height = 70;
  const highest = Math.max(1, ...found.map(([, value]) => value));
  const step = width / Math.max(found.length, 8);
  return svg("svg", { class: "spread", viewBox: `0 0 ${width} ${height + 14}`, role: "img", "aria-label": found.map(([end, value]) => `${name(end)}: ${value}`).join(", ") },
    ...found.flatMap(([end, value], place) => {
      const high = (value / highest) * (height - 14);
      return [
        svg("rect", { class: "bar", x: place * step + 1, y: height - high, width: step - 2, height: high }),
        svg("text", { class: "label middle", x: (place + 0.5) * step, y: height - high - 2 }, String(value)),
        svg("text", { class: "label middle", x: (place + 0.5) * step, y: height + 11 }, `≤ ${name(end)}`),
      ];
    }));
}

// One call's time, split by where it went.
export function split(parts, longest, names) {
  const width = 440;
  let x = 0;
  return svg("svg", { class: "split", viewBox: `0 0 ${width} 12`, preserveAspectRatio: "none", role: "img", "aria-label": names.join(", ") },
    ...parts.map((part, place) => {
      const wide = (part / longest) * width;
      const bar = svg("rect", { class: `part part-${place}`, x, y: 0, width: Math.max(wide, 0), height: 12 }, svg("title", {}, names[place]));
      x += wide;
      return bar;
    }));
}
