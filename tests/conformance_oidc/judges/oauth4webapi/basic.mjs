// Conventional clients, one that answers for a resource of its own, and one that registers itself.

import { another, decryptionKey, edited, forged, library, must, privateKey } from "../dialogue.mjs";
import { refused, stays, visit, world } from "../dialogue.mjs";
import { as, clients, issuer, oauth, RelyingParty } from "./relying_party.mjs";
import { steps } from "./steps.mjs";

const [USERINFO, INTROSPECTION] = ["/oidc/userinfo", "/oidc/introspect"];
const jose = await library("jose");

// The function that the library has its users bring for what is encrypted.
const opener = async (jwk, enc) => {
  const { key } = await decryptionKey(jwk);
  return async (jwe) => {
    const allowed = { keyManagementAlgorithms: [jwk.alg], contentEncryptionAlgorithms: [enc] };
    return new TextDecoder().decode((await jose.compactDecrypt(jwe, key, allowed)).plaintext);
  };
};
export const sealed = async (name, enc) => {
  const { sealing } = clients[name];
  const party = await RelyingParty.open(name, { decrypt: await opener(sealing, enc) });
  const tokens = await party.login({ scope: "openid profile", response_mode: "jwt" });
  must(tokens.id_token.split(".").length === 5, "the ID token is not encrypted");
  await party.userinfo(tokens, undefined, true);
  const answer = party.seen.findLast(({ path }) => path === USERINFO);
  must(answer.text.split(".").length === 5, "userinfo is not encrypted");
  const blind = await RelyingParty.open(name, { decrypt: await opener(await another(sealing), enc) });
  await refused(blind.login(), "ERR_JWE_DECRYPTION_FAILED");
};

export const basic = {
  "discovery": async () => {
    const answer = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
    const other = await oauth.processDiscoveryResponse(issuer, answer);
    must(other.token_endpoint === as.token_endpoint, "two servers");
    const again = await oauth.discoveryRequest(issuer);
    const elsewhere = new URL("https://other.localhost");
    await refused(oauth.processDiscoveryResponse(elsewhere, again), "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED");
  },
  ...steps("basic", { name: "basic", other: "basic-other", rotates: true }),
  "basic-client-secret-post": async () => {
    await (await RelyingParty.open("basic-post")).login();
    const authentication = oauth.ClientSecretPost("not the secret");
    await refused((await RelyingParty.open("basic-post", { authentication })).login(), "invalid_client");
  },
  "basic-private-key-jwt": async () => {
    await (await RelyingParty.open("basic-key")).login();
    const { kid } = clients["basic-key"].key;
    const authentication = oauth.PrivateKeyJwt(await privateKey({ ...clients.border.key, kid }));
    await refused((await RelyingParty.open("basic-key", { authentication })).login(), "invalid_client");
  },
  "basic-without-pkce": async () => {
    const party = await RelyingParty.open("basic");
    const sent = await party.request();
    sent.parameters.delete("code_challenge");
    sent.parameters.delete("code_challenge_method");
    const brought = await party.answered(await visit(party.plain(sent.parameters)), sent);
    await party.redeem(brought, { ...sent, verifier: oauth.nopkce });
  },
  "basic-par": async () => {
    const party = await RelyingParty.open("basic");
    await party.login({}, party.pushed);
    const { parameters } = await party.request({ redirect_uri: "https://other.localhost/" });
    await refused(party.pushed(parameters), "invalid_request");
  },
  "basic-jar": async () => {
    const party = await RelyingParty.open("basic-key");
    await party.login({}, party.signed);
    await party.login({}, party.pushedSigned);
    const { parameters } = await party.request();
    await stays(await party.signed(parameters, clients.border.key), "invalid_request_object");
  },
  "basic-signed-userinfo": async () => {
    const party = await RelyingParty.open("basic-signed");
    const tokens = await party.login({ scope: "openid profile" });
    await party.userinfo(tokens, undefined, true);
    for (const [change, code] of [
      [forged, "OAUTH_INVALID_RESPONSE"],
      [(text) => edited(text, { aud: "another" }), "OAUTH_JWT_CLAIM_COMPARISON_FAILED"],
    ]) {
      const misled = await RelyingParty.open("basic-signed", { alter: { [USERINFO]: change } });
      await refused(misled.userinfo(tokens, undefined, true), code);
    }
  },
  "basic-signed-introspection": async () => {
    const tokens = await (await RelyingParty.open("basic-signed")).login();
    for (const [change, code] of [
      [forged, "OAUTH_INVALID_RESPONSE"],
      [(text) => edited(text, { aud: "another" }), "OAUTH_JWT_CLAIM_COMPARISON_FAILED"],
    ]) {
      const misled = await RelyingParty.open("basic-signed", { alter: { [INTROSPECTION]: change } });
      await refused(misled.introspect(tokens.access_token, true), code);
    }
  },
  "basic-encrypted-answers": () => sealed("basic-sealed", "A256GCM"),
  "basic-encrypted-answers-rsa": () => sealed("basic-sealed-rsa", "A128CBC-HS256"),
  "basic-client-credentials": async () => {
    const party = await RelyingParty.open("basic-machine");
    const tokens = await party.credentials("orders");
    const claims = await oauth.validateJwtAccessToken(as, await party.presented(tokens), world.issuer);
    must(claims.sub === "basic-machine" && claims.scope === "orders", JSON.stringify(claims));
    await refused(party.credentials("else"), "invalid_scope");
  },
  "basic-access-token-for-a-resource": async () => {
    const [party, api] = [await RelyingParty.open("basic"), await RelyingParty.open("basic-api")];
    const resource = `${world.site}/api`;
    const tokens = await party.login({ resource }, undefined, { resource });
    const claims = await oauth.validateJwtAccessToken(as, await party.presented(tokens), resource);
    must(claims.aud === resource, JSON.stringify(claims));
    must((await api.introspect(tokens.access_token)).active, "unknown to the resource server");
    const elsewhere = oauth.validateJwtAccessToken(as, await party.presented(tokens), world.issuer);
    await refused(elsewhere, "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
    await refused(party.userinfo(tokens), "invalid_token");
    await refused(party.login({ resource: `${world.site}/unknown` }), "invalid_target");
  },
  "dynamic-registration": async () => {
    const redirect_uris = [`${world.site}/registered`];
    const wanted = { client_name: "Specimen Shop", redirect_uris, id_token_signed_response_alg: "ES256" };
    const register = async (metadata) =>
      oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, metadata));
    const registered = await register(wanted);
    clients.registered = { ...registered, profile: "basic" };
    await (await RelyingParty.open("registered")).login();
    await refused(register({ ...wanted, redirect_uris: [`${world.site}/#fragment`] }), "invalid_redirect_uri");
    await refused(register({ ...wanted, subject_type: "public" }), "invalid_client_metadata");
  },
};
