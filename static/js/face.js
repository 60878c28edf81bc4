// The camera page of a face job: lead through the takes that it asks for, hand them in, follow what becomes of them.
const root = document.getElementById("face");
const video = document.getElementById("camera");
const message = document.getElementById("message");
const take = document.getElementById("take");
const stop = document.getElementById("stop");
const upload = document.getElementById("upload");
const takes = [...root.querySelectorAll("[data-take]")];
const READ = 1800; // milliseconds to read or hear what to do, and to come back from what was done
const BACK = 1400;
const GAPS = { look_straight: 280, movement: 420 }; // between pictures: a head takes a second or two to turn
const LONG_SIDE = 1920; // pixels that a chosen file is reduced to

let stopped = false;

const say = (text, kind = "") => { message.textContent = text; message.dataset.kind = kind; };
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const post = (path, body) => fetch(path, {
  method: "POST", body, headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
});

function show(sign, words, when, done) {
  document.getElementById("sign").replaceChildren(sign.cloneNode(true));
  if (document.getElementById("words").textContent !== words) document.getElementById("words").textContent = words;
  if (document.getElementById("when").textContent !== when) document.getElementById("when").textContent = when;
  document.getElementById("ring").style.strokeDashoffset = String(100 * (1 - done));
}

async function openCamera() {
  try {
    take.disabled = true;
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" }, audio: false });
    video.addEventListener("playing", () => { take.disabled = false; }, { once: true }); // before that, pictures are empty
  } catch {
    take.hidden = document.getElementById("view").hidden = document.getElementById("now").hidden = true;
    upload.open = true;
    say(root.dataset.nocamera);
  }
}

function closeCamera() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
}

// A picture that was not there at the last one: a slow camera would otherwise be taken for a frozen one.
const fresh = () => Promise.race([
  pause(1000),
  new Promise((resolve) => { if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve); else resolve(); }),
]);

async function picture(canvas) {
  await fresh();
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
}

async function perform(item, number) {
  const sign = item.querySelector("svg");
  const words = item.querySelector("span").textContent;
  const straight = takes[0].querySelector("svg");
  const count = Number(item.dataset.frames);
  const canvas = document.createElement("canvas");
  const pictures = [];
  takes.forEach((one) => one.removeAttribute("aria-current"));
  item.setAttribute("aria-current", "step");
  root.dataset.phase = "ready";
  if (number > 1) { show(straight, root.dataset.back, root.dataset.ready, 0); await pause(BACK); }
  show(sign, words, root.dataset.ready, 0);
  await pause(READ);
  root.dataset.phase = "take";
  for (let place = 0; place < count && !stopped; place += 1) {
    pictures.push(await picture(canvas));
    show(sign, words, root.dataset.go, (place + 1) / count);
    await pause(GAPS[item.dataset.take] ?? GAPS.movement);
  }
  item.dataset.done = "yes";
  return pictures;
}

async function run() {
  take.hidden = upload.hidden = true;
  stop.focus({ preventScroll: true }); // the button that had the focus is gone
  document.getElementById("now").scrollIntoView({ block: "start" });
  say("");
  const done = [];
  for (const [number, item] of takes.entries()) {
    if (stopped) return;
    done.push(await perform(item, number));
  }
  if (!stopped) await handIn(done);
}

async function handIn(pictures) {
  const body = new FormData();
  pictures.forEach((frames, number) => frames.forEach((frame, place) => body.append(`frame-${number}`, frame, `${place}.jpg`)));
  takes.forEach((one) => one.removeAttribute("aria-current"));
  delete root.dataset.phase;
  document.getElementById("now").hidden = upload.hidden = true;
  say(root.dataset.busy);
  const answer = await post(root.dataset.post, body).catch(() => null);
  if (answer?.ok || answer?.status === 409) { await follow(); return; }
  const problem = await answer?.json().catch(() => ({})); // not every refusal is one of ours
  say(problem?.title ?? root.dataset.failed, "bad");
  takes.forEach((one) => delete one.dataset.done);
  document.getElementById("now").hidden = upload.hidden = false;
  take.hidden = !video.srcObject;
}

// What the server says as it happens; where it has no place to listen, or the browser cannot, it is asked again and again.
function follow() {
  closeCamera();
  document.getElementById("view").hidden = document.getElementById("now").hidden = take.hidden = upload.hidden = true;
  return new Promise((resolve) => {
    const events = new EventSource(root.dataset.state.replace(/state$/, "events"));
    events.onmessage = (event) => { if (over(JSON.parse(event.data))) { events.close(); resolve(); } };
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) resolve(ask()); }; // else it comes back itself
  });
}

async function ask() {
  for (;;) {
    const answer = await fetch(root.dataset.state).catch(() => null);
    if (answer?.status === 403 || answer?.status === 404) { window.location.reload(); return; } // the session has ended
    if (answer?.ok && over(await answer.json())) return; // not answered: the network comes back
    await pause(1000);
  }
}

function over(job) {
  if (job.text) say(job.text, ["failed", "dead"].includes(job.state) ? "bad" : "");
  if (["awaiting", "queued", "running"].includes(job.state)) return false;
  stop.hidden = take.hidden = upload.hidden = root.querySelector(".takes").hidden = true;
  if (job.state === "done") window.location.assign(root.dataset.done);
  else if (job.state !== "review") {
    const again = document.getElementById("again");
    again.hidden = false;
    again.focus();
  }
  return true;
}

async function giveUp() {
  const answer = await post(root.dataset.state.replace(/state$/, "cancel")).catch(() => null);
  if (!answer?.ok) return; // too late: what became of it is told by the events
  stopped = true;
  closeCamera();
  document.getElementById("view").hidden = document.getElementById("now").hidden = true;
  over(await answer.json());
}

// A file as a camera would have given it: telephones make pictures of many megapixels, of which a face needs few.
async function reduced(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  const scale = bitmap ? LONG_SIDE / Math.max(bitmap.width, bitmap.height) : 1;
  if (scale >= 1) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
}

async function handInFiles(event) {
  event.preventDefault();
  const inputs = [...upload.querySelectorAll("input")];
  const wrong = inputs.find((one) => one.files.length < Number(one.dataset.least) || one.files.length > Number(one.dataset.most));
  if (wrong) { say(root.dataset.few, "bad"); wrong.focus(); return; }
  const chosen = [];
  for (const input of inputs) {
    const ordered = [...input.files].sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
    chosen.push(await Promise.all(ordered.map(reduced)));
  }
  await handIn(chosen);
}

take.addEventListener("click", run);
stop.addEventListener("click", giveUp);
upload.querySelector("form").addEventListener("submit", handInFiles);
if (root.dataset.current === "awaiting") openCamera(); else { say(root.dataset.busy); follow(); }
