// What a federation adds: statements, and the registration of a relying party that signs what it says of itself.

import { forged, must, refused, stays, world } from "../dialogue.mjs";
import { clients, jose, RelyingParty, sign } from "./relying_party.mjs";

const STATEMENT = "entity-statement+jwt";

// The node's entity configuration, verified by the keys that it has itself (OpenID Federation section 9).
const configuration = async (text) => {
  const { metadata, jwks } = jose.decodeJwt(text);
  const options = { issuer: world.issuer, subject: world.issuer, typ: STATEMENT };
  await jose.jwtVerify(text, jose.createLocalJWKSet(jwks), options);
  return { metadata, keys: jose.createLocalJWKSet(jwks) };
};
const fetched = async () => (await fetch(`${world.issuer}/.well-known/openid-federation`)).text();

export const federation = {
  "federation-entity-configuration": async () => {
    const text = await fetched();
    const { metadata } = await configuration(text);
    must(metadata.openid_provider.issuer === world.issuer, JSON.stringify(metadata));
    await refused(configuration(forged(text)), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
  },
  "federation-explicit-registration": async () => {
    const { explicit, issuer } = world;
    const { metadata, keys } = await configuration(await fetched());
    const { client_id } = explicit;
    const parameters = { redirect_uri: explicit.metadata.redirect_uris[0], response_type: "code", scope: "openid" };
    clients.explicit = { ...explicit.metadata, client_id, profile: "federation", key: explicit.key };
    const party = await RelyingParty.open("explicit");
    await stays(party.plain({ request: await party.object(parameters) }), "invalid_");
    const register = async (key) => {
      const claims = {
        iss: client_id,
        sub: client_id,
        aud: issuer,
        jti: undefined,
        jwks: explicit.federation_jwks,
        authority_hints: [issuer],
        metadata: { openid_relying_party: explicit.metadata },
      };
      const headers = { "content-type": "application/entity-statement+jwt" };
      const body = await sign(claims, key, STATEMENT);
      return fetch(metadata.openid_provider.federation_registration_endpoint, { method: "POST", headers, body });
    };
    const misled = await register({ ...explicit.key, kid: explicit.federation_key.kid });
    must(misled.status === 400, `a statement by another key: ${misled.status}`);
    const answer = await register(explicit.federation_key);
    must(answer.status === 200, await answer.clone().text());
    const text = await answer.text();
    const options = { issuer, subject: client_id, audience: client_id, typ: "explicit-registration-response+jwt" };
    const { payload } = await jose.jwtVerify(text, keys, options);
    must(payload.metadata.openid_relying_party.client_id === client_id, JSON.stringify(payload.metadata));
    await refused(jose.jwtVerify(forged(text), keys, options), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    const { sent, tokens } = await party.login();
    await party.identity(tokens, sent);
  },
};
