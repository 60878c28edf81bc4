"""Two authorities compare their books: every kind of disagreement is found, and nobody else reads them."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command

from idp.border import reconciling
from idp.border.models import CrossingReceipt, OutgoingReceipt
from idp.federation import peering, signing
from idp.federation.models import Peer
from idp.protocol import client_assertion, crossing_statement
from idp.protocol.crossing_statement import BEGINNING, Statement, Told
from idp.protocol.refusals import Reason, Refusal
from tests.border.world import NODE, OFFICER, World, problem_of
from tests.federation.peers import Peers

SINCE, UNTIL = 1_799_000_000, 1_800_100_000
FIRST = 1_799_500_000


def told(jti: str, at: int = FIRST, direction: str = "entry", checkpoint: str = "c") -> Told:
    return Told(at, jti, checkpoint, direction)


def received(peers: Peers, *crossings: Told) -> None:
    """The mainland's receipts came for these."""
    for item in crossings:
        facts = {"checkpoint": item.checkpoint, "direction": item.direction, "at": item.at}
        CrossingReceipt.objects.create(
            sender=peers.cn.entity_id, token_jti=item.token_jti, receipt_jti="r", received_at=item.at, **facts
        )


def confirmed(peers: Peers, *crossings: Told, delivered: bool = True) -> None:
    """Our gates let these through on the mainland's tokens."""
    for item in crossings:
        facts = {"checkpoint": item.checkpoint, "direction": item.direction, "at": item.at, "lane": "1", "seq": 1}
        OutgoingReceipt.objects.create(
            recipient=peers.cn.entity_id,
            token_jti=item.token_jti,
            delivered_at=item.at if delivered else None,
            **facts,
        )


def page(peers: Peers, book: str, *crossings: Told, **changes: Any) -> str:
    """What the mainland states."""
    facts = {"iss": peers.cn.entity_id, "aud": NODE, "iat": FIRST, "book": book, "since": SINCE, "until": UNTIL}
    facts |= {"after": BEGINNING, "crossings": tuple(sorted(crossings)), "more": False}
    stated = Statement(**{**facts, **changes})
    return crossing_statement.sign_statement(stated, signer=peers.border_keys["cn"])


def lines(world: World, *pages: str) -> list[str]:
    return [str(item) for item in reconciling.compare(pages=pages, now=world.now).disagreements]


def test_equal_books_agree(world: World, peers: Peers) -> None:
    received(peers, told("a"), told("b"))
    confirmed(peers, told("c", direction="exit"))
    pages = [
        page(peers, "confirmed", told("a"), told("b")),
        page(peers, "received", told("c", direction="exit")),
    ]
    assert reconciling.compare(pages=pages, now=world.now) == reconciling.Comparison(3, ())


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ([], [told("a")], f"missing here: a entry c at {FIRST}"),
        ([told("a")], [], f"missing there: a entry c at {FIRST}"),
        (
            [told("a")],
            [told("a", FIRST + 1)],
            f"differs: here a entry c at {FIRST}, there a entry c at {FIRST + 1}",
        ),
        ([told("a")], [told("a", direction="exit")], f"differs: here a entry c at {FIRST}, there a exit c at {FIRST}"),
        (
            [told("a")],
            [told("a", checkpoint="d")],
            f"differs: here a entry c at {FIRST}, there a entry d at {FIRST}",
        ),
        ([told("a", SINCE - 1)], [told("a")], f"differs: here a entry c at {SINCE - 1}, there a entry c at {FIRST}"),
    ],
)
@pytest.mark.parametrize("book", ["confirmed", "received"])
def test_each_kind_of_disagreement_is_told(
    world: World, peers: Peers, book: str, here: list[Told], there: list[Told], said: str
) -> None:
    """invalid solely because of one crossing, in either book."""
    (received if book == "confirmed" else confirmed)(peers, *here)
    other = "received" if book == "confirmed" else "confirmed"
    assert lines(world, page(peers, book, *there), page(peers, other)) == [said]


def test_what_is_still_on_its_way_is_told_apart(world: World, peers: Peers) -> None:
    confirmed(peers, told("a"), delivered=False)
    said = lines(world, page(peers, "confirmed"), page(peers, "received"))
    assert said == [f"missing there: a entry c at {FIRST} (not delivered yet)"]


def test_what_lies_outside_the_period_is_not_compared(world: World, peers: Peers) -> None:
    received(peers, told("before", SINCE - 1), told("after", UNTIL))
    assert lines(world, page(peers, "confirmed"), page(peers, "received")) == []


@pytest.mark.parametrize("what", ["half", "gap", "twice", "mixed", "none"])
def test_books_that_are_not_whole_agree_with_nothing(world: World, peers: Peers, what: str) -> None:
    """invalid solely because a page or a book is missing, or comes twice, or is of another period."""
    first = page(peers, "confirmed", told("a"), more=True)
    second = page(peers, "confirmed", told("b"), after=told("a").place)
    other = page(peers, "received")
    pages = {
        "half": [first, second],
        "gap": [first, other],
        "twice": [first, second, second, other],
        "mixed": [first, second, page(peers, "received", since=SINCE + 1)],
        "none": [],
    }[what]
    with pytest.raises(Refusal) as refused:
        reconciling.compare(pages=pages, now=world.now)
    assert refused.value.reason is Reason.MALFORMED


def test_a_strangers_books_are_not_read(world: World, peers: Peers) -> None:
    """invalid solely because Macau is not recognised here."""
    stated = Statement(peers.mo.entity_id, NODE, FIRST, "confirmed", SINCE, UNTIL, BEGINNING, (), False)
    with pytest.raises(Refusal) as refused:
        lines(world, crossing_statement.sign_statement(stated, signer=peers.border_keys["mo"]))
    assert refused.value.reason is Reason.UNTRUSTED_ISSUER


# --- asked over HTTP ------------------------------------------------------------------------------------------------


def ask(world: World, peers: Peers, *, key: Any = None, **changes: Any) -> Any:
    """As the mainland asks for our book of its tokens."""
    assertion = client_assertion.sign(
        client_id=peers.cn.entity_id,
        issuer=NODE,
        now=world.now,
        jti=f"j-{len(changes)}-{changes.get('after_jti', '')}",
        signer=key or peers.cn.key,
    )
    form = {"client_assertion": assertion, "client_assertion_type": client_assertion.ASSERTION_TYPE}
    form |= {"book": "confirmed"}
    form |= {"since": SINCE, "until": UNTIL, "after_at": 0, "after_jti": "", **changes}
    return world.machine.post(
        "/border/v1/statements", urlencode(form), content_type="application/x-www-form-urlencoded"
    )


def read(answer: Any, peers: Peers, now: int) -> Statement:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == reconciling.CONTENT_TYPE and answer["Cache-Control"] == "no-store"
    return crossing_statement.verify_statement(
        answer.content, keys=signing.published("border"), issuer=NODE, audience=peers.cn.entity_id, now=now
    )


def test_a_peer_is_told_its_own_book_page_by_page(world: World, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted by code point: a page that a database sorts by its language is one that the peer refuses."""
    monkeypatch.setattr(reconciling, "MAX_CROSSINGS", 2)
    tokens = ["B", "_b", "a", "-a", "Zz"]
    confirmed(peers, *[told(jti) for jti in tokens])
    OutgoingReceipt.objects.create(
        recipient=peers.mo.entity_id, token_jti="other", checkpoint="c", lane="1", seq=1, direction="exit", at=FIRST
    )
    pages = [read(ask(world, peers), peers, world.now)]
    while pages[-1].more:
        at, jti = pages[-1].crossings[-1].place
        pages.append(read(ask(world, peers, after_at=at, after_jti=jti), peers, world.now))
    assert [item.token_jti for item in pages[0].crossings + pages[1].crossings + pages[2].crossings] == sorted(tokens)
    assert crossing_statement.follows(pages)


@pytest.mark.parametrize(
    "changes", [{"book": "all"}, {"since": "-1"}, {"until": "x"}, {"after_at": "９"}, {"since": "9" * 19}]
)
def test_a_request_that_cannot_be_read_is_refused(world: World, peers: Peers, changes: dict[str, Any]) -> None:
    assert problem_of(ask(world, peers, **changes)) == (400, "invalid_request")


def test_who_is_not_a_peer_is_told_nothing(world: World, peers: Peers) -> None:
    """invalid solely because of the key, or because the mainland was suspended."""
    confirmed(peers, told("a"))
    assert problem_of(ask(world, peers, key=peers.border_keys["cn"])) == (403, "forbidden")
    peering.suspend(Peer.objects.get(), officer=OFFICER)
    assert problem_of(ask(world, peers))[0] in (400, 403)


def test_a_request_is_good_once(world: World, peers: Peers) -> None:
    assert ask(world, peers).status_code == 200
    assert problem_of(ask(world, peers)) == (403, "forbidden")


def test_what_we_state_a_peer_can_compare_by_a_file(world: World, peers: Peers, tmp_path: Path) -> None:
    confirmed(peers, told("a"))
    received(peers, told("b", direction="exit"))
    out = tmp_path / "books"
    call_command("border", "statement", peers.cn.entity_id, "--out", str(out), "--since", "2027-01-01")
    pages = [
        crossing_statement.verify_statement(
            text, keys=signing.published("border"), issuer=NODE, audience=peers.cn.entity_id, now=world.now
        )
        for text in out.read_text().split()
    ]
    assert [(item.book, [told.token_jti for told in item.crossings]) for item in pages] == [
        ("confirmed", ["a"]),
        ("received", ["b"]),
    ]


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_counts_what_agrees_and_fails_on_what_does_not(
    world: World, peers: Peers, tmp_path: Path, capsys: Any
) -> None:
    received(peers, told("a"))
    file = tmp_path / "books"
    file.write_text("\n".join([page(peers, "confirmed", told("a")), page(peers, "received")]))
    call_command("border", "reconcile", str(file))
    assert capsys.readouterr().out == "1 receipts agree\n"
    confirmed(peers, told("b"))
    with pytest.raises(CommandError, match="1 disagree, 1 receipts agree") as failed:
        call_command("border", "reconcile", str(file))
    assert failed.value.returncode == 1
    assert capsys.readouterr().out.startswith("missing there: b ")
    file.write_text("nonsense")
    with pytest.raises(CommandError) as failed:
        call_command("border", "reconcile", str(file))
    assert failed.value.returncode == 2


def test_the_command_asks_a_peer_itself(
    world: World, peers: Peers, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages of one book, and what was stated is kept as it came."""
    received(peers, told("a"), told("b"))
    asked: list[dict[str, Any]] = []
    first = page(peers, "confirmed", told("a"), more=True)
    answers = {
        ("confirmed", ""): first,
        ("confirmed", "a"): page(peers, "confirmed", told("b"), after=told("a").place),
        ("received", ""): page(peers, "received"),
    }

    def answer(url: str, peer: str, **facts: Any) -> str:
        asked.append(facts)
        return answers[facts["book"], facts["after"][1]]

    peers.cn.metadata["border_token_issuer"]["crossing_statement_endpoint"] = peers.url("cn", "/statements")
    monkeypatch.setattr(reconciling, "_ask", answer)
    kept = tmp_path / "kept"
    call_command("border", "reconcile", peers.cn.entity_id, "--keep", str(kept), "--until", "2027-01-16")
    assert capsys.readouterr().out == "2 receipts agree\n"
    assert kept.read_text().split()[0] == first and len(asked) == 3
    assert asked[0]["until"] - asked[0]["since"] == 7 * 86_400


def test_a_peer_that_states_no_books_is_named(world: World, peers: Peers) -> None:
    with pytest.raises(CommandError, match="states no books"):
        call_command("border", "reconcile", peers.cn.entity_id)
