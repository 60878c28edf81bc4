"""spid-cie-oidc as the judge of two nodes, in an environment of its own.

``python spid_cie.py '{"hk", "mo", "rp", "anchors"}'`` prints one JSON line for each module: ``module``,
``outcome`` and ``detail`` (what it made of the metadata, or why it failed). Its views, models and schemas are those of
the Italian federation; what judges here are its fetching, statements, trust chains, policy and trust marks.
"""

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django
from django.conf import settings

settings.configure(HTTP_CLIENT_SYNC=True, LOGGING_CONFIG=None, USE_TZ=True)
django.setup()

from spid_cie_oidc.entity.statements import (  # noqa: E402  it reads the settings when imported
    EntityConfiguration,
    TrustMark,
    get_entity_configurations,
    get_entity_statements,
)
from spid_cie_oidc.entity.trust_chain import TrustChainBuilder  # noqa: E402

WORLD: dict[str, Any] = json.loads(sys.argv[1])
HK, MO, RP = WORLD["hk"], WORLD["mo"], WORLD["rp"]
LIMITS = {"timeout": 10}
_look_up = socket.getaddrinfo


def _loopback(host: Any, *rest: Any, **options: Any) -> Any:
    """``*.localhost`` is this machine, whatever its resolver says (RFC 6761 §6.3)."""
    return _look_up("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **options)


def configuration(entity_id: str, **options: Any) -> EntityConfiguration:
    text = get_entity_configurations(entity_id, LIMITS)[0]
    return EntityConfiguration(text, httpc_params=LIMITS, **options)


def pinned(entity_id: str) -> EntityConfiguration:
    """An anchor's configuration, by the keys on paper."""
    anchor = configuration(entity_id)
    require(anchor.kids == [key["kid"] for key in WORLD["anchors"][entity_id]["keys"]], "other keys than on paper")
    anchor.validate_by_itself()
    return anchor


def chain(subject: str, anchor: str, *, intermediates: int = 0) -> TrustChainBuilder:
    """A chain by its builder. It reads the length from the anchor's own configuration, as old drafts had it: so the
    length is given to it here."""
    builder = TrustChainBuilder(subject, pinned(anchor), httpc_params=LIMITS)
    builder.get_trust_anchor_configuration()
    builder.max_path_len = intermediates
    builder.get_subject_configuration()
    require(builder.discovery(), "no chain was found")
    return builder


def path(builder: TrustChainBuilder) -> list[str]:
    return [entity.sub for entity in builder.trust_path]


def require(condition: object, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def require_refusal(act: Callable[[], object], text: str) -> None:
    believed = False
    with suppress(Exception):
        believed = bool(act())
    require(not believed, text)


def validates_the_entity_configurations() -> None:
    for entity_id in (HK, MO, RP):
        entity = configuration(entity_id)
        require(entity.validate_by_itself(), f"{entity_id} does not verify")
        require(entity.iss == entity.sub == entity_id, f"{entity_id} speaks for {entity.sub}")


def resolves_a_relying_party() -> Any:
    found = chain(RP, HK)
    require(path(found) == [RP, HK], str(path(found)))
    return found.final_metadata


def resolves_through_an_intermediate() -> None:
    found = chain(RP, MO, intermediates=1)
    require(path(found) == [RP, HK, MO], str(path(found)))


def resolves_a_peer_under_policy() -> Any:
    found = chain(MO, HK)
    require(path(found) == [MO, HK], str(path(found)))
    return found.final_metadata


def validates_the_trust_mark() -> None:
    anchor = pinned(HK)
    types = [mark["trust_mark_type"] for mark in configuration(MO).payload["trust_marks"]]
    require(set(types) <= set(anchor.payload["trust_mark_issuers"]), "a mark of a type that the anchor does not know")
    marked = configuration(MO, filter_by_allowed_trust_marks=types, trust_anchor_entity_conf=anchor)
    require(marked.validate_by_allowed_trust_marks(), "the mark does not verify")
    require([mark.iss for mark in marked.verified_trust_marks] == [HK], "another issuer's mark")


def finds_no_chain_of_a_stranger() -> None:
    hk, mo = pinned(HK), configuration(MO)
    answer = get_entity_statements([f"{HK}/federation/fetch?sub=https://stranger.example"], LIMITS)[0]
    require_refusal(lambda: hk.validate_descendant_statement(answer), "a statement about a stranger")
    require_refusal(lambda: mo.validate_by_superior_statement(answer, hk), "a peer under a stranger's statement")


def refuses_a_changed_configuration() -> None:
    text = get_entity_configurations(HK, LIMITS)[0]
    head, body, signature = text.split(".")
    other = get_entity_configurations(MO, LIMITS)[0].split(".")[1]
    require(EntityConfiguration(text).validate_by_itself(), "the true one does not verify")
    require_refusal(lambda: EntityConfiguration(f"{head}.{other}.{signature}").validate_by_itself(), "it was believed")
    require_refusal(
        lambda: EntityConfiguration(f"{head}.{body}.AAAA").validate_by_itself(), "no signature was believed"
    )


def refuses_a_statement_under_another_key() -> None:
    statement = get_entity_statements([f"{HK}/federation/fetch?sub={MO}"], LIMITS)[0]
    true, false = pinned(HK), pinned(HK)
    require(true.validate_descendant_statement(statement), "the true one does not verify")
    false.jwks = [{**key, "kid": kid} for key, kid in zip(pinned(MO).jwks, false.kids, strict=True)]
    require_refusal(lambda: false.validate_descendant_statement(statement), "another key's statement was believed")


def refuses_a_trust_mark_of_another_issuer() -> None:
    mark = TrustMark(configuration(MO).payload["trust_marks"][0]["trust_mark"])
    require(mark.validate_by(pinned(HK)), "the true one does not verify")
    require_refusal(lambda: mark.validate_by(pinned(MO)), "another issuer's mark was believed")


MODULES: tuple[Callable[[], Any], ...] = (
    validates_the_entity_configurations,
    resolves_a_relying_party,
    resolves_through_an_intermediate,
    resolves_a_peer_under_policy,
    validates_the_trust_mark,
    finds_no_chain_of_a_stranger,
    refuses_a_changed_configuration,
    refuses_a_statement_under_another_key,
    refuses_a_trust_mark_of_another_issuer,
)

if __name__ == "__main__":
    socket.getaddrinfo = _loopback
    for module in MODULES:
        try:
            verdict = {"outcome": "passed", "detail": module()}
        except Exception as error:  # whatever it is, it is this module's verdict
            verdict = {"outcome": "failed", "detail": f"{type(error).__name__}: {error}"}
        print(json.dumps({"module": module.__name__.replace("_", "-"), **verdict}))  # noqa: T201  its only way out
