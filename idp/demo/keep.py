"""``make up``: the world of the demonstration, kept running for a person with a browser."""

import json
import threading
from functools import partial
from pathlib import Path

from idp.demo import photographs, specimen
from idp.demo.progress import Progress
from idp.demo.staging import Stage
from idp.demo.world import World


def keep_up(world: World, progress: Progress, stop: threading.Event) -> None:
    """Set everything up, print where it is, and wait for ``stop``; then end it cleanly."""
    stage = Stage(world)
    try:
        print_ = progress.console.print
        for words, act in (
            ("founding three authorities", stage.found_nodes),
            ("starting their servers and workers", stage.start_nodes),
            ("starting the messenger and the phones", stage.start_phones),
            ("recognising each other", stage.recognise),
            ("enrolling the gates", stage.enrol_gates),
        ):
            if stop.is_set():
                return
            print_(f"[dim]{words} …[/]")
            act()
        for checkpoint, lane in stage.all_lanes():
            stage.start_gate(checkpoint, lane, interval=10, stills=True)
        for checkpoint, lane in stage.all_lanes():
            stage.wait_for_gate(checkpoint, lane)
        pictures = _pictures(world)
        _write(world, stage)
        _say(world, stage, pictures, progress)
        stop.wait()
        print_("[dim]stopping …[/]")
    finally:
        stage.processes.stop_all()


def _pictures(world: World) -> Path:
    """Picture files for whoever has no camera, or not these faces."""
    directory = world.directory / "pictures"
    directory.mkdir(parents=True, exist_ok=True)
    for traveller in world.travellers:
        specimen.pictures(directory, traveller)
    for number, frame in enumerate(photographs.live_capture(3, seed=7)):
        (directory / f"stranger-straight-{number}.jpg").write_bytes(frame)
    return directory


def _write(world: World, stage: Stage) -> None:
    """The same facts for programs: ``up.json``, readable by this user only."""
    value = {
        "authorities": {
            authority.code: {"url": authority.entity_id, **stage.founded[authority.code]["officer"]}
            for authority in world.authorities
        },
        "phones": {traveller.key: world.phone_url(traveller) for traveller in world.travellers},
        "documents": {traveller.key: dict(traveller.document) for traveller in world.travellers},
        "gates": {
            f"{checkpoint.authority}-{lane}": f"http://localhost:{port}"
            for checkpoint in world.checkpoints
            for lane, _, port in checkpoint.lanes
        },
    }
    path = world.directory / "up.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), "utf-8")


def _say(world: World, stage: Stage, pictures: Path, progress: Progress) -> None:
    say = partial(progress.console.print, soft_wrap=True)
    say("\n[bold]Authorities[/]")
    for authority in world.authorities:
        officer = stage.founded[authority.code]["officer"]
        say(f"  {authority.name['en']}: {authority.entity_id}/account/register")
        say(f"    admin {authority.entity_id}/admin/  {officer['username']}  {officer['password']}")
        say(f"    one-time password, secret {officer['totp_secret']}")
    say("\n[bold]Travellers[/] (register at home, link the document, then use the phone)")
    for traveller in world.travellers:
        document = traveller.document
        say(
            f"  {document['name_latin']}: {document['type']} {document['number']}, born {document['birth_date']}, "
            f"expires {document.get('expires_on', 'never')}; phone {world.phone_url(traveller)}"
        )
    say("\n[bold]Gates[/]")
    for checkpoint in world.checkpoints:
        for lane, direction, port in checkpoint.lanes:
            say(f"  {checkpoint.name['en']}, {lane} ({direction}): http://localhost:{port}")
    say(f"\nFaces as picture files: {pictures}\nThe same as JSON: {world.directory / 'up.json'}")
    say("Ctrl-C ends everything.")
