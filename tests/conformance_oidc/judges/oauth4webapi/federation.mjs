// A relying party that no officer registered: the node finds it by its trust chain.

import { refused, stays } from "../dialogue.mjs";
import { clients, RelyingParty } from "./relying_party.mjs";
import { steps } from "./steps.mjs";

export const federation = {
  ...steps("federation", { name: "federation", other: "basic-other", rotates: false }),
  "federation-jar": async () => {
    const party = await RelyingParty.open("federation");
    const { parameters } = await party.request();
    await stays(party.plain(parameters), "invalid_request");
    await stays(await party.signed(parameters, clients.border.key), "invalid_request_object");
  },
  "federation-par": async () => {
    const party = await RelyingParty.open("federation");
    await party.login({}, party.pushed);
    await party.login({}, party.pushedSigned);
    const { parameters } = await party.request({ redirect_uri: "https://other.localhost/" });
    await refused(party.pushedSigned(parameters), "invalid_request");
  },
};
