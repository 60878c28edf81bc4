"""``python -m idp.checkpoint``: enrol a lane, run its kiosk, talk to the node once, show its decisions."""

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from idp import clock
from idp.biometrics.engine import EMBEDDED, FaceEngine, load_engine, model_of
from idp.biometrics.engine.by_model import together
from idp.checkpoint import config, kiosk, officers_log, officers_page, sync, texts
from idp.checkpoint.joint_kiosk import JointKiosk
from idp.checkpoint.joint_lane import JointGate
from idp.checkpoint.lane import LaneAtWork
from idp.checkpoint.store import Store
from idp.inbound import DeviceServer
from idp.outbound import Outbound
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal, Unavailable

DATABASE = config.DATABASE


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="%(asctime)s %(levelname)s %(message)s")
    try:
        return int(options.run(options))
    except (RuntimeError, Refusal, Unavailable, OSError) as error:
        print(f"idp.checkpoint: {error}", file=sys.stderr)  # noqa: T201
        return 1


def enrol(options: argparse.Namespace) -> int:
    """Enrol the lane of an officer's file."""
    switches = config.insecure(os.environ)
    lane = sync.enrol(
        strict_json.loads_object(options.invitation.read_bytes()),
        options.directory,
        face_models=[model_of(name) for name in options.engine or [EMBEDDED]],
        outbound=_outbound(switches),
        now=clock.now() + switches.clock_offset,
        sealing_directory=options.sealing,
    )
    print(f"{lane.lane_id} is enrolled")  # noqa: T201
    return 0


def run(options: argparse.Namespace) -> int:
    """The kiosk, until it is signalled."""
    switches = config.insecure(os.environ)
    engines = options.engine or [EMBEDDED]
    engine = _engine(engines, options.provider or ["cpu"])
    joint = options.joint is not None
    lanes = [_lane(options.directory, options.sealing, switches, engine, joint=joint)]
    if joint:
        lanes.append(_lane(options.joint, options.joint_sealing, switches, engine, joint=True))
    gate = JointGate(*lanes) if joint else lanes[0]
    screen = JointKiosk(gate) if isinstance(gate, JointGate) else kiosk.Kiosk(gate)
    stop = threading.Event()
    models = lru_cache(maxsize=1)(lambda: [model_of(name) for name in engines])  # it hashes every file of a pack
    for lane in lanes if options.interval > 0 else ():
        exchange = sync.Sync(lane, _outbound(switches), models)
        threading.Thread(target=exchange.run, args=(stop, options.interval), daemon=True).start()
    server = kiosk.serve(screen, host=options.host, port=options.port, names=options.name)
    link = _link(screen, options)
    desks = _desks(lanes, options)
    threading.Thread(target=gate.warm_up, daemon=True).start()
    names = " and ".join(f"{lane.config.lane_id} {lane.config.direction}" for lane in lanes)
    words = f"{names} on http://{options.host}:{server.port}"
    words += "".join(f", officers on http://{options.officer_host}:{desk.port}" for desk in desks)
    server.serve_until_signalled(lambda: print(words, flush=True))  # noqa: T201
    stop.set()
    for other in [*desks, *([link] if link is not None else [])]:
        other.stop()
    for lane in lanes:
        lane.store.close()
    return 0


def once(options: argparse.Namespace) -> int:
    """Exchange with the node now; fails where any part did."""
    switches = config.insecure(os.environ)
    outcome = sync.Sync(
        _lane(options.directory, options.sealing, switches, _no_engine), _outbound(switches)
    ).once_or_fail()
    print(json.dumps(outcome))  # noqa: T201
    return 0


def decisions(options: argparse.Namespace) -> int:
    """The officers' log in words."""
    for entry in officers_log.read(options.directory):
        words = texts.for_officer(Reason(entry["reason"]), options.language) if entry["reason"] else ""
        print(entry["seq"], entry["at"], entry["decision"], words, entry["score"], entry.get("officers", ""))  # noqa: T201
    return 0


def _link(screen: kiosk.Kiosk, options: argparse.Namespace) -> DeviceServer | None:
    if options.link_port is None:
        return None
    link = kiosk.serve_link(screen, host=options.link_host, port=options.link_port, names=options.name)
    link.start()
    return link


def _desks(lanes: list[LaneAtWork], options: argparse.Namespace) -> list[DeviceServer]:
    """Each lane's officers' page, where a port is given for it."""
    ports = [options.officer_port, options.joint_officer_port]
    made = [
        officers_page.serve(lane, host=options.officer_host, port=port, names=options.name)
        for lane, port in zip(lanes, ports, strict=False)
        if port is not None
    ]
    for server in made:
        server.start()
    return made


def _lane(
    directory: Path,
    sealing: Path | None,
    switches: config.Insecure,
    engine: Callable[[], FaceEngine],
    *,
    joint: bool = False,
) -> LaneAtWork:
    settings = config.load(directory, sealing)

    def now() -> int:
        return clock.now() + switches.clock_offset

    return LaneAtWork(
        settings,
        store=Store(directory / DATABASE, now, create=False, rollback=joint),
        lane_key=config.read_key(directory / config.LANE_KEY),
        engine=engine,
        clock=now,
        still_pictures=switches.still_pictures,
    )


def _engine(names: Sequence[str], providers: Sequence[str]) -> Callable[[], FaceEngine]:
    """Loads the engines when they are first asked for, once: the warm-up and a first traveller may come together."""
    lock = threading.Lock()

    @lru_cache(maxsize=1)
    def load() -> FaceEngine:
        return together([load_engine(name, providers=providers) for name in names])

    def loaded() -> FaceEngine:
        with lock:
            return load()

    return loaded


def _no_engine() -> FaceEngine:
    raise RuntimeError("an exchange with the node compares no faces")


def _outbound(switches: config.Insecure) -> Outbound:
    return Outbound(insecure_loopback_http=switches.loopback_http, max_bytes=sync.MAX_BUNDLE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m idp.checkpoint", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, function in (("enrol", enrol), ("run", run), ("sync", once), ("decisions", decisions)):
        command = commands.add_parser(name, help=function.__doc__)
        command.set_defaults(run=function)
        command.add_argument("--directory", type=Path, required=True, help="the lane's own")
        command.add_argument("--sealing", type=Path, help="the checkpoint's sealing keys, where lanes share them")
        if name in ("enrol", "run"):
            command.add_argument(
                "--engine", action="append", help="a face pack's directory, or 'embedded'; may be repeated"
            )
        if name == "enrol":
            command.add_argument("--invitation", type=Path, required=True)
        if name == "run":
            command.add_argument("--joint", type=Path, help="the directory of the other authority's lane at this gate")
            command.add_argument("--joint-sealing", type=Path, help="the sealing keys of that lane's checkpoint")
            command.add_argument("--host", default="127.0.0.1", help="the screen's; loopback only")
            command.add_argument("--port", type=int, required=True)
            command.add_argument("--name", action="append", default=[], help="a host name that the kiosk answers to")
            command.add_argument("--link-host", default="127.0.0.1", help="the address for phones on the local link")
            command.add_argument("--link-port", type=int, help="without it there is no local link")
            command.add_argument("--officer-host", default="127.0.0.1", help="the address of the officers' page")
            command.add_argument("--officer-port", type=int, help="without it officers have no page")
            command.add_argument("--joint-officer-port", type=int, help="the same for the other lane of a joint gate")
            command.add_argument("--provider", action="append", choices=("cpu", "cuda", "coreml"), help="runs a pack")
            command.add_argument("--interval", type=float, default=sync.INTERVAL, help="seconds; 0: never")
        if name == "decisions":
            command.add_argument("--language", choices=texts.LANGUAGES, default="en")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
