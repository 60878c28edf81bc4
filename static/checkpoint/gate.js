// One traveller after the other: code, face, verdict. The server decides; this page only shows and brings pictures.

import { Camera, base64 } from "./camera.js";
import { page } from "./page.js";
import * as server from "./server.js";

const SCAN = 300; // ms between two looks for a code
const COUNT = 650; // ms for each of 3, 2, 1
const BURST = 280; // ms between two frames of a face
const STATE = 5000; // ms between two looks at the state; while nobody stands here the lane's other readers may be used
const STATE_WAITING = 1000;
const VERDICT = 6000; // ms
const FACE_TIME = 28000; // ms to choose pictures; the server waits 30 s
const REOPEN = 5000; // ms between two attempts to get a lost camera back

const byId = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const camera = new Camera(byId("video"));
const chosen = { code: null, faces: null };
const used = new Set(); // ids of travellers whose face this page has brought
let seen = 0; // the last verdict that stood here, by its place in the journal
let hadCamera = false;
let opened = 0;
let missing = false; // whether the note on the screen says that there is no camera

byId("code-file").querySelector("input").addEventListener("change", (event) => take(event, "code"));
byId("face-files").querySelector("input").addEventListener("change", (event) => take(event, "faces"));
byId("start-camera").addEventListener("click", () => openCamera());
setInterval(() => page.refresh().catch(() => {}), STATE);
run();

function take(event, what) {
  chosen[what] = [...event.target.files];
  event.target.value = "";
}

async function run() {
  for (;;) {
    try {
      await page.speak(page.language);
      seen = Math.max(seen, page.state.latest?.seq ?? 0);
      await openCamera();
      for (;;) await traveller();
    } catch (error) {
      if (!(error instanceof server.NoServer)) console.error(error);
      await unreachable();
    }
  }
}

async function openCamera() {
  opened = performance.now();
  hadCamera = (await camera.open()) || hadCamera;
  controls();
}

// What can be pressed. Pictures of faces from files are for a demonstration: the server must allow them.
function controls() {
  const phase = document.body.dataset.phase;
  document.body.toggleAttribute("data-camera", camera.live);
  byId("start-camera").hidden = camera.live || phase !== "code";
  byId("code-file").hidden = (camera.live && !page.state.picture_files) || phase !== "code";
  byId("face-files").hidden = !page.state.picture_files || phase !== "face";
}

async function traveller() {
  let answer = await untilCode();
  if (answer.phase === "face") answer = await untilFace(answer.id);
  if (answer?.phase === "verdict") return show(answer);
  page.note(page.words.too_late);
  setTimeout(() => page.note(""), VERDICT);
}

async function untilCode() {
  page.phase("code");
  missing = false;
  chosen.code = chosen.faces = null;
  let refreshed = performance.now();
  for (;;) {
    controls();
    const answer = await lookForCode();
    if (answer?.phase === "second" && !page.state.second) await page.refresh().then(() => page.say());
    else if (answer?.found && answer.phase !== "second" && answer.phase !== "first") return answer;
    if (performance.now() - refreshed > STATE_WAITING) {
      refreshed = performance.now();
      await page.refresh();
      page.say();
      const other = elsewhere(page.state);
      if (other) return other;
    }
    await sleep(SCAN);
  }
}

async function lookForCode() {
  if (chosen.code?.length) {
    const [picture] = chosen.code;
    chosen.code = null;
    page.note("");
    const answer = await server.code(page.language, picture);
    if (!answer?.found) page.note(page.words.no_code);
    return answer;
  }
  const frame = await camera.frame();
  if (frame === null && performance.now() - opened > REOPEN) await openCamera();
  if (camera.live === missing) {
    missing = !camera.live;
    page.note(missing ? page.words[hadCamera ? "camera_lost" : "no_camera"] : "");
  }
  return frame === null ? null : server.code(page.language, frame);
}

// What a hand scanner or a phone on the local link brought about.
function elsewhere({ waiting, latest }) {
  if (waiting && !used.has(waiting)) return { phase: "face", id: waiting };
  if (latest && latest.seq > seen) return { phase: "verdict", ...latest };
  return null;
}

async function untilFace(id) {
  used.add(id);
  page.note("");
  page.phase("face");
  controls();
  const frames = await burst();
  if (frames === null) {
    const answer = await server.cameraFailed(page.language, id);
    return answer?.phase === "verdict" ? { ...answer, key: "camera_lost" } : answer;
  }
  if (frames.length === 0) return null; // nobody chose a picture in time
  page.phase("checking");
  controls();
  return server.face(page.language, id, await Promise.all(frames.map(base64)));
}

// Frames of the traveller: from the camera; null when it fails; from files where there is none and the server allows.
async function burst() {
  if (!camera.live) return page.state.picture_files ? fromFiles() : null;
  for (const number of ["3", "2", "1"]) {
    page.count(number);
    await sleep(COUNT);
    if (chosen.faces?.length) break;
  }
  page.count("");
  if (chosen.faces?.length) return fromFiles();
  const frames = [];
  while (frames.length < 3) {
    const frame = await camera.frame(0.9);
    if (frame === null) return null;
    frames.push(frame);
    if (frames.length < 3) await sleep(BURST);
  }
  return frames;
}

async function fromFiles() {
  const end = performance.now() + FACE_TIME;
  const needed = page.state.frames_needed;
  while (performance.now() < end) {
    const files = chosen.faces;
    chosen.faces = null;
    if (files?.length >= needed) return files.slice(0, 6);
    if (files?.length) page.note(page.words.more_pictures.replace("{n}", needed));
    await sleep(100);
  }
  return [];
}

async function show(answer) {
  seen = Math.max(seen, answer.seq);
  page.note("");
  page.verdict(answer);
  controls();
  await new Promise((done) => {
    const timer = setTimeout(done, VERDICT);
    byId("next").onclick = () => (clearTimeout(timer), done());
  });
}

// The lane's server is gone: an officer, until it is back.
async function unreachable() {
  if (!page.words.see_officer) return sleep(1000); // it has never answered
  page.verdict({ verdict: "refer", head: "see_officer", key: "no_server", seq: -1 });
  document.body.toggleAttribute("data-unreachable", true);
  for (;;) {
    await sleep(2000);
    try {
      await page.refresh();
      break;
    } catch {
      // not yet
    }
  }
  document.body.toggleAttribute("data-unreachable", false);
}
