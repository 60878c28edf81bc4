// The lane's camera: whether it lives, and still frames of it.

const WANTED = { video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" }, audio: false };
const STALLED = 2500; // ms without a new frame

export class Camera {
  #video;
  #track = null;
  #lastFrame = 0;
  #canvas = document.createElement("canvas");

  constructor(video) {
    this.#video = video;
  }

  get live() {
    if (this.#track === null || this.#track.readyState !== "live" || this.#video.readyState < 2) return false;
    return performance.now() - this.#lastFrame < STALLED;
  }

  // Whether it could be opened; a browser without a camera, or without leave to use it, answers no.
  async open() {
    this.#track?.stop();
    this.#track = null;
    if (!navigator.mediaDevices) return false;
    try {
      const stream = await navigator.mediaDevices.getUserMedia(WANTED);
      this.#video.srcObject = stream;
      this.#track = stream.getVideoTracks()[0];
      await this.#video.play();
      this.#lastFrame = performance.now();
      this.#watch(this.#track);
      return true;
    } catch {
      return false;
    }
  }

  // One JPEG, or null when there is no picture.
  async frame(quality = 0.85) {
    if (!this.live) return null;
    this.#canvas.width = this.#video.videoWidth;
    this.#canvas.height = this.#video.videoHeight;
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0);
    return new Promise((done) => this.#canvas.toBlob(done, "image/jpeg", quality));
  }

  #watch(track) {
    if (track !== this.#track) return;
    this.#video.requestVideoFrameCallback(() => {
      this.#lastFrame = performance.now();
      this.#watch(track);
    });
  }
}

export async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}
