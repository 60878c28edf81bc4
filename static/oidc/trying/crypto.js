// Keys, signatures and hashes of a client, all by WebCrypto. A private key cannot be taken out of the browser.
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { ES256: [ALGORITHM, { name: "ECDSA", hash: "SHA-256" }] };
SIGNING.RS256 = [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }];
const encode = (text) => new TextEncoder().encode(text);

export const base64 = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
export const random = (bytes = 32) => base64(crypto.getRandomValues(new Uint8Array(bytes)));
export const hash = async (text) => base64(await crypto.subtle.digest("SHA-256", encode(text)));
export const seconds = () => Math.floor(Date.now() / 1000);

/** A new key pair: {jwk, privateKey}; the private half is not extractable, the public one named by its thumbprint. */
export async function makeKey() {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const kid = await hash(JSON.stringify({ crv, kty, x, y })); // RFC 7638 §3
  return { jwk: { kty, crv, x, y, kid }, privateKey: pair.privateKey };
}

/** A compact JWS (RFC 7515 §7.1). */
export async function sign(key, header, claims) {
  const input = [{ alg: "ES256", ...header }, claims].map((part) => base64(encode(JSON.stringify(part)))).join(".");
  const [, how] = SIGNING.ES256;
  return `${input}.${base64(await crypto.subtle.sign(how, key.privateKey, encode(input)))}`;
}

/** Header and claims of a compact JWS, not verified; null for anything else. */
export function decode(text) {
  const parts = typeof text === "string" ? text.split(".") : [];
  if (parts.length !== 3) return null;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(toBytes(part))));
    return { header, claims };
  } catch {
    return null;
  }
}

/** The kid of the key of `jwks` by which `text` is signed, or null. */
export async function verify(text, jwks) {
  const { header } = decode(text) ?? { header: {} };
  const jwk = jwks.keys.find((one) => one.kid === header.kid);
  if (!jwk || !(header.alg in SIGNING) || (jwk.alg && jwk.alg !== header.alg)) return null;
  const [imported, how] = SIGNING[header.alg];
  const { kty, crv, x, y, n, e } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y, n, e }, imported, false, ["verify"]);
  const [head, body, signature] = text.split(".");
  return (await crypto.subtle.verify(how, key, toBytes(signature), encode(`${head}.${body}`))) ? jwk.kid : null;
}

function toBytes(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
}
