// Conventional clients, by each method of authentication, with answers in clear, signed and encrypted.

import { another, decryptionKey, edited, forged, must, refused, visit, world } from "../dialogue.mjs";
import { client, clients, issuer, RelyingParty } from "./relying_party.mjs";
import { steps } from "./steps.mjs";

const USERINFO = "/oidc/userinfo";
const INTROSPECTION = "/oidc/introspect";

// Answers that only this client can read: the ID token, userinfo, and the authorization response.
export const sealed = async (name, ...encryptions) => {
  const key = await decryptionKey(clients[name].sealing);
  const reading = (config) => client.enableDecryptingResponses(config, encryptions, key);
  const execute = [reading, client.enableNonRepudiationChecks];
  const party = await RelyingParty.open(name, { execute: [...execute, client.useJwtResponseMode] });
  const tokens = await party.login({ scope: "openid profile" });
  must(tokens.id_token.split(".").length === 5, "the ID token is not encrypted");
  await party.userinfo(tokens);
  const told = party.seen.findLast(({ path }) => path === USERINFO);
  must(told.text.split(".").length === 5, "userinfo is not encrypted");
  const stranger = await decryptionKey(await another(clients[name].sealing));
  const blind = (config) => client.enableDecryptingResponses(config, encryptions, stranger);
  await refused((await RelyingParty.open(name, { execute: [blind] })).login(), "OAUTH_DECRYPTION_FAILED");
};
export const basic = {
  "discovery": async () => {
    const { client_id } = clients.basic;
    for (const algorithm of ["oidc", "oauth2"]) {
      const config = await client.discovery(issuer, client_id, undefined, undefined, { algorithm });
      must(config.serverMetadata().issuer === world.issuer && config.serverMetadata().supportsPKCE(), algorithm);
    }
    const elsewhere = JSON.stringify({ issuer: "https://other.localhost" });
    const alter = { "/.well-known/openid-configuration": () => elsewhere };
    await refused(RelyingParty.open("basic", { alter }), "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED");
  },
  ...steps("basic", { name: "basic", other: "basic-other", rotates: true }),
  "basic-client-secret-post": async () => {
    await (await RelyingParty.open("basic-post")).login();
    const authentication = client.ClientSecretBasic(clients["basic-post"].client_secret);
    await refused((await RelyingParty.open("basic-post", { authentication })).login(), "invalid_client");
  },
  "basic-private-key-jwt": async () => {
    await (await RelyingParty.open("basic-key")).login();
    const { privateKey } = await client.randomDPoPKeyPair("ES256");
    const authentication = client.PrivateKeyJwt({ key: privateKey, kid: clients["basic-key"].key.kid });
    await refused((await RelyingParty.open("basic-key", { authentication })).login(), "invalid_client");
  },
  "basic-wrong-secret": async () => {
    const party = await RelyingParty.open("basic", { authentication: client.ClientSecretBasic("not the secret") });
    await refused(party.login(), "invalid_client");
  },
  "basic-without-pkce-state-and-nonce": async () => {
    const party = await RelyingParty.open("basic");
    const parameters = { redirect_uri: party.own.redirect_uris[0], scope: "openid" };
    const tokens = await party.redeem(await visit(party.plain(parameters)), {});
    must(tokens.claims().nonce === undefined, "a nonce that was not sent");
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
    await refused(party.pushedSigned(parameters, clients["basic-signed"].key), "invalid_request_object");
  },
  "basic-signed-userinfo": async () => {
    const execute = [client.enableNonRepudiationChecks];
    const party = await RelyingParty.open("basic-signed", { execute });
    const tokens = await party.login({ scope: "openid profile" });
    const told = await party.userinfo(tokens);
    must(told.iss === world.issuer && told.aud === "basic-signed", JSON.stringify(told));
    for (const change of [forged, (text) => edited(text, { aud: "another" })]) {
      const misled = await RelyingParty.open("basic-signed", { execute, alter: { [USERINFO]: change } });
      await refused(misled.userinfo(tokens), "OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
    }
  },
  "basic-signed-introspection": async () => {
    const execute = [client.enableNonRepudiationChecks];
    const party = await RelyingParty.open("basic-signed", { execute });
    const { access_token } = await party.login();
    must((await party.introspect(access_token)).active, "not active");
    const answer = party.seen.findLast(({ path }) => path === INTROSPECTION);
    must(answer.text.split(".").length === 3, "not signed");
    for (const change of [forged, (text) => edited(text, { aud: "another" })]) {
      const misled = await RelyingParty.open("basic-signed", { execute, alter: { [INTROSPECTION]: change } });
      await refused(misled.introspect(access_token), "OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED");
    }
  },
  "basic-encrypted-answers": () => sealed("basic-sealed", "A256GCM"),
  "basic-encrypted-answers-rsa": () => sealed("basic-sealed-rsa", "A128CBC-HS256"),
  "basic-client-credentials": async () => {
    const party = await RelyingParty.open("basic-machine");
    const tokens = await client.clientCredentialsGrant(party.config, { scope: "orders" });
    must(tokens.token_type === "bearer" && !tokens.refresh_token, JSON.stringify(tokens));
    await refused(client.clientCredentialsGrant(party.config, { scope: "else" }), "invalid_scope");
  },
};
