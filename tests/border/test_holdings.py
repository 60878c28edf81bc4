"""What a wallet is told of its traveller's tokens and consents, and of nobody else's."""

import json

import pytest

from idp.border import recording, revocation
from idp.border.models import CrossingReceipt, IssuedToken
from tests.border.world import NODE, World, problem_of

TOKENS, CONSENTS = "/border/v1/tokens", "/border/v1/consents"


@pytest.fixture
def token(world: World) -> IssuedToken:
    assert world.ask().status_code == 201
    return IssuedToken.objects.get()


def told(world: World, token: IssuedToken) -> dict[str, object]:
    answer = world.read(f"{TOKENS}/{token.jti}", world.access_token())
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_living_tokens_are_listed_as_facts(world: World, token: IssuedToken) -> None:
    """A list that hands out tokens would be worth stealing."""
    answer = world.read(TOKENS, world.access_token())
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    assert answer.json() == {
        "items": [
            {
                "jti": token.jti,
                "checkpoint": world.checkpoint.entity_id,
                "direction": "exit",
                "document": str(world.document.pk),
                "format": "jwt",
                "issued_at": world.now,
                "expires_at": token.expires_at,
                "state": "living",
                "used_at": None,
                "revoked_at": None,
            }
        ],
        "next": None,
    }
    assert "Link" not in answer


def test_dead_tokens_are_not_listed(world: World, token: IssuedToken) -> None:
    """A list that grows for ever, of what nobody can use."""
    revocation.revoke(tokens=IssuedToken.objects.all(), actor="x", now=world.now)
    assert world.read(TOKENS, world.access_token()).json()["items"] == []


def test_another_travellers_tokens_are_not_there(world: World, token: IssuedToken) -> None:
    """invalid solely because the token is another's."""
    other, _ = world.person("other", "B7654321")
    IssuedToken.objects.update(traveller=other)
    assert world.read(TOKENS, world.access_token()).json()["items"] == []
    refused = world.read(f"{TOKENS}/{token.jti}", world.access_token())
    assert problem_of(refused) == (404, "not_found")
    path = f"{TOKENS}/revoke"
    answer = world.machine.post(path, headers=world.authorized(path, world.access_token()))
    assert answer.json() == {"revoked": 0}
    assert IssuedToken.objects.get().revoked_at is None


def test_the_state_of_a_token_says_what_became_of_it(world: World, token: IssuedToken) -> None:
    assert told(world, token)["state"] == "living"
    IssuedToken.objects.update(expires_at=world.now, issued_at=world.now - 60)
    assert told(world, token)["state"] == "expired"
    IssuedToken.objects.update(revoked_at=world.now, revoked_for="holder")
    assert told(world, token)["state"] == "revoked"


def test_a_token_that_let_its_traveller_pass_is_used_and_a_referral_uses_nothing(
    world: World, token: IssuedToken
) -> None:
    """A wallet that shows a spent token, or that hides one which is still good."""
    for decision, state in (("refer", "living"), ("admit", "used")):
        reason = "" if decision == "admit" else "face_uncertain"
        world.gate.entry(world.now, jti=token.jti, iss=NODE, decision=decision, reason=reason)
        recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
        assert told(world, token)["state"] == state
    assert told(world, token)["used_at"] == world.now


def test_a_token_is_used_that_a_peer_sent_a_receipt_for(world: World, token: IssuedToken) -> None:
    """The other side's gates write into the other side's journal."""
    CrossingReceipt.objects.create(
        sender="https://cn.example",
        token_jti=token.jti,
        receipt_jti="r",
        checkpoint=token.checkpoint,
        direction="exit",
        at=world.now - 5,
        received_at=world.now,
        token=token,
    )
    assert told(world, token)["used_at"] == world.now - 5


def test_all_tokens_are_taken_back_at_once(world: World) -> None:
    """A lost phone: the traveller has not a minute for each."""
    grant = world.grant()
    for _ in range(3):
        assert world.ask(grant=grant).status_code == 201
    path = f"{TOKENS}/revoke"
    answer = world.machine.post(path, headers=world.authorized(path, world.access_token()))
    assert (answer.status_code, answer.json()) == (200, {"revoked": 3})
    assert not IssuedToken.objects.filter(revoked_at=None).exists()


def test_a_consent_says_how_many_tokens_are_left(world: World) -> None:
    grant = world.grant(world.detail(max_tokens=2), world.detail(directions=["entry"]))
    for remaining in (2, 1, 0):
        first, second = world.read(CONSENTS, world.access_token(grant)).json()["items"]
        assert (first["remaining"], first["issued"], first["max_tokens"]) == (remaining, 2 - remaining, 2)
        assert second["remaining"] == 3
        world.ask(grant=grant)


def test_a_consent_that_has_ended_is_not_listed(world: World) -> None:
    """invalid solely because its time is over."""
    ended = world.detail(valid_from=world.now - 60, valid_until=world.now - 30)
    assert world.read(CONSENTS, world.access_token(world.grant(ended))).json() == {"items": []}


def test_pages_follow_each_other_by_link_and_by_member(world: World) -> None:
    grant = world.grant()
    for _ in range(3):
        world.ask(grant=grant)
    found: list[str] = []
    query = "?limit=2"
    for left in (2, 1):
        answer = world.read(TOKENS, world.access_token(), query)
        page = answer.json()
        assert len(page["items"]) == left
        found += [item["jti"] for item in page["items"]]
        if page["next"]:
            assert answer["Link"] == f'<{page["next"]}>; rel="next"'
            base, _, rest = page["next"].partition("?")
            assert base == NODE + TOKENS  # of the configuration, whatever Host says
            query = f"?{rest}"
    assert page["next"] is None
    assert found == list(IssuedToken.objects.order_by("-id").values_list("jti", flat=True))


def test_what_is_unchanged_is_not_sent_again(world: World, token: IssuedToken) -> None:
    """A wallet that polls: the tag must change when the token's state does, and only then."""
    path = f"{TOKENS}/{token.jti}"
    tag = world.read(path, world.access_token())["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = world.read(path, world.access_token(), **{"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag), known
    IssuedToken.objects.update(revoked_at=world.now, revoked_for="holder")
    changed = world.read(path, world.access_token(), **{"If-None-Match": tag})
    assert changed.status_code == 200 and changed["ETag"] != tag


def test_head_has_the_headers_of_get(world: World, token: IssuedToken) -> None:
    path = f"{TOKENS}/{token.jti}"
    whole = world.read(path, world.access_token())
    headers = world.authorized(path, world.access_token(), method="HEAD")
    answer = world.machine.head(path, headers=headers)
    assert (answer.status_code, answer["ETag"], answer.content) == (200, whole["ETag"], b"")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=x", ["limit"]),
        ("limit=", ["limit"]),
        (f"limit={'9' * 400}", ["limit"]),
        ("limit=1&limit=1", ["limit"]),
        (f"after={'A' * 129}", ["after"]),
        ("after=%00", ["after"]),
        ("unknown=1", []),
    ],
)
def test_a_parameter_that_cannot_be_is_named(world: World, query: str, fields: list[str]) -> None:
    """invalid solely because of one parameter; an unknown one is not repeated to whoever reads the answer."""
    answer = world.read(TOKENS, world.access_token(), f"?{query}")
    assert problem_of(answer) == (400, "invalid_request")
    assert json.loads(answer.content)["fields"] == fields


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "WzEsMV0A", "WzEsIjIiXQ", "Wy0xLDJd", "WzEuMCwyXQ", "WzEsdHJ1ZV0"]
)
def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    """invalid solely because of the cursor."""
    answer = world.read(TOKENS, world.access_token(), f"?after={cursor}")
    assert problem_of(answer) == (400, "invalid_request")
