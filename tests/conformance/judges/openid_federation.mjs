// @openid-federation/core as the judge of two nodes. Reads {hk, mo, rp, anchors} as JSON from its argument and prints one
// JSON line for each module: {"module", "outcome", "detail"}; "detail" is what it resolved, or why it failed.
//
// The library is of an old draft. It appends "?" to addresses and sends a parameter "iss" to the fetch endpoint: a node
// ignores both. It leaves the signature's arithmetic to its caller: that is Node's own `crypto` here.

import { createPublicKey, verify } from "node:crypto";
import dns from "node:dns";
import { createRequire } from "node:module";

const library = createRequire(`${process.env.JUDGE_MODULES}/`)("@openid-federation/core");
const { hk, mo, rp, anchors } = JSON.parse(process.argv[2]);
const HASHES = { ES256: "sha256", RS256: "sha256" };

// *.localhost is this machine, whatever its resolver says (RFC 6761 section 6.3).
dns.lookup = (host, options, callback) => {
  if (!host.endsWith(".localhost")) throw new Error(`${host} is not of this machine`);
  return options.all ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4);
};

const verifyJwtCallback = async ({ header, jwk, data, signature }) => {
  if (!(header.alg in HASHES)) return false;
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return verify(HASHES[header.alg], data, { key, dsaEncoding: "ieee-p1363" }, signature);
};

const require_ = (condition, text) => {
  if (!condition) throw new Error(text);
};
const kids = (jwks) => jwks.keys.map((key) => key.kid).sort().join();
const refused = async (promise) => promise.then(() => false, () => true);
const resolved = async (entityId, anchor) => {
  const chains = await library.resolveTrustChains({ entityId, trustAnchorEntityIds: [anchor], verifyJwtCallback });
  require_(chains.length === 1 && chains[0].valid, `${chains.length} chains`);
  require_(kids(chains[0].trustAnchorEntityConfiguration.jwks) === kids(anchors[anchor]), "another anchor's keys");
  return chains[0];
};
const path = (chain) => chain.map((statement) => `${statement.iss} of ${statement.sub}`).join(", ");

// A network on which everything that was signed says something else, or nothing at all that was signed by `keep`.
const rewriting = (change) => async (url, options) => {
  const answer = await fetch(url, options);
  const [head, body, signature] = (await answer.text()).split(".");
  const claims = change(JSON.parse(Buffer.from(body, "base64url")));
  const text = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
  return new Response(text, { status: answer.status, headers: { "content-type": answer.headers.get("content-type") } });
};

const modules = {
  "fetches-the-entity-configurations": async () => {
    for (const entityId of [hk, mo, rp]) {
      const claims = await library.fetchEntityConfiguration({ entityId, verifyJwtCallback });
      require_(claims.iss === entityId && claims.sub === entityId, `${entityId} speaks for ${claims.sub}`);
      if (entityId in anchors) require_(kids(claims.jwks) === kids(anchors[entityId]), "other keys than on paper");
    }
  },
  "fetches-the-subordinate-statements": async () => {
    for (const [iss, sub] of [[hk, mo], [mo, hk], [hk, rp]]) {
      const claims = await library.fetchEntityStatement({ iss, sub, verifyJwtCallback });
      require_(claims.iss === iss && claims.sub === sub, `${claims.iss} of ${claims.sub}`);
    }
  },
  "resolves-a-relying-party": async () => {
    const { chain, resolvedLeafMetadata } = await resolved(rp, hk);
    require_(path(chain) === `${hk} of ${rp}, ${hk} of ${hk}`, path(chain));
    return resolvedLeafMetadata;
  },
  // Its resolver demands of a relying party what the policy wants of the providers above it: so its chain is walked and
  // verified statement by statement.
  "walks-through-an-intermediate": async () => {
    const options = { leafEntityId: rp, trustAnchorEntityIds: [mo], verifyJwtCallback };
    const [entityConfigurations] = await library.fetchEntityConfigurationChains(options);
    const chain = await library.fetchEntityStatementChain({ entityConfigurations, verifyJwtCallback });
    require_(path(chain) === `${hk} of ${rp}, ${mo} of ${hk}, ${mo} of ${mo}`, path(chain));
  },
  // Its chains forget entity types that it does not know, and policy about them with the metadata: so the policy is
  // applied to the metadata as sent, by its engine, to what its own fetching has verified.
  "applies-the-policy-about-a-peer": async () => {
    const call = { iss: hk, sub: mo, verifyJwtCallback };
    const statements = [await library.fetchEntityStatement(call)];
    await library.fetchEntityConfiguration({ entityId: mo, verifyJwtCallback });
    const sent = await (await fetch(`${mo}/.well-known/openid-federation`)).text();
    const { metadata: leafMetadata } = JSON.parse(Buffer.from(sent.split(".")[1], "base64url"));
    const { mergedPolicy: policyMetadata } = library.combineMetadataPolicies({ statements });
    return library.applyMetadataPolicyToMetadata({ leafMetadata, policyMetadata }).resolvedLeafMetadata;
  },
  "walks-the-loop-of-mutual-recognition-once": async () => {
    const options = { leafEntityId: rp, trustAnchorEntityIds: [hk, mo], verifyJwtCallback };
    const chains = await library.fetchEntityConfigurationChains(options);
    require_(chains.length === 2, `${chains.length} ways to two anchors`);
  },
  "finds-no-chain-of-a-stranger": async () => {
    const call = { iss: hk, sub: "https://stranger.example", verifyJwtCallback };
    require_(await refused(library.fetchEntityStatement(call)), "a statement about a stranger");
  },
  "refuses-a-changed-configuration": async () => {
    const fetchCallback = rewriting((claims) => ({ ...claims, exp: claims.exp + 1 }));
    const untouched = rewriting((claims) => claims);
    await library.fetchEntityConfiguration({ entityId: hk, verifyJwtCallback, fetchCallback: untouched });
    const call = library.fetchEntityConfiguration({ entityId: hk, verifyJwtCallback, fetchCallback });
    require_(await refused(call), "a changed configuration was believed");
  },
  "refuses-a-statement-under-another-key": async () => {
    const configuration = await library.fetchEntityConfiguration({ entityId: hk, verifyJwtCallback });
    const call = (jwks) => ({ iss: hk, sub: mo, verifyJwtCallback, issEntityConfiguration: { ...configuration, jwks } });
    await library.fetchEntityStatement(call(configuration.jwks));
    const swapped = { keys: [{ ...anchors[mo].keys[0], kid: configuration.jwks.keys[0].kid }] };
    require_(await refused(library.fetchEntityStatement(call(swapped))), "another key's statement was believed");
  },
};

for (const [module, judge] of Object.entries(modules)) {
  const verdict = await judge().then(
    (detail) => ({ outcome: "passed", detail: detail ?? null }),
    (error) => ({ outcome: "failed", detail: `${error.message} ${error.cause ?? ""}`.trim() }),
  );
  console.log(JSON.stringify({ module, ...verdict }));
}
