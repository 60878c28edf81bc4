// A relying party of fetch and jose alone: jose makes what it signs, and verifies and opens what it is told.

import { library, must, visit, world } from "../dialogue.mjs";

export const jose = await library("jose");
export const { clients } = world;
const get = async (url) => (await fetch(url)).json();
export const as = await get(`${world.issuer}/.well-known/openid-configuration`);
export const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri));
export const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const now = () => Math.floor(Date.now() / 1000);
const random = () => jose.base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
const digest = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

export const sign = async (claims, jwk, typ, header = {}) =>
  new jose.SignJWT({ jti: random(), iat: now(), exp: now() + 60, ...claims })
    .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid, typ, ...header })
    .sign(await jose.importJWK(jwk, jwk.alg));

// Claims of a JWT of the node for `audience`; jose checks signature, typ, issuer, audience and times.
export const verified = async (jwt, audience, typ, algorithms = ["ES256", "RS256"]) =>
  (await jose.jwtVerify(jwt, keys, { issuer: world.issuer, audience, typ, algorithms })).payload;

// What was sealed to a client's key; `header` is the JWE's.
export const opened = async (jwe, jwk, enc) => {
  const allowed = { keyManagementAlgorithms: [jwk.alg], contentEncryptionAlgorithms: [enc] };
  const { plaintext, protectedHeader } = await jose.compactDecrypt(jwe, await jose.importJWK(jwk, jwk.alg), allowed);
  return { text: new TextDecoder().decode(plaintext), header: protectedHeader };
};

export class RelyingParty {
  static async open(name) {
    const party = new RelyingParty();
    party.own = clients[name];
    party.id = party.own.client_id;
    party.nonce = undefined;
    if (party.own.profile === "border") await party.bind();
    return party;
  }

  async bind() {
    const { privateKey, publicKey } = await jose.generateKeyPair("ES256");
    Object.assign(this, { proofKey: privateKey, proofJwk: await jose.exportJWK(publicKey) });
  }

  async proof(method, url, token) {
    const ath = token === undefined ? undefined : jose.base64url.encode(await digest(token));
    const claims = { htm: method, htu: String(url), ath, nonce: this.nonce, jti: random(), iat: now() };
    const header = { alg: "ES256", typ: "dpop+jwt", jwk: this.proofJwk };
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(this.proofKey);
  }

  // POST a form as this client; `asked` is set when the answer wanted a nonce, and the request then goes again.
  async post(url, form, headers = {}) {
    const once = async () => {
      const who = { iss: this.id, sub: this.id, aud: world.issuer };
      const client_assertion = await sign(who, this.own.key, "JWT");
      const full = { ...form, client_id: this.id, client_assertion, client_assertion_type: ASSERTION };
      const proof = this.proofKey ? { dpop: await this.proof("POST", url) } : {};
      return fetch(url, { method: "POST", body: new URLSearchParams(full), headers: { ...proof, ...headers } });
    };
    return this.patiently(once);
  }
  async patiently(once) {
    const answer = await once();
    this.nonce = answer.headers.get("dpop-nonce") ?? this.nonce;
    const wanted = answer.headers.get("www-authenticate") ?? (await answer.clone().text());
    this.asked = this.proofKey !== undefined && answer.status >= 400 && wanted.includes("use_dpop_nonce");
    return this.asked ? once() : answer;
  }
  async told(url, form, headers) {
    const answer = await this.post(url, form, headers);
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(JSON.stringify(body)), { error: body.error });
    return body;
  }

  async request(more = {}) {
    const verifier = random();
    const parameters = {
      redirect_uri: this.own.redirect_uris[0],
      response_type: "code",
      scope: "openid",
      state: random(),
      nonce: random(),
      code_challenge: jose.base64url.encode(await digest(verifier)),
      code_challenge_method: "S256",
      ...more,
    };
    return { parameters, verifier };
  }
  object(parameters, jwk = this.own.key) {
    const own = { client_id: this.id, iss: this.id, aud: world.issuer, nbf: now() };
    return sign({ ...parameters, ...own }, jwk, "oauth-authz-req+jwt");
  }
  // For the node alone: nested in a JWE.
  async sealedObject(parameters) {
    const { keys: published } = await get(as.jwks_uri);
    const jwk = published.find(({ use }) => use === "enc");
    const [alg, enc] = ["ECDH-ES", "A256GCM"];
    const text = new TextEncoder().encode(await this.object(parameters));
    const header = { alg, enc, kid: jwk.kid, cty: "JWT" };
    return new jose.CompactEncrypt(text).setProtectedHeader(header).encrypt(await jose.importJWK(jwk, alg));
  }
  plain(parameters) {
    return `${as.authorization_endpoint}?${new URLSearchParams({ client_id: this.id, ...parameters })}`;
  }
  async pushed(parameters) {
    const { request_uri } = await this.told(as.pushed_authorization_request_endpoint, parameters);
    return this.plain({ request_uri });
  }
  async url(parameters) {
    if (this.own.profile === "federation") return this.plain({ request: await this.object(parameters) });
    if (this.own.require_signed_request_object) return this.pushed({ request: await this.object(parameters) });
    return this.own.profile === "border" ? this.pushed(parameters) : this.plain(parameters);
  }

  // The answer's parameters, of which jose verifies the signed ones.
  async answered(callback, { parameters }) {
    const brought = Object.fromEntries(callback.searchParams);
    const told = brought.response ? await verified(brought.response, this.id) : brought;
    must(told.state === parameters.state && told.iss === world.issuer, JSON.stringify(told));
    return told;
  }
  redeem({ code }, { parameters, verifier }) {
    const { redirect_uri } = parameters;
    const form = { grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier };
    return this.told(as.token_endpoint, form);
  }
  // The claims of the ID token beside `tokens` (OpenID Connect Core section 3.1.3.7).
  async identity({ id_token, access_token }, { parameters }) {
    const algorithm = this.own.profile === "border" ? "ES256" : (this.own.id_token_signed_response_alg ?? "RS256");
    const claims = await verified(id_token, this.id, "JWT", [algorithm]);
    must(claims.sub && claims.iat && claims.exp, JSON.stringify(claims));
    must(claims.nonce === parameters.nonce, "another nonce");
    must(claims.at_hash === jose.base64url.encode((await digest(access_token)).slice(0, 16)), "another access token");
    return claims;
  }
  async login(more = {}, url = this.url) {
    const sent = await this.request(more);
    const brought = await this.answered(await visit(await url.call(this, sent.parameters)), sent);
    return { sent, tokens: await this.redeem(brought, sent) };
  }

  userinfo({ access_token }) {
    const scheme = this.proofKey ? "DPoP" : "Bearer";
    return this.patiently(async () => {
      const proof = this.proofKey ? { dpop: await this.proof("GET", as.userinfo_endpoint, access_token) } : {};
      return fetch(as.userinfo_endpoint, { headers: { authorization: `${scheme} ${access_token}`, ...proof } });
    });
  }
  async introspect(token) {
    const accept = "application/token-introspection+jwt";
    const answer = await this.post(as.introspection_endpoint, { token }, { accept });
    must(answer.headers.get("content-type") === accept, "not signed");
    return answer.text();
  }
}
