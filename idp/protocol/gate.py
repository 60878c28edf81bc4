"""The gate: a presentation goes in, `Admit`, `Refer` or `Refuse` comes out. Pure, offline, in this order:

* 0 parse and size limits
* 1 the trust bundle is there, for this checkpoint, fresh, and the clock is not behind what was seen before; in
  challenge mode the nonce shown is spent now, whatever comes of it
* 2 the issuer's trust chain held when the bundle was read and has not expired
* 3 the token's signature, ``typ`` and algorithm, by the issuer's border keys in the bundle
* 4 issuer, audience, direction, leg, times (its life is bounded where its claims are read)
* 5 the status bit, and how old the list is
* 6 the holder's proof: this token, this checkpoint, now or this nonce
* 7 not admitted before, not tried too often
* 8 unseal
* 9 opening hours, travel rules, watch list: all three are always looked at; the rules see what the lane remembers of an
  endorsement's entries, and of a child's guardian who went through before
* 10 the face: model, quality, liveness, comparison

`examine` takes steps 0 to 9, `compare` step 10, `decide` all. The first step that does not hold decides; `REFUSED` says
whether its reason refuses or refers. What nobody expected refers (internal) and never admits. Nothing is consumed here
but a nonce: the checkpoint consumes the token in one durable transaction before the door is released. A token that is
referred before step 8 is opened for the officer where proof and ledger hold, and so are the reasons of step 9 told.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from idp.protocol import border_token, opening_hours, presentation, travel_rules, watch_list
from idp.protocol.border_token import BorderToken, Sealed
from idp.protocol.gate_decisions import (
    REFUSED,
    STATUS_STALE_ADMITTED,
    STATUS_UNKNOWN_ADMITTED,
    Admit,
    Decision,
    Examined,
    FaceComparison,
    Lane,
    Ledger,
    Refer,
    Reference,
    Refuse,
)
from idp.protocol.gate_facts import crossing, document_facts, remembered, reserved, travel_facts
from idp.protocol.jws import LEEWAY
from idp.protocol.presentation import Presentation
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.reservations import Reservation
from idp.protocol.status_list import VALID
from idp.protocol.strict_json import b64encode
from idp.protocol.travel_rules import TravelFacts, Verdict
from idp.protocol.trust_bundle import TrustBundle, TrustedIssuer

GUARDIAN_AHEAD = 600  # seconds for a guardian's whole group to follow: nine others, a minute each
_OPENED = frozenset({Reason.STATUS_STALE, Reason.ATTEMPTS_EXCEEDED})  # referred before step 8, and good otherwise


def decide(
    raw: bytes | str, *, bundle: TrustBundle | None, lane: Lane, ledger: Ledger, face: FaceComparison, now: int
) -> Decision:
    """Steps 0 to 10. Never raises: what went wrong is in the decision."""
    examined = examine(raw, bundle=bundle, lane=lane, ledger=ledger, now=now)
    return compare(examined, face=face) if isinstance(examined, Examined) else examined


def examine(
    raw: bytes | str, *, bundle: TrustBundle | None, lane: Lane, ledger: Ledger, now: int
) -> Examined | Refer | Refuse:
    """Steps 0 to 9 for ``raw``, a QR code's text or the local link's JSON, at ``now``. Never raises."""
    passage = _Passage(lane, ledger, now)
    try:
        return passage.walk(raw, bundle)
    except Refusal as refusal:
        return passage.stopped(refusal.reason, refusal.detail)
    except Unavailable as error:
        return passage.stopped(Reason.STORAGE_UNAVAILABLE, str(error))
    except Exception as error:  # whatever it is, an officer looks
        return passage.stopped(Reason.INTERNAL, type(error).__name__)


def compare(examined: Examined, *, face: FaceComparison) -> Decision:
    """Step 10: model, quality and liveness, comparison. Never raises.

    ``face`` raises `Refusal` with a face reason when there is nothing to compare, `Unavailable` without a camera.
    """
    band = ""
    try:
        band = _compare(examined, face)  # 10
        if band == "high":
            return Admit(examined.banded(band))
        reason, detail = Reason.FACE_UNCERTAIN if band == "middle" else Reason.FACE_MISMATCH, ""
    except Refusal as refusal:
        reason, detail = refusal.reason, refusal.detail
    except Unavailable as error:
        reason, detail = Reason.CAMERA_UNAVAILABLE, str(error)
    except Exception as error:  # whatever it is, an officer looks
        reason, detail = Reason.INTERNAL, type(error).__name__
    found = examined.banded(band)
    return _outcome(reason)(
        reason,
        10,
        detail,
        iss=found.iss,
        jti=found.jti,
        sub=found.sub,
        status_as_of=found.status_as_of,
        document=found.document,
        score_band=band,
        reservation=found.reservation,
    )


class _Passage:
    """One presentation on its way through the steps; remembers how far it came."""

    def __init__(self, lane: Lane, ledger: Ledger, now: int) -> None:
        self.lane, self.ledger, self.now = lane, ledger, now
        self.step = 0
        self.token: BorderToken | None = None
        self.sealed: Sealed | None = None
        self.jti = ""  # base64url, once the signature was verified
        self.status_as_of: int | None = None
        self.also: tuple[Reason, ...] = ()
        self.reservation: Reservation | None = None
        self.open: Callable[[], None] | None = None  # for the officer, while the token is closed

    def walk(self, raw: bytes | str, bundle: TrustBundle | None) -> Examined:
        # 0 parse and size limits
        presented = presentation.parse_presentation(raw)
        unverified = border_token.parse_unverified(presented.token)
        # 1 trust bundle fresh
        self.step = 1
        bundle = self._fresh(bundle)
        nonce = self._challenge(bundle)
        # 2 the issuer's trust chain and policy
        self.step = 2
        issuer = bundle.issuer(unverified.iss, now=self.now)
        # 3 token signature, typ, algorithm
        self.step = 3
        token = self.token = border_token.verify(unverified, keys=issuer.keys, now=self.now)
        self.jti = b64encode(token.jti)
        # 4 issuer, audience, direction, times
        self.step = 4
        self._check_claims(token, issuer, bundle)
        self.open = partial(self._open, token, presented, nonce, issuer, bundle)
        # 5 status bit and its age
        self.step = 5
        marks = self._check_status(token, issuer, bundle)
        # 6 the holder's proof
        self.step = 6
        self._check_proof(token, presented, nonce, bundle)
        # 7 not admitted before, attempts
        self.step = 7
        self._check_ledger(token, bundle)
        # 8 unseal
        self.step = 8
        sealed = self.sealed = border_token.open_sealed(token, keys=self.lane.sealing_keys)
        # 9 opening hours, travel rules, watch list
        self.step = 9
        verdict = self._check_travel(token, sealed, issuer, bundle)
        return Examined(
            banded=partial(
                crossing,
                token,
                sealed,
                verdict,
                self.lane,
                jti=self.jti,
                serial=bundle.serial,
                status_as_of=self.status_as_of,
                marks=marks,
                reservation=self.reservation,
            ),
            reference=Reference(sealed.template, token.face_model, token.face_profile),
            thresholds=bundle.policy.face.get(token.face_model),
            liveness=bundle.checkpoint.liveness,
        )

    def stopped(self, reason: Reason, detail: str) -> Refer | Refuse:
        if reason in _OPENED and self.open is not None:
            with suppress(Exception):  # then the officer sees a closed token
                self.open()
        token, sealed = self.token, self.sealed
        return _outcome(reason)(
            reason,
            self.step,
            detail,
            iss=token.iss if token else "",
            jti=self.jti,
            sub=sealed.sub if sealed else "",
            status_as_of=self.status_as_of,
            document=document_facts(token, sealed, None) if token and sealed else None,
            also=tuple([item for item in self.also if item is not reason]),
            reservation=self.reservation,
        )

    def _open(
        self,
        token: BorderToken,
        presented: Presentation,
        nonce: bytes | None,
        issuer: TrustedIssuer,
        bundle: TrustBundle,
    ) -> None:
        """Steps 6 to 9 for the officer's eyes: the first that does not hold leaves the token closed."""
        self._check_proof(token, presented, nonce, bundle)
        if not self.ledger.admitted(token.iss, self.jti):
            sealed = border_token.open_sealed(token, keys=self.lane.sealing_keys)
            self.also, _ = self._travel(token, sealed, issuer, bundle)
            self.sealed = sealed

    def _fresh(self, bundle: TrustBundle | None) -> TrustBundle:
        if bundle is None or bundle.checkpoint_id != self.lane.checkpoint:
            raise Refusal(Reason.TRUST_STALE, "no trust bundle for this checkpoint")
        if self.now < bundle.issued_at - LEEWAY or self.now < self.ledger.last_entry_at():
            raise Refusal(Reason.CLOCK_UNTRUSTED, "the clock is behind the bundle or the journal")
        if self.now >= bundle.expires_at or self.now - bundle.issued_at > bundle.policy.max_bundle_age:
            raise Refusal(Reason.TRUST_STALE, "the trust bundle is too old")
        return bundle

    def _challenge(self, bundle: TrustBundle) -> bytes | None:
        """The nonce that is shown and was not spent before, where the policy knows challenges; it is spent now."""
        nonce = self.lane.challenge() if "challenge" in bundle.checkpoint.modes else None
        return nonce if nonce is not None and self.ledger.spend_nonce(nonce) else None

    def _check_proof(
        self, token: BorderToken, presented: Presentation, nonce: bytes | None, bundle: TrustBundle
    ) -> None:
        """A proof over the nonce, or one made just now where the policy knows the time mode."""
        timely = "time" in bundle.checkpoint.modes
        failed = Refusal(Reason.KEY_BINDING_FAILED, "no challenge is shown that could be answered")
        for expected in ([] if nonce is None else [nonce]) + ([None] if timely else []):
            try:
                presentation.verify_proof(
                    presented.proof,
                    token=token,
                    token_bytes=presented.token,
                    aud=self.lane.checkpoint,
                    nonce_expected=expected,
                    now=self.now,
                )
            except Refusal as refusal:
                if refusal.reason is not Reason.KEY_BINDING_FAILED:
                    raise
                failed = refusal
            else:
                return
        raise failed

    def _check_claims(self, token: BorderToken, issuer: TrustedIssuer, bundle: TrustBundle) -> None:
        lane, now = self.lane, self.now
        if token.iss != issuer.entity_id:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not the issuer whose key verifies")
        if token.aud != lane.checkpoint:
            raise Refusal(Reason.WRONG_AUDIENCE, "aud is another checkpoint")
        if token.direction != lane.direction or lane.direction not in bundle.checkpoint.directions:
            raise Refusal(Reason.WRONG_DIRECTION, "a token for the other direction")
        if (token.origin, token.destination) != bundle.checkpoint.leg(token.direction):
            raise Refusal(Reason.WRONG_DIRECTION, "a token for another leg")
        if token.nbf > now + LEEWAY or token.iat > now + LEEWAY:
            raise Refusal(Reason.NOT_YET_VALID, "nbf or iat is in the future")
        if token.exp <= now - LEEWAY:
            raise Refusal(Reason.EXPIRED, "exp is past")

    def _check_status(self, token: BorderToken, issuer: TrustedIssuer, bundle: TrustBundle) -> tuple[str, ...]:
        policy, now = bundle.policy, self.now
        status = issuer.status_lists.get(token.status_uri)
        if status is None:
            # A list made after the bundle cannot be in it; one that should be there is missing for no good reason.
            younger = token.iat > bundle.issued_at - policy.max_status_age
            if policy.admit_stale_status and younger:
                return (STATUS_UNKNOWN_ADMITTED,)
            raise Refusal(Reason.STATUS_STALE, "no status list for this token")
        self.status_as_of = status.issued_at
        if status.get(token.status_idx) != VALID:  # also when the list is old: a revocation is not taken back by time
            raise Refusal(Reason.REVOKED, "the status is not valid")
        if status.expires_at is not None and status.expires_at <= now:
            raise Refusal(Reason.STATUS_STALE, "the status list has expired")
        if now - status.issued_at <= policy.max_status_age:
            return ()
        if policy.admit_stale_status:
            return (STATUS_STALE_ADMITTED,)
        raise Refusal(Reason.STATUS_STALE, "the status list is too old")

    def _check_ledger(self, token: BorderToken, bundle: TrustBundle) -> None:
        if self.ledger.admitted(token.iss, self.jti):
            raise Refusal(Reason.REPLAYED, "admitted before")
        if self.ledger.attempts(token.iss, self.jti) >= bundle.policy.max_attempts:
            raise Refusal(Reason.ATTEMPTS_EXCEEDED, "tried too often")

    def _check_travel(self, token: BorderToken, sealed: Sealed, issuer: TrustedIssuer, bundle: TrustBundle) -> Verdict:
        self.also, verdict = self._travel(token, sealed, issuer, bundle)
        if self.also:
            reason = self.also[0]
            raise Refusal(reason, "" if reason is Reason.WATCHLIST else ", ".join(verdict.rules))
        return verdict

    def _travel(
        self, token: BorderToken, sealed: Sealed, issuer: TrustedIssuer, bundle: TrustBundle
    ) -> tuple[tuple[Reason, ...], Verdict]:
        """All three are worked out before any of them decides, so that a hit takes no other time than a referral."""
        hit = watch_list.watch_hash(self.lane.watch_key, sealed.document_number) in bundle.watch
        self.reservation = reserved(token, sealed)
        is_open = opening_hours.is_open(bundle.opening, now=self.now)
        verdict = travel_rules.evaluate(
            self._accompanied(token, remembered(travel_facts(token, sealed, issuer), self.reservation, self.ledger)),
            direction=token.direction,
            origin=token.origin,
            destination=token.destination,
            on=travel_rules.local_date(self.now),
            rules=bundle.rules,
            checkpoint=self.lane.checkpoint,
        )
        reasons = (
            Reason.WATCHLIST if hit else None,
            None if is_open else Reason.CHECKPOINT_CLOSED,
            verdict.reason,
        )
        found = [reason for reason in reasons if reason is not None]  # a generator would resume once for each
        return tuple(found), verdict

    def _accompanied(self, token: BorderToken, facts: TravelFacts) -> TravelFacts:
        """The rules see a guardian who went through here a moment ago, and none that is only written in the token."""
        guardian = facts.guardian
        if guardian is None or self.ledger.admitted_subject(token.iss, guardian, self.now - GUARDIAN_AHEAD):
            return facts
        return replace(facts, guardian=None)


def _outcome(reason: Reason) -> Callable[..., Refer | Refuse]:
    return Refuse if reason in REFUSED else Refer


def _compare(examined: Examined, face: FaceComparison) -> str:
    # 10 model
    thresholds = examined.thresholds
    if thresholds is None:
        raise Refusal(Reason.FACE_MODEL_UNSUPPORTED, "the checkpoint has no thresholds for the model")
    # 10 quality and liveness
    found = face(examined.reference)
    if examined.liveness and found.live is not True:
        raise Refusal(Reason.FACE_NOT_LIVE, "not found live")
    # 10 comparison
    if not math.isfinite(found.score):
        raise RuntimeError("a face score that is not a number")
    if found.score >= thresholds.admit:
        return "high"
    return "middle" if found.score >= thresholds.refer else "low"
