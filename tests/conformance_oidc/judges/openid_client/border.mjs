// FAPI 2.0 clients: everything is pushed and bound to a key, and what is asked and answered may be signed.

import { must, refused, stays, visit } from "../dialogue.mjs";
import { sealed } from "./basic.mjs";
import { client, clients, RelyingParty } from "./relying_party.mjs";
import { steps } from "./steps.mjs";

export const border = {
  ...steps("border", { name: "border", other: "border-other", rotates: false }),
  "border-par": async () => {
    const party = await RelyingParty.open("border");
    const { parameters } = await party.request();
    await stays(party.plain(parameters), "invalid_request");
    const { code_challenge, code_challenge_method, ...bare } = parameters;
    await refused(party.pushed(bare), "invalid_request");
    await refused(party.pushed({ ...parameters, redirect_uri: "https://other.localhost/" }), "invalid_request");
  },
  "border-jar": async () => {
    const party = await RelyingParty.open("border-signing", { execute: [client.useJwtResponseMode] });
    await party.login();
    const { parameters } = await party.request();
    await refused(party.pushedSigned(parameters, clients.border.key), "invalid_request_object");
    await refused(party.pushed(parameters), "invalid_request");
  },
  "border-private-key-jwt": async () => {
    const { kid } = clients.border.key;
    const authentication = client.PrivateKeyJwt({ key: (await client.randomDPoPKeyPair("ES256")).privateKey, kid });
    await refused((await RelyingParty.open("border", { authentication })).login(), "invalid_client");
  },
  "border-code-with-another-key": async () => {
    const party = await RelyingParty.open("border");
    const { parameters, checks } = await party.request();
    const callback = await visit(await party.url(parameters));
    await refused((await party.with(true)).redeem(callback, checks), "invalid_grant");
  },
  "border-encrypted-answers": () => sealed("border-sealed", "A256GCM"),
  "border-client-credentials": async () => {
    const party = await RelyingParty.open("border-machine");
    const tokens = await client.clientCredentialsGrant(party.config, { scope: "orders" }, party.options);
    must(tokens.token_type === "dpop" && !tokens.refresh_token, JSON.stringify(tokens));
    await refused(client.clientCredentialsGrant(party.config, { scope: "orders" }), "invalid_request");
  },
};
