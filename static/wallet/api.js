// The phone's JSON interface. A failure becomes a `WalletError` whose code has words.

export class WalletError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export const get = (path) => call(path, {});
export const post = (path, value) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store" });
  } catch {
    throw new WalletError("phone_silent");
  }
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new WalletError(value.code ?? "other");
  return value;
}
