"""``manage.py federation``: terms, types of trust marks and marks."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from idp.audit.models import AuditEvent
from idp.federation import entities, marks, terms
from idp.federation.management.options import moment
from idp.federation.models import IssuedMark, MarkType, Peer, Subordinate
from idp.federation.terms import Terms
from idp.protocol import keys
from idp.protocol.keys import KeySet
from tests.conftest import NOW
from tests.federation.peers import Peers
from tests.federation.test_command import _run

POLICY = {"openid_provider": {"id_token_signing_alg_values_supported": {"subset_of": ["ES256"]}}}
PRIVACY = "https://marks.example/privacy"


def _file(folder: Path, name: str, content: object) -> str:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def test_terms_are_set_one_by_one_and_shown(node: str, peers: Peers, tmp_path: Path) -> None:
    cn = peers.cn.entity_id
    _run("recognise", cn, "--max-path-length", "0", "--until", "2027-12-31", "--officer", "officer-7")
    agreed = Terms(max_path_length=0, valid_until=moment("2027-12-31", last=True))
    assert terms.of(Peer.objects.get()) == agreed
    _run("terms", cn, "--policy", _file(tmp_path, "p", POLICY), "--types", "openid_provider", "--legal-basis", "a law")
    _run("terms", cn, "--naming", _file(tmp_path, "n", {"excluded": ["x.example"]}), "--contract", "no. 7")
    shown = _run("terms", cn, "--from", "2027-01-01T00:00:00+00:00")
    before = Terms(
        metadata_policy=POLICY,
        max_path_length=0,
        naming_constraints={"excluded": ["x.example"]},
        allowed_entity_types=("openid_provider",),
        valid_from=1_798_761_600,
        valid_until=agreed.valid_until,
        legal_basis="a law",
        contract="no. 7",
    )
    assert terms.of(Peer.objects.get()) == before
    assert '"contract": "no. 7"' in shown
    assert "one-sided" in shown
    _run("terms", cn, "--from", "none", "--until", "none", "--types", "none", "--legal-basis", "none")
    assert terms.of(Peer.objects.get()).valid_until is None
    assert terms.of(Peer.objects.get()).allowed_entity_types is None
    assert AuditEvent.objects.filter(kind="federation.peer.terms_changed").first().actor == "officer-7"
    assert AuditEvent.objects.filter(kind="federation.peer.terms_changed").count() == 5


def test_showing_the_terms_changes_nothing(node: str, peers: Peers) -> None:
    _run("propose", peers.cn.entity_id)
    assert '"max_path_length": 1' in _run("terms", peers.cn.entity_id)
    assert not AuditEvent.objects.filter(kind="federation.peer.terms_changed").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--max-path-length", "2"),
        ("--types", "federation_entity"),
        ("--policy", "/nowhere"),
        ("--until", "tomorrow"),
        ("--until", "9999-12-31"),
        ("--from", "2027-02-01", "--until", "2027-01-01"),
    ],
    ids=str,
)
def test_bad_terms_are_an_error_and_recognise_nobody(node: str, peers: Peers, options: tuple[str, ...]) -> None:
    """Invalid solely because of the options."""
    with pytest.raises(CommandError):
        _run("recognise", peers.cn.entity_id, *options)
    assert Peer.objects.get().standing == "proposed"


def test_a_policy_file_that_is_no_json_object_is_an_error(node: str, peers: Peers, tmp_path: Path) -> None:
    """Invalid solely because of the file."""
    _run("propose", peers.cn.entity_id)
    for content in ("", "[]", '{"a": {}, "a": {}}'):
        with pytest.raises(CommandError):
            _run("terms", peers.cn.entity_id, "--policy", _file(tmp_path, "p", content))


def test_a_date_means_the_whole_day_in_the_projects_time_zone() -> None:
    assert moment("2027-01-31", last=False) == 1_801_324_800  # 2027-01-30T16:00:00Z
    assert moment("2027-01-31", last=True) == 1_801_324_800 + 86_400
    assert moment("2027-01-31T18:00", last=True) == moment("2027-01-31 10:00+00:00", last=True) == 1_801_389_600
    assert moment("none", last=True) is None


def test_a_mark_type_is_made_known_and_its_mark_given_and_taken_back(node: str) -> None:
    lmc = entities.host(path="checkpoints/lmc", metadata={"oauth_resource": {"resource": "x"}}, now=NOW).entity_id
    _run("mark-type", "add", PRIVACY, "--description", "keeps nothing", "--officer", "officer-7")
    _run("mark-type", "add", "https://marks.example/any", "--any-issuer")
    _run("mark-type", "add", "https://marks.example/two", "--issuer", node, "--issuer", "https://b.example")
    listed = _run("mark-type", "list")
    assert f"{PRIVACY}: {node}" in listed
    assert "any: any issuer" in listed
    assert "two: http://hk.localhost:8002, https://b.example" in listed
    assert "given" in _run("mark", "give", PRIVACY, lmc)
    assert marks.marked(mark_type=PRIVACY, now=NOW) == [lmc]
    assert "revoked" in _run("mark", "revoke", PRIVACY, lmc)
    assert IssuedMark.objects.get().revoked_at is not None
    for arguments in (("revoke", PRIVACY, lmc), ("give", "https://marks.example/unknown", lmc), ("give", PRIVACY, "x")):
        with pytest.raises(CommandError):
            _run("mark", *arguments)


def test_an_owned_type_comes_from_files(node: str, peers: Peers, tmp_path: Path) -> None:
    owner = peers.authority("owner")
    jwks, delegation = _file(tmp_path, "k", owner.keys.jwks()), owner.delegation(node, PRIVACY)
    options = ("--owner", owner.entity_id, "--owner-jwks", jwks)
    _run("mark-type", "add", PRIVACY, *options, "--delegation", _file(tmp_path, "d", f"{delegation}\n"))
    assert MarkType.objects.get().delegation == delegation
    with pytest.raises(CommandError):
        _run("mark-type", "add", PRIVACY, *options, "--delegation", _file(tmp_path, "d", "x"))
    with pytest.raises(CommandError, match="cannot be read"):
        _run("mark-type", "add", PRIVACY, *options, "--delegation", str(tmp_path / "nothing"))
    assert MarkType.objects.get().delegation == delegation


def test_a_subordinate_may_come_with_metadata_and_policy(node: str, tmp_path: Path) -> None:
    jwks = _file(tmp_path, "k", KeySet([keys.generate().public]).jwks())
    stated, policy = {"oauth_client": {"client_name": "ours"}}, {"oauth_client": {"scope": {"default": ["a"]}}}
    files = ("--metadata", _file(tmp_path, "m", stated), "--policy", _file(tmp_path, "p", policy))
    _run("subordinate", "add", "https://m.example", "--jwks", jwks, "--types", "oauth_client", *files)
    row = Subordinate.objects.get()
    assert (row.metadata, row.metadata_policy) == (stated, policy)
