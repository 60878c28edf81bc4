// The page's words: one JSON catalogue for each language, English for what another lacks.

export const LANGUAGES = { en: "English", "zh-hans": "简体中文", "zh-hant": "繁體中文", pt: "Português" };
const NEXT = { "zh-hant": "zh-hans", "zh-hans": "zh-hant" };
const KEY = "language";

let language = "en";
let english = {};
let words = {};

/** The language chosen before, else the browser's, else English. */
export function preferred() {
  const kept = localStorage.getItem(KEY);
  if (kept in LANGUAGES) return kept;
  for (const tag of navigator.languages) {
    const lower = tag.toLowerCase();
    if (/^zh-(hant|hk|mo|tw)/.test(lower)) return "zh-hant";
    if (lower.startsWith("zh")) return "zh-hans";
    const primary = lower.split("-")[0];
    if (primary in LANGUAGES) return primary;
  }
  return "en";
}

/** Load a language and make it the page's. */
export async function use(wanted) {
  english = await catalogue("en");
  words = wanted === "en" ? english : await catalogue(wanted);
  language = wanted;
  localStorage.setItem(KEY, wanted);
  document.documentElement.lang = { "zh-hans": "zh-Hans", "zh-hant": "zh-Hant" }[wanted] ?? wanted;
}

/** The tag of the page's language. */
export const current = () => language;

/** The words for `key`, with `{name}` filled in from `values`. */
export function say(key, values = {}) {
  const text = words[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** The words for an error code; for a code without words, those for any other error. */
export function sayError(code) {
  const key = `error.${code}`;
  return say(key in english ? key : "error.other");
}

/** The best of texts by language. */
export function pick(texts) {
  return texts[language] ?? texts[NEXT[language]] ?? texts.en ?? Object.values(texts)[0] ?? "";
}

/** A time of day, with the day when it is not today. */
export function clockTime(seconds) {
  const time = new Date(seconds * 1000);
  const today = time.toDateString() === new Date().toDateString();
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(today ? {} : { month: "short", day: "numeric" }) };
  return new Intl.DateTimeFormat(document.documentElement.lang, options).format(time);
}

async function catalogue(name) {
  const response = await fetch(`/static/wallet/messages/${name}.json`);
  return response.json();
}
