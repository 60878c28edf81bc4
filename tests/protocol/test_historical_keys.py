"""Negative case 24: old statements, and the keys that they bear."""

from typing import Any

import pytest

from idp.protocol import historical_keys, jws
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.historical_keys import HISTORICAL_KEYS, HistoricalKeys
from idp.protocol.keys import KeySet, PrivateKey, generate
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
ISSUER = "https://idp.hk.example"
TODAY, OLD, OTHER = generate(), generate(), generate()
MADE, RETIRED = NOW - 9_000_000, NOW - 1_000_000
SUPERSEDED = {"revoked_at": RETIRED, "reason": "superseded"}


def _entry(**changed: Any) -> dict[str, Any]:
    return {**OLD.public.jwk(), "iat": MADE, "exp": RETIRED, "revoked": SUPERSEDED, **changed}


def _history(*entries: Any, signer: PrivateKey = TODAY, **claims: Any) -> str:
    base = {"iss": ISSUER, "iat": NOW, "keys": list(entries) or [_entry()]}
    return jws.sign(HISTORICAL_KEYS, {**base, **claims}, signer)


def _read(text: str) -> HistoricalKeys:
    return historical_keys.read(text, issuer=ISSUER, keys=KeySet([TODAY.public]), now=NOW)


def _statement(*, key: PrivateKey = OLD, **changed: Any) -> str:
    claims = {"iss": ISSUER, "sub": "https://rp.example", "iat": RETIRED - 60, "exp": RETIRED + 60, "jwks": {}}
    return jws.sign(ENTITY_STATEMENT, {**claims, **changed}, key)


def _reason(text: str, history: str | None = None) -> Reason:
    with pytest.raises(Refusal) as caught:
        _read(history or _history()).verify(text, ENTITY_STATEMENT, now=NOW)
    return caught.value.reason


def test_what_a_superseded_key_signed_in_its_time_is_good_long_after() -> None:
    verified = _read(_history()).verify(_statement(), ENTITY_STATEMENT, now=NOW)
    assert verified.claims["sub"] == "https://rp.example"


def test_a_compromised_key_vouches_for_nothing_whatever_the_date() -> None:
    """Invalid solely because of the reason: whoever has the key may write any date."""
    compromised = _history(_entry(revoked={"revoked_at": RETIRED, "reason": "compromised"}))
    assert _reason(_statement(), compromised) is Reason.REVOKED
    assert _reason(_statement(iat=MADE + 1), compromised) is Reason.REVOKED


@pytest.mark.parametrize(
    ("iat", "reason"),
    [(RETIRED, Reason.EXPIRED), (RETIRED + 1, Reason.EXPIRED), (MADE - 1, Reason.NOT_YET_VALID)],
)
def test_what_bears_a_date_outside_the_keys_life_is_refused(iat: int, reason: Reason) -> None:
    """Invalid solely because of iat."""
    assert _reason(_statement(iat=iat)) is reason


def test_a_revocation_before_the_end_counts() -> None:
    early = _history(_entry(revoked={"revoked_at": RETIRED - 100, "reason": "unspecified"}))
    assert _reason(_statement(), early) is Reason.EXPIRED


def test_a_key_without_dates_of_its_own_is_good_until_its_end() -> None:
    entry = {name: value for name, value in _entry().items() if name not in ("iat", "revoked")}
    assert _read(_history(entry)).verify(_statement(iat=1), ENTITY_STATEMENT, now=NOW)


def test_only_keys_of_this_history_and_this_issuer_count() -> None:
    assert _reason(_statement(key=OTHER)) is Reason.BAD_SIGNATURE
    assert _reason(_statement(key=TODAY)) is Reason.BAD_SIGNATURE
    assert _reason(_statement(iss="https://idp.mo.example")) is Reason.UNTRUSTED_ISSUER
    head, body, _ = _statement().split(".")
    assert _reason(f"{head}.{body}.{_statement(iat=1).split('.')[2]}") is Reason.BAD_SIGNATURE


def test_a_statement_without_date_is_refused() -> None:
    """Invalid solely because nothing says when it was signed."""
    claims = {"iss": ISSUER, "sub": "https://rp.example", "exp": NOW, "jwks": {}}
    assert _reason(jws.sign(ENTITY_STATEMENT, claims, OLD)) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (_history(signer=OLD), Reason.BAD_SIGNATURE),
        (_history(iss="https://idp.mo.example"), Reason.UNTRUSTED_ISSUER),
        (_history(iat=NOW + 3600), Reason.NOT_YET_VALID),
        (_history(keys={}), Reason.MALFORMED),
        (_history(_entry(), _entry()), Reason.MALFORMED),
        (_history(_entry(exp=None)), Reason.MALFORMED),
        (_history(_entry(exp="1")), Reason.MALFORMED),
        (_history(_entry(revoked="compromised")), Reason.MALFORMED),
        (_history(_entry(revoked={"reason": "compromised"})), Reason.MALFORMED),
        (_history(_entry(d="AA")), Reason.MALFORMED),
        (_history("x"), Reason.MALFORMED),
        (jws.sign(jws.TokenType("JWT"), {"iss": ISSUER, "iat": NOW, "keys": []}, TODAY), Reason.MALFORMED),
    ],
    ids=range(12),
)
def test_a_history_with_one_fault_is_refused(history: str, reason: Reason) -> None:
    with pytest.raises(Refusal) as caught:
        _read(history)
    assert caught.value.reason is reason
