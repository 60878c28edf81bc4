"""The traveller's way through the provider's pages: from a relying party's request to what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from idp.demo.browser import Answer, Browser
from tests.conformance import wire

MOST_STEPS = 8  # login, consent and the redirects between them


@dataclass(frozen=True)
class Arrival:
    """Where it ended: at the relying party's ``callback`` with ``parameters``, or on a page of the provider.

    ``asked`` are the paths of the pages on which the traveller had to do something.
    """

    callback: str | None
    parameters: Mapping[str, str]
    status: int
    page: str
    content_type: str
    asked: tuple[str, ...] = ()
    by_form: bool = False  # the parameters came in a form that posts itself


@dataclass
class _Form(HTMLParser):
    """The form of the page's main part."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    _inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag in ("main", "form", "code"):
            self._inside.append(tag)
        if tag == "form" and "main" in self._inside:
            self.action = given.get("action", "")
        elif tag == "input" and self._inside[-2:] == ["main", "form"] and "name" in given:
            self.values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] == ["code"]:
            self.codes.append(data.strip())


class Visitor(Browser):
    """A traveller with a passkey, sent here by a relying party; logs in where asked and allows."""

    def exchange(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        answer = wire.send(method, url, headers=headers, content=content)
        return Answer(answer.status, answer.headers, answer.cookies, answer.body)

    def arrive(self, method: str, url: str, parameters: Mapping[str, str], *, decision: str = "allow") -> Arrival:
        """Follow a request to its end. A request by POST is a foreign page's form: it has no cookie."""
        query = urlencode(parameters)
        if method == "POST":
            headers = {"Content-Type": wire.FORM, "Origin": "null"}
            answer = wire.send("POST", url, headers=headers, content=query.encode())
        else:
            answer = self._visit("GET", f"{url}?{query}" if query else url)
        asked: list[str] = []
        for _ in range(MOST_STEPS):
            target = urljoin(url, answer.headers.get("location", "")) if 300 <= answer.status < 400 else None
            if target is not None and not target.startswith(f"{self.origin}/"):
                return _away(target, answer, asked)
            if target is not None:
                assert answer.status in (302, 303), f"a redirect by {answer.status} would carry the form on"
                if "/account/login" in target:
                    asked.append("/account/login")
                    target = self.log_in(target)
                answer = self._visit("GET", target)
            elif answer.status == 200 and (form := _form(answer.text)).action:
                action = urljoin(url, form.action)
                if not action.startswith(f"{self.origin}/"):
                    return Arrival(action, form.values, answer.status, "", "", tuple(asked), by_form=True)
                asked.append(urlsplit(action).path)
                answer = self._visit("POST", action, {**form.values, "decision": decision})
            else:
                kind = answer.headers.get("content-type", "")
                return Arrival(None, {}, answer.status, answer.text, kind, tuple(asked))
        raise AssertionError("the pages go round in a circle")

    def look(self, url: str, parameters: Mapping[str, str]) -> wire.Answer:
        """Ask for a page and do nothing with it."""
        return self._visit("GET", f"{url}?{urlencode(parameters)}")

    def page_of(self, url: str, parameters: Mapping[str, str]) -> str:
        """The first page on which the traveller must decide, after the login where one is needed."""
        answer = self.look(url, parameters)
        for _ in range(MOST_STEPS):
            if not 300 <= answer.status < 400:
                break
            target = answer.headers["location"]
            answer = self._visit("GET", self.log_in(target) if "/account/login" in target else target)
        return answer.text

    def submit(self, path: str, values: Mapping[str, str]) -> wire.Answer:
        """Log in where the page at ``path`` wants it, and send its form with ``values``."""
        page = self.page_of(urljoin(self.origin, path), {})
        return self._visit("POST", path, {**_form(page).values, **values})

    def _visit(self, method: str, path: str, form: Mapping[str, str] | None = None) -> wire.Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Origin": self.origin, "Referer": f"{self.origin}/", "Content-Type": wire.FORM}
        content = None if form is None else urlencode(form).encode()
        answer = wire.send(method, urljoin(self.origin, path), headers=headers, content=content)
        for cookie in answer.cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self._cookies[name.strip()] = value
        return answer


def codes(page: str) -> list[str]:
    """What stands in a page as code: the error's."""
    return _form(page).codes


def _away(target: str, answer: wire.Answer, asked: list[str]) -> Arrival:
    parts = urlsplit(target)
    callback = f"{parts.scheme}://{parts.netloc}{parts.path}"
    assert not parts.fragment, "a fragment is for scripts"
    return Arrival(callback, dict(parse_qsl(parts.query)), answer.status, "", "", tuple(asked))


def _form(page: str) -> _Form:
    form = _Form()
    form.feed(page)
    return form
