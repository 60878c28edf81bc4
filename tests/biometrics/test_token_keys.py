"""A wrapping key in a real token: what it wraps opens, it stays inside, and a token that is away admits nobody."""

import multiprocessing
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute

from idp.biometrics import pkcs11_uri, token_keys, vault
from idp.biometrics.token_keys import TokenKey
from idp.protocol.refusals import Unavailable
from tests.biometrics.softhsm import LIBRARY, Token, needs_softhsm

pytestmark = needs_softhsm
DATA_KEY = bytes(range(32))
FACE = {"kind": "portrait", "owner": 7}


def key(uri: str) -> TokenKey:
    return TokenKey(pkcs11_uri.parse(uri))


def test_a_face_sealed_by_a_token_opens_by_it(token: Token, settings: Any) -> None:
    settings.IDP_FACE_KEY = token.make("one")
    sealed = vault.seal(b"face", **FACE)
    assert vault.unseal(sealed, **FACE) == b"face"


def test_the_wrapping_key_does_not_leave_the_token(token: Token) -> None:
    inside = token_keys._library(Path(str(LIBRARY))).key(pkcs11_uri.parse(token.make("one")))
    with pytest.raises(pkcs11.AttributeSensitive):
        inside[Attribute.VALUE]


def test_no_data_key_is_left_in_the_token(token: Token) -> None:
    """They would pile up until it is full, for whoever has the PIN to read."""
    made = key(token.make("one"))
    made.unwrap(made.wrap(DATA_KEY))
    with pytest.raises(ValueError, match="wrapped"):
        made.unwrap(bytes(40))
    session = token_keys._library(Path(str(LIBRARY))).key(pkcs11_uri.parse(token.uri("one"))).session
    assert len(list(session.get_objects())) == 1


@pytest.mark.parametrize("wrapped", [bytes(40), bytes(39), b"", bytes(48)])
def test_what_the_token_did_not_wrap_is_said_to_be_so(token: Token, wrapped: bytes) -> None:
    """invalid solely because it is not a key wrapped by this one; the token is there, so nobody need wait for it."""
    with pytest.raises(ValueError, match="not a key that this token wrapped"):
        key(token.make("one")).unwrap(wrapped)


def test_two_keys_of_one_token_share_its_login(token: Token, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second login to a token is refused by it: each use of the retired key would begin everything anew."""
    settings.IDP_FACE_KEY = token.make("old")
    sealed = vault.seal(b"face", **FACE)
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = token.make("new"), [token.uri("old")]
    opened, logins = token_keys._Library._opened, list[object]()
    monkeypatch.setattr(token_keys._Library, "_opened", lambda *facts: logins.append(facts) or opened(*facts))
    for _ in range(3):
        assert vault.unseal(vault.seal(b"new", **FACE), **FACE) == b"new"
        assert vault.unseal(sealed, **FACE) == b"face"
    assert len(logins) == 1


def test_a_key_moved_from_its_file_into_a_token_opens_what_it_wrapped(token: Token, settings: Any) -> None:
    from idp import conf

    sealed = vault.seal(b"face", **FACE)
    settings.IDP_FACE_KEY = token.make("moved", conf.secret("biometrics.key"))
    assert vault.unseal(sealed, **FACE) == b"face"
    assert vault.seal(b"face", **FACE)[:9] == sealed[:9], "one key, one name"


def test_a_token_that_is_away_is_unavailable_and_comes_back(token: Token, settings: Any) -> None:
    """Neither an admission nor an error that a row is broken; and the process need not be started again."""
    settings.IDP_FACE_KEY = token.make("one")
    sealed = vault.seal(b"face", **FACE)
    away = token.store.rename(token.store.with_name("away"))
    token.store.mkdir()
    token_keys._library(Path(str(LIBRARY))).forget()  # SoftHSM looks for tokens when it begins
    for use in (lambda: vault.unseal(sealed, **FACE), lambda: vault.seal(b"x", **FACE)):
        with pytest.raises(Unavailable):
            use()
    token.store.rmdir()
    away.rename(token.store)
    assert vault.unseal(sealed, **FACE) == b"face"


def test_a_session_that_ended_is_opened_anew(token: Token) -> None:
    made = key(token.make("one"))
    wrapped = made.wrap(DATA_KEY)
    token_keys._library(Path(str(LIBRARY))).key(pkcs11_uri.parse(token.uri("one"))).session.close()
    assert made.unwrap(wrapped) == DATA_KEY


def test_a_wrong_pin_is_tried_once(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token locks itself after a few; then the right one would not help either."""
    made = key(token.make("one"))
    token.pin_file.write_text("1111")
    asked: list[str] = []
    opened = token_keys._Library._opened

    class Counting:
        def __init__(self, real: Any) -> None:
            self._real = real

        def open(self, *, user_pin: str) -> Any:
            asked.append(user_pin)
            return self._real.open(user_pin=user_pin)

    monkeypatch.setattr(token_keys._Library, "_opened", lambda library, real, uri: opened(library, Counting(real), uri))
    for _ in range(3):
        with pytest.raises(Unavailable):
            made.wrap(DATA_KEY)
    assert asked == ["1111"]
    token.pin_file.write_text("2468")
    assert made.unwrap(made.wrap(DATA_KEY)) == DATA_KEY


@pytest.mark.parametrize("missing", ["pin", "key", "library"])
def test_what_is_not_there_is_unavailable(token: Token, missing: str) -> None:
    """invalid solely because one thing is missing: nobody learns more from it than that."""
    uri = token.make("one")
    if missing == "pin":
        token.pin_file.unlink()
    uri = uri.replace("object=one", "object=two") if missing == "key" else uri
    uri = uri.replace(str(LIBRARY), "/nowhere/lib.so") if missing == "library" else uri
    with pytest.raises(Unavailable) as said:
        key(uri).wrap(DATA_KEY)
    assert "2468" not in str(said.value)


def test_threads_of_a_process_do_not_disturb_each_other(token: Token) -> None:
    made = key(token.make("one"))
    wrapped, wrong = made.wrap(DATA_KEY), []

    def work() -> None:
        wrong.extend(1 for _ in range(50) if made.unwrap(wrapped) != DATA_KEY)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _in_a_child(uri: str, wrapped: bytes, answers: Any) -> None:
    answers.put((key(uri).unwrap(wrapped), token_keys._library(Path(str(LIBRARY)))._pid == os.getpid()))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_worker_opens_a_session_of_its_own(token: Token) -> None:
    """As Celery's workers are made: the parent's session is not theirs."""
    uri = token.make("one")
    wrapped = key(uri).wrap(DATA_KEY)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=_in_a_child, args=(uri, wrapped, answers))
    child.start()
    assert answers.get(timeout=30) == (DATA_KEY, True), "SoftHSM forgives the parent's session; not every module does"
    child.join()
    assert key(uri).unwrap(wrapped) == DATA_KEY, "nor has the child ended the parent's"


def test_an_officer_looks_for_the_token_in_another_slot(token: Token) -> None:
    uri = pkcs11_uri.parse(token.make("one"))
    found = token_keys.slots(Path(str(LIBRARY)))
    (slot,) = [slot for slot in found if slot.holds(uri)]
    assert slot.label == "faces" and slot.serial and slot.model
    by_serial = replace(uri, token=None, serial=slot.serial.encode())
    assert slot.holds(by_serial) and not slot.holds(replace(by_serial, serial=b"another"))
    empty = [slot for slot in found if not slot.label]
    assert empty, "SoftHSM always has a slot to be initialised"
    assert not any(slot.holds(by_serial) or slot.holds(uri) for slot in empty)


def test_a_look_at_the_slots_ends_the_sessions_of_those_who_wrap(token: Token) -> None:
    made = key(token.make("one"))
    wrapped = made.wrap(DATA_KEY)
    session = token_keys._library(Path(str(LIBRARY))).key(pkcs11_uri.parse(token.uri("one"))).session
    token_keys.slots(Path(str(LIBRARY)))
    assert token_keys._library(Path(str(LIBRARY))).key(pkcs11_uri.parse(token.uri("one"))).session is session
    assert made.unwrap(wrapped) == DATA_KEY


def test_a_library_that_is_not_there_is_an_error_of_ours() -> None:
    with pytest.raises(Unavailable, match="library of tokens"):
        token_keys.slots(Path("/nowhere/lib.so"))
