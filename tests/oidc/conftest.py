"""A node with keys, a messenger that it vouches for, a traveller, and the way from one to the other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from idp import conf
from idp.accounts.models import Account, Traveller
from idp.federation import fetching, signing
from idp.oidc import authorization_details, initial_access
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import Registrant
from tests.oidc.relying_party import ENTITY, RelyingParty
from tests.oidc.world import Crossing, Messenger, World


@pytest.fixture
def world(db: None, now: int, monkeypatch: pytest.MonkeyPatch, settings: Any) -> World:
    """Everything that a flow needs; the only thing that is not real is the network to the messenger's server."""
    settings.STATIC_ROOT = conf.authority().data_dir  # the middleware that serves files warns of a missing folder
    for use in signing.NODE_USES:
        signing.ensure_key(use=use)
    monkeypatch.setitem(authorization_details._HANDLERS, "border_crossing", Crossing())
    account = Account.objects.create_user("mei", "a long enough password")
    built = World(now=now, traveller=Traveller.objects.create(account=account))
    monkeypatch.setattr(fetching, "get", built.get)
    built.vouch_for(built.messenger)
    return built


@pytest.fixture
def messenger(world: World) -> Messenger:
    return world.messenger


@pytest.fixture
def rp(world: World) -> RelyingParty:
    """The world's client is a conventional relying party instead."""
    signing.ensure_key(use="oidc", algorithm="RS256")
    party = RelyingParty(world.federation, ENTITY, world.now)
    world.vouch_for(party)
    world.messenger = party
    return party


@pytest.fixture
def basic(world: World) -> BasicParty:
    """A conventional client beside the world's messenger."""
    signing.ensure_key(use="oidc", algorithm="RS256")
    return BasicParty(world)


@pytest.fixture
def anybody(world: World, settings: Any) -> Registrant:
    """Registration is open."""
    settings.IDP_DYNAMIC_REGISTRATION = "open"
    signing.ensure_key(use="oidc", algorithm="RS256")
    return Registrant(world)


@pytest.fixture
def invited(world: World, settings: Any) -> Registrant:
    """Registration is for holders of a token, of which this is one."""
    settings.IDP_DYNAMIC_REGISTRATION = "token"
    token = initial_access.invite(lifetime=3600, uses=2, actor="account:7", now=world.now)
    return Registrant(world, token)


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A database that threads share as workers do: SQLite in memory locks whole tables and does not wait."""
    old = connections["default"]
    if old.vendor != "sqlite":
        yield
        return
    path, name = tmp_path / "race.sqlite3", old.settings_dict["NAME"]
    old.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        old.connection.backup(target)
    del connections["default"]
    old.settings_dict["NAME"] = path
    try:
        yield
    finally:
        connections["default"].close()
        old.settings_dict["NAME"] = name
        connections["default"] = old
