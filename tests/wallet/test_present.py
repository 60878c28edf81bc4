"""What the phone shows at a gate, judged by the gate's own verification."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy
import pytest
import zxingcpp

from idp import clock
from idp.inbound import DeviceServer, Problem, Request, Response, json_response
from idp.protocol import border_token, keys, presentation
from idp.protocol.presentation import Challenge, parse_presentation, sign_challenge, verify_proof
from idp.protocol.refusals import Refusal
from idp.wallet import present
from idp.wallet.errors import UnableTo
from idp.wallet.keys import Keyring
from idp.wallet.store import StoredToken
from tests.conftest import NOW
from tests.wallet.authority import AuthoritySimulator
from tests.wallet.conftest import World

CHECKPOINT = "https://idp.hk.example/checkpoints/shenzhen-bay-west"  # the lengths that count for the size of the code


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


@pytest.fixture
def tokens(keyring: Keyring, now: int) -> dict[str, StoredToken]:
    authority = AuthoritySimulator()
    authority.url = "https://idp.hk.example"
    authority.server.stop()
    holder = keyring.holder("https://idp.hk.example").public
    made = {}
    for form in ("cwt", "jwt"):
        body = authority.issue(checkpoint=CHECKPOINT, direction="exit", holder=holder, form=form)
        made[form] = StoredToken("id", CHECKPOINT, "exit", form, body, "hrp", now, now + 1800)
    made["keys"] = keys.KeySet([authority.border_key.public])  # type: ignore[assignment]
    return made


def _judge(tokens: dict[str, Any], raw: str | bytes, *, now: int, nonce: bytes | None = None) -> None:
    shown = parse_presentation(raw)
    token = border_token.verify(shown.token, keys=tokens["keys"], now=now)
    verify_proof(shown.proof, token=token, token_bytes=shown.token, aud=CHECKPOINT, nonce_expected=nonce, now=now)


def _challenge(**changes: Any) -> tuple[str, bytes]:
    challenge = Challenge(aud=CHECKPOINT, lane="1", nonce=secrets.token_bytes(16), exp=NOW + 30)
    challenge = replace(challenge, **changes)
    return sign_challenge(challenge, lane_key=keys.generate("ES256")), challenge.nonce


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(UnableTo) as caught:
        act()
    return caught.value.code


def test_the_code_passes_the_gates_verification(tokens: dict[str, Any], keyring: Keyring) -> None:
    code = present.qr(tokens["cwt"], keyring=keyring, now=NOW)
    _judge(tokens, code.text, now=NOW)
    assert code.version <= 25  # protocol.md, Presentation: for a template of 128 bytes


def test_a_renewed_code_has_a_new_proof_and_the_old_one_ends(tokens: dict[str, Any], keyring: Keyring) -> None:
    first = present.qr(tokens["cwt"], keyring=keyring, now=NOW)
    second = present.qr(tokens["cwt"], keyring=keyring, now=NOW + present.RENEW_SECONDS)
    assert parse_presentation(first.text).proof != parse_presentation(second.text).proof
    assert parse_presentation(first.text).token == parse_presentation(second.text).token
    later = NOW + presentation.MAX_AGE + 1
    _judge(tokens, second.text, now=later)
    with pytest.raises(Refusal):
        _judge(tokens, first.text, now=later)


def test_a_code_answers_the_challenge_and_no_other(tokens: dict[str, Any], keyring: Keyring) -> None:
    challenge, nonce = _challenge()
    code = present.qr(tokens["cwt"], keyring=keyring, now=NOW, challenge=challenge)
    _judge(tokens, code.text, now=NOW, nonce=nonce)
    for expected in (None, secrets.token_bytes(16)):
        with pytest.raises(Refusal):
            _judge(tokens, code.text, now=NOW, nonce=expected)


def test_the_local_link_passes_the_gates_verification(tokens: dict[str, Any], keyring: Keyring) -> None:
    challenge, nonce = _challenge()
    for text, expected in ((challenge, nonce), (None, None)):
        shown = present.link(tokens["jwt"], keyring=keyring, now=NOW, challenge=text)
        _judge(tokens, presentation.encode_link(**shown), now=NOW, nonce=expected)


@pytest.mark.parametrize(
    "changes", [{"aud": "https://idp.hk.example/checkpoints/other"}, {"exp": NOW - 11}, {"exp": NOW + 3600}]
)
def test_a_challenge_of_another_gate_or_time(tokens: dict[str, Any], keyring: Keyring, changes: dict[str, Any]) -> None:
    """Invalid solely because of aud or exp."""
    challenge, _ = _challenge(**changes)
    shown = {"keyring": keyring, "now": NOW, "challenge": challenge}
    assert _code(lambda: present.qr(tokens["cwt"], **shown)) == "challenge_refused"
    assert _code(lambda: present.link(tokens["jwt"], **shown)) == "challenge_refused"


@pytest.mark.parametrize("challenge", ["", "a.b.c", "x" * 5000])
def test_a_challenge_that_is_none(tokens: dict[str, Any], keyring: Keyring, challenge: str) -> None:
    assert (
        _code(lambda: present.qr(tokens["cwt"], keyring=keyring, now=NOW, challenge=challenge)) == "challenge_refused"
    )


def test_a_token_that_has_expired_or_has_the_other_form(tokens: dict[str, Any], keyring: Keyring) -> None:
    assert _code(lambda: present.qr(tokens["cwt"], keyring=keyring, now=NOW + 1800)) == "token_expired"
    assert _code(lambda: present.link(tokens["jwt"], keyring=keyring, now=NOW + 1800)) == "token_expired"
    assert _code(lambda: present.qr(tokens["jwt"], keyring=keyring, now=NOW)) == "qr_only_cwt"
    assert _code(lambda: present.link(tokens["cwt"], keyring=keyring, now=NOW)) == "invalid_request"


def test_a_reader_reads_the_picture(tokens: dict[str, Any], keyring: Keyring) -> None:
    code = present.qr(tokens["cwt"], keyring=keyring, now=NOW)
    picture = cv2.imdecode(numpy.frombuffer(code.png(scale=4), numpy.uint8), cv2.IMREAD_GRAYSCALE)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [code.text]
    svg = code.svg().decode()
    assert svg.startswith("<svg ")
    assert "<script" not in svg
    assert "style=" not in svg


@pytest.mark.parametrize("modes", [["time"], ["challenge"], ["time", "challenge"]])
def test_the_lane_gets_a_proof_of_a_mode_that_it_knows(world: World, modes: list[str]) -> None:
    received: list[dict[str, Any]] = []
    nonce = secrets.token_bytes(16)

    def challenge(request: Request) -> Response:
        if "challenge" not in modes:
            raise Problem(404)  # as the lane's local link answers
        lane_key = keys.generate("ES256")
        shown = Challenge(aud=world.authority.checkpoint, lane="1", nonce=nonce, exp=clock.now() + 30)
        return json_response({"challenge": sign_challenge(shown, lane_key=lane_key)})

    def take(request: Request) -> Response:
        shown = parse_presentation(request.body)
        token = border_token.verify(shown.token, keys=keys.KeySet([world.authority.border_key.public]), now=clock.now())
        verify_proof(
            shown.proof,
            token=token,
            token_bytes=shown.token,
            aud=world.authority.checkpoint,
            nonce_expected=nonce if "challenge" in modes else None,
            now=clock.now(),
        )
        received.append(dict(request.query))
        return json_response({"found": True, "phase": "face", "id": "x"})

    routes = {
        ("GET", "/challenge"): challenge,
        ("POST", "/present"): take,
    }
    world.grant()
    token = world.token("jwt")
    with DeviceServer(host="127.0.0.1", port=0, routes=routes, max_body=32_768) as lane:
        url = f"http://lane.localhost:{lane.port}/"
        answer = world.phone.send(token.id, lane=url, language="pt", now=clock.now())
        assert answer["phase"] == "face"
    assert received == [{"lang": "pt"}]
    assert _code(lambda: world.phone.send(token.id, lane=url, now=clock.now())) == "lane_unreachable"
    assert _code(lambda: world.phone.send(token.id, lane="file:///etc/passwd", now=clock.now())) == "lane_unreachable"
    assert _code(lambda: world.phone.send("no", lane=url, now=clock.now())) in ("lane_unreachable", "not_found")
