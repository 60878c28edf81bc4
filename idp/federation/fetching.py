"""Getting the documents of others, and our own without asking ourselves over the network."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from idp import conf
from idp.federation import statements
from idp.federation.models import HostedEntity
from idp.outbound import Outbound, Response
from idp.protocol.entity_statements import configuration_url
from idp.protocol.refusals import Reason, Refusal, Unavailable

STATEMENT_TYPE = "application/entity-statement+jwt"  # Federation §8.1.2, §9
BUDGET = 20.0  # seconds for all the fetches of one discovery together: fifty slow peers must not hold a worker

MAX_TOGETHER = 32  # jobs at the same time, as many as there are connections

Fetch = Callable[[str], str]
Answer = TypeVar("Answer")

_ETAG = re.compile(r'(?:W/)?"[!#-~]{0,120}"\Z')
_NONE: Mapping[str, str] = {}
_at_hand: ContextVar[Mapping[str, str]] = ContextVar("fetching_at_hand", default=_NONE)


@lru_cache(maxsize=2)
def _client(insecure_loopback_http: bool) -> Outbound:
    return Outbound(insecure_loopback_http=insecure_loopback_http, one_by_one=True)


def client() -> Outbound:
    """This process's way out."""
    return _client(conf.authority().insecure_loopback_http)


def get(
    url: str,
    *,
    media_type: str,
    also: str = "",
    headers: dict[str, str] | None = None,
    timeout: float | None = None,
) -> Response:
    """GET a document that must answer 200 (or 304 to a conditional request) with ``media_type`` or ``also``.

    Raises `Unavailable` for a 5xx, 429 or no answer; `Refusal` (malformed) for everything else.
    """
    accepted = ", ".join(filter(None, (media_type, also)))
    response = client().request("GET", url, headers={"Accept": accepted, **(headers or {})}, timeout=timeout)
    if response.status >= 500 or response.status == 429:
        raise Unavailable(f"status {response.status}")
    if response.status == 304 and headers:
        return response
    if response.status != 200:
        raise Refusal(Reason.MALFORMED, f"status {response.status}")
    if response.media_type not in (media_type, also or media_type):
        raise Refusal(Reason.MALFORMED, f"content type is not {media_type}")
    return response


def entity_tag(response: Response) -> str:
    """The answer's entity tag where it is one that can be kept and sent again (RFC 9110 §8.8.3), else empty."""
    etag = response.headers.get("etag", "")
    return etag if _ETAG.match(etag) else ""


def together(jobs: Mapping[str, Callable[[], Answer]]) -> dict[str, Answer | Refusal | Unavailable]:
    """Do every job at the same time, so that no peer waits for another; what each gave, or was refused.

    Jobs ask the network and never the database: a thread has a connection of its own there, outside our transaction.
    """
    if not jobs:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(jobs), MAX_TOGETHER)) as pool:
        waiting = {name: pool.submit(attempt, job) for name, job in jobs.items()}
        return {name: future.result() for name, future in waiting.items()}


def attempt(job: Callable[[], Answer]) -> Answer | Refusal | Unavailable:
    """What the job gives, or what it raises."""
    try:
        return job()
    except (Refusal, Unavailable) as error:
        return error


@contextlib.contextmanager
def at_hand(texts: Mapping[str, str]) -> Iterator[None]:
    """Within it every discovery takes these texts, by URL, as fetched: what just came is not asked for again."""
    token = _at_hand.set(texts)
    try:
        yield
    finally:
        _at_hand.reset(token)


def fetcher(
    now: int, *, budget: float = BUDGET, held: Callable[[str], str | None] | None = None, ask: bool = True
) -> Fetch:
    """A function that fetches an entity statement by URL; all its fetches together take at most ``budget`` seconds.

    ``held`` may know a text already. Unless ``ask``, nobody is asked over the network.
    """
    end = time.monotonic() + budget

    def fetch(url: str) -> str:
        if (known := _at_hand.get().get(url)) is not None:
            return known
        local = _local(url, now)
        if local is None and held is not None:
            local = held(url)
        if local is not None:
            return local
        if not ask:
            raise Unavailable("not held here, and nobody was asked")
        left = end - time.monotonic()
        if left <= 0:
            raise Unavailable("the time for this discovery is used up")
        return get(url, media_type=STATEMENT_TYPE, timeout=left).body.decode("ascii", "replace")

    return fetch


def _local(url: str, now: int) -> str | None:
    node = conf.authority().entity_id
    if url == configuration_url(node):
        return statements.entity_configuration(now)
    if not url.startswith(f"{node}/"):
        return None
    if url.startswith(f"{node}/federation/fetch?"):
        subjects = parse_qs(urlsplit(url).query).get("sub", [])
        try:
            return statements.subordinate_statement(subjects[0] if subjects else "", now)
        except statements.UnableToState as error:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "this node states nothing about it") from error
    for hosted in HostedEntity.objects.filter(entity_id=url.removesuffix("/.well-known/openid-federation")):
        return statements.hosted_configuration(hosted, now)
    raise Refusal(Reason.UNTRUSTED_ISSUER, "this node hosts no such entity")
