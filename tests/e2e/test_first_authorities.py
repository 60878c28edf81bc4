"""The guide for two authorities from nothing, typed and clicked as it stands: a new operator has nothing else."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright, sync_playwright

from idp.outbound import Outbound
from idp.protocol.refusals import Unavailable
from tests.e2e.browser import chromium, film, give_authenticator, need_chromium
from tests.e2e.test_browser import allow, at_gate, code_of, faces, link_document, register
from tests.e2e.worlds import OURS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/first-authorities.md").read_text("utf-8")
PORT = 9900
_PART = re.compile(r"^```bash\n(?P<typed>.*?)^```$|^<!-- browser: (?P<clicked>[a-z]+) -->$", re.M | re.S)
SECONDS = 120  # for one block, on a machine that does other things too
DOCUMENT = {  # as the guide has it
    "type": "eep",
    "number": "CA1234567",
    "birth_date": "1990-01-01",
    "expires_on": "2033-01-01",
    "name_latin": "SPECIMEN JIA",
}

pytestmark = [pytest.mark.browser, pytest.mark.e2e]


class Shell:
    """One bash, as somebody has it open; `type` gives it a block and waits until it is through."""

    def __init__(self, world: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        for name in ("DEBUG", "INSECURE_LOOPBACK_HTTP", "ALLOWED_HOSTS"):
            inherited.pop(name, None)
        self._output = world / "shell.txt"
        self._blocks = 0
        with self._output.open("wb") as output:
            self._bash = subprocess.Popen(
                ["bash", "-eo", "pipefail"],
                cwd=ROOT,
                env={**inherited, "WORLD": str(world), "PORT": str(PORT)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def type(self, block: str) -> str:
        """What the block printed. Fails where a command of it does."""
        self._blocks += 1
        before, mark = self.read(), f"block {self._blocks} is through"
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{block}\necho '{mark}'\n".encode())
        self._bash.stdin.flush()
        deadline = time.monotonic() + SECONDS
        while mark not in (said := self.read()[len(before) :]):
            assert self._bash.poll() is None, f"{block}\n{said[-4000:]}"
            assert time.monotonic() < deadline, f"{block}\n{said[-4000:]}"
            time.sleep(0.05)
        return said.removesuffix(f"{mark}\n")

    def read(self) -> str:
        return self._output.read_text("utf-8", "replace")

    def close(self) -> list[str]:
        """End it and what it left behind, which is told."""
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        try:
            self._bash.wait(10)
            return sorted(self._alive())
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._bash.pid, signal.SIGKILL)

    def _alive(self) -> Iterator[str]:
        """The processes of its group, without those that have ended and are asked for by nobody (proc(5))."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                name, _, rest = path.read_text().rpartition(")")
                state, _, group = rest.split()[:3]
                if int(group) == self._bash.pid and state != "Z":
                    yield name


class Visitor:
    """Whoever sits at the browser and does what the guide says there. Each method is named as its mark in the guide."""

    def __init__(self, playwright: Playwright, context: BrowserContext, shell: Shell, world: Path) -> None:
        self._playwright, self._context, self._shell, self._world = playwright, context, shell, world
        self._traveller = context.new_page()
        self._traveller.set_default_timeout(SECONDS * 1000)
        give_authenticator(self._traveller)
        self.cn, self.hk, self.phone, self.lane = (
            f"http://{name}localhost:{PORT + number}" for name, number in (("cn.", 1), ("hk.", 2), ("", 4), ("", 5))
        )

    def officers(self) -> None:
        links = re.findall(r"^ +([a-z-]+): (http://\S+/admin/enrol/\S+)$", self._shell.read(), re.M)
        assert [name for name, _ in links] == ["cn-first", "cn-second", "hk-first", "hk-second"]
        for name, link in links:
            site = link.split("/admin/")[0]
            answers(f"{site}/admin/login/")
            assert self._context.browser is not None
            context = self._context.browser.new_context(locale="en-GB")  # each officer has one of one's own
            page = context.new_page()
            give_authenticator(page)
            page.goto(link)
            page.get_by_label("Name of the passkey").fill(f"{name}'s key")
            page.get_by_role("button", name="Make a passkey").click()
            page.wait_for_url(f"{site}/admin/", timeout=SECONDS * 1000)
            context.close()

    def enrolment(self) -> None:
        register(self._traveller, self.cn)
        link_document(self._traveller, DOCUMENT, self._pictures)

    def consent(self) -> None:
        answers(f"{self.phone}/api/state")
        allow(self._traveller, self.phone, self.cn)

    def crossing(self) -> None:
        answers(f"{self.lane}/state")
        seen = film(self._world / "seen.mjpeg", code_of(self._traveller, self.phone, place=0), faces(0))
        at_gate(self._playwright, self.lane, seen, "admit", "Please pass")

    def _pictures(self, take: str) -> list[str]:
        return sorted(str(path) for path in (self._world / "specimen/pictures").glob(f"jia-{take}-*.jpg"))


def answers(url: str) -> None:
    """Wait as somebody does who reloads a page."""
    deadline, client = time.monotonic() + SECONDS, Outbound(insecure_loopback_http=True)
    while True:
        try:
            client.request("GET", url)
        except Unavailable:
            assert time.monotonic() < deadline, f"nothing answers at {url}"
            time.sleep(0.2)
        else:
            client.close()
            return


@pytest.fixture
def world(tmp_path: Path) -> Path:
    need_chromium()
    folder = tmp_path / "two"
    folder.mkdir()
    return folder


@pytest.fixture
def shell(world: Path) -> Iterator[Shell]:
    shell = Shell(world)
    yield shell
    shell.close()


def test_the_guide_leads_from_nothing_to_the_first_crossing(shell: Shell, world: Path) -> None:
    said: list[str] = []
    with sync_playwright() as playwright, chromium(playwright) as context:
        visitor = Visitor(playwright, context, shell, world)
        for part in _PART.finditer(GUIDE):
            if part["clicked"]:
                getattr(visitor, part["clicked"])()
            else:
                said.append(shell.type(part["typed"]))
    founded = next(text for text in said if "What to do next" in text)
    assert founded.count("2 officers, 2 links") == 2
    agreed = next(text for text in said if "to be compared" in text)
    for name in ("cn", "hk"):
        read_out = (world / f"{name}-read-out.txt").read_text().strip()
        assert len(read_out.split()) == 16
        assert agreed.count(read_out) == 3, "read out, seen by the peer, and found the same"
    recognised = next(text for text in said if "mutual" in text)
    assert len(re.findall(r"^mutual +http://(cn|hk)\.localhost", recognised, re.M)) == 2
    checks = [re.findall(r"^(?:error|warning) +(idp\.\w+)", text, re.M) for text in said if "remedy:" in text]
    assert [sorted(found) for found in checks] == [sorted(["idp.W102", "idp.W115", "idp.W200"] * 2)] * 2
    decided = next(text for text in said if "entry-1 entry enrolled" in text)
    assert "admit" in decided
    assert "1 receipts agree" in decided
    assert shell.close() == [], "the guide left something running"
