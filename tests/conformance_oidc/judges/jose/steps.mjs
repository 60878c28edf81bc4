// What the profiles have in common.

import { forged, must, refused, stays, visit, world } from "../dialogue.mjs";
import { as, clients, jose, RelyingParty, verified } from "./relying_party.mjs";

const SIGNATURE = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";
const CLAIM = "ERR_JWT_CLAIM_VALIDATION_FAILED";
const LASTING = { scope: "openid offline_access", prompt: "consent" };

export const steps = (profile, name) => ({
  [`${profile}-id-token`]: async () => {
    const party = await RelyingParty.open(name);
    const { sent, tokens } = await party.login();
    await party.identity(tokens, sent);
    await refused(party.identity({ ...tokens, id_token: forged(tokens.id_token) }, sent), SIGNATURE);
    await refused(verified(tokens.id_token, "another", "JWT"), CLAIM);
    await refused(verified(tokens.id_token, party.id, "at+jwt"), CLAIM);
    const others = jose.createLocalJWKSet({ keys: [{ ...clients.border.jwks.keys[0], kid: undefined }] });
    await refused(jose.jwtVerify(tokens.id_token, others), SIGNATURE, "ERR_JWKS_NO_MATCHING_KEY");
  },
  [`${profile}-par`]: async () => {
    const party = await RelyingParty.open(name);
    const { sent, tokens } = await party.login({}, party.pushed);
    await party.identity(tokens, sent);
    const { parameters } = await party.request();
    party.own = { ...party.own, key: { ...clients["border-other"].key, kid: party.own.key.kid } };
    await refused(party.pushed(parameters), "invalid_client");
  },
  [`${profile}-jar`]: async () => {
    const party = await RelyingParty.open(name);
    const sentAs = async (request) => (profile === "border" ? party.pushed({ request }) : party.plain({ request }));
    const { sent, tokens } = await party.login({}, async (parameters) => sentAs(await party.object(parameters)));
    await party.identity(tokens, sent);
    const { parameters } = await party.request();
    const others = await party.object(parameters, clients["border-other"].key);
    const unsigned = new jose.UnsecuredJWT({ ...parameters, client_id: party.id, iss: party.id, aud: world.issuer });
    for (const object of [others, unsigned.setExpirationTime("1 minute").setIssuedAt().encode()]) {
      if (profile === "border") await refused(sentAs(object), "invalid_request_object");
      else await stays(await sentAs(object), "invalid_request_object");
    }
  },
  [`${profile}-encrypted-request`]: async () => {
    const party = await RelyingParty.open(name);
    const { sent, tokens } = await party.login({}, async (parameters) => {
      const request = await party.sealedObject(parameters);
      must(request.split(".").length === 5, "not encrypted");
      return profile === "border" ? party.pushed({ request }) : party.plain({ request });
    });
    await party.identity(tokens, sent);
  },
  [`${profile}-jarm`]: async () => {
    const party = await RelyingParty.open(name);
    const { sent, tokens } = await party.login({ response_mode: "jwt" });
    await party.identity(tokens, sent);
    const { parameters } = await party.request({ response_mode: "query.jwt" });
    const response = (await visit(await party.url(parameters))).searchParams.get("response");
    await verified(response, party.id);
    await refused(verified(forged(response), party.id), SIGNATURE);
    await refused(verified(response, "another"), CLAIM);
  },
  [`${profile}-dpop${profile === "basic" ? "" : "-nonce-retry"}`]: async () => {
    const party = await RelyingParty.open(name);
    await party.bind();
    const { sent, tokens } = await party.login();
    const claims = await verified(tokens.access_token, world.issuer, "at+jwt");
    must(claims.cnf.jkt === (await jose.calculateJwkThumbprint(party.proofJwk)), "bound to another key");
    await party.identity(tokens, sent);
    party.nonce = undefined;
    const answer = await party.userinfo(tokens);
    must(answer.status === 200 && party.asked === (profile !== "basic"), `${answer.status}, asked: ${party.asked}`);
    must(party.nonce, "no nonce for the next proof");
    party.nonce = "made up";
    must((await party.userinfo(tokens)).status === 200 && party.asked, "a nonce of nobody is taken");
    await party.bind();
    must((await party.userinfo(tokens)).status === 401, "another key opened userinfo");
  },
  [`${profile}-refresh`]: async () => {
    const party = await RelyingParty.open(name);
    const { tokens } = await party.login(LASTING);
    const { refresh_token } = tokens;
    const next = await party.told(as.token_endpoint, { grant_type: "refresh_token", refresh_token });
    const read = ({ access_token }) => verified(access_token, world.issuer, "at+jwt");
    const [before, after] = [await read(tokens), await read(next)];
    must(before.sub === after.sub && before.jti !== after.jti, "not another token of the same subject");
    must((await verified(next.id_token, party.id, "JWT")).sub === before.sub, "another subject");
  },
  [`${profile}-jwt-access-token`]: async () => {
    const party = await RelyingParty.open(name);
    const { tokens } = await party.login();
    const claims = await verified(tokens.access_token, world.issuer, "at+jwt", ["ES256"]);
    must(claims.client_id === party.id && claims.scope === "openid" && claims.jti, JSON.stringify(claims));
    const bound = claims.cnf !== undefined;
    must(typeof claims.aud === "string" && bound === (profile === "border"), JSON.stringify(claims));
    await refused(verified(tokens.access_token, "https://other.localhost", "at+jwt"), CLAIM);
    await refused(verified(forged(tokens.access_token), world.issuer, "at+jwt"), SIGNATURE);
    await refused(verified(tokens.access_token, world.issuer, "JWT"), CLAIM);
  },
  [`${profile}-signed-introspection`]: async () => {
    const party = await RelyingParty.open(name);
    const { tokens } = await party.login();
    const answer = await party.introspect(tokens.access_token);
    const { token_introspection: told } = await verified(answer, party.id, "token-introspection+jwt");
    must(told.active && told.client_id === party.id, JSON.stringify(told));
    await refused(verified(answer, "another", "token-introspection+jwt"), CLAIM);
    await refused(verified(forged(answer), party.id), SIGNATURE);
    await refused(verified(answer, party.id, "at+jwt"), CLAIM);
  },
});
