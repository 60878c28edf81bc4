// openid-client as a relying party of the node: conventional, FAPI 2.0 and federated.

import { run } from "./dialogue.mjs";
import { basic } from "./openid_client/basic.mjs";
import { border } from "./openid_client/border.mjs";
import { federation } from "./openid_client/federation.mjs";
import { registration } from "./openid_client/registration.mjs";

await run({ ...basic, ...border, ...federation, ...registration });
