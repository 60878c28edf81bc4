"""Each invariant of this room's tables, broken once."""

from typing import Any

import pytest
from django.db import IntegrityError

from idp.accounts.models import Account, Traveller
from idp.oidc import subjects
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, RefreshToken, UsedOnce, plain

NOW = 1_800_000_000


def client(**changes: Any) -> Client:
    values = {"client_id": "https://a.example", "profile": "border", "registration": "admin", "sector": "a.example"}
    return Client.objects.create(**{**values, "created_at": NOW, **changes})


def grant(**changes: Any) -> Grant:
    traveller = Traveller.objects.create(account=Account.objects.create_user("mei"))
    values = {"traveller": traveller, "client": client(), "acr": "urn:causeway:acr:mfa", "auth_time": NOW}
    return Grant.objects.create(**{**values, "created_at": NOW, **changes})


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("oidc_client_profile_known", {"profile": "lax"}),
        ("oidc_client_registration_known", {"registration": "self"}),
        ("oidc_client_automatic_expires", {"registration": "automatic"}),
        ("oidc_client_explicit_expires", {"registration": "explicit"}),
        ("oidc_client_trial_is_short", {"registration": "trial"}),
        ("oidc_client_trial_is_short", {"registration": "trial", "expires_at": NOW + 3601}),
        ("oidc_client_sector_present", {"sector": ""}),
    ],
)
def test_client_out_of_bounds_is_not_stored(db: None, constraint: str, changes: dict[str, Any]) -> None:
    """invalid solely because of one column."""
    with pytest.raises(IntegrityError, match=constraint):
        client(**changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [("oidc_grant_revoked_after_created", {"revoked_at": NOW - 1}), ("oidc_grant_acr_present", {"acr": ""})],
)
def test_grant_out_of_bounds_is_not_stored(db: None, constraint: str, changes: dict[str, Any]) -> None:
    """invalid solely because of one column."""
    with pytest.raises(IntegrityError, match=constraint):
        grant(**changes)


def test_code_without_challenge_is_not_stored(db: None) -> None:
    """invalid solely because the challenge is empty: a request without PKCE has none at all."""
    with pytest.raises(IntegrityError, match="oidc_code_challenge_present"):
        AuthorizationCode.objects.create(code_hash="a", grant=grant(), code_challenge="", expires_at=NOW + 60)


def test_what_ends_before_it_begins_is_not_stored(db: None) -> None:
    """invalid solely because expires_at is not after created_at."""
    held = grant()
    with pytest.raises(IntegrityError, match="oidc_refresh_expires_later"):
        RefreshToken.objects.create(token_hash="a", grant=held, created_at=NOW, expires_at=NOW)


def test_pushed_request_that_is_over_is_not_stored(db: None) -> None:
    """invalid solely because expires_at is not after created_at."""
    with pytest.raises(IntegrityError, match="oidc_pushed_expires_later"):
        PushedRequest.objects.create(handle_hash="a", client=client(), parameters={}, created_at=NOW, expires_at=NOW)


def test_spent_identifier_stands_once(db: None) -> None:
    """invalid solely because kind and key were there."""
    UsedOnce.objects.create(kind="a", key_hash="b", expires_at=NOW)
    with pytest.raises(IntegrityError):
        UsedOnce.objects.create(kind="a", key_hash="b", expires_at=NOW)


def test_metadata_of_another_type_counts_as_absent(db: None) -> None:
    """A string is iterable too: "in" would find letters."""
    held = client(metadata={"grant_types": "authorization_code", "scopes": ["a", 5], "redirect_uris": ["https://a"]})
    assert held.listed("grant_types") == held.listed("scopes") == []
    assert held.listed("redirect_uris") == ["https://a"]
    assert plain({"a": ({"b": 1},)}) == {"a": [{"b": 1}]}


def test_sectors_cannot_be_run_together() -> None:
    """invalid solely because the sector's end and the identifier's beginning could be shifted."""
    from uuid import UUID

    one = subjects.pairwise(sector="a.example", traveller_id=UUID(int=1))
    assert one == subjects.pairwise(sector="a.example", traveller_id=UUID(int=1))
    assert one != subjects.pairwise(sector="a.example:", traveller_id=UUID(int=1))
    assert one != subjects.pairwise(sector="a.example", traveller_id=UUID(int=2))
