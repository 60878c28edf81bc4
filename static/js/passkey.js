// Passkeys in our pages: a form with data-passkey="register", "add" or "login" runs the ceremony of its endpoints.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const REFRESH = 240000; // milliseconds; the challenge of a waiting ceremony lives for 300 seconds

class Problem extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function post(url, body) {
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const type = answer.headers.get("Content-Type") || "";
  const content = type.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Problem(content.code || "other");
  return content;
}

const descriptors = (list) => (list || []).map((item) => ({ ...item, id: toBytes(item.id) }));

async function create(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  return serialise(credential, {
    attestationObject: toText(credential.response.attestationObject),
    transports: credential.response.getTransports ? credential.response.getTransports() : [],
  });
}

async function get(options, more) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: descriptors(options.allowCredentials),
    },
    ...more,
  });
  const { authenticatorData, signature, userHandle } = credential.response;
  return serialise(credential, {
    authenticatorData: toText(authenticatorData),
    signature: toText(signature),
    userHandle: userHandle ? toText(userHandle) : null,
  });
}

const serialise = (credential, response) => ({
  id: credential.id,
  rawId: toText(credential.rawId),
  type: credential.type,
  response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  clientExtensionResults: credential.getClientExtensionResults(),
});

function say(form, code) {
  const box = form.querySelector("[data-passkey-messages]");
  const texts = [...box.querySelectorAll("[data-code]")];
  const known = texts.some((text) => text.dataset.code === code) ? code : "other";
  texts.forEach((text) => { text.hidden = text.dataset.code !== known; });
  box.hidden = code === null;
}

function codeOf(error) {
  if (error instanceof Problem) return error.code;
  if (error.name === "InvalidStateError") return "known";
  return error.name === "NotAllowedError" || error.name === "AbortError" ? "cancelled" : "other";
}

let turn = Promise.resolve(); // the session holds one challenge: whoever asks last must also be answered last

function inTurn(url, body) {
  const ask = () => post(url, body);
  turn = turn.then(ask, ask);
  return turn;
}

async function ceremony(form, more = {}) {
  const value = (name) => form.querySelector(`[name=${name}]`)?.value.trim() ?? "";
  const kind = form.dataset.passkey;
  const facts = kind === "register" ? { username: value("username"), display_name: value("display_name") } : {};
  if (kind === "register" && !facts.username) throw new Problem("invalid_request");
  const options = await inTurn(form.dataset.options, facts);
  const credential = kind === "login" ? await get(options, more) : await create(options);
  const name = kind === "add" ? value("name") : "";
  return post(form.dataset.complete, { credential, name, next: form.dataset.next });
}

function start(form) {
  const button = form.querySelector("[data-passkey-start]");
  if (!button) return;
  let waiting = null; // the ceremony that autofill waits in, until the button or the clock ends it

  button.addEventListener("click", async () => {
    waiting?.abort();
    say(form, null);
    if (!window.PublicKeyCredential) { say(form, "unsupported"); return; }
    button.disabled = true;
    try {
      window.location.assign((await ceremony(form)).next);
    } catch (error) {
      const code = codeOf(error);
      if (code === "insufficient_user_authentication" && form.dataset.login) window.location.assign(form.dataset.login);
      say(form, code);
    } finally {
      button.disabled = false;
    }
  });

  async function autofill() {
    const possible = await window.PublicKeyCredential?.isConditionalMediationAvailable?.();
    while (possible && !button.disabled) {
      const controller = new AbortController();
      waiting = controller;
      const timer = setTimeout(() => controller.abort("refresh"), REFRESH);
      try {
        window.location.assign((await ceremony(form, { mediation: "conditional", signal: controller.signal })).next);
        return;
      } catch (error) {
        if (error !== "refresh") {
          if (error instanceof Problem) say(form, error.code);
          return;
        }
      } finally {
        clearTimeout(timer);
      }
    }
  }
  if (form.dataset.passkey === "login") autofill();

  form.addEventListener("keydown", (event) => { // Enter in a text field means the button that is shown first
    if (event.key === "Enter" && event.target.matches("input") && !event.target.closest("details")) {
      event.preventDefault();
      button.click();
    }
  });
}

document.querySelectorAll("form[data-passkey]").forEach(start);
