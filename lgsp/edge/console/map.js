// The flow: consumers, gateway, a queue a service in two bands, providers.

import { byId, language, say, set, svg, write } from "./dom.js";
import * as numbers from "./numbers.js";

const TOP = 20, GATE = 178, QUEUE = 322, PROVIDER = 424, NAME = 443;
let drawn = null;

const wide = (rate) => (rate > 0 ? Math.min(1 + Math.log2(1 + rate) * 1.1, 9) : 0.6);

// Drawn in the panel's own pixels, so that letters keep their size; drawn again when it has another size.
function lay(services) {
  const bands = { central: [], provincial: [] };
  for (const id of Object.keys(services)) bands[services[id].tier].push(id);
  const count = Object.keys(services).length;
  const map = byId("map");
  const width = Math.max(map.clientWidth, 560), height = Math.max(map.clientHeight, 300);
  set(map, "viewBox", `0 0 ${width} ${height}`);
  const step = (height - TOP - 48) / Math.max(count, 1);
  const letters = Math.floor((width - NAME - 8) / 6.2);
  const lanes = new Map();
  const links = svg("g"), nodes = svg("g");
  const middle = height / 2;
  let y = TOP + 6;
  for (const [band, ids] of Object.entries(bands)) {
    if (!ids.length) continue;
    nodes.append(svg("text", { class: "band", x: width - 6, y: y + 9 }, say(band)));
    const begin = y;
    y += 10;
    for (const id of ids) {
      y += step / 2;
      const lane = {
        link: svg("path", { class: "flow", d: `M${GATE + 24} ${middle} C${GATE + 80} ${middle} ${QUEUE - 80} ${y} ${QUEUE} ${y}` }),
        out: svg("path", { class: "flow", d: `M${QUEUE + 46} ${y} L${PROVIDER} ${y}` }),
        wait: svg("text", { class: "wait", x: QUEUE + 42, y: y + 3.5 }),
        glyph: svg("text", { class: "glyph", x: PROVIDER + 7, y: y + 4 }),
        group: svg("g", { class: "lane", "data-service": id }),
      };
      lane.group.append(lane.link, lane.out,
        svg("rect", { class: "queue", x: QUEUE, y: y - 7, width: 46, height: 14, rx: 2 }),
        lane.wait, lane.glyph,
        svg("text", { class: "name", x: NAME, y: y + 3.8 }, shortened(services[id][language], letters)),
        svg("title", {}, `${services[id][language]} · ${services[id].owner}`));
      links.append(lane.group);
      lanes.set(id, lane);
      y += step / 2;
    }
    nodes.append(svg("rect", { class: "frame", x: QUEUE - 6, y: begin - 2, width: width - QUEUE + 4, height: y - begin + 5, rx: 3 }));
    y += 8;
  }
  const callers = svg("g");
  const problem = svg("text", { class: "gate-glyph", x: GATE, y: middle - 30 });
  nodes.append(
    svg("rect", { class: "gate", x: GATE - 24, y: middle - 24, width: 48, height: 48, rx: 5 }),
    svg("text", { class: "gate-name", x: GATE, y: middle - 2 }, say("gateway")),
    svg("text", { class: "gate-rate", x: GATE, y: middle + 13 }), problem,
    svg("text", { class: "column", x: 4, y: 11 }, say("consumers")),
    svg("text", { class: "column", x: QUEUE, y: 11 }, say("queues")),
    svg("text", { class: "column", x: PROVIDER, y: 11 }, say("providers")));
  map.replaceChildren(nodes, links, callers);
  drawn = { of: sizeOf(services), lanes, callers, middle, height, problem, gateRate: nodes.querySelector(".gate-rate"), gate: nodes.querySelector(".gate"), who: "" };
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const sizeOf = (services) => `${byId("map").clientWidth} ${byId("map").clientHeight} ${Object.keys(services).join(" ")}`;

function layCallers(callers, consumers) {
  const space = Math.min(64, (drawn.height - 80) / Math.max(callers.length, 1));
  let y = drawn.middle - (space * (callers.length - 1)) / 2;
  drawn.callers.replaceChildren();
  drawn.callerLanes = callers.map(([id]) => {
    const flow = svg("path", { class: "flow", d: `M${118} ${y} C150 ${y} 130 ${drawn.middle} ${GATE - 24} ${drawn.middle}` });
    const amount = svg("text", { class: "caller-rate", x: 4, y: y + 12 });
    const name = id ? consumers[id] || id : say("others");
    drawn.callers.append(svg("g", { class: "caller" }, flow, svg("text", { class: "caller-name", x: 4, y: y - 1 }, shortened(name, 18)), amount, svg("title", {}, `${name} ${id}`)));
    y += space;
    return { flow, amount };
  });
  drawn.who = callers.map(([id]) => id).join(" ");
}

export function showMap(rows, head, services, glyphs, consumers) {
  if (drawn === null || drawn.of !== sizeOf(services)) lay(services);
  for (const each of rows) {
    const lane = drawn.lanes.get(each.service);
    set(lane.group, "data-state", each.state);
    set(lane.group, "data-blame", each.failed ? (each.blamed === "bus_error" ? "bus" : "provider") : "");
    set(lane.link, "stroke-width", wide(each.rate).toFixed(1));
    set(lane.out, "stroke-width", wide(each.rate).toFixed(1));
    write(lane.wait, each.wait === null ? numbers.NONE : numbers.duration(each.wait));
    write(lane.glyph, glyphs[each.state]);
  }
  if (drawn.who !== head.callers.map(([id]) => id).join(" ") || !drawn.callerLanes) layCallers(head.callers, consumers);
  head.callers.forEach(([, rate], place) => {
    set(drawn.callerLanes[place].flow, "stroke-width", wide(rate).toFixed(1));
    write(drawn.callerLanes[place].amount, `${numbers.rate(rate)}/s`);
  });
  write(drawn.gateRate, `${numbers.rate(head.rate)}/s`);
  set(drawn.gate, "data-tone", head.problems.length ? "down" : "");
  write(drawn.problem, head.problems.length ? `✖ ${say("trouble")}` : "");
}

export function onLane(open) {
  byId("map").addEventListener("click", (event) => {
    const lane = event.target.closest("[data-service]");
    if (lane) open(lane.dataset.service);
  });
}
