// openid-client as a relying party of the node: conventional clients by each method of authentication, and FAPI 2.0 ones.

import { library, must, privateKey, refused, run, visit, world } from "./dialogue.mjs";

const client = await library("openid-client");
const { clients } = world;
const issuer = new URL(world.issuer);

const configured = async (name, authentication, more = {}) => {
  const { client_id, redirect_uris, id_token_signed_response_alg, ...rest } = clients[name];
  const metadata = { redirect_uris, id_token_signed_response_alg, ...more };
  if (rest.authorization_signed_response_alg) {
    metadata.authorization_signed_response_alg = rest.authorization_signed_response_alg;
  }
  return client.discovery(issuer, client_id, metadata, authentication);
};
const basic = () => configured("basic", client.ClientSecretBasic(clients.basic.client_secret));
const byKey = async (name) => configured(name, client.PrivateKeyJwt(await privateKey(clients[name].key)), border(name));
const border = (name) => (name.startsWith("border") ? { id_token_signed_response_alg: "ES256" } : {});

// What a careful client sends, and what it then checks.
const secrets = async () => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const code_challenge = await client.calculatePKCECodeChallenge(pkceCodeVerifier);
  const sent = { code_challenge, code_challenge_method: "S256", state: expectedState, nonce: expectedNonce };
  return { sent, checks: { pkceCodeVerifier, expectedState, expectedNonce } };
};
const asked = (name, more = {}) => ({ redirect_uri: clients[name].redirect_uris[0], scope: "openid", ...more });

const codeFlow = async (config, name, more = {}) => {
  const { sent, checks } = await secrets();
  const callback = await visit(client.buildAuthorizationUrl(config, asked(name, { ...sent, ...more })));
  const tokens = await client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  must(userinfo.sub === claims.sub, "another subject");
  return { tokens, claims };
};
const dpop = async (config) => client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

// The whole way of a FAPI 2.0 client; `build` makes the authorization URL.
const boundFlow = async (name, build, configure = () => {}, scope = "openid") => {
  const config = await byKey(name);
  configure(config);
  const handle = await dpop(config);
  const { sent, checks } = await secrets();
  const callback = await visit(await build(config, asked(name, { ...sent, scope }), { DPoP: handle }));
  const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: handle });
  must(tokens.token_type === "dpop", tokens.token_type);
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: handle });
  must(userinfo.sub === tokens.claims().sub, "another subject");
  return { config, handle, tokens };
};
const pushed = client.buildAuthorizationUrlWithPAR;
const pushedObject = async (config, parameters, options) => {
  const { key, kid } = await privateKey(clients["border-signing"].key);
  const byValue = await client.buildAuthorizationUrlWithJAR(config, parameters, { key, kid });
  const request = byValue.searchParams.get("request");
  return client.buildAuthorizationUrlWithPAR(config, { request }, options);
};

await run({
  "discovery-of-openid-and-of-oauth": async () => {
    const { client_id } = clients.basic;
    for (const algorithm of ["oidc", "oauth2"]) {
      const config = await client.discovery(issuer, client_id, undefined, undefined, { algorithm });
      must(config.serverMetadata().issuer === world.issuer, algorithm);
    }
  },
  "code-flow-with-client-secret-basic": async () => {
    const { claims } = await codeFlow(await basic(), "basic");
    must(claims.iss === world.issuer && claims.aud === "basic", "claims");
  },
  "code-flow-with-client-secret-post": async () => {
    await codeFlow(await configured("basic-post", client.ClientSecretPost(clients["basic-post"].client_secret)), "basic-post");
  },
  "code-flow-with-private-key-jwt": async () => {
    await codeFlow(await byKey("basic-key"), "basic-key");
  },
  "code-flow-without-pkce-state-and-nonce": async () => {
    const config = await basic();
    const callback = await visit(client.buildAuthorizationUrl(config, asked("basic")));
    const tokens = await client.authorizationCodeGrant(config, callback, { idTokenExpected: true });
    must(tokens.claims().nonce === undefined, "a nonce that was not sent");
  },
  "id-token-signature-by-the-published-key": async () => {
    const config = await basic();
    client.enableNonRepudiationChecks(config);
    await codeFlow(config, "basic");
  },
  "form-post": async () => {
    const { sent, checks } = await secrets();
    const config = await basic();
    const parameters = asked("basic", { ...sent, response_mode: "form_post" });
    const callback = await visit(client.buildAuthorizationUrl(config, parameters));
    must(callback instanceof Request, "no form came");
    await client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true });
  },
  "signed-response-by-query": async () => {
    const config = await basic();
    client.useJwtResponseMode(config);
    await codeFlow(config, "basic");
  },
  "refusal-of-the-traveller": async () => {
    const config = await basic();
    const { sent, checks } = await secrets();
    const url = client.buildAuthorizationUrl(config, asked("basic", { ...sent, prompt: "consent" }));
    const callback = await visit(url, "deny");
    await refused(client.authorizationCodeGrant(config, callback, checks), "access_denied");
  },
  "pushed-request-with-dpop": async () => {
    await boundFlow("border", pushed);
  },
  "pushed-signed-request-and-signed-response-with-dpop": async () => {
    await boundFlow("border-signing", pushedObject, client.useJwtResponseMode);
  },
  "refresh-with-dpop": async () => {
    const { config, handle, tokens } = await boundFlow("border", pushed, undefined, "openid offline_access");
    must(tokens.refresh_token, "no refresh token");
    const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: handle });
    await client.fetchUserInfo(config, next.access_token, tokens.claims().sub, { DPoP: handle });
    const thief = await dpop(config);
    const { refresh_token } = next.refresh_token ? next : tokens;
    await refused(client.refreshTokenGrant(config, refresh_token, undefined, { DPoP: thief }), "invalid_grant");
    await refused(client.fetchUserInfo(config, next.access_token, client.skipSubjectCheck, { DPoP: thief }), "invalid_dpop_proof");
  },
  "code-without-its-verifier-or-key": async () => {
    const config = await byKey("border");
    const handle = await dpop(config);
    for (const wrong of ["verifier", "key"]) {
      const { sent, checks } = await secrets();
      const callback = await visit(await pushed(config, asked("border", sent), { DPoP: handle }));
      if (wrong === "verifier") checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
      const options = { DPoP: wrong === "key" ? await dpop(config) : handle };
      await refused(client.authorizationCodeGrant(config, callback, checks, undefined, options), "invalid_grant");
    }
  },
  "wrong-secret": async () => {
    const config = await configured("basic", client.ClientSecretBasic("not the secret"));
    const { sent, checks } = await secrets();
    const callback = await visit(client.buildAuthorizationUrl(config, asked("basic", sent)));
    await refused(client.authorizationCodeGrant(config, callback, checks), "invalid_client");
  },
  "changed-callbacks-are-noticed": async () => {
    const config = await basic();
    for (const [name, value] of [["state", "another"], ["iss", "https://other.localhost"]]) {
      const { sent, checks } = await secrets();
      const callback = await visit(client.buildAuthorizationUrl(config, asked("basic", sent)));
      callback.searchParams.set(name, value);
      await refused(client.authorizationCodeGrant(config, callback, checks), "OAUTH_INVALID_RESPONSE");
    }
  },
  "logout": async () => {
    const config = await basic();
    const { tokens } = await codeFlow(config, "basic");
    const [post_logout_redirect_uri] = clients.basic.post_logout_redirect_uris;
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state: "over" };
    const callback = await visit(client.buildEndSessionUrl(config, parameters));
    must(callback.href === `${post_logout_redirect_uri}?state=over`, callback.href);
  },
});
