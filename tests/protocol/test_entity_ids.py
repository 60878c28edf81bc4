"""Every spelling that could stand for another entity, or lead a fetch astray (rows 11, 71)."""

import pytest

from idp.protocol.entity_ids import check_entity_id, configuration_url, host_of, is_domain_name
from idp.protocol.refusals import Reason, Refusal


@pytest.mark.parametrize(
    "value",
    [
        "https://idp.hk.example",
        "https://idp.hk.example/",
        "https://idp.hk.example:8443/border/checkpoints/lo-wu",
        "https://idp.hk.example/a%20b",
        "https://localhost",
    ],
)
def test_entity_identifiers_of_every_lawful_form_pass(value: str) -> None:
    """Federation §1.2: https, host, optional port and path."""
    assert check_entity_id(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "http://idp.hk.example",
        "http://hk.localhost",
        "HTTPS://idp.hk.example",
        "https://",
        "https:idp.hk.example",
        "https://idp.hk.example?x=1",
        "https://idp.hk.example#x",
        "https://idp.hk.example?",
        "https://user@idp.hk.example",
        "https://user:word@idp.hk.example",
        "https://idp.hk.example:",
        "https://idp.hk.example:0",
        "https://idp.hk.example:65536",
        "https://idp..hk",
        "https://-idp.hk.example",
        "https://idp.hk.example/../x",
        "https://idp.hk.example/%2e%2E/x",
        "https://idp.hk.example/a b",
        "https://idp.hk.example/%zz",
        "https://idp.hk.example\n",
        "https://idp.hk.example\\@evil.example",
        "https://[::1]",
        "https://idp.香港",
        "https://" + "a" * 64 + ".example",
        "https://idp.hk.example/" + "a" * 1024,
        "",
        None,
        7,
        ["https://idp.hk.example"],
    ],
)
def test_what_is_no_entity_identifier_is_refused(value: object) -> None:
    """invalid solely because it is not an https URL with host, port and path alone (rows 11, 71)."""
    with pytest.raises(Refusal) as caught:
        check_entity_id(value)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "value", ["http://localhost.example", "http://xlocalhost", "http://127.0.0.1", "http://localhost"]
)
def test_loopback_http_is_for_names_under_localhost_only(value: str) -> None:
    """invalid solely because the host is not under .localhost, whatever the flag says."""
    assert check_entity_id("http://hk.localhost:8002/x", allow_loopback_http=True) == "http://hk.localhost:8002/x"
    with pytest.raises(Refusal):
        check_entity_id(value, allow_loopback_http=True)


def test_well_known_suffix_goes_after_the_path() -> None:
    """Federation §9: one trailing slash off; unlike RFC 8414, behind the path."""
    assert configuration_url("https://a.example") == "https://a.example/.well-known/openid-federation"
    assert configuration_url("https://a.example/b/") == "https://a.example/b/.well-known/openid-federation"


def test_host_is_what_stands_before_port_and_path() -> None:
    """Naming constraints are matched on it: a port or path inside would never match, or always."""
    assert host_of("https://IDP.hk.example:8443/a.example") == "idp.hk.example"
    assert is_domain_name("idp.hk.example")
    assert not is_domain_name("10.0.0.1")
