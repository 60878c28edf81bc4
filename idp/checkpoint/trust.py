"""What the lane believes: the stored trust bundle, verified, and the keys of its anchor that it pins.

The officer's file pins the authority's federation keys. Their successors come only in the authority's own
configuration, signed by a key pinned before: every bundle carries it, and what it names, and nothing else, is pinned
from then on. A bundle key that a bundle lists no more is remembered and never believed again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from idp.checkpoint.config import LaneConfig
from idp.checkpoint.store import Store
from idp.protocol import keys, strict_json, trust_bundle, watch_list
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.trust_bundle import TrustBundle
from idp.protocol.watch_list import WatchList

log = logging.getLogger(__name__)

MAX_WITHDRAWN = 64  # bundle keys; a key set that lists the oldest of so many has expired long ago


@dataclass(frozen=True)
class _Kept:
    """Kept with the stored bundle: the keys pinned by it, when it was taken, and bundle keys by thumbprint."""

    pinned: KeySet
    taken_at: int
    listed: tuple[str, ...] = ()  # by the last bundle
    withdrawn: tuple[str, ...] = ()  # listed by one before it


class Trust:
    """The bundle in force, read anew when `idp.checkpoint.sync` (of this process or another) stored a younger one."""

    def __init__(self, config: LaneConfig, store: Store, clock: Callable[[], int]) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._bundle: TrustBundle | None = None

    def bundle(self) -> TrustBundle | None:
        """The bundle in force; None where none holds. Never raises."""
        try:
            serial = int(self._store.kept("serial") or "-1")
            if self._bundle is not None and self._bundle.serial == serial:
                return self._bundle
            text = self._store.kept("bundle")
            self._bundle = None if text is None else self._read(text, self._kept(), watch=self._watch(), stored=True)
        except Refusal as refusal:  # expired while the lane was off, or altered on the disk
            log.warning("the stored bundle does not hold: %s", refusal)
            self._bundle = None
        except Unavailable as error:  # we decide with what is in memory; recording will say that the disk is gone
            log.error("bundle: %s", error)  # noqa: TRY400  the trace says nothing more
        except Exception:  # whatever it is, the gate goes on and refers
            log.exception("the stored bundle cannot be read")
            self._bundle = None
        return self._bundle

    def read(self, text: str) -> TrustBundle:
        """Verify a bundle for this lane; raises `Refusal`, also for a lower serial than was taken before."""
        return self._read(text, self._kept(), watch=self._watch(), stored=False)

    def watch_digest(self) -> str:
        """Of the watch list that is here, so that the node need not send it again; "" for none that is in force."""
        found = self.bundle()
        return "" if found is None else found.watch.digest

    def take(self, text: str, tag: str) -> TrustBundle:
        """Verify a bundle and store it, with its keys to be pinned; raises `Refusal` or `Unavailable`."""
        before, bundle = self._kept(), self.read(text)
        listed = _names(bundle.bundle_keys)
        withdrawn = [*before.withdrawn, *(name for name in before.listed if name not in listed)]
        kept = {
            "enrolled": _names(self._config.anchor_keys),
            "taken_at": self._clock(),
            "listed": listed,
            "withdrawn": [name for name in dict.fromkeys(withdrawn) if name not in listed][-MAX_WITHDRAWN:],
            **bundle.anchor_keys.jwks(),
        }
        wire = strict_json.loads_object(text, max_bytes=trust_bundle.MAX_WIRE)
        wire.pop("watchlist", None)
        self._store.keep_bundle(
            strict_json.dumps(wire).decode(),
            tag,
            bundle.serial,
            trust=strict_json.dumps(kept).decode(),
            watch=bundle.watch,
        )
        self._bundle = bundle  # it is verified: the lane need not do it again before it decides
        return bundle

    def _watch(self) -> WatchList:
        """The watch list that is stored, which is mostly the one in memory; an empty one where it cannot be read."""
        here = self._bundle.watch if self._bundle is not None else None
        if here is not None and here.digest == self._store.kept("watchlist_sha256"):
            return here
        try:
            return watch_list.read(self._store.kept("watchlist") or "")
        except Refusal as refusal:  # then no bundle holds until the node has sent it again
            log.warning("the stored watch list cannot be read: %s", refusal)
            return watch_list.EMPTY

    def _read(self, text: str, kept: _Kept, *, watch: WatchList, stored: bool) -> TrustBundle:
        # One that was taken before does not become invalid by a clock that went back since: the gate's step 1 must say
        # that it is the clock.
        now = max(self._clock(), kept.taken_at) if stored else self._clock()
        return trust_bundle.load_bundle(
            text,
            pinned=kept.pinned,
            anchor=self._config.node,
            checkpoint=self._config.checkpoint,
            now=now,
            min_serial=int(self._store.kept("serial") or "0"),
            withdrawn=kept.withdrawn,
            watch=watch,
        )

    def _kept(self) -> _Kept:
        """What the last bundle left; the officer's keys where there is none, or where the lane was enrolled anew."""
        enrolled = self._config.anchor_keys
        text = self._store.kept("trust")
        value = strict_json.loads_object(text) if text else {}
        if value.get("enrolled") != _names(enrolled):
            return _Kept(enrolled, 0)
        listed, withdrawn = (tuple(value.get(name, ())) for name in ("listed", "withdrawn"))  # a lane may be older
        return _Kept(keys.parse_jwks(value), strict_json.integer(value, "taken_at"), listed, withdrawn)


def _names(pinned: KeySet) -> list[str]:
    return sorted(key.thumbprint for key in pinned.keys)
