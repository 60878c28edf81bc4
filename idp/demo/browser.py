"""The traveller's browser, without a screen: it fetches the real pages, fills in their forms and keeps their cookies.

A software authenticator does what the lock of the phone does; nothing is posted that the page did not ask for.
"""

import http.client
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from idp.demo.authenticator import Authenticator
from idp.protocol import strict_json

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
JOB_SECONDS = 90.0  # a face job takes one or two seconds; a worker that just starts takes longer


REQUEST_SECONDS = 30.0


Camera = Callable[[Sequence[str]], Sequence[Sequence[bytes]]]  # instructions to takes, one more


@dataclass(frozen=True)
class Answer:
    """What a node answered; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    cookies: Sequence[str]
    body: bytes


class UnableToBrowse(RuntimeError):
    """A page did not offer what the traveller looked for; the message says which."""


@dataclass
class Form:
    """The first form of a page: where it goes, and what would be sent when nothing is changed."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)  # data-* attributes
    choices: dict[str, list[str]] = field(default_factory=dict)  # of radio buttons


class Browser:
    """One browser session at one origin."""

    def __init__(self, origin: str, authenticator: Authenticator) -> None:
        self.origin, self.authenticator = origin, authenticator
        self._cookies: dict[str, str] = {}

    def exchange(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send one request; a browser that speaks TLS has another way."""
        return exchange(method, url, content, headers)

    def register(self, username: str) -> None:
        """Make an account with a passkey."""
        form = self._form("/account/register")
        options = self._json(form.data["options"], {"username": username, "display_name": username}, form)
        credential = self.authenticator.create(options)
        self._json(form.data["complete"], {"credential": credential, "next": form.data["next"]}, form)

    def log_in(self, path: str) -> str:
        """Log in with the passkey on the login page at ``path``; where to go on."""
        form = self._form(path)
        credential = self.authenticator.get(self._json(form.data["options"], {}, form))
        answer = self._json(form.data["complete"], {"credential": credential, "next": form.data["next"]}, form)
        return str(answer["next"])

    def link_document(self, facts: Mapping[str, str], camera: Camera) -> None:
        """Name a document of the register, do before ``camera`` what the page asks for, wait for the worker."""
        form = self._form("/account/documents/link")
        names = ("type", "number", "birth_date", "expires_on")
        answer = self._post("/account/documents/link", {**form.values, **{name: facts.get(name, "") for name in names}})
        if answer.status != 302:
            raise UnableToBrowse(f"the document was not found: status {answer.status}")
        page = answer.headers["location"]
        shown = _read(self._get(page))
        self._upload(f"{page}/frames", camera(shown.takes[1:]), shown.token)
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            state = strict_json.loads_object(self._get(f"{page}/state").body)
            if state["state"] == "done":
                return
            if state["state"] not in ("queued", "running"):
                raise UnableToBrowse(f"the face was not confirmed: {state}")
            time.sleep(0.05)
        raise UnableToBrowse("no worker compared the face in time")

    def consent(self, authorization_url: str) -> str:
        """Log in where asked, read the consent page, allow; the address at the phone that the authority sends to."""
        answer = self._get(authorization_url)
        if answer.status in (302, 303) and "/account/login" in answer.headers["location"]:
            answer = self._get(self.log_in(answer.headers["location"]))
        form = _parse(answer)
        chosen = {name: values[0] for name, values in form.choices.items()}
        answer = self._post(form.action, {**form.values, **chosen, "decision": "allow"})
        if answer.status != 303:
            raise UnableToBrowse(f"consent was answered {answer.status}")
        return answer.headers["location"]

    def _form(self, path: str) -> Form:
        return _parse(self._get(path))

    def _get(self, path: str) -> Answer:
        return self._request("GET", path)

    def _post(self, path: str, values: Mapping[str, str]) -> Answer:
        return self._request("POST", path, urlencode(values).encode(), {"Content-Type": FORM})

    def _json(self, path: str, value: Mapping[str, Any], form: Form) -> dict[str, Any]:
        headers = {"Content-Type": JSON, "X-CSRFToken": form.values["csrfmiddlewaretoken"]}
        answer = self._request("POST", path, strict_json.dumps(dict(value)), headers)
        if answer.status not in (200, 201):
            raise UnableToBrowse(f"{path} was answered {answer.status}: {answer.body[:300]!r}")
        return strict_json.loads_object(answer.body)

    def _upload(self, path: str, takes: Sequence[Sequence[bytes]], token: str) -> None:
        boundary = secrets.token_hex(16)
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="frame-{take}"; filename="{number}.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode()
            + frame
            + b"\r\n"
            for take, frames in enumerate(takes)
            for number, frame in enumerate(frames)
        ]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-CSRFToken": token}
        answer = self._request("POST", path, body, headers)
        if answer.status != 202:
            raise UnableToBrowse(f"the pictures were answered {answer.status}: {answer.body[:300]!r}")

    def _request(
        self, method: str, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = urljoin(self.origin, path)
        if _origin(url) != self.origin:
            raise UnableToBrowse(f"{url} is another origin")
        sent = {**(headers or {}), "Origin": self.origin, "Referer": self.origin + "/"}
        if self._cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = self.exchange(method, url, content, sent)
        for cookie in answer.cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self._cookies[name.strip()] = value
        if answer.status >= 400 and method == "GET":
            raise UnableToBrowse(f"{path} was answered {answer.status}")
        return answer


def exchange(method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Send one request over plain http to this machine; no redirect is followed."""
    parts = urlsplit(url)  # *.localhost is loopback, whatever the resolver says
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=REQUEST_SECONDS)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.request(method, path, body=content, headers={**headers, "Host": parts.netloc})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.headers.get_all("set-cookie") or [], answer.read())
    finally:
        connection.close()


class _PageReader(HTMLParser):
    """Reads the forms of a page; those of the header (language, log out) come with their own actions."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.token = ""  # against cross-site requests, as the page's scripts send it
        self.takes: list[str] = []  # that the face page asks for, the one that looks straight first
        self._open: Form | None = None
        self._main = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "meta" and given.get("name") == "csrf-token":
            self.token = given.get("content", "")
        elif "data-take" in given:
            self.takes.append(given["data-take"])
        elif tag == "main":
            self._main = True
        elif tag == "form" and self._main:
            data = {name[5:]: value for name, value in given.items() if name.startswith("data-")}
            self._open = Form(given.get("action", ""), data=data)
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in given:
            if given.get("type") == "radio":
                self._open.choices.setdefault(given["name"], []).append(given.get("value", ""))
            else:
                self._open.values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _read(answer: Answer) -> _PageReader:
    reader = _PageReader()
    reader.feed(answer.body.decode())
    return reader


def _parse(answer: Answer) -> Form:
    forms = _read(answer).forms
    if not forms:
        raise UnableToBrowse("a page without the form that was looked for")
    return forms[0]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
