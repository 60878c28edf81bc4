"""The software authenticator refuses what a browser would refuse."""

import pytest

from idp.demo.authenticator import Authenticator, NotAllowed

CREATION = {
    "rp": {"id": "hk.localhost", "name": "n"},
    "user": {"id": "AAAA", "name": "n", "displayName": "n"},
    "challenge": "AAAA",
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"userVerification": "required"},
}


def test_it_serves_no_other_site_than_the_page_s() -> None:
    with pytest.raises(NotAllowed):
        Authenticator(origin="http://evil.localhost:8002").create(CREATION)
    authenticator = Authenticator(origin="http://hk.localhost:8002")
    authenticator.create(CREATION)
    with pytest.raises(NotAllowed):
        authenticator.get({"rpId": "mo.localhost", "challenge": "AAAA"})


def test_a_parent_of_the_host_will_do() -> None:
    Authenticator(origin="https://id.border.example").create({**CREATION, "rp": {"id": "border.example", "name": "n"}})


def test_it_makes_no_second_passkey_for_one_account() -> None:
    authenticator = Authenticator(origin="http://hk.localhost:8002")
    made = authenticator.create(CREATION)
    with pytest.raises(NotAllowed):
        authenticator.create({**CREATION, "excludeCredentials": [{"type": "public-key", "id": made["id"]}]})


def test_locked_it_does_nothing_that_needs_its_user() -> None:
    with pytest.raises(NotAllowed):
        Authenticator(origin="http://hk.localhost:8002", verifies_user=False).create(CREATION)


def test_it_makes_es256_only() -> None:
    with pytest.raises(NotAllowed):
        Authenticator(origin="http://hk.localhost:8002").create(
            {**CREATION, "pubKeyCredParams": [{"type": "public-key", "alg": -257}]}
        )


def test_it_uses_only_what_the_allow_list_names() -> None:
    authenticator = Authenticator(origin="http://hk.localhost:8002")
    first = authenticator.create(CREATION)
    authenticator.create(CREATION)
    options = {"rpId": "hk.localhost", "challenge": "AAAA", "allowCredentials": [{"id": first["id"]}]}
    assert authenticator.get(options)["id"] == first["id"]
    with pytest.raises(NotAllowed):
        authenticator.get({**options, "allowCredentials": [{"id": "AAAA"}]})
