// The QR code screen: a fresh proof every ten seconds while the page is looked at, and the lane's local link.

import { get, post } from "./api.js";
import { el, svg } from "./dom.js";
import { clockTime, current, pick, say } from "./messages.js";

const RADIUS = 13;
const ROUND = 2 * Math.PI * RADIUS;

/** Show the code of one token. `signal` ends it, `fail` shows an error. */
export async function codeScreen(tokenId, state, { signal, fail, done }) {
  const { tokens } = await get("/api/tokens");
  const token = tokens.find((candidate) => candidate.id === tokenId);
  const place = findStep(state, token);
  if (!token || !place) return [el("a", { class: "back", href: "#/" }, say("back")), expired("#/")];
  const { crossing, step } = place;
  const group = token.group ? tokens.filter((candidate) => candidate.group === token.group) : [token];
  const image = el("img", { alt: say("code.alt"), width: 380, height: 380 });
  const ring = countdown();
  const box = el("section", { class: "code" }, image, ring.node);
  const renewals = new Renewals({ token, image, ring, box, every: state.renew_seconds, fail });
  signal.addEventListener("abort", () => renewals.stop());
  await renewals.begin();
  return [
    el("a", { class: "back", href: `#/crossing/${crossing.id}` }, pick(crossing.title)),
    el("div", { class: "head" }, el("h1", {}, pick(step.name)), el("p", { class: "lead" }, say("code.lead"))),
    ...person(token, group),
    box,
    ...otherSide(crossing, step),
    facts(token),
    el("button", { class: "quiet", click: (event) => another(event.currentTarget, token, group, fail) }, say("code.new")),
    ...(token.group ? [] : [link(token, step, { fail, done })]),
  ];
}

/** Whose code this is, and the way to the next one: a guardian goes first, then one child after the other. */
function person(token, group) {
  if (group.length < 2) return [];
  const number = group.indexOf(token) + 1;
  const next = group[number];
  return [
    el("p", { class: "card person" }, say("group.person", { name: token.name, number, count: group.length })),
    ...(next ? [el("a", { class: "button", href: `#/code/${next.id}` }, say("group.next"))] : []),
  ];
}

/** At a joint gate both codes are shown, one after the other: the way to that of the other side. */
function otherSide(crossing, step) {
  return crossing.steps
    .filter((other) => other.direction !== step.direction && other.tokens.cwt)
    .map((other) => {
      const words = say("code.joint", { place: pick(other.name) });
      return el("a", { class: "button quiet", href: `#/code/${other.tokens.cwt.id}` }, words);
    });
}

function findStep(state, token) {
  for (const crossing of state.crossings) {
    for (const step of crossing.steps) {
      if (token && step.checkpoint === token.checkpoint && step.direction === token.direction) return { crossing, step };
    }
  }
  return null;
}

class Renewals {
  constructor(parts) {
    Object.assign(this, parts);
    this.due = 0;
    this.busy = false;
  }

  async begin() {
    await this.renew();
    this.timer = setInterval(() => this.tick(), 100);
    this.awake = navigator.wakeLock?.request("screen").catch(() => null);
  }

  stop() {
    clearInterval(this.timer);
    this.awake?.then((lock) => lock?.release());
  }

  tick() {
    const now = Date.now();
    if (now >= this.token.expires_at * 1000) {
      this.stop();
      this.box.classList.add("spent");
      this.ring.node.replaceChildren(say("code.expired"));
      return;
    }
    this.ring.show(Math.max(0, this.due - now) / (this.every * 1000), Math.ceil(Math.max(0, this.due - now) / 1000));
    if (now >= this.due && !document.hidden && !this.busy) this.renew().catch((error) => this.fail(error));
  }

  async renew() {
    this.busy = true;
    try {
      const code = await post("/api/present", { token_id: this.token.id, mode: "qr" });
      this.image.src = `data:image/svg+xml;base64,${code.svg}`;
    } finally {
      this.due = Date.now() + this.every * 1000;
      this.busy = false;
    }
  }
}

function countdown() {
  const left = svg("circle", { class: "left", cx: 16, cy: 16, r: RADIUS, "stroke-dasharray": ROUND, "stroke-dashoffset": 0 });
  const seconds = el("b", {}, "");
  const ring = svg("svg", { class: "ring", viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("circle", { class: "track", cx: 16, cy: 16, r: RADIUS }), left);
  const node = el("p", { class: "renewal" }, ring, el("span", { "aria-live": "off" }, say("code.renews"), " ", seconds, " s"));
  return {
    node,
    show(share, whole) {
      left.setAttribute("stroke-dashoffset", String(ROUND * (1 - share)));
      seconds.textContent = String(whole);
    },
  };
}

function facts(token) {
  return el("dl", { class: "facts" },
    el("dt", {}, say("direction")), el("dd", {}, say(`direction.${token.direction}`)),
    el("dt", {}, say("document")), el("dd", {}, say(`document.${token.document_type}`)),
    el("dt", {}, say("valid_until")), el("dd", {}, clockTime(token.expires_at)));
}

/** A new token for the same gate: the shown one was used, or the gate has counted too many tries of it. */
async function another(button, token, group, fail) {
  button.disabled = true;
  try {
    const fetched = await fetchTokens(token, "cwt", Boolean(token.group));
    location.hash = `#/code/${(fetched[group.indexOf(token)] ?? fetched[0]).id}`;
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = false;
  }
}

/** One token, or with `group` one for everybody whom the authority agreed to. */
export async function fetchTokens({ checkpoint, direction }, format, group = false) {
  const fetched = await post("/api/tokens", { checkpoint, direction, format, group });
  return group ? fetched.tokens : [fetched];
}

function link(token, step, { fail, done }) {
  const address = el("input", { type: "url", inputmode: "url", required: true, value: step.lane ?? "", placeholder: "https://" });
  const button = el("button", { type: "submit", class: "quiet" }, say("link.send"));
  let jwt = step.tokens.jwt;
  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      if (!jwt || jwt.expires_at * 1000 <= Date.now()) [jwt] = await fetchTokens(token, "jwt");
      const answer = await post("/api/send", { token_id: jwt.id, lane: address.value, lang: current() });
      done(answer.phase === "verdict" ? answer.text : say("link.sent"), answer.phase !== "verdict");
    } catch (error) {
      fail(error);
    } finally {
      button.disabled = false;
    }
  }
  return el("details", { class: "card" }, el("summary", {}, say("link.title")),
    el("form", { class: "stack", submit: send },
      el("p", { class: "lead" }, say("link.lead")),
      el("label", { class: "field" }, say("link.address"), address), button));
}

function expired(href) {
  return el("div", { class: "card stack" }, el("p", {}, say("code.expired")), el("a", { class: "button", href }, say("start")));
}
