"""WebAuthn ceremonies: each refusal is one deviation from an answer that would have been accepted."""

import contextlib
import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from idp import conf
from idp.accounts import ceremonies
from idp.accounts.ceremonies import UnableToComplete
from idp.accounts.models import Passkey, SpentChallenge
from idp.accounts.registration import with_passkey
from idp.demo.authenticator import Authenticator
from idp.protocol import strict_json
from idp.protocol.strict_json import b64decode, b64encode
from tests.accounts.people import ORIGIN

pytestmark = pytest.mark.django_db
NOW = 1_800_000_000
HANDLE = bytes(range(64))


def party() -> ceremonies.Party:
    return ceremonies.Party.of(conf.authority())


def begin(session: dict[str, Any], *, purpose: str = "register", handle: bytes = HANDLE, now: int = NOW) -> Any:
    return ceremonies.begin_creation(
        session=session, party=party(), purpose=purpose, user_handle=handle, user_name="siu.ming", display_name="",
        exclude=[], notes={"username": "siu.ming"}, now=now,
    )  # fmt: skip


def finish(session: dict[str, Any], credential: dict[str, Any], *, purpose: str = "register", now: int = NOW) -> Any:
    return ceremonies.complete_creation(session=session, party=party(), purpose=purpose, credential=credential, now=now)


def enrolled(authenticator: Authenticator, username: str = "siu.ming", handle: bytes = HANDLE) -> Passkey:
    session: dict[str, Any] = {}
    credential = finish(session, authenticator.create(begin(session, handle=handle)))
    return with_passkey(username=username, display_name="", credential=credential).account.passkeys.get()


def ask(session: dict[str, Any], allowed: list[bytes] | None = None, now: int = NOW) -> dict[str, Any]:
    return ceremonies.begin_assertion(session=session, party=party(), allowed=allowed or [], now=now)


def answer(session: dict[str, Any], credential: dict[str, Any], now: int = NOW) -> ceremonies.VerifiedAssertion:
    return ceremonies.complete_assertion(session=session, party=party(), credential=credential, now=now)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(origin=ORIGIN)


def test_a_new_passkey_is_discoverable_and_verified_by_its_user(authenticator: Authenticator) -> None:
    session: dict[str, Any] = {}
    options = begin(session)
    assert options["authenticatorSelection"] == {
        "residentKey": "required", "requireResidentKey": True, "userVerification": "required"
    }  # fmt: skip
    assert options["attestation"] == "none"
    assert len(b64decode(options["challenge"])) >= 16  # WebAuthn §13.4.3
    made = finish(session, authenticator.create(options))
    assert (made.user_handle, made.notes) == (HANDLE, {"username": "siu.ming"})
    assert made.credential_id == authenticator.credentials[0].id


def test_a_passkey_logs_in_and_its_counter_is_kept(authenticator: Authenticator) -> None:
    passkey = enrolled(authenticator)
    for count in (1, 2):
        session: dict[str, Any] = {}
        verified = answer(session, authenticator.get(ask(session)))
        assert verified.account == passkey.account
        passkey.refresh_from_db()
        assert passkey.sign_count == count


def test_a_passkey_that_does_not_count_logs_in_again_and_again() -> None:
    authenticator = Authenticator(origin=ORIGIN, counts=False)
    enrolled(authenticator)
    for _ in range(2):
        session: dict[str, Any] = {}
        answer(session, authenticator.get(ask(session)))


# ---- creation


def test_a_challenge_serves_once(authenticator: Authenticator) -> None:
    """Invalid solely because the session's challenge was taken out by the first answer."""
    session: dict[str, Any] = {}
    credential = authenticator.create(begin(session))
    finish(session, credential)
    with pytest.raises(UnableToComplete, match="no ceremony"):
        finish(session, credential)


def test_two_requests_that_read_the_session_at_once_do_not_both_pass(authenticator: Authenticator) -> None:
    """Invalid solely because the challenge of this copy of the session was answered already."""
    enrolled(authenticator)
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session))
    copied = copy.deepcopy(session)
    answer(session, credential)
    with pytest.raises(UnableToComplete, match="answered already"):
        answer(copied, credential)


def test_a_wrong_answer_uses_the_challenge_up(authenticator: Authenticator) -> None:
    session: dict[str, Any] = {}
    credential = authenticator.create(begin(session))
    copied = copy.deepcopy(session)
    with pytest.raises(UnableToComplete):
        finish(session, {})
    with pytest.raises(UnableToComplete, match="answered already"):
        finish(copied, credential)


def test_spent_challenges_are_forgotten_once_they_are_useless(authenticator: Authenticator) -> None:
    enrolled(authenticator)
    session: dict[str, Any] = {}
    later = NOW + ceremonies.CEREMONY_SECONDS + 1
    answer(session, authenticator.get(ask(session, now=later)), now=later)
    assert SpentChallenge.objects.count() == 1


def test_a_slow_person_has_to_begin_again(authenticator: Authenticator) -> None:
    """Invalid solely because the time limit is reached to the second."""
    session: dict[str, Any] = {}
    credential = authenticator.create(begin(session))
    with pytest.raises(UnableToComplete, match="too long"):
        finish(session, credential, now=NOW + ceremonies.CEREMONY_SECONDS)


def test_a_ceremony_begun_for_one_purpose_does_not_serve_another(authenticator: Authenticator) -> None:
    """Invalid solely because the challenge was given for adding a passkey to an account."""
    session: dict[str, Any] = {}
    credential = authenticator.create(begin(session, purpose="add"))
    with pytest.raises(UnableToComplete, match="no ceremony"):
        finish(session, credential)


def test_a_passkey_made_without_a_user_verified_is_refused() -> None:
    """Invalid solely because the user-verified flag is missing."""
    session: dict[str, Any] = {}
    options = begin(session)
    options["authenticatorSelection"]["userVerification"] = "discouraged"
    with pytest.raises(UnableToComplete, match="verified"):
        finish(session, Authenticator(origin=ORIGIN, verifies_user=False).create(options))


def client_data(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def apply(credential: dict[str, Any]) -> None:
        data = strict_json.loads_object(b64decode(credential["response"]["clientDataJSON"]))
        change(data)
        credential["response"]["clientDataJSON"] = b64encode(strict_json.dumps(data))

    return apply


CLIENT_DATA = {
    "crossOrigin": client_data(lambda data: data.update(crossOrigin=True)),
    "crossOrigin as text": client_data(lambda data: data.update(crossOrigin="false")),
    "topOrigin": client_data(lambda data: data.update(topOrigin="https://evil.example")),
    "origin": client_data(lambda data: data.update(origin="http://evil.localhost:8002")),
    "origin's port": client_data(lambda data: data.update(origin="http://hk.localhost:8003")),
    "challenge": client_data(lambda data: data.update(challenge=b64encode(bytes(64)))),
    "type": client_data(lambda data: data.update(type="payment.get")),
    "no type": client_data(lambda data: data.pop("type")),
}


@pytest.mark.parametrize("change", CLIENT_DATA.values(), ids=CLIENT_DATA.keys())
def test_a_creation_with_other_client_data_is_refused(authenticator: Authenticator, change: Any) -> None:
    """Invalid solely because of the one member of the client data."""
    session: dict[str, Any] = {}
    credential = authenticator.create(begin(session))
    change(credential)
    with pytest.raises(UnableToComplete):
        finish(session, credential)


# ---- assertion


@pytest.mark.parametrize("change", CLIENT_DATA.values(), ids=CLIENT_DATA.keys())
def test_an_assertion_with_other_client_data_is_refused(authenticator: Authenticator, change: Any) -> None:
    """Invalid solely because of the one member of the client data; the signature is made over it."""
    passkey = enrolled(authenticator)
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session))
    change(credential)
    resign(credential, authenticator.credentials[0].key)
    with pytest.raises(UnableToComplete):
        answer(session, credential)
    passkey.refresh_from_db()
    assert passkey.sign_count == 0


def resign(credential: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> None:
    response = credential["response"]
    data = b64decode(response["authenticatorData"]) + hashlib.sha256(b64decode(response["clientDataJSON"])).digest()
    response["signature"] = b64encode(key.sign(data, ec.ECDSA(hashes.SHA256())))


def test_resigning_itself_does_not_spoil_an_assertion(authenticator: Authenticator) -> None:
    enrolled(authenticator)
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session))
    resign(credential, authenticator.credentials[0].key)
    answer(session, credential)


def test_another_key_cannot_sign(authenticator: Authenticator) -> None:
    """Invalid solely because the signature is made with another key."""
    enrolled(authenticator)
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session))
    resign(credential, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(UnableToComplete):
        answer(session, credential)


def with_authenticator_data(authenticator: Authenticator, change: Callable[[bytearray], None]) -> None:
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session))
    data = bytearray(b64decode(credential["response"]["authenticatorData"]))
    change(data)
    credential["response"]["authenticatorData"] = b64encode(bytes(data))
    resign(credential, authenticator.credentials[0].key)
    answer(session, credential)


@pytest.mark.parametrize(
    ("position", "value"),
    [pytest.param(32, 0x01, id="user not verified"), pytest.param(32, 0x04, id="user not present"),
     pytest.param(0, 0, id="hash of another RP ID")],
)  # fmt: skip
def test_an_assertion_with_other_authenticator_data_is_refused(
    authenticator: Authenticator, position: int, value: int
) -> None:
    """Invalid solely because of one byte of the authenticator data."""
    enrolled(authenticator)
    with pytest.raises(UnableToComplete):
        with_authenticator_data(authenticator, lambda data: data.__setitem__(position, value))


@pytest.mark.parametrize("count", [0, 1])
def test_a_counter_that_does_not_advance_points_to_a_copied_passkey(authenticator: Authenticator, count: int) -> None:
    """Invalid solely because the counter is not above the one kept (§6.1.1)."""
    passkey = enrolled(authenticator)
    Passkey.objects.filter(pk=passkey.pk).update(sign_count=1)
    with pytest.raises(UnableToComplete) as caught:
        with_authenticator_data(authenticator, lambda data: data.__setitem__(slice(33, 37), count.to_bytes(4, "big")))
    assert caught.value.code == "conflict"


def test_the_user_handle_must_be_the_account_s(authenticator: Authenticator) -> None:
    """Invalid solely because the user handle is another account's, or missing (§7.2 step 6)."""
    enrolled(authenticator)
    for handle in (b64encode(bytes(64)), None):
        session: dict[str, Any] = {}
        credential = authenticator.get(ask(session))
        credential["response"]["userHandle"] = handle
        with pytest.raises(UnableToComplete, match="user handle"):
            answer(session, credential)


def test_a_passkey_outside_the_allow_list_is_refused(authenticator: Authenticator) -> None:
    """Invalid solely because the list names another passkey (§7.2 step 5)."""
    enrolled(authenticator)
    session: dict[str, Any] = {}
    options = ask(session, allowed=[b"another"])
    options["allowCredentials"] = []  # a browser that does as it likes
    with pytest.raises(UnableToComplete, match="not a passkey of this account"):
        answer(session, authenticator.get(options))


def test_a_security_key_without_user_handle_may_answer_an_allow_list(authenticator: Authenticator) -> None:
    passkey = enrolled(authenticator)
    session: dict[str, Any] = {}
    credential = authenticator.get(ask(session, allowed=[bytes(passkey.credential_id)]))
    credential["response"]["userHandle"] = None
    assert answer(session, credential).passkey == passkey


def test_a_closed_account_has_no_passkeys(authenticator: Authenticator) -> None:
    """Invalid solely because the account is not active."""
    account = enrolled(authenticator).account
    account.is_active = False
    account.save()
    session: dict[str, Any] = {}
    with pytest.raises(UnableToComplete, match="no such passkey"):
        answer(session, authenticator.get(ask(session)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=8).map(b64encode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = ["id", "rawId", "type", "response", "clientExtensionResults", "authenticatorAttachment"]
PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports"]


@given(outer=st.dictionaries(st.sampled_from(MEMBERS), JSON), inner=st.dictionaries(st.sampled_from(PARTS), JSON))
def test_whatever_is_sent_is_refused_and_never_crashes(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    authenticator = Authenticator(origin=ORIGIN)
    session: dict[str, Any] = {}
    credential = {**authenticator.create(begin(session)), **outer}
    if isinstance(credential.get("response"), dict):
        credential["response"] = {**credential["response"], **inner}
    with contextlib.suppress(UnableToComplete):
        finish(session, credential)
    ask(session)
    with pytest.raises(UnableToComplete):
        answer(session, credential)
    ceremonies.claimed_credential(credential)
