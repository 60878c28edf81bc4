"""What both clients from PyPI need: the world that they are told, a traveller who goes where they say, and verdicts.

See tests/conformance_oidc/dialogue.py for the other end of the conversation. Standard library only: each client has an
environment of its own.
"""

import base64
import json
import logging
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

WORLD: dict[str, Any] = json.loads(sys.argv[1])
ISSUER: str = WORLD["issuer"]
CLIENTS: dict[str, dict[str, Any]] = WORLD["clients"]
_MODULES: dict[str, Callable[[], Any]] = {}
_resolved = socket.getaddrinfo


def _here(host: Any, *args: Any, **more: Any) -> Any:
    """``*.localhost`` is this machine, whatever its resolver says (RFC 6761 §6.3), and nothing else is asked."""
    assert str(host).endswith("localhost"), f"{host} is not of this machine"
    return _resolved("127.0.0.1", *args, **more)


socket.getaddrinfo = _here
logging.disable(logging.CRITICAL)  # what a library refuses here it was meant to refuse


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _ask(question: dict[str, str]) -> Any:
    _say(question)
    return json.loads(sys.stdin.readline())


def visit(url: str, decision: str = "allow") -> tuple[str, str | None]:
    """Send the traveller to ``url``: the callback with its query, and the form that was posted to it, if one was."""
    answer = _ask({"visit": url, "decision": decision})
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["url"], answer["form"]


def stays(url: str, code: str) -> None:
    """A request that must end on a page of the node, with this error."""
    answer = _ask({"visit": url, "decision": "allow"})
    assert code in answer.get("error", ""), f"went on, or for another reason: {answer}"


def heard(path: str, fits: Callable[[dict[str, str]], bool], seconds: float = 20) -> dict[str, str]:
    """The first form that the node posted to ``path`` of the relying party and that ``fits``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for form in _ask({"heard": path}):
            if fits(form):
                return dict(form)
        time.sleep(0.2)
    raise AssertionError(f"nothing was posted to {path}")


def claims_of(jwt: str) -> dict[str, Any]:
    """What a compact JWS says, whoever signed it."""
    return dict(json.loads(_decoded(jwt.split(".")[1])))


def forged(jwt: str) -> str:
    """The same with another signature."""
    head, body, signature = jwt.split(".")
    return f"{head}.{body}.{signature[:20]}{'B' if signature[20] == 'A' else 'A'}{signature[21:]}"


def edited(jwt: str, **claims: Any) -> str:
    """Other claims under the same signature."""
    head, _, signature = jwt.split(".")
    return f"{head}.{_encoded(json.dumps({**claims_of(jwt), **claims}).encode())}.{signature}"


@contextmanager
def refused(kind: type[BaseException] | tuple[type[BaseException], ...], *texts: str) -> Iterator[None]:
    """What happens inside must be refused with ``kind``, and say one of ``texts`` if there are any."""
    try:
        yield
    except kind as error:
        told = f"{type(error).__name__}: {error!r} {error}"
        assert not texts or any(text in told for text in texts), f"refused for another reason: {told}"
    else:
        raise AssertionError("nothing was refused")


def module(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Make a function the module ``name``."""

    def add(judge: Callable[[], Any]) -> Callable[[], Any]:
        _MODULES[name] = judge
        return judge

    return add


def run() -> None:
    """Judge every module, in the order in which they were added."""
    for name, judge in _MODULES.items():
        try:
            judge()
        except BaseException:
            _say({"module": name, "outcome": "failed", "detail": traceback.format_exc()})
        else:
            _say({"module": name, "outcome": "passed", "detail": None})


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
