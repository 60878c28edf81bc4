// Signed and encrypted answers, and what the node sends of its own accord.

import { another, claimsOf, edited, forged, heard, must, refused, visit, world } from "../dialogue.mjs";
import { as, clients, jose, keys, opened, RelyingParty, verified } from "./relying_party.mjs";

const UNDECRYPTABLE = "ERR_JWE_DECRYPTION_FAILED";
const EVENT = "http://schemas.openid.net/event/backchannel-logout";

const userinfo = async (party, tokens, kind) => {
  const answer = await party.userinfo(tokens);
  const text = await answer.text();
  must(answer.ok && answer.headers.get("content-type").split(";")[0] === kind, `${answer.status} ${text}`);
  return text;
};

// The three answers that a client has sealed; where it did not ask for a signed userinfo, that is bare claims.
const sealed = (name, enc) => async () => {
  const party = await RelyingParty.open(name);
  const key = party.own.sealing;
  const sent = await party.request({ scope: "openid profile", response_mode: "jwt" });
  const callback = await visit(await party.url(sent.parameters));
  const response = await opened(callback.searchParams.get("response"), key, enc);
  must(response.header.cty === "JWT", JSON.stringify(response.header));
  const brought = await verified(response.text, party.id);
  must(brought.state === sent.parameters.state, "another state");
  const tokens = await party.redeem(brought, sent);
  const { text: id_token, header } = await opened(tokens.id_token, key, enc);
  must(header.alg === key.alg && header.enc === enc && header.cty === "JWT", JSON.stringify(header));
  const { sub } = await party.identity({ ...tokens, id_token }, sent);
  const told = await opened(await userinfo(party, tokens, "application/jwt"), key, enc);
  const signed = party.own.userinfo_signed_response_alg !== undefined;
  must((told.header.cty === "JWT") === signed, JSON.stringify(told.header));
  const claims = signed ? await verified(told.text, party.id) : JSON.parse(told.text);
  must(claims.sub === sub, "another subject");
  await refused(opened(tokens.id_token, await another(key), enc), UNDECRYPTABLE);
  await refused(opened(forged(tokens.id_token), key, enc), UNDECRYPTABLE, "ERR_JWE_INVALID");
};

export const answers = {
  "discovery": async () => {
    const { keys: published } = await (await fetch(as.jwks_uri)).json();
    for (const jwk of published) {
      const alg = jwk.use === "sig" ? jwk.alg : jwk.kty === "EC" ? "ECDH-ES" : "RSA-OAEP-256";
      must(jwk.kid && alg && jwk.use && (await jose.importJWK(jwk, alg)).type === "public", JSON.stringify(jwk));
    }
    const { alg } = published.find(({ use }) => use === "sig");
    await refused(keys({ alg, kid: "another" }), "ERR_JWKS_NO_MATCHING_KEY");
  },
  "basic-signed-userinfo": async () => {
    const party = await RelyingParty.open("basic-signed");
    const { sent, tokens } = await party.login({ scope: "openid profile" });
    const { sub } = await party.identity(tokens, sent);
    const told = await userinfo(party, tokens, "application/jwt");
    must((await verified(told, party.id, "JWT", ["ES256"])).sub === sub, "another subject");
    await refused(verified(edited(told, { sub: "another" }), party.id), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    await refused(verified(told, "another"), "ERR_JWT_CLAIM_VALIDATION_FAILED");
  },
  "basic-encrypted-answers": sealed("basic-sealed", "A256GCM"),
  "basic-encrypted-answers-rsa": sealed("basic-sealed-rsa", "A128CBC-HS256"),
  "basic-encrypted-answers-without-signed-userinfo": sealed("basic-sealed-only", "A256GCM"),
  "border-encrypted-answers": sealed("border-sealed", "A256GCM"),
  "basic-backchannel-logout": async () => {
    const party = await RelyingParty.open("basic-signed");
    const { sent, tokens } = await party.login();
    const { sub, sid } = await party.identity(tokens, sent);
    const [post_logout_redirect_uri] = party.own.post_logout_redirect_uris;
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state: "over" };
    await visit(`${as.end_session_endpoint}?${new URLSearchParams(parameters)}`);
    const form = await heard("/logout-jose", ({ logout_token }) => claimsOf(logout_token).sid === sid);
    must(form !== null, "no logout token for this session came");
    const claims = await verified(form.logout_token, party.id, "logout+jwt", ["RS256"]);
    must(claims.sub === sub && claims.jti && claims.iat && claims.nonce === undefined, JSON.stringify(claims));
    must(JSON.stringify(claims.events) === JSON.stringify({ [EVENT]: {} }), JSON.stringify(claims.events));
    await refused(verified(form.logout_token, party.id, "JWT"), "ERR_JWT_CLAIM_VALIDATION_FAILED");
    await refused(verified(form.logout_token, "another"), "ERR_JWT_CLAIM_VALIDATION_FAILED");
    await refused(verified(forged(form.logout_token), party.id), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
  },
};
