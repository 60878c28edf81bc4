"""The table that decides which check runs."""

import functools
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from idp.oidc import checks, levels
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant
from tests.oidc.world import World


def test_every_check_stands_in_the_table_and_says_what_it_is_for() -> None:
    """A check that nobody runs is decoration."""
    written = {
        name
        for name, value in vars(checks).items()
        if callable(value)
        and getattr(value, "__module__", "") == checks.__name__
        and name[0].islower()
        and name != "run"
    }
    assert written == {check.run.__name__ for check in checks.CHECKS}
    assert all(check.run.__doc__ for check in checks.CHECKS)
    assert all(check.profiles <= checks.ALL and check.profiles for check in checks.CHECKS)
    assert len({(check.run, check.endpoint) for check in checks.CHECKS}) == len(checks.CHECKS)


def test_command_prints_the_table_by_endpoint_and_profile() -> None:
    """The table is for review: a row that is missing, out of order or says another profile is not reviewed."""
    out = StringIO()
    call_command("oidc", "checks", stdout=out)
    rows = [line.split(maxsplit=5) for line in out.getvalue().splitlines()]
    assert [row[0] for row in rows] == [check.endpoint for check in checks.CHECKS]
    assert [{*row[1:4]} - {"-"} for row in rows] == [{*check.profiles} for check in checks.CHECKS]
    assert [row[4] for row in rows] == [check.run.__name__ for check in checks.CHECKS]
    assert all(row[5] in str(check.run.__doc__) for row, check in zip(rows, checks.CHECKS, strict=True))
    lines = out.getvalue().splitlines()
    assert len({line.index(row[4]) for line, row in zip(lines, rows, strict=True)}) == 1, "columns"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the checks that run; they let everything pass."""
    names: list[str] = []

    def spied(check: checks.Check) -> checks.Check:
        run = functools.wraps(check.run)(lambda it: names.append(check.run.__name__))
        return check._replace(run=run)

    monkeypatch.setattr(checks, "CHECKS", [spied(check) for check in checks.CHECKS])
    checks._at.cache_clear()
    yield names
    checks._at.cache_clear()


@pytest.mark.parametrize("profile", Client.Profile.values)
@pytest.mark.parametrize("endpoint", dict.fromkeys(check.endpoint for check in checks.CHECKS))
def test_what_is_printed_is_what_runs(seen: list[str], endpoint: str, profile: str) -> None:
    """For each endpoint and profile all of its rows, in their order, and no other."""
    out = StringIO()
    call_command("oidc", "checks", stdout=out)
    rows = [line.split() for line in out.getvalue().splitlines()]
    checks.run(endpoint, checks.Situation(client=Client(client_id="a", profile=profile), now=1))
    assert seen == [row[4] for row in rows if row[0] == endpoint and profile in row[1:4]] != []


def test_key_of_another_phone_is_refused_before_anything_is_bound(world: World) -> None:
    """invalid solely because the grant is bound to another key; storing the token is guarded once more."""
    world.tokens()
    grant = Grant.objects.select_related("client").get()
    with pytest.raises(OAuthError) as caught:
        checks.key_is_the_grants(checks.Situation(client=grant.client, now=world.now, proof_jkt="x", grant=grant))
    assert caught.value.error == "invalid_grant"


def test_border_profile_leaves_out_none(world: World) -> None:
    """The strictest profile passes every check."""
    assert all(Client.Profile.BORDER.value in check.profiles for check in checks.CHECKS)


@pytest.mark.parametrize(
    ("acr", "wanted", "enough"),
    [
        (levels.MULTIFACTOR, levels.PASSWORD, True),
        (levels.PASSWORD, levels.MULTIFACTOR, False),
        (levels.PASSWORD, levels.PASSWORD, True),
        ("urn:other", levels.PASSWORD, False),
        (levels.MULTIFACTOR, "urn:other", False),
    ],
)
def test_unknown_level_reaches_nothing(acr: str, wanted: str, enough: bool) -> None:
    """A comparison of texts would put an unknown level above ours."""
    assert levels.reaches(acr, wanted) is enough


def test_least_of_the_levels_asked_for_is_enough() -> None:
    """RFC 9470 §5: any of acr_values satisfies."""
    assert levels.least([levels.MULTIFACTOR, levels.PASSWORD]) == levels.PASSWORD
    assert levels.least(["urn:other", levels.MULTIFACTOR]) == levels.MULTIFACTOR
    assert levels.least([]) == levels.PASSWORD
