// jose alone, under a relying party that speaks HTTP by itself: it makes and reads every signature and encryption.

import { run } from "./dialogue.mjs";
import { answers } from "./jose/answers.mjs";
import { federation } from "./jose/federation.mjs";
import { steps } from "./jose/steps.mjs";

await run({
  ...answers,
  ...steps("basic", "basic-signed"),
  ...steps("border", "border"),
  ...steps("federation", "federation"),
  ...federation,
});
