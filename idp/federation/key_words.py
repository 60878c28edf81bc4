"""What officers read about keys: their states, and what comes of taking one back."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from idp.federation.columns import NOTHING, shown
from idp.federation.models import SigningKey
from idp.federation.signed_documents import Signed
from idp.federation.takeovers import earliest

SHORT = 10  # characters of a kid that tell keys apart: 60 bits, nearly as many as a border token has of it

# When a key is killed. The next one signs at once; this is about what the killed one signed.
KILLED = {
    "federation": _(
        "Our lanes and our peers refuse our statements by this key within a minute. Who has not pinned the next key "
        "needs its fingerprint by a second channel."
    ),
    "oidc": _("Access tokens by this key are refused at once: phones and relying parties ask for new ones."),
    "border": _(
        "Gates refuse border tokens by this key within a minute: phones have to fetch new ones. A lane that is cut off "
        "takes them until it is reached, for 24 hours at most."
    ),
    "status": _("Status lists are signed anew at once; copies by this key are refused within a minute."),
    "bundle": _("Lanes take a new bundle within a minute. Officers' badges by this key are refused: issue new ones."),
    "hosted": _("The checkpoint's configuration is signed anew at once; copies by this key are refused."),
    "request": _("Requests that were encrypted to this key cannot be read: clients encrypt them anew."),
    "audit": _("Heads of the audit tree by this key prove nothing: a new one is signed within a minute."),
}

_STAYS = _(
    "The active key %(active)s becomes old: it stays published for four days, so that what it signed is believed."
)
_CHANGED = {
    "rotate": (
        _("%(use)s: the next key %(key)s signs from the approval on."),
        _STAYS,
        _("Another next key is made and published."),
    ),
    "roll_over": (_("%(use)s: the next key %(key)s signs from %(time)s on, by itself."), _STAYS),
    "call_off": (_("%(use)s: the next key %(key)s does not take over at %(planned)s. It waits."),),
    "withdraw": (
        _("%(use)s: the old key %(key)s is published no longer, and its file is destroyed."),
        _("The historical keys go on to vouch for what it signed."),
    ),
}
_EARLY = _("It does not wait for %(known)s: whoever has not read our keys since it was made refuses what it signs.")


def use(row: SigningKey) -> str:
    """What it is for, with the checkpoint whose it is."""
    return f"{row.get_use_display()} ({row.owner})" if row.owner else str(row.get_use_display())


def signed(found: Signed) -> str:
    """One sort of documents: how many, and until when."""
    count = found.what if found.count is None else f"{found.count} × {found.what}"
    return (
        count
        if found.until is None
        else _("%(what)s, the last until %(time)s")
        % {
            "what": count,
            "time": shown(found.until),
        }
    )


def killed(row: SigningKey, living: list[Signed]) -> Iterator[str]:
    """What a kill stops, in lines."""
    if row.state == SigningKey.State.NEXT:
        yield str(_("It has signed nothing. Another next key is made and published in its place."))
        return
    if row.state == SigningKey.State.ACTIVE:
        yield str(_("The next key signs at once in its place, and another next key is published."))
    yield from refused(living)
    yield str(KILLED[row.use])


def changed(
    row: SigningKey, change: Mapping[str, Any], *, living: list[Signed], active: SigningKey | None
) -> Iterator[str]:
    """What a proposed change of a key (`idp.federation.key_changes`) comes to, in lines."""
    names = {"use": use(row), "key": short(row), "time": shown(change.get("at")), "known": shown(earliest(row))}
    names |= {"active": short(active) if active else NOTHING, "planned": shown(row.takes_over_at)}
    for line in _CHANGED[change["act"]]:
        yield str(line % names)
    if change.get("early"):
        yield str(_EARLY % names)
    if change["act"] == "withdraw":
        yield from refused(living)


def short(row: SigningKey) -> str:
    """Enough of its kid to tell it from the others."""
    return f"{row.kid[:SHORT]}…"


def refused(living: list[Signed]) -> Iterator[str]:
    """What lives of what a key signed, as that which is refused from now on."""
    for found in living:
        yield str(_("Refused from then on: %(what)s") % {"what": signed(found)})
