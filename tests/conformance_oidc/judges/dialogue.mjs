// What all clients from npm need: the world that they are told, a traveller who goes where they say, and verdicts.
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
const ask = async (question) => {
  say(question);
  return JSON.parse((await lines.next()).value);
};

// The callback: a URL, or the request that a form made.
export const visit = async (url, decision = "allow") => {
  const answer = await ask({ visit: String(url), decision });
  if (answer.error) throw new Error(answer.error);
  if (answer.form === null) return new URL(answer.url);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Request(answer.url, { method: "POST", headers, body: answer.form });
};

// A request that must end on a page of the node, with this error.
export const stays = async (url, code) => {
  const answer = await ask({ visit: String(url), decision: "allow" });
  must(answer.error?.includes(code), `went to ${answer.url}, or for another reason: ${answer.error}`);
};

// The first form that the node posted to a path of the relying party and that `fits`; null when none comes in time.
export const heard = async (path, fits, seconds = 20) => {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    for (const form of await ask({ heard: path })) if (await fits(form)) return form;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return null;
};

export const must = (condition, text) => {
  if (!condition) throw new Error(text);
};

// What an error says of itself: of OAuth, in the body or in a challenge (RFC 6750 section 3), or of the library's own.
const reasons = async (error) => {
  const told = [error.code, error.error, error.cause?.error, error.cause?.code];
  if (Array.isArray(error.cause)) told.push(...error.cause.map((challenge) => challenge.parameters?.error));
  if (error.response && !error.response.bodyUsed) told.push((await error.response.json()).error);
  return told.filter(Boolean);
};
export const refused = async (promise, ...codes) => {
  let told;
  try {
    await promise;
  } catch (error) {
    told = await reasons(error);
    must(codes.some((code) => told.includes(code)), `refused with ${told}, not with ${codes}: ${error.message}`);
  }
  must(told !== undefined, "nothing was refused");
};

export const privateKey = async (jwk) => {
  const { d, crv, kty, x, y, kid } = jwk;
  const usage = { name: "ECDSA", namedCurve: "P-256" };
  return { key: await crypto.subtle.importKey("jwk", { d, crv, kty, x, y }, usage, false, ["sign"]), kid };
};
export const decryptionKey = async (jwk) => {
  const { use, alg, kid, ...members } = jwk;
  const usage = jwk.kty === "EC" ? { name: "ECDH", namedCurve: "P-256" } : { name: "RSA-OAEP", hash: "SHA-256" };
  const may = jwk.kty === "EC" ? ["deriveBits"] : ["decrypt"];
  return { key: await crypto.subtle.importKey("jwk", members, usage, false, may), alg, kid };
};

// A fresh private key in the place of another.
export const another = async ({ kty, kid, alg, use }) => {
  const rsa = { name: "RSA-OAEP", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const usage = kty === "EC" ? { name: "ECDH", namedCurve: "P-256" } : rsa;
  const pair = await crypto.subtle.generateKey(usage, true, kty === "EC" ? ["deriveBits"] : ["encrypt", "decrypt"]);
  const { key_ops, ext, ...members } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  return { ...members, kid, alg, use };
};

// A compact JWS with another signature, or with other claims under the same one.
export const forged = (jwt) => {
  const [header, payload, signature] = jwt.split(".");
  const other = signature[20] === "A" ? "B" : "A";
  return [header, payload, signature.slice(0, 20) + other + signature.slice(21)].join(".");
};
export const edited = (jwt, claims) => {
  const [header, payload, signature] = jwt.split(".");
  const changed = { ...JSON.parse(Buffer.from(payload, "base64url")), ...claims };
  return [header, Buffer.from(JSON.stringify(changed)).toString("base64url"), signature].join(".");
};
export const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));

// fetch that notes every answer in `seen`, and changes the bodies that `alter` names by their path.
export const noting = (seen, alter) => async (url, options) => {
  const answer = await fetch(url, options);
  const path = new URL(url).pathname;
  const text = await answer.text();
  const proof = new Headers(options.headers).get("dpop");
  seen.push({
    path,
    status: answer.status,
    text,
    challenge: answer.headers.get("www-authenticate") ?? "",
    nonce: answer.headers.get("dpop-nonce"),
    sent: proof ? (claimsOf(proof).nonce ?? null) : undefined,
  });
  const body = alter[path] ? alter[path](text) : text;
  return new Response(answer.status === 204 ? null : body, { status: answer.status, headers: answer.headers });
};

// That the first answer of an endpoint asked for a nonce, and that the next request had it and passed (RFC 9449).
export const retried = (seen, endpoint) => {
  const [first, second] = seen.filter(({ path, sent }) => path === new URL(endpoint).pathname && sent !== undefined);
  must(first.sent === null && first.nonce, `the first proof had a nonce, or the answer none: ${JSON.stringify(first)}`);
  const asked = first.status === 401 ? first.challenge : JSON.parse(first.text).error;
  must(/use_dpop_nonce/.test(asked) && [400, 401].includes(first.status), `not asked for a nonce: ${first.text}`);
  if (first.status === 401) must(/^DPoP /.test(first.challenge), first.challenge);
  must(second?.sent === first.nonce && second.status < 300, `the retry failed: ${JSON.stringify(second)}`);
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
