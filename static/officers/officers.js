// The officers' page of a lane: sign in with a badge, look at who was not admitted, let through or send back.

const NAMES = { en: "English", "zh-hans": "简体中文", "zh-hant": "繁體中文", pt: "Português" };
const HTML_LANGUAGES = { "zh-hans": "zh-Hans", "zh-hant": "zh-Hant" };
const FACTS = "name_native name_latin number type birth_date sex nationality endorsement stay_until guardian".split(" ");
const EVERY = 2000; // ms between two looks
const byId = (id) => document.getElementById(id);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const here = { language: "en", words: {}, grounds: {}, state: null, open: null };

byId("begin").addEventListener("submit", (event) => (event.preventDefault(), begin()));
byId("end").addEventListener("click", () => post("/session/end", {}).then(refresh));
byId("seen").addEventListener("change", controls);
byId("ground").addEventListener("change", controls);
byId("release").addEventListener("click", () => decide("/release"));
byId("decline").addEventListener("click", () => decide("/decline"));
byId("close").addEventListener("click", () => byId("case").close());
// Told at the next frame, when another case may be open already.
byId("case").addEventListener("close", ({ target }) => target.open || (here.open = null));
await speak("en");
setInterval(refresh, EVERY);

async function call(path, options = {}) {
  try {
    const answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(6000) });
    return { status: answer.status, value: await answer.json() };
  } catch {
    return { status: 0, value: { code: "no_server" } };
  }
}

const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function speak(language) {
  const { status, value } = await call(`/texts?lang=${language}`);
  if (status !== 200) return setTimeout(() => speak(language), EVERY);
  Object.assign(here, { language, words: value.desk, grounds: value.ground });
  document.documentElement.lang = HTML_LANGUAGES[language] ?? language;
  document.title = here.words.title;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = here.words[element.dataset.text];
  byId("languages").setAttribute("aria-label", here.words.language);
  byId("languages").replaceChildren(...value.languages.map(button));
  await refresh();
}

function button(code) {
  const made = document.createElement("button");
  made.type = "button";
  made.lang = HTML_LANGUAGES[code] ?? code;
  made.textContent = NAMES[code] ?? code;
  if (code === here.language) made.setAttribute("aria-current", "true");
  made.addEventListener("click", () => speak(code));
  return made;
}

async function begin() {
  const { status, value } = await post("/session", { badge: byId("badge").value.trim() });
  byId("badge").value = "";
  note(status === 200 ? "" : here.words[value.code] ?? here.words.no_officer);
  await refresh();
}

async function refresh() {
  const { status, value } = await call(`/state?lang=${here.language}`);
  const signedIn = status === 200;
  if (status === 0) return note(here.words.no_server);
  if (byId("note").textContent === here.words.no_server) note("");
  byId("begin").hidden = signedIn;
  byId("desk").hidden = byId("end").hidden = !signedIn;
  here.state = signedIn ? value : null;
  edge();
  if (!signedIn) return byId("case").close();
  byId("none").hidden = value.cases.length > 0;
  byId("cases").replaceChildren(...value.cases.map(line));
}

function edge() {
  const { state, words } = here;
  byId("officer").textContent = state?.officer ?? "";
  byId("checkpoint").textContent = state ? nameIn(state.names) : words.title;
  byId("place").textContent = state ? `${words[state.direction]} · ${filled(words.lane, { n: state.lane })}` : "";
  const age = state?.bundle_age;
  byId("trust").textContent = !state ? "" : age === null ? words.bundle_none
    : filled(words.bundle_age, { age: span(age), n: state.bundle_serial });
  byId("status").replaceChildren(...(state?.status ?? []).map((found) => {
    const item = document.createElement("li");
    item.textContent = filled(words.status_age, { issuer: found.issuer, age: span(found.age) });
    return item;
  }));
}

function line(found) {
  const { words } = here;
  const item = document.createElement("li");
  item.dataset.decision = found.done || found.decision;
  const state = found.done ? words[`done_${found.done}`] : words[found.decision];
  for (const text of [`${found.seq} · ${state}`, found.words.join(" "), filled(words.ago, { age: span(found.age) })]) {
    const part = document.createElement("span");
    part.textContent = text;
    item.append(part);
  }
  const look = document.createElement("button");
  look.type = "button";
  look.textContent = words.open;
  look.hidden = Boolean(found.done);
  look.addEventListener("click", () => open(found.seq));
  item.append(look);
  return item;
}

async function open(seq) {
  const { status, value } = await call(`/case?seq=${seq}&lang=${here.language}`);
  if (status !== 200) return note(here.words[value.code] ?? here.words.no_server);
  here.open = value;
  show(value);
  byId("case").showModal();
}

function show(found) {
  const { words, grounds } = here;
  byId("what").textContent = `${found.seq} · ${words[found.decision]}`;
  byId("reasons").replaceChildren(...found.words.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  const facts = found.document ? FACTS.map((name) => [words[name], fact(found.document[name])]) : [];
  facts.push([words.face, words[found.score_band || "nothing"]]);
  facts.push([words.status, found.status_age === null ? words.status_unknown : span(found.status_age)]);
  byId("document").replaceChildren(...facts.filter(([, text]) => text).flatMap(([name, text]) => {
    const [term, value] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, value.textContent] = [name, text];
    return [term, value];
  }));
  byId("closed").hidden = Boolean(found.document);
  byId("decide").hidden = !found.releasable;
  byId("more").textContent = !found.releasable ? words[found.decision === "refuse" ? "only_look" : "not_releasable"]
    : found.proposed ? filled(words.proposed, { officer: found.proposed.officer, ground: grounds[found.proposed.ground] })
    : found.two ? words.two : "";
  byId("release").textContent = found.proposed ? words.confirm : words.release;
  byId("seen").checked = false;
  const choices = ["", ...found.grounds.release, ...found.grounds.decline].map((name) => {
    const choice = document.createElement("option");
    choice.value = name;
    choice.textContent = name ? grounds[name] : words.choose;
    return choice;
  });
  byId("ground").replaceChildren(...choices);
  if (found.proposed) byId("ground").value = found.proposed.ground;
  controls();
}

function controls() {
  const { open: found } = here;
  const ground = byId("ground").value;
  byId("release").disabled = !byId("seen").checked || !found?.grounds.release.includes(ground);
  byId("decline").disabled = !found?.grounds.decline.includes(ground);
}

async function decide(path) {
  const { open: found, words } = here;
  const { value } = await post(path, { seq: found.seq, ground: byId("ground").value, acknowledged: found.reasons });
  byId("case").close();
  note(value.decided ? "" : value.code ? words[value.code] ?? words.no_server : words.waiting);
  await refresh();
}

function fact(value) {
  if (value === null || typeof value !== "object") return value ?? "";
  return Object.values(value).filter((item) => item !== null).join(" · ");
}

function span(seconds) {
  const [key, size] = seconds < 120 ? ["seconds", 1] : seconds < 7200 ? ["minutes", 60] : ["hours", 3600];
  return filled(here.words[key], { n: String(Math.floor(seconds / size)) });
}

function note(text) {
  byId("note").textContent = text;
}

function nameIn(names) {
  const known = Object.fromEntries(Object.entries(names).map(([tag, text]) => [tag.toLowerCase(), text]));
  return known[here.language] ?? known.en ?? "";
}
