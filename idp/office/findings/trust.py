"""Peers, and what this node publishes to them."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from idp import conf
from idp.federation import alarms, fetching, signing, status_lists
from idp.federation.models import Peer
from idp.office.findings.finding import Finding, error, warning
from idp.outbound import Response
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Refusal, Unavailable

SKEW = 30  # seconds; a lane's clock is called wrong from there on, too
PATIENCE = 5.0  # seconds for one answer
LOGIN = "/admin/login/"
REMEDIES = {
    alarms.Kind.KEY: "manage.py federation key list; docs/operations.md, Keys.",
    alarms.Kind.STATEMENT: "See whether the worker and its beat run: manage.py federation sync says what fails.",
    alarms.Kind.MARK: "manage.py federation sync says what fails; speak to the peer.",
    alarms.Kind.RECOGNITION: "Agree with the peer on a new period: docs/operations.md, Peers.",
    alarms.Kind.STATUS: "manage.py federation sync says what fails; speak to the peer.",
    alarms.Kind.FAILURE: "Ask the peer whether it is down.",
}


def own_lists(now: int) -> Iterator[Finding]:
    """idp.E210: our status lists cannot be signed, so gates refer everybody."""
    try:
        status_lists.published_live(now)
    except Unavailable as fault:
        remedy = "Bring the key's file back from the backup, or manage.py federation key kill --kid=KID."
        yield error(210, f"The status lists cannot be signed: {fault}.", remedy)


def ends(now: int) -> Iterator[Finding]:
    """idp.E211: past its end. idp.W211: near its end, or failing for long."""
    for alarm in alarms.alarms(now):
        kind = error if alarm.over else warning
        yield kind(211, f"{alarm.subject}: {alarm.text}", REMEDIES[alarm.kind])


def peers(now: int) -> Iterator[Finding]:
    """idp.W218: a peer does not answer. idp.E217: its clock and ours differ, so that neither takes the other's word."""
    for peer in Peer.objects.filter(ended_at=None).order_by("entity_id"):
        try:
            response = fetching.client().request("GET", peer.entity_id + WELL_KNOWN, timeout=PATIENCE)
        except (Unavailable, Refusal) as fault:
            yield warning(
                218, f"{peer.entity_id} does not answer: {fault}.", "Ask the peer; see this machine's network."
            )
            continue
        off = _seconds_off(response, now)
        if off is not None and abs(off) > SKEW:
            text = f"The clock of {peer.entity_id} is {abs(off)} seconds {'ahead of' if off > 0 else 'behind'} ours."
            yield error(217, text, "Compare both with a time server (chronyc tracking), and set the one that is wrong.")


def address() -> Iterator[Finding]:
    """idp.E214, idp.W214: the public address does not answer, cannot be asked from here. See `judged` for the rest."""
    authority = conf.authority()
    try:
        told = fetching.client().request("GET", authority.url(WELL_KNOWN), timeout=PATIENCE)
        page = fetching.client().request("GET", authority.url(LOGIN), timeout=PATIENCE)
    except Unavailable as fault:
        remedy = "See whether the web server and the proxy before it run, the name in the DNS and the certificate."
        yield error(214, f"{authority.entity_id} does not answer: {fault}.", remedy)
    except Refusal as fault:
        text = f"{authority.entity_id} cannot be asked from here: {fault}."
        yield warning(214, text, "Its name has to lead to a public address: peers ask no other.")
    else:
        yield from judged(told, page)


def judged(told: Response, page: Response) -> Iterator[Finding]:
    """idp.E215: somebody else answers, or the proxy passes another host. idp.E216: it does not say that it is TLS.

    ``told`` is the entity configuration and ``page`` the login page as the public address gives them. Django sends
    Strict-Transport-Security to what it takes for TLS only.
    """
    authority = conf.authority()
    if (fault := _other(told)) is not None:
        remedy = "The proxy has to pass the Host header as it came, to this node; see ALLOWED_HOSTS."
        yield error(215, f"{authority.entity_id} is answered {fault}.", remedy)
    elif authority.entity_id.startswith("https://") and "strict-transport-security" not in page.headers:
        text = "Requests over TLS reach the node as if without: logging in fails."
        remedy = "CAUSEWAY_BEHIND_TLS_PROXY=1, and the proxy has to set X-Forwarded-Proto: https."
        yield error(216, text, remedy)


def _other(told: Response) -> str | None:
    if told.status != 200:
        return f"with status {told.status}"
    try:
        parsed = parse_unverified(told.body.decode("ascii", "replace"), ENTITY_STATEMENT)
    except Refusal:
        return "with something else than a node's configuration"
    if parsed.claims.get("iss") != conf.authority().entity_id:
        return f"by {parsed.claims.get('iss')}"
    if signing.published("federation").find(parsed.kid or "") is None:
        return "with keys that are not this node's"
    return None


def _seconds_off(response: Response, now: int) -> int | None:
    try:
        return round(parsedate_to_datetime(response.headers.get("date", "")).timestamp()) - now
    except (ValueError, TypeError):
        return None
