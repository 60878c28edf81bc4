"""A real Chromium: with a virtual authenticator, and with a fake camera that plays what a lane would see."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FRAME = (1280, 720)
RATE = 30  # frames a second, as Chromium plays an .mjpeg
MINUTE = 60_000  # milliseconds


def need_chromium() -> str:
    """The path of Debian's Chromium; skips where there is none, and fails there under CI."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is required under CI")
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    return CHROMIUM


@contextmanager
def chromium(playwright: Playwright, *, camera: Path | None = None) -> Iterator[BrowserContext]:
    """A fresh browser; ``camera`` is an .mjpeg that its camera plays, over and over."""
    arguments = list(QUIET)
    if camera is not None:
        arguments += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
    browser = playwright.chromium.launch(executable_path=need_chromium(), args=arguments)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(MINUTE)
    expect.set_options(timeout=MINUTE)
    try:
        yield context
    finally:
        browser.close()


def photograph(page: Page, name: str, *widths: int) -> None:
    """Keep the whole page as ``name.png`` in the folder that ``CAUSEWAY_SCREENSHOTS`` names, if it does.

    With ``widths`` (pixels) one ``name-WIDTH.png`` at each, and then the page is as wide as Chromium opened it.
    """
    folder = os.environ.get("CAUSEWAY_SCREENSHOTS")
    if not folder:
        return
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    if widths:
        page.set_viewport_size({"width": 1280, "height": 900})
    else:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def give_authenticator(page: Page) -> None:
    """A virtual authenticator that holds discoverable credentials and has just seen its user."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


CODE_SECONDS, FACE_SECONDS = 1.5, 8.5


def film(path: Path, code: bytes, faces: Sequence[bytes]) -> Path:
    """What a lane's camera sees: the phone's code for a while, then a face that lives."""
    frames = [_on_frame(code)] * int(CODE_SECONDS * RATE)
    each = RATE // 5  # a new position five times a second
    while len(frames) < (CODE_SECONDS + FACE_SECONDS) * RATE:
        for face in faces:
            frames += [face] * each
    path.write_bytes(b"".join(frames))
    return path


def _on_frame(code: bytes) -> bytes:
    """A picture of a code (PNG) in the middle of a camera frame, as a phone held up to it."""
    picture = cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    side = FRAME[1] - 40
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((FRAME[1], FRAME[0], 3), 70, np.uint8)
    left = (FRAME[0] - side) // 2
    frame[20 : 20 + side, left : left + side] = picture
    return bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
