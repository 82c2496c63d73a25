// Elements. What others wrote goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const el = (name, attributes = {}, ...children) => made(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) =>
  made(document.createElementNS(SVG, name), attributes, children);

// Writes only what differs: an unchanged screen costs nothing to lay out again.
export function write(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

export function set(element, name, value) {
  const wanted = String(value);
  if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
}

// The phrases of the page's language; `{0}` stands for the first of `parts`.
const said = JSON.parse(document.body.dataset.say);
export const say = (name, ...parts) =>
  parts.reduce((text, part, place) => text.replace(`{${place}}`, () => String(part)), said[name] ?? name);

export const language = document.documentElement.lang;
