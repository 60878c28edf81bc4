// oauth4webapi as a relying party and as a resource server of the node.

import { run } from "./dialogue.mjs";
import { basic } from "./oauth4webapi/basic.mjs";
import { border } from "./oauth4webapi/border.mjs";
import { federation } from "./oauth4webapi/federation.mjs";

await run({ ...basic, ...border, ...federation });
