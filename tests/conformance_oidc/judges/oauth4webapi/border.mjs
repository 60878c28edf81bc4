// FAPI 2.0 clients.

import { must, privateKey, refused, stays, visit, world } from "../dialogue.mjs";
import { sealed } from "./basic.mjs";
import { as, clients, oauth, RelyingParty } from "./relying_party.mjs";
import { steps } from "./steps.mjs";

export const border = {
  ...steps("border", { name: "border", other: "border-other", rotates: false }),
  "border-par": async () => {
    const party = await RelyingParty.open("border");
    const { parameters } = await party.request();
    await stays(party.plain(parameters), "invalid_request");
    parameters.delete("code_challenge");
    await refused(party.pushed(parameters), "invalid_request");
  },
  "border-jar": async () => {
    const party = await RelyingParty.open("border-signing");
    await party.login({ response_mode: "jwt" });
    const { parameters } = await party.request();
    await refused(party.pushedSigned(parameters, clients.border.key), "invalid_request_object");
    await refused(party.pushed(parameters), "invalid_request");
  },
  "border-private-key-jwt": async () => {
    const authentication = oauth.PrivateKeyJwt(await privateKey(clients["border-other"].key));
    await refused((await RelyingParty.open("border", { authentication })).login(), "invalid_client");
  },
  "border-code-with-another-key": async () => {
    const party = await RelyingParty.open("border");
    const sent = await party.request();
    const brought = await party.answered(await visit(await party.url(sent.parameters)), sent);
    await refused((await party.with(true)).redeem(brought, sent), "invalid_grant");
  },
  "border-encrypted-answers": () => sealed("border-sealed", "A256GCM"),
  "border-client-credentials": async () => {
    const party = await RelyingParty.open("border-machine");
    const tokens = await party.credentials("orders");
    const seen = await party.presented(tokens);
    const claims = await oauth.validateJwtAccessToken(as, seen, world.issuer, { requireDPoP: true });
    must(claims.sub === "border-machine" && claims.scope === "orders", JSON.stringify(claims));
    await refused((await party.with(false)).credentials("orders"), "invalid_request");
  },
};
