"""The federation endpoints (Federation §8, §9). Everything served is signed or public."""

from django.http import HttpRequest, HttpResponse, QueryDict

from idp import clock, conf
from idp.federation import historical_keys as history
from idp.federation import listing, marks, resolve_response, statements
from idp.federation.answers import document, endpoint, listed, one, signed
from idp.federation.errors import FederationError
from idp.federation.models import HostedEntity
from idp.protocol.refusals import Refusal

STATEMENT_TYPE = "application/entity-statement+jwt"


@document
def configuration(request: HttpRequest) -> HttpResponse:
    """The node's own configuration."""
    return signed(request, statements.entity_configuration(clock.now()), STATEMENT_TYPE)


@document
def hosted_configuration(request: HttpRequest, path: str) -> HttpResponse:
    """The configuration of an entity that the node hosts."""
    hosted = HostedEntity.objects.filter(path=path).first() if path.isprintable() else None
    if hosted is None:
        raise FederationError("not_found", "no such entity here")
    return signed(request, statements.hosted_configuration(hosted, clock.now()), STATEMENT_TYPE)


@endpoint("fetch")
def fetch(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """The statement about one immediate subordinate (§8.1)."""
    subject = one(parameters, "sub")
    if subject == conf.authority().entity_id:
        raise FederationError("invalid_request", "the subject is this entity itself")
    try:
        text = statements.subordinate_statement(subject, clock.now())
    except statements.UnableToState as error:
        raise FederationError("not_found", "no statement about this subject") from error
    return signed(request, text, STATEMENT_TYPE)


@endpoint("list")
def list_subordinates(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """The immediate subordinates (§8.2)."""
    return listed(listing.subordinates(parameters, clock.now()))


@endpoint("resolve")
def resolve(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """A subject's resolved metadata under our own anchor (§8.3); only who is authenticated has it looked for."""
    text = resolve_response.respond(
        subject=one(parameters, "sub"),
        trust_anchors=parameters.getlist("trust_anchor"),
        entity_types=parameters.getlist("entity_type"),
        caller=caller,
        now=clock.now(),
    )
    return signed(request, text, "application/resolve-response+jwt")


@endpoint("trust_mark")
def trust_mark(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """A trust mark that we gave (§8.6)."""
    mark_type, subject = one(parameters, "trust_mark_type"), one(parameters, "sub")
    try:
        text = marks.issued(mark_type=mark_type, subject=subject, now=clock.now())
    except marks.UnableToMark as error:
        raise FederationError("not_found", "no such trust mark") from error
    return signed(request, text, "application/trust-mark+jwt")


@endpoint("trust_mark_status", posted=True)
def trust_mark_status(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """Whether a mark of ours still holds (§8.4)."""
    try:
        text = marks.status(one(parameters, "trust_mark"), clock.now())
    except Refusal as refusal:
        raise FederationError("invalid_request", "not a trust mark") from refusal
    except marks.UnableToMark as error:
        raise FederationError("not_found", "not a trust mark of this issuer") from error
    return signed(request, text, "application/trust-mark-status-response+jwt")


@endpoint("trust_mark_list")
def trust_marked(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """Who holds a mark of ours (§8.5)."""
    subject = one(parameters, "sub") if "sub" in parameters else None
    try:
        return listed(marks.marked(mark_type=one(parameters, "trust_mark_type"), subject=subject, now=clock.now()))
    except marks.UnableToMark as error:
        raise FederationError("not_found", "no such trust mark type") from error


@endpoint("historical_keys")
def historical_keys(request: HttpRequest, parameters: QueryDict, caller: str | None) -> HttpResponse:
    """The federation keys of the past, and until when each was good (§8.7)."""
    return signed(request, history.published(clock.now()), history.MEDIA_TYPE)
