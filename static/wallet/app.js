// The phone's page: choose a crossing, go to the home authority and come back, show the code.

import { get, post } from "./api.js";
import { codeScreen, fetchTokens } from "./code.js";
import { el, svg } from "./dom.js";
import { LANGUAGES, clockTime, pick, preferred, say, sayError, use } from "./messages.js";

const screen = document.getElementById("screen");
const notice = document.getElementById("notice");
const chooser = document.getElementById("language");
let running = new AbortController();

const SCREENS = { "": home, crossing, consent, code: code, error: failed };

async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    const [name = "", value = ""] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const state = await get("/api/state");
    const parts = await (SCREENS[name] ?? home)(state, value, signal);
    if (signal.aborted) return;
    screen.replaceChildren(...parts);
    scrollTo(0, 0);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

function home(state) {
  return [
    el("div", { class: "head" }, el("h1", {}, say("home.title")), el("p", { class: "lead" }, say("home.lead"))),
    ...state.crossings.map((item) =>
      el("a", { class: "card", href: `#/crossing/${item.id}` },
        el("h2", { class: "card-title" }, pick(item.title)),
        el("ol", { class: "way" }, item.steps.map((step) =>
          el("li", { class: step.direction }, el("strong", {}, pick(step.name)), el("small", {}, say(`direction.${step.direction}`))))))),
  ];
}

function crossing(state, id) {
  const item = state.crossings.find((candidate) => candidate.id === id);
  if (!item) return home(state);
  const ready = item.steps.every((step) => step.granted || alive(step, state));
  return [
    el("a", { class: "back", href: "#/" }, say("back")),
    el("div", { class: "head" }, el("h1", {}, pick(item.title)),
      el("p", { class: "lead" }, say(ready ? "crossing.ready" : "crossing.ask"))),
    ...(ready ? [] : [el("a", { class: "button", href: `#/consent/${item.id}` }, say("crossing.ask_button"))]),
    ...item.steps.map((step) => stepCard(step, state)),
  ];
}

function stepCard(step, state) {
  const token = alive(step, state);
  const open = step.granted || token;
  return el("section", { class: "card step" },
    el("div", { class: "step-head" },
      el("div", {}, el("h2", {}, pick(step.name)), el("small", { class: "lead" }, say(`direction.${step.direction}`))),
      el("span", { class: token ? "tag good" : "tag" },
        token ? say("step.until", { time: clockTime(token.expires_at) }) : say(open ? "step.granted" : "step.waiting"))),
    open ? el("button", { click: (event) => showCode(event.currentTarget, step, token) }, say("step.show")) : null);
}

function alive(step, state) {
  const token = step.tokens.cwt;
  return token && token.expires_at > state.now ? token : null;
}

async function showCode(button, step, token) {
  await during(button, async () => {
    const { id } = token ?? (await fetchTokens(step, "cwt", step.people > 1))[0];
    location.hash = `#/code/${id}`;
  });
}

async function consent(state, id) {
  const item = state.crossings.find((candidate) => candidate.id === id);
  if (!item) return home(state);
  const provider = await get("/api/provider");
  if (provider.error) throw Object.assign(new Error(provider.error), { code: provider.error });
  const children = el("select", { id: "children" }, [...Array(10).keys()].map((count) => el("option", { value: count }, String(count))));
  async function go(event) {
    await during(event.currentTarget, async () => {
      const { authorization_url: address } = await post("/api/authorize", { crossing: id, children: Number(children.value) });
      location.assign(address);
    });
  }
  return [
    el("a", { class: "back", href: `#/crossing/${id}` }, pick(item.title)),
    el("div", { class: "head" }, el("h1", {}, say("consent.title")), el("p", { class: "lead" }, say("consent.lead"))),
    el("section", { class: "card authority" },
      el("span", { class: "who" }, pick(provider.names)),
      el("span", { class: "where" }, new URL(provider.entity_id).host),
      el("span", { class: "seal" }, tick(), say("consent.verified"))),
    el("div", { class: "stack" },
      el("label", { class: "field" }, say("consent.children"), children),
      el("button", { click: go }, say("consent.go")),
      el("a", { class: "button quiet", href: `#/crossing/${id}` }, say("cancel"))),
  ];
}

function code(state, id, signal) {
  return codeScreen(id, state, { signal, fail, done: tell });
}

function failed(state, errorCode) {
  fail({ code: errorCode });
  history.replaceState(null, "", "#/");
  return home(state);
}

function tick() {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("circle", { cx: 10, cy: 10, r: 9, fill: "currentColor", opacity: 0.18 }),
    svg("path", { d: "M6 10.5l2.7 2.7L14.2 7.5", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round" }));
}

async function during(button, act) {
  button.disabled = true;
  tell("");
  try {
    await act();
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = false;
  }
}

function fail(error) {
  tell(sayError(error.code ?? "other"));
}

function tell(text, good = false) {
  notice.textContent = text;
  notice.hidden = !text;
  notice.classList.toggle("good", good);
  if (text) scrollTo(0, 0);
}

async function begin() {
  await use(preferred());
  document.getElementById("language-label").textContent = say("language");
  chooser.addEventListener("change", async () => {
    await use(chooser.value);
    document.getElementById("language-label").textContent = say("language");
    tell("");
    await show();
  });
  // Offered only when somebody listens: a choice made while the words were on their way was lost.
  chooser.append(...Object.entries(LANGUAGES).map(([tag, name]) => el("option", { value: tag }, name)));
  chooser.value = preferred();
  addEventListener("hashchange", () => {
    tell("");
    show();
  });
  await show();
}

begin().catch(fail);
