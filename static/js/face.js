// The camera page of a face job: take a burst, hand it in, wait for the worker.
const root = document.getElementById("face");
const video = document.getElementById("camera");
const message = document.getElementById("message");
const take = document.getElementById("take");
const files = document.getElementById("files");
const stop = document.getElementById("stop");
const GAP = 280; // milliseconds between pictures: long enough for a living face to move a little

const say = (text, kind = "") => { message.textContent = text; message.dataset.kind = kind; };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function openCamera() {
  try {
    take.disabled = true;
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 }, audio: false });
    video.addEventListener("playing", () => { take.disabled = false; }, { once: true }); // before that, pictures are empty
  } catch {
    video.hidden = take.hidden = true;
    say(root.dataset.nocamera);
  }
}

async function burst() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const pictures = [];
  for (let number = 0; number < Number(root.dataset.frames); number += 1) {
    canvas.getContext("2d").drawImage(video, 0, 0);
    pictures.push(await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92)));
    await pause(GAP);
  }
  return pictures;
}

async function handIn(pictures) {
  const body = new FormData();
  pictures.forEach((picture, number) => body.append("frame", picture, `${number}.jpg`));
  take.disabled = files.disabled = true;
  say(root.dataset.busy);
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(root.dataset.post, { method: "POST", body, headers: { "X-CSRFToken": token } });
  if (answer.ok || answer.status === 409) return follow();
  const problem = await answer.json().catch(() => ({})); // not every refusal is one of ours
  say(problem.title ?? root.dataset.failed, "bad");
  take.disabled = files.disabled = false;
  return undefined;
}

function closeCamera() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
}

// What the server says as it happens; where it has no place to listen, or the browser cannot, it is asked again and again.
function follow() {
  closeCamera();
  offerToStop();
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
  stop.hidden = take.hidden = files.disabled = true;
  if (job.state === "done") window.location.assign(root.dataset.done);
  else if (job.state !== "review") document.getElementById("again").hidden = false;
  return true;
}

function offerToStop() {
  stop.hidden = false;
  stop.addEventListener("click", () => {
    const token = document.querySelector("meta[name=csrf-token]").content;
    fetch(root.dataset.state.replace(/state$/, "cancel"), { method: "POST", headers: { "X-CSRFToken": token } });
  }, { once: true });
}

take.addEventListener("click", async () => handIn(await burst()));
files.addEventListener("change", () => {
  if (files.files.length < Number(root.dataset.frames)) { say(root.dataset.few, "bad"); return; }
  handIn([...files.files]);
});
if (root.dataset.current === "awaiting") openCamera(); else { say(root.dataset.busy); follow(); }
