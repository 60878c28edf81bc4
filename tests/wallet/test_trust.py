"""Who the authority is: only a chain to a pinned anchor says so."""

from collections.abc import Callable
from typing import Any

import pytest

from idp import clock
from idp.outbound import Outbound
from idp.protocol import keys
from idp.protocol.entity_statements import sign_entity_configuration, sign_subordinate_statement
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.wallet import trust
from idp.wallet.errors import UnableTo
from tests.conftest import NOW
from tests.wallet.conftest import World

ANCHOR, PROVIDER = "https://anchor.example", "https://idp.example"


class Federation:
    """An anchor and its subordinate provider; ``change`` alters what is signed, by document."""

    def __init__(self, **change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.anchor_key, self.provider_key, self.border_key = (keys.generate("ES256") for _ in range(3))
        self.change = change
        self.fetched: list[str] = []

    @property
    def anchors(self) -> dict[str, keys.KeySet]:
        return {ANCHOR: keys.KeySet([self.anchor_key.public])}

    def fetch(self, url: str) -> str:
        self.fetched.append(url)
        documents = {
            f"{ANCHOR}/.well-known/openid-federation": self._anchor,
            f"{PROVIDER}/.well-known/openid-federation": self._provider,
            f"{ANCHOR}/fetch?sub=https%3A%2F%2Fidp.example": self._statement,
        }
        if url not in documents:
            raise Unavailable("404")
        return documents[url]()

    def resolve(self, entity_id: str = PROVIDER, **anchors: Any) -> trust.Provider:
        return trust.resolve(entity_id, anchors=anchors or self.anchors, fetch=self.fetch, now=NOW)

    def _claims(self, name: str, iss: str, sub: str, key: keys.PrivateKey, **more: Any) -> dict[str, Any]:
        jwks = keys.KeySet([key.public]).jwks()
        claims = {"iss": iss, "sub": sub, "iat": NOW - 10, "exp": NOW + 600, "jwks": jwks, **more}
        return self.change[name](claims) if name in self.change else claims

    def _anchor(self) -> str:
        metadata = {"federation_entity": {"federation_fetch_endpoint": f"{ANCHOR}/fetch"}}
        return sign_entity_configuration(
            self._claims("anchor", ANCHOR, ANCHOR, self.anchor_key, metadata=metadata), self.anchor_key
        )

    def _provider(self) -> str:
        server = {
            "issuer": PROVIDER,
            "pushed_authorization_request_endpoint": f"{PROVIDER}/par",
            "authorization_endpoint": f"{PROVIDER}/authorize",
            "token_endpoint": f"{PROVIDER}/token",
        }
        issuer = {
            "jwks": keys.KeySet([self.border_key.public]).jwks(),
            "border_token_endpoint": f"{PROVIDER}/border/v1/tokens",
        }
        metadata = {
            "federation_entity": {"organization_name": "Authority", "organization_name#zh-Hans": "机关"},
            "openid_provider": server,
            "border_token_issuer": issuer,
        }
        claims = self._claims(
            "provider", PROVIDER, PROVIDER, self.provider_key, metadata=metadata, authority_hints=[ANCHOR]
        )
        return sign_entity_configuration(claims, self.provider_key)

    def _statement(self) -> str:
        claims = self._claims("statement", ANCHOR, PROVIDER, self.provider_key)
        return sign_subordinate_statement(claims, self.anchor_key)


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(UnableTo) as caught:
        act()
    return caught.value.code


def test_an_immediate_subordinate_of_a_pinned_anchor() -> None:
    provider = Federation().resolve()
    assert provider.names == {"en": "Authority", "zh-hans": "机关"}
    assert provider.issuer == PROVIDER
    assert provider.expires_at == NOW + 600


def test_a_provider_that_is_the_anchor(world: World) -> None:
    assert world.phone.provider_state(now=clock.now()) == {
        "entity_id": world.authority.url,
        "names": {"en": "Harbour Immigration", "zh-hans": "海港入境处"},
        "error": None,
    }


def test_a_provider_of_no_pinned_anchor() -> None:
    """Invalid solely because its only hint leads to an anchor that is not pinned."""
    other = {"https://other.example": keys.KeySet([keys.generate("ES256").public])}
    federation = Federation()
    assert _code(lambda: federation.resolve(**other)) == "provider_untrusted"
    assert federation.fetched == [f"{PROVIDER}/.well-known/openid-federation"]


def test_an_anchor_with_the_right_name_and_another_key() -> None:
    """Invalid solely because the pinned key is not the one that signs."""
    forged = {ANCHOR: keys.KeySet([keys.generate("ES256").public])}
    assert _code(lambda: Federation().resolve(**forged)) == "provider_untrusted"


def test_a_statement_about_a_provider_with_another_key() -> None:
    """Invalid solely because the anchor states another federation key for the provider."""
    stolen = keys.KeySet([keys.generate("ES256").public]).jwks()
    federation = Federation(statement=lambda claims: {**claims, "jwks": stolen})
    assert _code(federation.resolve) == "provider_untrusted"


def test_a_statement_that_has_expired() -> None:
    federation = Federation(statement=lambda claims: {**claims, "iat": NOW - 900, "exp": NOW - 11})
    assert _code(federation.resolve) == "provider_untrusted"


@pytest.mark.parametrize(
    "metadata",
    [
        {"openid_provider": {"issuer": "https://other.example"}},
        {"openid_provider": {"issuer": None}},
        {"border_token_issuer": {"jwks": {"keys": []}}},
        {"openid_provider": {"token_endpoint": 7}},
    ],
)
def test_metadata_that_a_wallet_cannot_use(metadata: dict[str, Any]) -> None:
    """Invalid solely because of the one member."""

    def change(claims: dict[str, Any]) -> dict[str, Any]:
        merged = {
            kind: {name: value for name, value in {**values, **metadata.get(kind, {})}.items() if value is not None}
            for kind, values in claims["metadata"].items()
        }
        return {**claims, "metadata": merged}

    assert _code(Federation(provider=change).resolve) == "provider_untrusted"


def test_a_provider_that_issues_no_border_tokens() -> None:
    def change(claims: dict[str, Any]) -> dict[str, Any]:
        return {**claims, "metadata": {"openid_provider": claims["metadata"]["openid_provider"]}}

    assert _code(Federation(provider=change).resolve) == "provider_untrusted"


def test_a_provider_that_does_not_answer() -> None:
    assert _code(lambda: Federation().resolve("https://gone.example")) == "provider_unreachable"


def test_policy_of_the_anchor_is_applied() -> None:
    """What the anchor's policy says of an endpoint wins over what the provider says."""
    policy = {"openid_provider": {"token_endpoint": {"value": "https://idp.example/other"}}}
    federation = Federation(statement=lambda claims: {**claims, "metadata_policy": policy})
    assert federation.resolve().token_endpoint == "https://idp.example/other"


def test_a_document_of_another_media_type_is_no_statement(world: World) -> None:
    """Invalid solely because of its media type: a page that echoes text must not speak for its host."""
    outbound = Outbound(insecure_loopback_http=True)
    fetch = trust.fetcher(outbound)
    with pytest.raises(Unavailable):
        fetch(f"{world.authority.url}/nothing")
    with pytest.raises(Refusal) as caught:
        fetch("http://127.0.0.1:1/")
    assert caught.value.reason is Reason.MALFORMED
    outbound.close()
