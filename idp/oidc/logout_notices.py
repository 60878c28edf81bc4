"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): whoever knows a session hears that it has ended."""

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import transaction

from idp import conf
from idp.accounts.models import Account
from idp.audit import events
from idp.federation import fetching, signing
from idp.oidc import client_metadata, encrypted_answers, encryption, grants, subjects
from idp.oidc.models import Grant, LogoutNotice
from idp.protocol import jws
from idp.protocol.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN = jws.TokenType(
    "logout+jwt",
    algorithms=client_metadata.ID_TOKEN_ALGORITHMS,
    required=("iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"),
)
LIFETIME = 120  # seconds (§2.4 recommends two minutes at most); each attempt signs anew
FIRST_RETRY = 10  # seconds; doubled each time
LONGEST_RETRY = 3600
MAX_ATTEMPTS = 16  # some eight hours; who is down for longer has lost its sessions too
BATCH = 100  # notices in one run of the task
TIMEOUT = 5.0  # seconds for one client
KEEP = 7 * 86_400  # seconds that a notice is kept for an officer's questions


def session_ended(account: Account, sid: str, now: int) -> None:
    """Note who is to be told, and end what was granted for the session only (§2.7). Belongs into its transaction.

    A wallet's grants stay: a traveller who leaves the browser keeps the phone, and may still cross with it.
    """
    ended = Grant.objects.filter(sid=sid, traveller__account=account).select_related("client")
    told: set[int] = set()
    for grant in ended.order_by("created_at"):
        client = grant.client
        if client.pk not in told and client_metadata.web(client.metadata.get("backchannel_logout_uri")):
            told.add(client.pk)
            _note(grant, sid, now=now)
        stays = client.is_wallet or "offline_access" in grant.scope.split()
        if not stays:
            grants.revoke(grant=grant, actor=f"account:{account.pk}", reason="logged_out", now=now)


def deliver(*, now: int) -> int:
    """Send what is due, to all clients at the same time; how many were delivered."""
    due = LogoutNotice.objects.filter(delivered_at=None, due_at__lte=now, attempts__lt=MAX_ATTEMPTS)
    mine = [notice for notice in due.select_related("client").order_by("due_at")[:BATCH] if _claim(notice, now=now)]
    answers = fetching.together({notice.jti: _job(notice, now=now) for notice in mine})
    return sum(_finish(notice, answers[notice.jti], now=now) for notice in mine)


def logout_token(notice: LogoutNotice, *, now: int) -> str:
    """§2.4. Never a nonce, so that no one takes it for an id token; encrypted where id tokens are (§2.6).

    Raises `Unavailable` when a key cannot be had.
    """
    claims: dict[str, Any] = {
        "iss": conf.authority().entity_id,
        "aud": notice.client.client_id,
        "sub": notice.sub,
        "sid": notice.sid,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": notice.jti,
        "events": {EVENT: {}},
    }
    to = encryption.recipient(notice.client, encrypted_answers.ID_TOKEN, now=now)
    algorithm = client_metadata.id_token_algorithm(notice.client)
    return encryption.seal(jws.sign(LOGOUT_TOKEN, claims, signing.signer("oidc", algorithm=algorithm)), to)


def purge(*, now: int) -> int:
    """Delete notices that are old, whatever became of them; the number of rows."""
    return LogoutNotice.objects.filter(created_at__lt=now - KEEP).delete()[0]


def _note(grant: Grant, sid: str, *, now: int) -> None:
    LogoutNotice.objects.create(
        client=grant.client,
        jti=secrets.token_urlsafe(32),
        sub=subjects.pairwise(sector=grant.client.sector, traveller_id=grant.traveller_id),
        sid=subjects.session(sector=grant.client.sector, sid=sid),
        created_at=now,
        due_at=now,
    )


def _claim(notice: LogoutNotice, *, now: int) -> bool:
    """Take the notice for this run: one UPDATE, which also says when it is tried again should we fall over."""
    wait = min(FIRST_RETRY * 2**notice.attempts, LONGEST_RETRY)
    same = LogoutNotice.objects.filter(pk=notice.pk, attempts=notice.attempts, delivered_at=None)
    notice.attempts += 1
    return same.update(attempts=notice.attempts, due_at=now + wait) == 1


def _job(notice: LogoutNotice, *, now: int) -> Callable[[], int]:
    """What sends the notice; the token is signed here, because a job asks no database."""
    try:
        body = urlencode({"logout_token": logout_token(notice, now=now)}).encode()
    except Unavailable as error:  # of this client; the others are told now
        return partial(_fail, error)
    url, client = str(notice.client.metadata.get("backchannel_logout_uri", "")), fetching.client()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return lambda: client.request("POST", url, headers=headers, content=body, timeout=TIMEOUT).status


def _fail(error: Unavailable) -> int:
    raise error


def _finish(notice: LogoutNotice, answer: int | Refusal | Unavailable, *, now: int) -> bool:
    """§2.8: 200 (or 204) is done; 400 says that the client could not, and asking again would not help it."""
    if answer in (200, 204):
        return _settle(notice, {"delivered_at": now}, "oidc.logout_notified")
    again = isinstance(answer, Unavailable) or (isinstance(answer, int) and (answer >= 500 or answer == 429))
    host = urlsplit(str(notice.client.metadata.get("backchannel_logout_uri", ""))).netloc
    log.info("logout of a session at %s: %s", host, answer)
    if not again or notice.attempts >= MAX_ATTEMPTS:
        _settle(notice, {"attempts": MAX_ATTEMPTS}, "oidc.logout_not_notified")
    return False


@transaction.atomic
def _settle(notice: LogoutNotice, values: dict[str, int], kind: str) -> bool:
    if LogoutNotice.objects.filter(pk=notice.pk, delivered_at=None).update(**values) != 1:
        return False
    events.record(kind=kind, actor="node", subject=f"client:{notice.client.client_id}"[:255])
    return True
