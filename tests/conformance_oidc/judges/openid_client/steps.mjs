// The steps that every profile has, from the code to the logout.

import { edited, forged, must, refused, retried, visit, world } from "../dialogue.mjs";
import { client, RelyingParty } from "./relying_party.mjs";

const LASTING = { scope: "openid offline_access", prompt: "consent" };
const TOKEN = "/oidc/token";

const idToken = (change) => (text) => {
  const { id_token, ...rest } = JSON.parse(text);
  return JSON.stringify({ ...rest, id_token: change(id_token) });
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
    const server = party.config.serverMetadata();
    retried(party.seen, profile === "border" ? server.pushed_authorization_request_endpoint : server.token_endpoint);
    await party.with(true, party.keys);
    await party.userinfo(tokens);
    retried(party.seen, server.userinfo_endpoint);
  },
});

// `name`: a client of the profile. `other`: one that may not see its tokens. `rotates`: its refresh tokens.
export const steps = (profile, { name, other, rotates }) => ({
  [`${profile}-code`]: async () => {
    await (await RelyingParty.open(name)).login();
  },
  [`${profile}-code-only-once`]: async () => {
    const party = await RelyingParty.open(name);
    const { parameters, checks } = await party.request();
    const callback = await visit(await party.url(parameters));
    const tokens = await party.redeem(new URL(callback), checks);
    await refused(party.redeem(callback, checks), "invalid_grant");
    await refused(party.userinfo(tokens), "invalid_token");
  },
  [`${profile}-pkce`]: async () => {
    const party = await RelyingParty.open(name);
    for (const pkceCodeVerifier of [client.randomPKCECodeVerifier(), undefined]) {
      const { parameters, checks } = await party.request();
      const callback = await visit(await party.url(parameters));
      await refused(party.redeem(callback, { ...checks, pkceCodeVerifier }), "invalid_grant");
    }
  },
  [`${profile}-id-token`]: async () => {
    const execute = [client.enableNonRepudiationChecks];
    await (await RelyingParty.open(name, { execute })).login();
    for (const change of [forged, (text) => edited(text, { amr: ["none"] })]) {
      const party = await RelyingParty.open(name, { execute, alter: { [TOKEN]: idToken(change) } });
      await refused(party.login(), "OAUTH_INVALID_RESPONSE");
    }
    for (const claims of [{ nonce: "another" }, { iss: "https://other.localhost" }, { aud: "another" }, { exp: 1 }]) {
      const party = await RelyingParty.open(name, { alter: { [TOKEN]: idToken((text) => edited(text, claims)) } });
      await refused(party.login(), "OAUTH_JWT_CLAIM_COMPARISON_FAILED", "OAUTH_JWT_TIMESTAMP_CHECK_FAILED");
    }
  },
  [`${profile}-callback`]: async () => {
    const party = await RelyingParty.open(name);
    for (const [parameter, value] of [["state", "another"], ["iss", "https://other.localhost"]]) {
      const { parameters, checks } = await party.request();
      const callback = await visit(await party.url(parameters));
      must(callback.searchParams.get("iss") === world.issuer, callback.search);
      callback.searchParams.set(parameter, value);
      await refused(party.redeem(callback, checks), "OAUTH_INVALID_RESPONSE");
    }
  },
  [`${profile}-form-post`]: async () => {
    const party = await RelyingParty.open(name);
    const { parameters, checks } = await party.request({ response_mode: "form_post" });
    const callback = await visit(await party.url(parameters));
    must(callback instanceof Request, "no form came");
    await party.redeem(callback, checks);
  },
  [`${profile}-jarm`]: async () => {
    const party = await RelyingParty.open(name, { execute: [client.useJwtResponseMode] });
    await party.login();
    for (const change of [forged, (text) => edited(text, { aud: "another" })]) {
      const { parameters, checks } = await party.request();
      const callback = await visit(await party.url(parameters));
      callback.searchParams.set("response", change(callback.searchParams.get("response")));
      await refused(party.redeem(callback, checks), "OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
    }
  },
  [`${profile}-refusal-of-the-traveller`]: async () => {
    const party = await RelyingParty.open(name);
    const { parameters, checks } = await party.request({ prompt: "consent" });
    await refused(party.redeem(await visit(await party.url(parameters), "deny"), checks), "access_denied");
  },
  [`${profile}-userinfo`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login({ scope: "openid profile" });
    const told = await party.userinfo(tokens);
    must(told.sub === tokens.claims().sub, "another subject");
    await refused(party.userinfo(tokens, "another"), "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED");
    const changed = { ...tokens, access_token: forged(tokens.access_token) };
    await refused(party.userinfo(changed, client.skipSubjectCheck), "invalid_token");
  },
  ...(profile === "basic" ? proofs(profile, name) : noncedProofs(profile, name)),
  [`${profile}-refresh`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login(LASTING);
    const next = await party.refresh(tokens);
    must(next.access_token !== tokens.access_token, "the same access token");
    must((next.refresh_token !== undefined && next.refresh_token !== tokens.refresh_token) === rotates, "rotation");
    await client.fetchUserInfo(party.config, next.access_token, tokens.claims().sub, party.options);
    if (rotates) await refused(party.refresh(tokens), "invalid_grant");
  },
  [`${profile}-tokens-with-another-key`]: async () => {
    const party = await RelyingParty.open(name, { bound: true });
    const tokens = await party.login(LASTING);
    await party.with(true);
    await refused(party.userinfo(tokens), "invalid_dpop_proof");
    await refused(party.refresh(tokens), "invalid_grant");
  },
  [`${profile}-introspection`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login(LASTING);
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const told = await party.introspect(token);
      must(told.active && told.client_id === party.own.client_id && told.iss === world.issuer, JSON.stringify(told));
      must((await (await RelyingParty.open(other)).introspect(token)).active === false, "told to another client");
    }
    must((await party.introspect("nonsense")).active === false, "nonsense is active");
  },
  [`${profile}-revocation`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login(LASTING);
    await client.tokenRevocation((await RelyingParty.open(other)).config, tokens.refresh_token);
    await party.userinfo(tokens);
    await client.tokenRevocation(party.config, tokens.refresh_token, { token_type_hint: "refresh_token" });
    await refused(party.refresh(tokens), "invalid_grant");
    await refused(party.userinfo(tokens), "invalid_token");
    must((await party.introspect(tokens.access_token)).active === false, "still active");
  },
  [`${profile}-logout`]: async () => {
    const party = await RelyingParty.open(name);
    const tokens = await party.login();
    const [post_logout_redirect_uri] = party.own.post_logout_redirect_uris;
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state: "over" };
    const callback = await visit(client.buildEndSessionUrl(party.config, parameters));
    must(callback.href === `${post_logout_redirect_uri}?state=over`, callback.href);
    await refused(party.userinfo(tokens), "invalid_token");
  },
});
