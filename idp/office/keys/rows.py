"""Signing keys as rows of the keys' pages, in the officer's words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from idp.federation import key_words
from idp.federation.columns import NOTHING, shown
from idp.federation.key_watch import Place, Watched
from idp.federation.models import SigningKey

State = SigningKey.State
SIGNS = {State.NEXT: "○", State.ACTIVE: "●", State.OLD: "◐", State.KILLED: "✕"}


@dataclass(frozen=True)
class Row:
    """One key in words; ``mark`` says its state without colour."""

    key: Watched
    mark: str
    state: str
    use: str
    made: str
    since: str  # it signs, or may sign from
    ends: str
    lies: str
    folder: str  # the same, without the file's name
    signed: tuple[str, ...]

    @property
    def kid(self) -> str:
        return str(self.key.row.kid)


@dataclass(frozen=True)
class Card:
    """The keys of one use and algorithm."""

    place: Place
    title: str
    living: tuple[Row, ...]
    past: tuple[Row, ...]


def card(place: Place, now: int) -> Card:
    """With what each living key signed, but for hosted entities: there are many, and it is asked of one at a time."""
    use = SigningKey.Use(place.use).label
    title = f"{place.owner or use} · {place.algorithm}"
    asked = None if place.owner else now
    return Card(place, title, *(tuple(row(key, asked) for key in keys) for keys in (place.living, place.past)))


def row(key: Watched, now: int | None) -> Row:
    """``now`` to ask what lives of that which the key signed; None not to."""
    own = key.row
    return Row(
        key=key,
        mark=SIGNS[State(own.state)],
        state=_("withdrawn early") if own.state == State.OLD and own.withdrawn_at else str(own.get_state_display()),
        use=key_words.use(own),
        made=shown(own.made_at),
        since=_since(key),
        ends=_ends(key),
        lies=_lies(key, key.file),
        folder=_lies(key, f"{own.use}/"),
        signed=tuple(key_words.signed(found) for found in key.signed(now)) if now is not None else (),
    )


def _since(key: Watched) -> str:
    own = key.row
    if own.takes_over_at is not None:
        return _("takes over at %(time)s") % {"time": shown(own.takes_over_at)}
    if key.earliest is not None:
        return _("may sign from %(time)s") % {"time": shown(key.earliest)}
    return shown(own.activated_at)


def _ends(key: Watched) -> str:
    own = key.row
    if own.state == State.KILLED:
        return _("killed at %(time)s") % {"time": shown(own.withdrawn_at)}
    if own.withdrawn_at is not None:
        return _("withdrawn at %(time)s") % {"time": shown(own.withdrawn_at)}
    if own.state == State.OLD:
        return _("published until %(time)s") % {"time": shown(key.due)}
    return NOTHING if key.due is None else _("to be rolled over by %(time)s") % {"time": shown(key.due)}


def _lies(key: Watched, where: str) -> str:
    """Below the key directory, whose own path is nobody's business."""
    if key.has_file:
        return _("file %(file)s") % {"file": where}
    return _("missing: %(file)s") % {"file": where} if key.published else _("destroyed")
