"""What officers read about keys: their states, and what comes of taking one back."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from idp.federation.columns import shown
from idp.federation.models import SigningKey
from idp.federation.signed_documents import Signed

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


def refused(living: list[Signed]) -> Iterator[str]:
    """What lives of what a key signed, as that which is refused from now on."""
    for found in living:
        yield str(_("Refused from then on: %(what)s") % {"what": signed(found)})
