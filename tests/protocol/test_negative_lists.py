"""Negative case 61 at the gate: a token whose status list does not hold admits nobody, and says why."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from idp.protocol import gate, jws, strict_json
from idp.protocol.gate_decisions import Examined, Refer
from idp.protocol.refusals import Reason
from idp.protocol.status_list import STATUS_LIST, StatusList, encode
from tests.simulators.gate import CN, MO, GateSimulator, status_key

URI = f"{CN}/status/1"


def _signed(now: int, *, typ: str = "statuslist+jwt", **changes: Any) -> str:
    """The mainland's list of the token's address, with claims changed."""
    kind = jws.TokenType(typ, required=STATUS_LIST.required, max_bytes=STATUS_LIST.max_bytes)
    listed = encode(StatusList.blank(size=1024))
    claims = {"sub": URI, "iat": now, "exp": now + 86_400, "status_list": listed, **changes}
    return jws.sign(kind, claims, status_key(CN))


BOMB = {"bits": 1, "lst": strict_json.b64encode(zlib.compress(bytes(1 << 28), 9))}
THREE = {"bits": 3, "lst": encode(StatusList.blank(size=1024))["lst"]}
# What is wrong with the list, and what the bundle says of it.
LISTS: Mapping[str, tuple[Callable[[GateSimulator], str], Reason]] = {
    "typ of another document": (lambda world: _signed(world.now, typ="jwt"), Reason.MALFORMED),
    "sub is not the uri": (lambda world: _signed(world.now, sub=f"{URI}/"), Reason.POLICY_VIOLATION),
    "bits is 3": (lambda world: _signed(world.now, status_list=THREE), Reason.MALFORMED),
    "expired": (lambda world: _signed(world.now - 900, exp=world.now - 600), Reason.EXPIRED),
    "zlib bomb": (lambda world: _signed(world.now, status_list=BOMB), Reason.MALFORMED),
    "another issuer's key": (
        lambda world: world.status_list(CN, signer=status_key(MO)),
        Reason.BAD_SIGNATURE,
    ),
    "another issuer's list": (lambda world: world.status_list(MO), Reason.BAD_SIGNATURE),
}


@pytest.mark.parametrize("wrong", LISTS)
def test_token_whose_list_does_not_hold_is_referred(wrong: str) -> None:
    """invalid solely because of the list (row 61): it is left out with its reason, and an officer looks."""
    make, reason = LISTS[wrong]
    world = GateSimulator()
    shown = world.present(world.token())
    assert isinstance(_examined(world, shown), Examined), "with the right list it would pass"
    world.lists = {CN: [make(world)]}
    decision = _examined(world, shown)
    assert isinstance(decision, Refer) and decision.reason is Reason.STATUS_STALE
    if wrong != "sub is not the uri":  # that one is another address's, and a good list of it
        assert reason in {item.reason for item in world.load().left_out}


@pytest.mark.parametrize("idx", [1024, 10**6])
def test_token_whose_index_is_outside_its_list_is_refused(idx: int) -> None:
    """invalid solely because of the index (row 61): no statement about it can be made (§8.3)."""
    world = GateSimulator()
    decision = _examined(world, world.present(world.token(status_idx=idx)))
    assert not isinstance(decision, Examined) and decision.reason is Reason.MALFORMED


@pytest.mark.parametrize("wrong", LISTS)
def test_a_list_that_does_not_hold_beside_the_right_one_changes_nothing(wrong: str) -> None:
    """Or whoever can add to a bundle could have a revocation forgotten."""
    world = GateSimulator(revoked={CN: {5}})
    make, _ = LISTS[wrong]
    world.lists = {CN: [world.status_list(CN), make(world)]}
    decision = _examined(world, world.present(world.token()))
    assert not isinstance(decision, Examined) and decision.reason is Reason.REVOKED


def _examined(world: GateSimulator, shown: str | bytes) -> Any:
    return gate.examine(shown, bundle=world.load(), lane=world.lane(), ledger=world.ledger, now=world.now)
