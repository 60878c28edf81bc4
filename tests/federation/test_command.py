import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from idp.audit.models import AuditEvent
from idp.federation import peering, signing
from idp.federation.models import Peer, SigningKey, Subordinate
from idp.protocol import keys
from idp.protocol.keys import KeySet
from tests.federation.peers import Peers


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("federation", *arguments, stdout=out)
    return out.getvalue()


def test_init_makes_the_keys_once(db: None, now: int) -> None:
    assert _run("init").count("made") == 18, "an active and a next key for each use and algorithm"
    assert _run("init").strip() == "every key was there"


def test_what_is_read_out_to_a_peer_is_what_the_peer_is_shown(node: str) -> None:
    jwks = json.loads(_run("fingerprint", "--jwks"))
    assert jwks == signing.published("federation").jwks()
    assert not any("d" in key for key in jwks["keys"])
    assert _run("fingerprint").strip() == peering.fingerprint(jwks)


def test_show_is_the_configuration_as_json(node: str) -> None:
    assert json.loads(_run("show"))["sub"] == node


def test_a_peer_that_calls_is_read_other_fingerprints_than_it_computes(node: str) -> None:
    """The peer sees the keys in our configuration: those, and their set as its `peers` prints it."""
    jwks = json.loads(_run("show"))["jwks"]
    out = _run("fingerprint", "--each")
    assert peering.fingerprint(jwks) in out
    assert all(groups in out for groups in peering.fingerprints(keys.parse_jwks(jwks)).values())


def test_a_peer_is_recognised_suspended_resumed_and_ended(node: str, peers: Peers) -> None:
    cn = peers.cn.entity_id
    out = _run("recognise", cn, "--officer", "officer-7")
    assert "compared" in out
    assert "one-sided" in out
    assert "mutual" in _run("accept", cn, "--officer", "officer-7")
    assert "suspended" in _run("suspend", cn)
    assert "mutual" in _run("resume", cn)
    assert f"mutual     {cn}" in _run("peers")
    assert "ended" in _run("end", cn)
    assert AuditEvent.objects.get(kind="federation.peer.recognised").actor == "officer-7"


def test_keys_of_the_second_channel_are_compared(node: str, peers: Peers, tmp_path: Path) -> None:
    """Invalid solely because the file holds another key."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(KeySet([keys.generate().public]).jwks()))
    with pytest.raises(CommandError):
        _run("recognise", peers.cn.entity_id, "--jwks", str(file))
    file.write_text(json.dumps(peers.cn.keys.jwks()))
    _run("recognise", peers.cn.entity_id, "--jwks", str(file))
    assert Peer.objects.get().recognised


@pytest.mark.parametrize("act", ["accept", "suspend", "resume", "end", "approve-keys"])
def test_an_unknown_peer_is_an_error_and_no_trace(node: str, act: str) -> None:
    with pytest.raises(CommandError, match="no such peer"):
        _run(act, "https://x.example")


def test_resolve_explains_every_way(node: str, peers: Peers) -> None:
    _run("recognise", peers.cn.entity_id)
    out = _run("resolve", peers.cn.entity_id, "--explain")
    assert f"chain: {peers.cn.entity_id} > {node}" in out
    assert out.startswith(f"{peers.cn.entity_id}\n  {node}  the chain"), "the tree, each branch with its end"
    peers.mo.hints.insert(0, "https://169.254.169.254")
    tree = io.StringIO()
    with pytest.raises(CommandError, match="no trust chain"):
        call_command("federation", "resolve", peers.mo.entity_id, "--explain", stdout=tree)
    assert "\n  https://169.254.169.254  not followed" in tree.getvalue()
    assert "not public" in tree.getvalue()


def test_a_subordinate_is_registered_from_a_file_and_ended(node: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(KeySet([keys.generate().public]).jwks()))
    entity = "https://messenger.example"
    _run("subordinate", "add", entity, "--jwks", str(file), "--types", "openid_relying_party", "oauth_client")
    assert Subordinate.objects.get().entity_types == ["oauth_client", "openid_relying_party"]
    _run("subordinate", "end", entity)
    assert Subordinate.objects.get().ended_at
    with pytest.raises(CommandError, match="key file"):
        _run("subordinate", "add", entity, "--jwks", str(tmp_path / "nothing"), "--types", "oauth_client")


def test_a_key_is_rolled_over_and_killed(node: str) -> None:
    old = signing.signer("border").kid
    _run("key", "prepare", "--use", "border")
    with pytest.raises(CommandError, match="has to be published"):
        _run("key", "activate", "--use", "border")
    assert "active" in _run("key", "activate", "--use", "border", "--emergency")
    assert SigningKey.objects.get(kid=old).state == "old"
    assert "killed" in _run("key", "kill", f"--kid={signing.signer('border').kid}")
    with pytest.raises(CommandError):
        _run("key", "activate", "--use", "border")
    with pytest.raises(CommandError):
        _run("key", "kill", "--kid=unknown")


def test_a_round_with_the_peers_is_reported(node: str, peers: Peers) -> None:
    _run("recognise", peers.cn.entity_id)
    assert "its keys are those pinned" in _run("sync")
