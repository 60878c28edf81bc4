// The lane's own server. What it does not answer in time, it does not answer at all: the traveller sees an officer.

export class NoServer extends Error {}

const SHORT = 6000; // ms
const LONG = 25000; // the first comparison after a start also loads the face engine

async function call(path, options, timeout) {
  let answer;
  try {
    answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(timeout) });
    if (answer.ok) return await answer.json();
  } catch (error) {
    throw new NoServer(String(error));
  }
  if (answer.status >= 500) throw new NoServer(String(answer.status));
  return null; // it cannot read what it was given: a picture, say, that is none
}

const post = (path, type, body, timeout = SHORT) =>
  call(path, { method: "POST", headers: { "Content-Type": type }, body }, timeout);

export const state = (language) => call(`/state?lang=${language}`, {}, SHORT);
export const texts = (language) => call(`/texts?lang=${language}`, {}, SHORT);
export const code = (language, picture) => post(`/code?lang=${language}`, picture.type, picture);
export const face = (language, id, frames) =>
  post(`/face?lang=${language}`, "application/json", JSON.stringify({ id, frames }), LONG);
export const cameraFailed = (language, id) =>
  post(`/camera-failed?lang=${language}`, "application/json", JSON.stringify({ id }));
