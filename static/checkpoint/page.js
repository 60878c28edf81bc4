// What stands on the screen: words in the chosen language, the edge, the phase, the verdict. No decisions here.

import * as server from "./server.js";

const NAMES = { en: "English", "zh-hans": "简体中文", "zh-hant": "繁體中文", pt: "Português" };
const HTML_LANGUAGES = { "zh-hans": "zh-Hans", "zh-hant": "zh-Hant" };
const byId = (id) => document.getElementById(id);

export const page = {
  language: "en",
  words: {},
  state: null,
  shown: null, // the verdict on the screen

  async speak(language) {
    const { languages, page: words } = await server.texts(language);
    this.language = language;
    this.words = words;
    document.documentElement.lang = HTML_LANGUAGES[language] ?? language;
    document.title = words.title;
    for (const element of document.querySelectorAll("[data-text]")) element.textContent = words[element.dataset.text];
    byId("languages").setAttribute("aria-label", words.language);
    byId("languages").replaceChildren(...languages.map((code) => this.languageButton(code)));
    await this.refresh();
    this.say();
    if (this.shown) this.verdict(this.state?.latest?.seq === this.shown.seq ? this.state.latest : this.shown);
  },

  languageButton(code) {
    const button = document.createElement("button");
    button.type = "button";
    button.lang = HTML_LANGUAGES[code] ?? code;
    button.textContent = NAMES[code] ?? code;
    if (code === this.language) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => this.speak(code).catch(() => {}));
    return button;
  },

  async refresh() {
    this.state = await server.state(this.language);
    const { names, direction, lane, bundle_age: age, modes } = this.state;
    byId("checkpoint").textContent = nameIn(names, this.language);
    byId("direction").textContent = this.words[direction];
    byId("lane").textContent = this.words.lane.replace("{n}", lane);
    document.body.dataset.direction = direction;
    byId("trust").textContent = age === null ? "" : this.words.bundle_age.replace("{age}", this.age(age));
    const none = age === null && !this.state.joint; // a joint gate's sides keep theirs to themselves
    byId("band").hidden = !none;
    byId("band").textContent = none ? this.words.bundle_none : "";
    this.challenge(modes.length > 0 && !modes.includes("time"));
  },

  age(seconds) {
    const [key, size] = seconds < 120 ? ["seconds", 1] : seconds < 7200 ? ["minutes", 60] : ["hours", 3600];
    return this.words[key].replace("{n}", String(Math.floor(seconds / size)));
  },

  // Where the policy wants an answer to a challenge, the phone needs to see one: a fresh picture each ten seconds.
  challenge(wanted) {
    const image = byId("challenge").querySelector("img");
    byId("challenge").hidden = !wanted;
    const turn = String(Math.floor(Date.now() / 10000));
    if (wanted && image.dataset.turn !== turn) {
      image.dataset.turn = turn;
      image.src = `/challenge.svg?turn=${turn}`;
    }
  },

  phase(name) {
    document.body.dataset.phase = name;
    for (const item of document.querySelectorAll(".steps li")) {
      const now = item.dataset.step === (name === "checking" ? "face" : name);
      if (now) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    if (name !== "verdict") this.shown = null;
    this.say();
  },

  // The instruction of the phase; `note` is what went wrong, by its key or in words.
  say() {
    const { words, state } = this;
    const which = state?.second ? words.show_second : words.show_first;
    const said = {
      code: [state?.joint ? which : words.show_code, ""],
      face: [words.show_face, words.look],
      checking: [words.processing, ""],
    }[document.body.dataset.phase] ?? ["", ""];
    set("instruction", said[0]);
    set("more", said[1]);
  },

  note(text) {
    set("note", text);
  },

  count(text) {
    byId("count").textContent = text;
  },

  // {verdict, text, again, seq, head?}: a word, a colour and a sign for the same thing.
  verdict(found) {
    this.phase("verdict");
    this.shown = found;
    document.body.dataset.verdict = found.again ? "again" : found.verdict;
    const head = found.again ? this.words.again : this.words[found.head ?? found.verdict];
    set("word", head);
    const sentence = found.key ? this.words[found.key] : found.text;
    // A sentence that only says the word again is left out.
    set("sentence", plain(sentence).includes(plain(head)) ? "" : sentence);
  },
};

function set(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text; // an equal text would be read aloud again
}

const plain = (text) => text.replace(/[\s.。!]/g, "").toLowerCase();

function nameIn(names, language) {
  const known = Object.fromEntries(Object.entries(names).map(([tag, text]) => [tag.toLowerCase(), text]));
  const kin = Object.keys(known).find((tag) => tag.split("-")[0] === language.split("-")[0]);
  return known[language] ?? known[kin] ?? known.en ?? Object.values(names)[0] ?? "";
}
