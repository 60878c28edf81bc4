// oauth4webapi as a relying party and as a resource server of the node: every answer is read by its strict functions.

import { library, must, privateKey, refused, run, visit, world } from "./dialogue.mjs";

const oauth = await library("oauth4webapi");
const { clients } = world;
const issuer = new URL(world.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));

const told = (name, more = {}) => ({
  client_id: name,
  ...(name.startsWith("border") || name === "basic-key" ? { id_token_signed_response_alg: "ES256" } : {}),
  ...more,
});
const secret = oauth.ClientSecretBasic(clients.basic.client_secret);
const signer = async (name) => oauth.PrivateKeyJwt(await privateKey(clients[name].key));
const dpop = async (client) => oauth.DPoP(client, await oauth.generateKeyPair("ES256"));

const request = async (name, more = {}) => {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const parameters = new URLSearchParams({
    client_id: name,
    redirect_uri: clients[name].redirect_uris[0],
    response_type: "code",
    scope: "openid",
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...more,
  });
  return { parameters, verifier, state, nonce };
};
const authorizationUrl = (parameters) => {
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams(parameters);
  return url;
};
const push = async (client, authentication, parameters, options) => {
  const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, answer);
  return authorizationUrl({ client_id: client.client_id, request_uri });
};
const redeem = async (client, authentication, name, callback, sent, options) => {
  const [redirectUri] = clients[name].redirect_uris;
  const answer = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, callback, redirectUri, sent.verifier, options,
  );
  const checks = { expectedNonce: sent.nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, checks);
  await oauth.validateApplicationLevelSignature(as, answer);
  return tokens;
};

// A FAPI 2.0 client up to its tokens.
const bound = async (name = "border", more = {}) => {
  const client = told(name);
  const [authentication, handle] = [await signer(name), await dpop(client)];
  const sent = await request(name, more);
  const url = await push(client, authentication, sent.parameters, { DPoP: handle });
  const callback = oauth.validateAuthResponse(as, client, await visit(url), sent.state);
  const tokens = await redeem(client, authentication, name, callback, sent, { DPoP: handle });
  return { client, authentication, handle, tokens };
};
const userinfo = async (client, tokens, options) => {
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options);
  must((await oauth.processUserInfoResponse(as, client, sub, answer)).sub === sub, "another subject");
};
// The request of a client as the resource server sees it.
const captured = async (tokens, handle) => {
  let seen;
  const customFetch = async (url, options) => {
    seen = new Request(url, { method: options.method, headers: options.headers });
    return new Response();
  };
  const options = { DPoP: handle, [oauth.customFetch]: customFetch };
  await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL("/some/resource", issuer), undefined, undefined, options);
  return seen;
};

await run({
  "discovery-by-both-well-known-forms": async () => {
    const answer = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
    const other = await oauth.processDiscoveryResponse(issuer, answer);
    must(other.token_endpoint === as.token_endpoint, "two servers");
  },
  "code-flow-of-a-conventional-client": async () => {
    const client = told("basic");
    const sent = await request("basic");
    const callback = oauth.validateAuthResponse(as, client, await visit(authorizationUrl(sent.parameters)), sent.state);
    const tokens = await redeem(client, secret, "basic", callback, sent);
    await userinfo(client, tokens);
  },
  "code-flow-without-pkce": async () => {
    const client = told("basic");
    const sent = await request("basic");
    sent.parameters.delete("code_challenge");
    sent.parameters.delete("code_challenge_method");
    const callback = oauth.validateAuthResponse(as, client, await visit(authorizationUrl(sent.parameters)), sent.state);
    await redeem(client, secret, "basic", callback, { ...sent, verifier: oauth.nopkce });
  },
  "pushed-request-with-dpop": async () => {
    const { client, handle, tokens } = await bound();
    must(tokens.token_type === "dpop", tokens.token_type);
    await userinfo(client, tokens, { DPoP: handle });
  },
  "refresh-with-dpop": async () => {
    const { client, authentication, handle, tokens } = await bound("border", { scope: "openid offline_access" });
    const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, { DPoP: handle });
    const next = await oauth.processRefreshTokenResponse(as, client, answer);
    must(next.access_token !== tokens.access_token, "the same access token");
  },
  "access-token-of-rfc-9068-with-dpop": async () => {
    const { handle, tokens } = await bound();
    const options = { requireDPoP: true, signingAlgorithms: ["ES256"] };
    const seen = await captured(tokens, handle);
    const claims = await oauth.validateJwtAccessToken(as, seen, world.issuer, options);
    must(claims.client_id === "border" && claims.scope === "openid", JSON.stringify(claims));
    const another = await captured(tokens, handle);
    const elsewhere = oauth.validateJwtAccessToken(as, another, "https://other.localhost", options);
    await refused(elsewhere, "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
  },
  "access-token-of-rfc-9068-without-dpop": async () => {
    const client = told("basic");
    const sent = await request("basic");
    const callback = oauth.validateAuthResponse(as, client, await visit(authorizationUrl(sent.parameters)), sent.state);
    const tokens = await redeem(client, secret, "basic", callback, sent);
    must(tokens.token_type === "bearer", tokens.token_type);
    const claims = await oauth.validateJwtAccessToken(as, await captured(tokens), world.issuer);
    must(claims.client_id === "basic", JSON.stringify(claims));
  },
  "signed-request-and-signed-response": async () => {
    const name = "border-signing";
    const client = told(name, { authorization_signed_response_alg: "ES256" });
    const [authentication, handle] = [await signer(name), await dpop(client)];
    const sent = await request(name, { response_mode: "jwt" });
    const object = await oauth.issueRequestObject(as, client, sent.parameters, await privateKey(clients[name].key));
    const url = await push(client, authentication, new URLSearchParams({ request: object }), { DPoP: handle });
    const callback = await oauth.validateJwtAuthResponse(as, client, await visit(url), sent.state);
    await redeem(client, authentication, name, callback, sent, { DPoP: handle });
  },
  "code-only-once": async () => {
    const client = told("border");
    const [authentication, handle] = [await signer("border"), await dpop(client)];
    const sent = await request("border");
    const url = await push(client, authentication, sent.parameters, { DPoP: handle });
    const callback = oauth.validateAuthResponse(as, client, await visit(url), sent.state);
    await redeem(client, authentication, "border", callback, sent, { DPoP: handle });
    await refused(redeem(client, authentication, "border", callback, sent, { DPoP: handle }), "invalid_grant");
  },
  "answers-for-others-are-noticed": async () => {
    const { client, authentication, handle, tokens } = await bound();
    const answer = await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP: handle });
    await refused(oauth.processUserInfoResponse(as, client, "somebody else", answer), "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED");
    const sent = await request("border");
    const url = await push(client, authentication, sent.parameters, { DPoP: handle });
    const callback = oauth.validateAuthResponse(as, client, await visit(url), sent.state);
    const changed = { ...sent, nonce: "another" };
    await refused(redeem(client, authentication, "border", callback, changed, { DPoP: handle }), "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
  },
});
