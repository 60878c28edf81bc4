"""The play: the main job from end to end, then everything that must be refused, each for exactly its reason."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from idp import clock
from idp.demo import evidence, photographs
from idp.demo.authenticator import Authenticator
from idp.demo.browser import Browser
from idp.demo.devices import Shown, draw_code
from idp.demo.progress import Progress
from idp.demo.report import Crossing, Pictures, Report, Step
from idp.demo.staging import Stage
from idp.demo.takes import takes
from idp.demo.world import Traveller, World
from idp.protocol import base45, cose, strict_json

HOUR = 3600
IMPOSTOR = 3  # of the photograph's six people: nobody's registered face here


class Play:
    """One run. ``steps`` are timed, presentations are compared with what is expected of them."""

    def __init__(self, stage: Stage, progress: Progress) -> None:
        self.stage, self.world, self.progress = stage, stage.world, progress
        self.report = Report()
        self.authenticators: dict[str, Authenticator] = {}
        self.evidence = evidence.Evidence(stage.world.directory / "evidence")
        self._portraits = photographs.people()

    def run(self) -> Report:
        """Everything, in order."""
        self.set_up()
        self.travellers()
        tokens = self.fetch_tokens()
        with self.step("every gate has its signed trust bundle; then all three nodes are stopped"):
            self.stage.sync_gates(*self.stage.all_lanes())
            self.evidence.bundles(self.stage)
            self.stage.stop_nodes()
        self.cross_offline(tokens)
        self.refuse_offline(tokens)
        self.shift_the_clock(tokens)
        with self.step("the nodes come back; journals are uploaded"):
            self.stage.start_nodes()
            self.stage.sync_gates(*self.stage.all_lanes()[:2], self.stage.all_lanes()[3])
        self.compare_books()
        self.revoke_and_withdraw(tokens)
        return self.report

    def set_up(self) -> None:
        """Nodes, recognition, phones and gates."""
        with self.step("three authorities are founded, each with its own database and keys"):
            self.stage.found_nodes()
        with self.step("their servers and workers, the messenger and the phones start"):
            self.stage.start_nodes()
            self.stage.start_phones()
        with self.step("they recognise each other: two switches on each side, and the mark for border issuers"):
            self.stage.recognise()
        with self.step("the gates enrol with their officer's code and start"):
            self.stage.enrol_gates()
            self.stage.start_gates(interval=0)
        with self.step("each authority resolves a trust chain to the two others, through a graph with loops"):
            self.resolve_chains()

    def resolve_chains(self) -> None:
        """Ask each node's resolver about the others, as anybody may (Federation §8.3)."""
        for authority in self.world.authorities:
            for peer in self.world.authorities:
                if peer is not authority:
                    evidence.resolve(authority.entity_id, peer.entity_id)

    def travellers(self) -> None:
        """Enrolment at home, everybody at once: account, passkey, document, face."""
        with (
            self.step("the travellers enrol at home: account, passkey, document, and a face compared by a worker"),
            ThreadPoolExecutor(len(self.world.travellers)) as pool,
        ):
            list(pool.map(self.enrol, self.world.travellers))

    def enrol(self, traveller: Traveller) -> None:
        """One traveller."""
        origin = self.world.authority(traveller.home).entity_id
        authenticator = self.authenticators[traveller.key] = Authenticator(origin)
        browser = Browser(origin, authenticator)
        browser.register(traveller.username)
        browser.link_document(traveller.document, partial(takes, traveller.person, 100))

    def fetch_tokens(self) -> dict[str, str]:
        """The wallet asks, the traveller logs in and consents, and border tokens come as CWT and as JWT."""
        jia, yi, bing = self.world.travellers
        shenzhen, hong_kong, macau = (self.place(code) for code in ("cn", "hk", "mo"))
        with self.step("the wallets verify the provider's chain, push a request; the travellers log in and consent"):
            self.authorize(jia, [shenzhen, hong_kong, macau], ["exit", "entry"])
            self.authorize(yi, [hong_kong], ["entry"])
            self.authorize(bing, [macau], ["entry"])
        wanted = {
            "exit-cwt": (jia, shenzhen, "exit", "cwt"),
            "entry-cwt": (jia, hong_kong, "entry", "cwt"),
            "exit-jwt": (jia, shenzhen, "exit", "jwt"),
            "entry-jwt": (jia, hong_kong, "entry", "jwt"),
            "face": (jia, hong_kong, "entry", "cwt"),
            "copied": (jia, hong_kong, "entry", "cwt"),
            "altered": (jia, hong_kong, "entry", "cwt"),
            "other-way": (jia, hong_kong, "exit", "cwt"),
            "late": (jia, hong_kong, "entry", "cwt"),
            "stale": (jia, hong_kong, "entry", "cwt"),
            "revoked": (jia, hong_kong, "entry", "cwt"),
            "withdrawn": (jia, hong_kong, "entry", "cwt"),
            "macau": (jia, macau, "entry", "cwt"),
            "macau-after": (jia, macau, "entry", "cwt"),
            "yi": (yi, hong_kong, "entry", "cwt"),
            "bing": (bing, macau, "entry", "jwt"),
        }
        with self.step("the wallets fetch border tokens, as CWT and as JWT, each for one gate and direction"):
            return {
                name: self.stage.phone(traveller).fetch(checkpoint, direction, form)
                for name, (traveller, checkpoint, direction, form) in wanted.items()
            }

    def authorize(self, traveller: Traveller, checkpoints: Sequence[str], directions: Sequence[str]) -> None:
        """PAR to access token, on the real pages, in a browser that is not logged in."""
        now = clock.now()
        phone = self.stage.phone(traveller)
        started = phone.authorize(
            {
                "type": "border_crossing",
                "locations": list(checkpoints),
                "directions": list(directions),
                "valid_from": now - 60,
                "valid_until": now + 6 * 86_400,
                "max_tokens": 20,
                "ahead": False,
            }
        )
        home = self.world.authority(traveller.home)
        if started["provider_name"].get("en") != home.name["en"]:
            raise RuntimeError("the wallet shows another authority's name")
        browser = Browser(home.entity_id, self.authenticators[traveller.key])
        phone.come_back(browser.consent(started["authorization_url"]))

    def cross_offline(self, tokens: dict[str, str]) -> None:
        """The main job, with no node to ask."""
        jia, yi, bing = self.world.travellers
        with self.step("crossings with every node down: QR code and local link, decided by the gates alone"):
            self.present("exit-cwt", jia, "cn", "exit-1", tokens, "leaves Shenzhen with a code and a face")
            self.present("entry-cwt", jia, "hk", "entry-1", tokens, "enters Hong Kong with a code and a face")
            self.present("exit-jwt", jia, "cn", "exit-1", tokens, "leaves over the local link", mode="link")
            self.present("entry-jwt", jia, "hk", "entry-1", tokens, "enters over the local link", mode="link")
            self.present("yi", yi, "hk", "entry-1", tokens, "comes home to Hong Kong")
            self.present("bing", bing, "mo", "entry-1", tokens, "comes home to Macao", mode="link")
            self.present("macau", jia, "mo", "entry-1", tokens, "enters Macao on the mainland's token")

    def refuse_offline(self, tokens: dict[str, str]) -> None:
        """What a gate refuses by itself."""
        jia = self.world.travellers[0]
        refuse = ("refuse",)
        with self.step("what is refused, each for its own reason, still offline"):
            self.present(
                "face",
                jia,
                "hk",
                "entry-1",
                tokens,
                "another person's face",
                (*refuse, "face_mismatch"),
                person=IMPOSTOR,
            )
            self.present(
                "copied",
                jia,
                "hk",
                "entry-1",
                tokens,
                "copied to a phone with another key",
                (*refuse, "key_binding_failed"),
                change=self.proof_of_thief,
            )
            self.present("entry-cwt", jia, "hk", "entry-1", tokens, "the same token again", (*refuse, "replayed"))
            self.present(
                "exit-cwt", jia, "hk", "entry-1", tokens, "a token for another gate", (*refuse, "wrong_audience")
            )
            self.present("other-way", jia, "hk", "entry-1", tokens, "the wrong direction", (*refuse, "wrong_direction"))
            self.present(
                "altered", jia, "hk", "entry-1", tokens, "an altered token", (*refuse, "bad_signature"), change=altered
            )

    def shift_the_clock(self, tokens: dict[str, str]) -> None:
        """The second lane at Hong Kong, with its clock set ahead: expiry after an hour, staleness after a day."""
        jia, place = self.world.travellers[0], self.world.checkpoint("hk")
        for name, hours, shows, expected in (
            ("late", 1, "an expired token", ("refuse", "expired")),
            ("stale", 25, "a bundle past its time (refer)", ("refer", "trust_stale")),
        ):
            with self.step(f"a lane whose clock is {hours} h ahead"):
                self.stage.stop_gate(place, "entry-2")
                self.stage.start_gate(place, "entry-2", interval=0, clock_offset=hours * HOUR)
                self.stage.wait_for_gate(place, "entry-2")
                self.present(name, jia, "hk", "entry-2", tokens, shows, expected)

    def compare_books(self) -> None:
        """The crossing is seen at both authorities, and their audits hold."""
        with self.step("both authorities have recorded the crossing, and their audits hold"):
            books = self.stage.seen("hk", "mo")
            books.update(self.stage.seen("cn"))
            admitted = set(books["hk"]["admitted"])
            if len(admitted) != 3 or len(books["cn"]["admitted"]) != 2:
                raise RuntimeError(f"admitted: {books}")
            if len(set(books["cn"]["receipts"]) & admitted) != 2:
                raise RuntimeError("the mainland has no receipt of what Hong Kong admitted")
            problems = [problem for book in books.values() for problem in book["audit_problems"]]
            if problems:
                raise RuntimeError("; ".join(problems))

    def revoke_and_withdraw(self, tokens: dict[str, str]) -> None:
        """What changes at home reaches the gates with their next bundle."""
        jia, hong_kong = self.world.travellers[0], self.world.checkpoint("hk")
        with self.step("a token is revoked at home; the gate's next bundle knows"):
            self.stage.revoke("cn", strict_json.b64encode(bytes.fromhex(tokens["revoked"])))
            self.stage.sync_gates((hong_kong, "entry-1"))
            self.present("revoked", jia, "hk", "entry-1", tokens, "a revoked token", ("refuse", "revoked"))
        with self.step("Hong Kong ends its recognition of the mainland; Macao does not"):
            self.stage.end_recognition("hk", "cn")
            self.stage.sync_gates((hong_kong, "entry-1"), (self.world.checkpoint("mo"), "entry-1"))
            self.present(
                "withdrawn", jia, "hk", "entry-1", tokens, "recognition withdrawn", ("refuse", "untrusted_issuer")
            )
            self.present("macau-after", jia, "mo", "entry-1", tokens, "Macao still recognises the mainland")

    def present(
        self,
        name: str,
        traveller: Traveller,
        authority: str,
        lane: str,
        tokens: dict[str, str],
        shows: str,
        expected: tuple[str, str] = ("admit", ""),
        *,
        mode: str = "qr",
        person: int | None = None,
        change: Callable[[Shown], Shown] | None = None,
    ) -> None:
        """Present a token at a lane with a live face, and compare the decision with what is expected."""
        checkpoint = self.world.checkpoint(authority)
        gate, phone = self.stage.gate(checkpoint, lane), self.stage.phone(traveller)
        shown = phone.show(tokens[name]) if mode == "qr" else phone.answer_challenge(tokens[name], gate.challenge())
        if change is not None:
            shown = change(shown)
        picture = draw_code(shown.raw) if mode == "qr" else None
        frames = self.capture(traveller.person if person is None else person, len(self.report.crossings))
        seen = gate.scan(shown, picture, frames)
        direction = next(way for known, way, _ in checkpoint.lanes if known == lane)
        here, there = self.world.authority(authority).jurisdiction, checkpoint.neighbour
        origin, destination = (here, there) if direction == "exit" else (there, here)
        crossing = Crossing(
            id=name if not any(name == made.id for made, _, _ in self.report.crossings) else f"{name}-again",
            traveller=traveller.document["name_latin"],
            origin=origin,
            destination=destination,
            checkpoint=self.world.checkpoint_id(checkpoint),
            direction=direction,
            mode=mode,
            format="cwt" if mode == "qr" else "jwt",
            decision=seen.decision,
            reason=seen.reason,
            expected_decision=expected[0],
            expected_reason=expected[1],
            gate_ms=seen.gate_ms,
            face_ms=seen.face_ms,
            score=seen.score,
            qr_version=shown.qr_version,
            bytes=len(shown.raw),
        )
        pictures = Pictures(self._portraits[traveller.person].jpeg, frames[0], picture)
        self.report.crossings.append((crossing, pictures, shows))
        self.evidence.presentation(crossing, shown, pictures, frames)
        self.progress.crossing(crossing, shows)

    def proof_of_thief(self, shown: Shown) -> Shown:
        """The token as photographed, with a proof made by the key of another phone."""
        return evidence.reproved(shown, self.world.phone_directory(self.stage.thief().key))

    def capture(self, person: int, seed: int) -> list[bytes]:
        """A burst of live pictures."""
        return photographs.live_capture(person, seed=seed)

    def place(self, code: str) -> str:
        """The entity identifier of an authority's checkpoint."""
        return self.world.checkpoint_id(self.world.checkpoint(code))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a stage, and show that it runs."""
        begun = time.monotonic()
        before = len(self.report.crossings)
        self.progress.begin(name)
        try:
            yield
        except Exception:
            self._end(name, ok=False, begun=begun)
            raise
        self._end(name, ok=all(made.ok for made, _, _ in self.report.crossings[before:]), begun=begun)

    def _end(self, name: str, *, ok: bool, begun: float) -> None:
        step = Step(name, ok, round((time.monotonic() - begun) * 1000, 1))
        self.report.steps.append(step)
        self.progress.end(step)


def altered(shown: Shown) -> Shown:
    """The same code with one bit of the token's signature turned over."""
    token, proof = cose.loads(base45.decode(shown.raw.removeprefix("BT1:")))
    changed = bytearray(token)
    changed[-1] ^= 1
    return Shown(shown.mode, "BT1:" + base45.encode(cose.dumps([bytes(changed), proof])), shown.qr_version)


def perform(world: World, progress: Progress) -> Report:
    """Set the stage, play, take it down; the report is written whatever happens."""
    stage = Stage(world)
    play = Play(stage, progress)
    try:
        play.run()
    finally:
        stage.processes.stop_all()
        play.report.write(world.directory)
    return play.report
