// The steps that every profile has.

import { edited, forged, must, refused, retried, visit, world } from "../dialogue.mjs";
import { as, oauth, RelyingParty } from "./relying_party.mjs";

const LASTING = { scope: "openid offline_access", prompt: "consent" };
const CLAIMS = "OAUTH_JWT_CLAIM_COMPARISON_FAILED";

const idToken = (change) => (text) => {
  const { id_token, ...rest } = JSON.parse(text);
  return JSON.stringify({ ...rest, id_token: change(id_token) });
};
const arrive = async (party, more) => {
  const sent = await party.request(more);
  return [sent, await visit(await party.url(sent.parameters))];
};

// Where no nonce is asked for, one is offered, and the next proof has it.
const proofs = (profile, name) => ({
  [`${profile}-dpop`]: async () => {
    const party = await RelyingParty.open(name, { bound: true });
    await party.userinfo(await party.login());
    const [token, resource] = party.seen.filter(({ sent }) => sent !== undefined);
    must(token.status === 200 && token.sent === null && token.nonce, JSON.stringify(token));
    must(resource.status === 200 && resource.sent === token.nonce, JSON.stringify(resource));
  },
});
const noncedProofs = (profile, name) => ({
  [`${profile}-dpop-nonce-retry`]: async () => {
    const party = await RelyingParty.open(name, { bound: true });
    const tokens = await party.login();
    retried(party.seen, profile === "border" ? as.pushed_authorization_request_endpoint : as.token_endpoint);
    await party.with(true, party.keys);
    await party.userinfo(tokens);
    retried(party.seen, as.userinfo_endpoint);
  },
});

// `name`: a client of the profile. `other`: one that may not see its tokens. `rotates`: its refresh tokens.
export const steps = (profile, { name, other, rotates }) => ({
  [`${profile}-code`]: async () => {
    await (await RelyingParty.open(name)).login();
  },
  [`${profile}-code-only-once`]: async () => {
    const party = await RelyingParty.open(name);
    const [sent, callback] = await arrive(party);
    const brought = await party.answered(callback, sent);
    await party.redeem(brought, sent);
    await refused(party.redeem(brought, sent), "invalid_grant");
  },
  [`${profile}-pkce`]: async () => {
    const party = await RelyingParty.open(name);
    for (const verifier of [oauth.generateRandomCodeVerifier(), oauth.nopkce]) {
      const [sent, callback] = await arrive(party);
      await refused(party.redeem(await party.answered(callback, sent), { ...sent, verifier }), "invalid_grant");
    }
  },
  [`${profile}-id-token`]: async () => {
    const changes = [
      [forged, "OAUTH_INVALID_RESPONSE"],
      [(text) => edited(text, { acr: "another" }), "OAUTH_INVALID_RESPONSE"],
      [(text) => edited(text, { nonce: "another" }), CLAIMS],
      [(text) => edited(text, { iss: "https://other.localhost" }), CLAIMS],
      [(text) => edited(text, { aud: "another" }), CLAIMS],
      [(text) => edited(text, { exp: 1 }), "OAUTH_JWT_TIMESTAMP_CHECK_FAILED"],
    ];
    for (const [change, code] of changes) {
      const party = await RelyingParty.open(name, { alter: { "/oidc/token": idToken(change) } });
      await refused(party.login(), code);
    }
  },
  [`${profile}-callback`]: async () => {
    const party = await RelyingParty.open(name);
    for (const [parameter, value] of [["state", "another"], ["iss", "https://other.localhost"]]) {
      const [sent, callback] = await arrive(party);
      callback.searchParams.set(parameter, value);
      await refused(party.answered(callback, sent), "OAUTH_INVALID_RESPONSE");
    }
  },
  [`${profile}-form-post`]: async () => {
    const party = await RelyingParty.open(name);
    const [sent, callback] = await arrive(party, { response_mode: "form_post" });
    must(callback instanceof Request, "no form came");
    await party.redeem(await party.answered(callback, sent), sent);
  },
  [`${profile}-jarm`]: async () => {
    const party = await RelyingParty.open(name);
    await party.login({ response_mode: "query.jwt" });
    for (const [change, code] of [
      [forged, "OAUTH_INVALID_RESPONSE"],
      [(text) => edited(text, { aud: "another" }), CLAIMS],
      [(text) => edited(text, { iss: "https://other.localhost" }), CLAIMS],
    ]) {
      const [sent, callback] = await arrive(party, { response_mode: "jwt" });
      callback.searchParams.set("response", change(callback.searchParams.get("response")));
      await refused(party.answered(callback, sent), code);
    }
  },
  [`${profile}-jarm-by-form-post`]: async () => {
    const party = await RelyingParty.open(name);
    const [sent, callback] = await arrive(party, { response_mode: "form_post.jwt" });
    must(callback instanceof Request, "no form came");
    await party.redeem(await party.answered(callback, sent), sent);
  },
  [`${profile}-refusal-of-the-traveller`]: async () => {
    const party = await RelyingParty.open(name);
    const sent = await party.request({ prompt: "consent" });
    await refused(party.answered(await visit(await party.url(sent.parameters), "deny"), sent), "access_denied");
  },
  [`${profile}-userinfo`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login({ scope: "openid profile" });
    await party.userinfo(tokens);
    await refused(party.userinfo(tokens, "another"), "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED");
    const changed = { ...tokens, access_token: forged(tokens.access_token) };
    await refused(party.userinfo(changed, oauth.skipSubjectCheck), "invalid_token");
  },
  ...(profile === "basic" ? proofs(profile, name) : noncedProofs(profile, name)),
  [`${profile}-tokens-with-another-key`]: async () => {
    const party = await RelyingParty.open(name, { bound: true });
    const tokens = await party.login(LASTING);
    await party.with(true);
    await refused(party.userinfo(tokens), "invalid_dpop_proof");
    await refused(party.refresh(tokens), "invalid_grant");
  },
  [`${profile}-refresh`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login(LASTING);
    const next = await party.refresh(tokens);
    must(next.access_token !== tokens.access_token, "the same access token");
    must((next.refresh_token !== undefined && next.refresh_token !== tokens.refresh_token) === rotates, "rotation");
    await party.userinfo(next, oauth.getValidatedIdTokenClaims(tokens).sub);
    if (rotates) await refused(party.refresh(tokens), "invalid_grant");
  },
  [`${profile}-introspection`]: async () => {
    const [party, stranger] = [await RelyingParty.open(name), await RelyingParty.open(other)];
    const tokens = await party.login(LASTING);
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      for (const signed of [false, true]) {
        const told = await party.introspect(token, signed);
        must(told.active && told.client_id === party.own.client_id, JSON.stringify(told));
        must((await stranger.introspect(token, signed)).active === false, "told to another client");
      }
    }
    must((await party.introspect("nonsense")).active === false, "nonsense is active");
  },
  [`${profile}-revocation`]: async () => {
    const [party, stranger] = [await RelyingParty.open(name), await RelyingParty.open(other)];
    const tokens = await party.login(LASTING);
    await stranger.revoke(tokens.refresh_token);
    await party.userinfo(tokens);
    await party.revoke(tokens.access_token);
    await refused(party.userinfo(tokens), "invalid_token");
    const next = await party.refresh(tokens);
    await party.revoke(next.refresh_token ?? tokens.refresh_token);
    await refused(party.refresh({ ...tokens, ...next }), "invalid_grant");
    must((await party.introspect(next.access_token)).active === false, "still active");
  },
  [`${profile}-jwt-access-token`]: async () => {
    const party = await RelyingParty.open(name, { bound: profile === "border" });
    const tokens = await party.login();
    const requireDPoP = profile === "border";
    const read = (seen, audience = world.issuer) => oauth.validateJwtAccessToken(as, seen, audience, { requireDPoP });
    const claims = await read(await party.presented(tokens));
    must(claims.client_id === party.own.client_id && claims.scope === "openid", JSON.stringify(claims));
    await refused(read(await party.presented(tokens), "https://other.localhost"), CLAIMS);
    const changed = { ...tokens, access_token: forged(tokens.access_token) };
    await refused(read(await party.presented(changed)), "OAUTH_INVALID_RESPONSE");
    if (requireDPoP) await refused(read(await (await party.with(true)).presented(tokens)), CLAIMS);
  },
});
