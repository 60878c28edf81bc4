// What both clients from npm need: the world that they are told, a traveller who goes where they say, and verdicts.
// See tests/conformance_oidc/dialogue.py for the other end of the conversation.

import dns from "node:dns";
import { createRequire } from "node:module";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

export const world = JSON.parse(process.argv[2]);

// *.localhost is this machine, whatever its resolver says (RFC 6761 section 6.3).
dns.lookup = (host, options, callback) => {
  if (!host.endsWith("localhost")) throw new Error(`${host} is not of this machine`);
  return options.all ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4);
};

const resolve = createRequire(`${process.env.JUDGE_MODULES}/`).resolve;
export const library = (name) => import(pathToFileURL(resolve(name)));

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

// The callback: a URL, or the request that a form made.
export const visit = async (url, decision = "allow") => {
  say({ visit: String(url), decision });
  const answer = JSON.parse((await lines.next()).value);
  if (answer.error) throw new Error(answer.error);
  if (answer.form === null) return new URL(answer.url);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Request(answer.url, { method: "POST", headers, body: answer.form });
};

export const must = (condition, text) => {
  if (!condition) throw new Error(text);
};

// `code`: of OAuth, in the body or in a challenge (RFC 6750 section 3), or of the library's own.
export const refused = (promise, code) =>
  promise.then(
    () => {
      throw new Error("nothing was refused");
    },
    async (error) => {
      const told = [error.code, error.error, error.cause?.error];
      if (Array.isArray(error.cause)) told.push(...error.cause.map((challenge) => challenge.parameters?.error));
      if (error.response && !error.response.bodyUsed) told.push((await error.response.json()).error);
      must(told.includes(code), `refused with ${told.filter(Boolean)}, not with ${code}`);
    },
  );

export const privateKey = async (jwk) => {
  const { d, crv, kty, x, y, kid } = jwk;
  const usage = { name: "ECDSA", namedCurve: "P-256" };
  return { key: await crypto.subtle.importKey("jwk", { d, crv, kty, x, y }, usage, false, ["sign"]), kid };
};

export const run = async (modules) => {
  for (const [module, judge] of Object.entries(modules)) {
    try {
      say({ module, outcome: "passed", detail: (await judge()) ?? null });
    } catch (error) {
      const cause = error.cause ? ` (${error.cause.message ?? JSON.stringify(error.cause)})` : "";
      say({ module, outcome: "failed", detail: `${error.stack}${cause}` });
    }
  }
  process.exit(0);
};
