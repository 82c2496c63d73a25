"use strict";
// Reads /openapi.json and shows it. Text goes into the page as text only: whatever a service says, it is never markup.

const WORDS = {
  vi: {
    filter: "Tìm dịch vụ, thao tác", other: "English", loading: "Đang tải…", none: "Không có thao tác nào khớp",
    failed: "Không đọc được /openapi.json: ", count: (s, o) => `${s} dịch vụ, ${o} thao tác`, owner: "Đơn vị cung cấp",
    source: "Nguồn", timeout: "Thời gian chờ", again: "Gọi lại an toàn", yes: "có", no: "không", parameter: "Tham số", place: "Vị trí",
    value: "Ví dụ", request: "Yêu cầu", reply: "Trả lời", schema: "Lược đồ", try: "Gọi thử", gateway: "Lỗi do cổng trả lời",
    evidence: { documented: "có tài liệu", seen: "đã thấy sử dụng", assumed: "giả định" },
  },
  en: {
    filter: "Find a service or operation", other: "Tiếng Việt", loading: "Loading…", none: "No operation matches",
    failed: "/openapi.json cannot be read: ", count: (s, o) => `${s} services, ${o} operations`, owner: "Owner",
    source: "Source", timeout: "Timeout", again: "Safe to repeat", yes: "yes", no: "no", parameter: "Parameter", place: "In",
    value: "Example", request: "Request", reply: "Reply", schema: "Schema", try: "Try it", gateway: "Errors from the gateway",
    evidence: { documented: "documented", seen: "seen in use", assumed: "assumed" },
  },
};
let language = new URLSearchParams(location.search).get("lang") === "en" ? "en" : "vi";
let openapi = null;
const words = () => WORDS[language];
const at = (id) => document.getElementById(id);

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const part of [content].flat()) if (part !== undefined && part !== null) made.append(part);
  return made;
}

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
const first = (examples) => Object.values(examples ?? {})[0]?.value;
const resolved = (node) => (node.$ref ? node.$ref.split("/").slice(1).reduce((at, key) => at[key], openapi) : node);

function curl(method, path, operation) {
  const given = (place) => (operation.parameters ?? []).filter((p) => p.in === place && first(p.examples) !== undefined);
  for (const p of given("path")) path = path.replace(`{${p.name}}`, encodeURIComponent(first(p.examples)));
  const query = new URLSearchParams(given("query").map((p) => [p.name, first(p.examples)])).toString();
  const lines = [`curl -X ${method.toUpperCase()} ${quoted(location.origin + path + (query && "?" + query))}`, '-H "Authorization: Bearer $TOKEN"'];
  // A header without a value is spelt with a semicolon, or curl leaves it out.
  for (const p of given("header")) lines.push(`-H ${quoted(first(p.examples) === "" ? `${p.name};` : `${p.name}: ${first(p.examples)}`)}`);
  for (const [type, body] of Object.entries(operation.requestBody?.content ?? {}).slice(0, 1)) {
    const value = first(body.examples);
    if (type === "multipart/form-data") for (const [k, v] of Object.entries(value)) lines.push(`-F ${quoted(`${k}=${v}`)}`);
    else if (type === "application/x-www-form-urlencoded") lines.push(`--data ${quoted(new URLSearchParams(value))}`);
    else lines.push(`-H ${quoted(`Content-Type: ${type}`)}`, `--data-binary ${quoted(typeof value === "string" ? value : JSON.stringify(value))}`);
  }
  return lines.join(" \\\n  ");
}

function table(parameters) {
  const rows = parameters.map((p) =>
    element("tr", [element("td", element("code", p.name)), element("td", p.in), element("td", element("code", Object.values(p.examples ?? {}).map((e) => e.value).join(", ")))]));
  const head = element("tr", [words().parameter, words().place, words().value].map((word) => element("th", word)));
  return element("table", [element("thead", head), element("tbody", rows)]);
}

function bodies(title, content) {
  return Object.entries(content ?? {}).flatMap(([type, body]) => [
    element("h4", `${title} (${type})`),
    ...Object.entries(body.examples ?? {}).flatMap(([name, example]) => [element("div", name, "quiet"), element("pre", shown(example.value))]),
    ...(body.schema && Object.keys(body.schema).length
      ? [element("details", [element("summary", words().schema), element("pre", shown(body.schema))])] : []),
  ]);
}

function details(method, path, operation) {
  const facts = [`${words().timeout}: ${operation["x-lgsp-timeout"]}`, `${words().again}: ${operation["x-lgsp-idempotent"] ? words().yes : words().no}`,
    words().evidence[operation["x-lgsp-evidence"]]];
  if (operation["x-lgsp-source"]) facts.push(`${words().source}: ${operation["x-lgsp-source"]}`);
  const own = Object.entries(operation.responses).filter(([, answer]) => !answer.$ref);
  const gateway = Object.entries(operation.responses).filter(([, answer]) => answer.$ref);
  return [
    element("p", facts.join(" · "), "quiet"),
    ...(operation.parameters ? [table(operation.parameters)] : []),
    ...bodies(words().request, operation.requestBody?.content),
    ...own.flatMap(([status, answer]) => bodies(`${words().reply} ${status}`, answer.content)),
    element("h4", words().try), element("pre", curl(method, path, operation)),
    element("details", [element("summary", words().gateway), ...gateway.map(([status, answer]) => element("pre", `${status}\n${resolved(answer).description}`))]),
  ];
}

function operationView(method, path, operation) {
  const summary = element("summary", [element("span", method.toUpperCase(), "method"), element("code", path), " ", element("span", operation["x-lgsp-summary"][language])]);
  const view = element("details", summary);
  view.id = operation.operationId;
  // Made when it is opened: hundreds of operations are quick to list and slow to spell out.
  view.addEventListener("toggle", () => view.open && view.children.length === 1 && view.append(...details(method, path, operation)));
  return view;
}

function show() {
  document.documentElement.lang = language;
  at("filter").placeholder = words().filter;
  at("filter").setAttribute("aria-label", words().filter);
  at("language").textContent = words().other;
  if (!openapi) return;
  const wanted = at("filter").value.trim().toLocaleLowerCase();
  const all = Object.entries(openapi.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method, path, operation })));
  let services = 0, operations = 0;
  const views = [];
  for (const tag of openapi.tags) {
    const title = tag["x-lgsp-title"][language];
    const ours = all.filter(({ method, path, operation }) => operation.tags[0] === tag.name &&
      [tag.name, title, method, path, operation.summary].join(" ").toLocaleLowerCase().includes(wanted));
    if (!ours.length) continue;
    services += 1;
    operations += ours.length;
    const summary = element("summary", [element("strong", title), " ", element("code", tag.name, "quiet")]);
    const owner = tag["x-lgsp-owner"] ? element("p", `${words().owner}: ${tag["x-lgsp-owner"]}`, "quiet") : null;
    const view = element("details", [summary, owner, ...ours.map((o) => operationView(o.method, o.path, o.operation))]);
    view.open = wanted !== "";
    views.push(view);
  }
  at("services").replaceChildren(...views);
  at("state").textContent = operations ? words().count(services, operations) : words().none;
}

at("filter").addEventListener("input", show);
at("language").addEventListener("click", () => { language = language === "vi" ? "en" : "vi"; show(); });
at("state").textContent = words().loading;
show();
fetch("/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`HTTP ${answer.status}`))))
  .then((document) => { openapi = document; show(); })
  .catch((error) => { at("state").textContent = words().failed + error.message; });
