// A client for an hour: the authorization code flow against this node's own endpoints, each message shown.
import { base64, decode, hash, makeKey, random, seconds, sign, verify } from "./crypto.js";
import { clear, reason, show, words } from "./view.js";

const byId = (id) => document.getElementById(id);
const { issuer, begin, end } = byId("try-it").dataset;
const { texts } = words;
const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const channel = new BroadcastChannel("causeway-try-it");
let trial = null;

class Stop extends Error {}

byId("setup").addEventListener("submit", (event) => (event.preventDefault(), guarded(start)));
byId("end").addEventListener("click", () => guarded(finish));
byId("open").addEventListener("click", openWindow);
byId("open").textContent = texts.open;
channel.addEventListener("message", ({ data }) => {
  if (!trial?.waiting) return;
  trial.waiting = false;
  byId("open-window").hidden = true;
  guarded(() => comeBack(data.parameters));
});

/** What stops the flow has been shown; anything else is shown as what it is. */
async function guarded(act) {
  byId("start").disabled = true;
  byId("problem").hidden = true;
  try {
    await act();
  } catch (error) {
    if (error instanceof Stop) return;
    byId("problem").textContent = `${texts.unreachable} ${error}`;
    byId("problem").hidden = false;
  } finally {
    byId("start").disabled = false;
    byId("end").disabled = trial === null;
  }
}

async function start() {
  clear();
  byId("open-window").hidden = true;
  const like = byId("like").value;
  const [key, dpop] = [await makeKey(), await makeKey()];
  const chosen = /^\d+$/.test(like) ? { like: Number(like) } : { profile: like };
  const made = await officer(begin, { ...chosen, jwk: key.jwk });
  const mistake = byId("mistake").value;
  trial = { key, dpop, mistake, ...made.value, nonce: null, state: random(16), word: random(16), verifier: random(32) };
  trial.proves = trial.profile === "border";
  const { client_id, profile, expires_at, redirect_uri } = made.value;
  const told = { client_id, profile, redirect_uri, expires_at: new Date(expires_at * 1000).toISOString() };
  show("begin", { parts: [{ title: texts.request, values: { jwk: key.jwk } }, { title: texts.answer, values: told }] });
  await discover();
  await ask();
}

/** The officers' own endpoints, with the officer's session. */
async function officer(path, body, name = "begin") {
  const token = document.querySelector("meta[name=csrf-token]").content;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const value = await answer.json().catch(() => ({ error: String(answer.status) }));
  if (answer.ok) return { value };
  show(name, { good: false, notes: [value.error] });
  throw new Stop();
}

async function discover() {
  const address = "/.well-known/openid-configuration";
  const found = await (await fetch(address, { credentials: "omit" })).json();
  trial.provider = found;
  const names = ["issuer", "pushed_authorization_request_endpoint", "authorization_endpoint", "token_endpoint"];
  const values = Object.fromEntries([...names, "userinfo_endpoint", "jwks_uri"].map((name) => [name, found[name]]));
  show("discovery", { line: `GET ${address}`, parts: [{ title: texts.answer, values }] });
  trial.jwks = await (await fetch(new URL(found.jwks_uri).pathname, { credentials: "omit" })).json();
  const keys = trial.jwks.keys.map(({ kid, kty, alg }) => [kid ?? "", `${kty} ${alg ?? ""}`]);
  show("keys", { line: `GET ${found.jwks_uri}`, parts: [{ title: texts.answer, values: Object.fromEntries(keys), meanings: {} }] });
}

async function ask() {
  const asked = [...document.querySelectorAll("input[name=scope]:checked")].map((box) => box.value);
  const parameters = {
    client_id: trial.client_id,
    response_type: "code",
    redirect_uri: trial.mistake === "redirect" ? `${trial.redirect_uri}/elsewhere` : trial.redirect_uri,
    scope: ["openid", ...asked].join(" "),
    state: trial.state,
    nonce: trial.word,
    code_challenge: await hash(trial.verifier),
    code_challenge_method: "S256",
    prompt: "login consent",
  };
  if (trial.profile === "basic" && !trial.signs) return lead(parameters);
  const sent = trial.signs ? { client_id: trial.client_id, request: await requestObject(parameters) } : parameters;
  const endpoint = trial.provider.pushed_authorization_request_endpoint;
  const { value } = await exchange("par", endpoint, sent, { proofKey: trial.proves ? trial.dpop : null });
  return lead({ client_id: trial.client_id, request_uri: value.request_uri });
}

async function requestObject(parameters) {
  const now = seconds();
  const said = { iss: trial.client_id, aud: issuer, iat: now, nbf: now, exp: now + 60, jti: random(16) };
  return sign(trial.key, { typ: "oauth-authz-req+jwt", kid: trial.key.jwk.kid }, { ...parameters, ...said });
}

/** The traveller's window, opened by the officer's click: browsers open none by themselves. */
function lead(parameters) {
  trial.address = `${new URL(trial.provider.authorization_endpoint).pathname}?${new URLSearchParams(parameters)}`;
  trial.waiting = true;
  show("authorize", { line: `GET ${trial.address.split("?")[0]}`, parts: [{ title: texts.request, values: parameters }] });
  byId("hint").textContent = trial.mistake === "redirect" ? texts.page : "";
  byId("open-window").hidden = false;
  byId("open").focus();
}

function openWindow() {
  const opened = window.open(trial.address, "causeway-try-it", "popup,width=480,height=820");
  byId("hint").textContent = trial.mistake === "redirect" ? texts.page : texts.waiting;
  const looking = setInterval(() => {
    if (trial?.waiting && opened?.closed) byId("hint").textContent = texts.closed;
    if (!trial?.waiting || opened?.closed) clearInterval(looking);
  }, 1000);
}

async function comeBack(parameters) {
  const notes = [];
  if (parameters.state !== trial.state) notes.push(texts.stateWrong);
  if (parameters.iss !== issuer) notes.push(texts.issuerWrong);
  if (parameters.error) notes.push(reason(parameters.error));
  const good = notes.length === 0;
  show("returned", { good, notes, line: `GET ${trial.redirect_uri}`, parts: [{ title: texts.answer, values: parameters }] });
  if (!good) return;
  const redeemed = {
    grant_type: "authorization_code",
    code: parameters.code,
    redirect_uri: trial.redirect_uri,
    code_verifier: trial.mistake === "verifier" ? random(32) : trial.verifier,
  };
  const other = trial.mistake === "key" ? await makeKey() : trial.dpop;
  const options = { proofKey: trial.proves ? other : null };
  const { value } = await exchange("token", trial.provider.token_endpoint, redeemed, options);
  await readIdToken(value);
  if (trial.mistake === "twice") await exchange("again", trial.provider.token_endpoint, redeemed, options).catch(ignored);
  await askUserinfo(value.access_token, value.token_type);
}

const ignored = (error) => {
  if (!(error instanceof Stop)) throw error;
};

async function readIdToken({ id_token, access_token }) {
  const { claims } = decode(id_token);
  const kid = await verify(id_token, trial.jwks);
  const full = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(access_token));
  const expected = claims.iss === issuer && claims.aud === trial.client_id && claims.nonce === trial.word;
  const right = expected && claims.exp > seconds() - 60 && claims.at_hash === base64(full.slice(0, 16));
  const notes = [kid ? texts.holds.replace("%s", kid) : texts.fails, right ? texts.checked : texts.unchecked];
  show("id_token", { good: Boolean(kid) && right, notes, parts: [{ title: texts.claims, values: claims, meanings: words.claims }] });
}

async function askUserinfo(token, type) {
  const endpoint = trial.provider.userinfo_endpoint;
  const options = { method: "GET", proofKey: type === "DPoP" ? trial.dpop : null, token, type };
  await exchange("userinfo", endpoint, {}, options);
}

/** One request of the client's, shown with its answer; again with the node's nonce where it asks for one. */
async function exchange(name, endpoint, sent, { method = "POST", proofKey = null, token = null, type = "" } = {}) {
  const authenticated = token === null ? { ...sent, ...(await assertion()) } : sent;
  const headers = token === null ? {} : { Authorization: `${type} ${token}` };
  if (proofKey) headers.DPoP = await proof(proofKey, method, endpoint, token);
  const body = method === "POST" ? new URLSearchParams({ client_id: trial.client_id, ...authenticated }) : undefined;
  const answer = await fetch(new URL(endpoint).pathname, { method, headers, body, credentials: "omit", cache: "no-store" });
  const text = await answer.text();
  const value = decode(text)?.claims ?? JSON.parse(text || "{}");
  const nonce = answer.headers.get("DPoP-Nonce");
  if (nonce) trial.nonce = nonce;
  const error = value.error ?? value.code ?? (answer.ok ? null : String(answer.status));
  const signed = { client_assertion: true, request: true, DPoP: true };
  for (const key of ["access_token", "id_token"]) if (value[key]) signed[key] = (await verify(value[key], trial.jwks)) ?? false;
  if (token) signed.Authorization = (await verify(token, trial.jwks)) ?? false;
  const parts = [{ title: texts.request, values: { ...Object.fromEntries(body ?? []), ...headers }, signed }];
  const told = answer.ok || !nonce ? value : { ...value, "DPoP-Nonce": nonce };
  parts.push({ title: `${texts.answer} ${answer.status}`, values: told, signed, ...meaningsOf(name, answer.ok) });
  const again = error === "use_dpop_nonce" && !proofKey.again;
  const good = answer.ok || again;
  show(name, { good, line: `${method} ${endpoint}`, notes: answer.ok ? [] : [reason(error)], parts });
  if (again) {
    proofKey.again = true;
    return exchange(name, endpoint, sent, { method, proofKey, token, type });
  }
  if (!answer.ok) throw new Stop();
  return { value };
}

/** What userinfo tells are claims, and mostly the traveller's own. */
function meaningsOf(name, good) {
  if (name !== "userinfo") return {};
  const { error, error_description: title } = words.parameters;
  return good ? { meanings: words.claims, otherwise: texts.told } : { meanings: { code: error, title } }; // RFC 9457
}

async function assertion() {
  const now = seconds();
  const said = { iss: trial.client_id, sub: trial.client_id, aud: issuer, iat: now, exp: now + 60, jti: random(16) };
  const text = await sign(trial.key, { kid: trial.key.jwk.kid }, said);
  return { client_assertion_type: ASSERTION, client_assertion: text };
}

async function proof(key, method, endpoint, token) {
  const { kty, crv, x, y } = key.jwk;
  const said = { htm: method, htu: endpoint, iat: seconds(), jti: random(16) };
  if (trial.nonce) said.nonce = trial.nonce;
  if (token) said.ath = await hash(token);
  return sign(key, { typ: "dpop+jwt", jwk: { kty, crv, x, y } }, said);
}

async function finish() {
  const { client_id } = trial;
  trial = null;
  byId("open-window").hidden = true;
  await officer(end, { client_id }, "end");
  show("end", {});
}
