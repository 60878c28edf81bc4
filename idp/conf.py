"""Configuration enters here, once, as a frozen value. Nobody else reads ``settings.IDP_*``."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.signals import setting_changed


@dataclass(frozen=True)
class Authority:
    """One border authority: who it is, where it keeps its things, what it dares."""

    entity_id: str  # also the public base URL and the issuer; no trailing slash
    name: Mapping[str, str]  # by language tag
    contacts: Sequence[str]  # e-mail addresses or https URLs, for peers
    jurisdiction: str  # CHN, HKG or MAC
    data_dir: Path
    key_dir: Path
    model_dir: Path
    debug: bool
    insecure_loopback_http: bool  # http://*.localhost entity identifiers; refused unless debug
    federation_auth: Mapping[str, Sequence[str]]  # client authentication methods by federation endpoint
    dpop_nonce: Sequence[str]  # client profiles whose DPoP proofs must have a nonce
    dynamic_registration: str  # off, token or open: who may register a client (RFC 7591)
    face_engines: Sequence[str]  # "embedded" or a pack's directory; the first is preferred
    face_providers: Sequence[str]  # cpu, cuda, coreml: what runs the packs, the first that will
    face_key: str  # wraps the keys of faces: file:NAME in the key directory, or a pkcs11 URI (RFC 7512)
    face_keys_retired: Sequence[str]  # of the same kind, which only open
    face_profile: str  # false match rate of enrolment: 1e-3 to 1e-6; empty: 1e-4 where it is calibrated
    gate_face_profile: str  # of the lanes
    face_storage: str  # node or device: who keeps face references
    reservation_lapses_after: int  # seconds after an exit, when its entry is given back
    unmatched_after: int  # seconds after which officers are shown an exit or an entry without its other side
    longest_visit: int  # seconds after which officers are shown a visitor's entry without exit
    status_bits: int  # 1, 2, 4 or 8: of each status in new status lists
    status_history: int  # seconds for which a status list of the past can be asked for; 0: not at all
    identified_days: int  # for which recorded crossings keep the numbers of token and traveller
    pseudonym_key_days: int  # for which, after that, a number that is known can still be looked for
    crossings_months: int  # for which crossings are kept at all
    investigation_shown_days: int  # after which a traveller reads of a look for an investigation

    def url(self, path: str) -> str:
        """The public URL of ``path`` (which starts with a slash). Never built from the Host header."""
        return self.entity_id + path


@lru_cache(maxsize=1)
def authority() -> Authority:
    """This deployment's authority."""
    return Authority(
        entity_id=settings.IDP_ENTITY_ID,
        name=settings.IDP_NAME,
        contacts=tuple(settings.IDP_CONTACTS),
        jurisdiction=settings.IDP_JURISDICTION,
        data_dir=Path(settings.IDP_DATA_DIR),
        key_dir=Path(settings.IDP_KEY_DIR),
        model_dir=Path(settings.IDP_MODEL_DIR),
        debug=settings.DEBUG,
        insecure_loopback_http=settings.IDP_INSECURE_LOOPBACK_HTTP,
        federation_auth=settings.IDP_FEDERATION_AUTH,
        dpop_nonce=settings.IDP_DPOP_NONCE,
        dynamic_registration=settings.IDP_DYNAMIC_REGISTRATION,
        face_engines=tuple(name.strip() for name in settings.IDP_FACE_ENGINES),
        face_providers=tuple(name.strip() for name in settings.IDP_FACE_PROVIDERS),
        face_key=settings.IDP_FACE_KEY,
        face_keys_retired=tuple(settings.IDP_FACE_KEYS_RETIRED),
        face_profile=settings.IDP_FACE_PROFILE,
        gate_face_profile=settings.IDP_GATE_FACE_PROFILE,
        face_storage=settings.IDP_FACE_STORAGE,
        reservation_lapses_after=settings.IDP_RESERVATION_LAPSES_AFTER,
        unmatched_after=settings.IDP_UNMATCHED_AFTER,
        longest_visit=settings.IDP_LONGEST_VISIT,
        status_bits=settings.IDP_STATUS_BITS,
        status_history=settings.IDP_STATUS_HISTORY,
        identified_days=settings.IDP_IDENTIFIED_DAYS,
        pseudonym_key_days=settings.IDP_PSEUDONYM_KEY_DAYS,
        crossings_months=settings.IDP_CROSSINGS_MONTHS,
        investigation_shown_days=settings.IDP_INVESTIGATION_SHOWN_DAYS,
    )


SECRET_BYTES = 32


def made_secret(name: str) -> bytes:
    """32 random bytes of this node, kept in its key directory as ``name``; made on first use, by one process only."""
    path = authority().key_dir / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:  # mode 0600
        file.write(os.urandom(SECRET_BYTES))
    try:
        os.link(file.name, path)  # atomic, and fails where another process was first
    except FileExistsError:
        pass
    finally:
        Path(file.name).unlink()
    return path.read_bytes()


@lru_cache(maxsize=8)
def secret(name: str) -> bytes:
    """`made_secret`, remembered: for what lasts as long as the node."""
    return made_secret(name)


@lru_cache(maxsize=8)
def kept_secret(name: str) -> bytes:
    """A secret that `secret` made once. Raises OSError where it is gone: a new one would open nothing."""
    return (authority().key_dir / name).read_bytes()


def _forget(*, setting: str, **_: object) -> None:
    if setting.startswith("IDP_"):
        authority.cache_clear()
        secret.cache_clear()
        kept_secret.cache_clear()


setting_changed.connect(_forget)  # tests override settings; a deployment never does
