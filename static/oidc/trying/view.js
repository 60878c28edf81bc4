// The list of messages: each with its parameters in a table, what is signed taken apart beneath.
import { decode } from "./crypto.js";

const root = document.getElementById("try-it");
export const words = JSON.parse(root.dataset.words);
const list = document.getElementById("messages");

function element(name, content, ...children) {
  const made = document.createElement(name);
  if (content !== undefined && content !== null) made.textContent = content;
  made.append(...children);
  return made;
}

export const clear = () => list.replaceChildren();

/**
 * Append one message. `parts` are {title, values, words, signed}: a table of names and values each, where `signed`
 * says by name what is known of a signature: null for none of ours to know, true for ours, or the key by which it holds.
 */
export function show(name, { good = true, line = "", parts = [], notes = [] }) {
  const [title, why] = words.messages[name];
  const mark = good ? `● ${words.texts.passed}` : `✕ ${words.texts.failed}`;
  const item = element("li", null, element("h3", `${list.children.length + 1}. ${title}`), element("p", why));
  item.className = good ? "good" : "bad";
  item.dataset.message = name;
  item.append(element("p", mark));
  if (line) item.append(element("p", null, element("code", line)));
  for (const note of notes) item.append(element("p", note));
  for (const part of parts) item.append(table(part));
  for (const box of list.querySelectorAll("details[open]")) box.open = false; // the newest is what is read
  list.append(item);
  item.scrollIntoView({ block: "nearest" });
  return item;
}

function table({ title, values, meanings = words.parameters, signed = {}, otherwise = "" }) {
  const body = element("tbody");
  const nested = [];
  for (const [name, value] of Object.entries(values)) {
    const taken = typeof value === "string" ? decode(value.replace(/^\w+ /, "")) : null;
    const whole = typeof value === "string" ? value : JSON.stringify(value);
    const shown = taken ? `${whole.slice(0, 24)}…` : whole; // it is taken apart beneath
    const row = element("tr", null, element("td", name), element("td", null, element("code", shown)));
    row.append(element("td", meanings[name] ?? otherwise));
    body.append(row);
    if (taken) nested.push(inside(name, whole, taken, signed[name]));
  }
  const heads = ["name", "value", "means"].map((key) => element("th", words.texts[key]));
  const grid = element("table", null, element("thead", null, element("tr", null, ...heads)), body);
  const box = element("details", null, element("summary", title), grid, ...nested);
  box.open = true;
  return box;
}

function inside(name, whole, { header, claims }, known) {
  const { texts } = words;
  const box = element("details", null, element("summary", `${name}: ${texts.jwtHeader}, ${texts.claims}`));
  box.dataset.inside = name;
  box.open = true;
  if (known === true) box.append(element("p", texts.ours));
  else if (typeof known === "string") box.append(element("p", `● ${texts.holds.replace("%s", known)}`));
  else if (known === false) box.append(element("p", `✕ ${texts.fails}`));
  box.append(plain(texts.jwtHeader, header), plain(texts.claims, claims), element("code", whole));
  return box;
}

const plain = (title, values) => table({ title, values, meanings: words.claims });

/** Why an error was answered, in words. */
export const reason = (code) => `${code}: ${words.errors[code] ?? ""}`;
