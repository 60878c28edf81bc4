"""What a peer's receipt touches, by plain statements: the token with its endorsement, and the receipt itself."""

from idp import prepared
from idp.accounts.models import Endorsement
from idp.border.models import CrossingReceipt, IssuedToken
from idp.plain_rows import Columns, insert_new
from idp.protocol.receipts import Receipt

_TOKEN, _ENDORSEMENT = Columns(IssuedToken, "i"), Columns(Endorsement, "e")
_FIND = (
    f"SELECT {_TOKEN.sql}, {_ENDORSEMENT.sql} FROM {_TOKEN.table} "  # noqa: S608  constants
    f"LEFT JOIN {_ENDORSEMENT.table} ON e.id = i.endorsement_id WHERE i.jti = $1 AND i.authority = $2"
)
_RECEIPT = ("sender", "token_jti", "receipt_jti", "checkpoint", "direction", "at", "received_at", "token")


def token(jti: str, *, authority: str) -> IssuedToken | None:
    """The border token that was issued to cross at ``authority``, with its endorsement."""
    for row in prepared.rows(_FIND, [jti, authority]):
        found = _TOKEN.read(row)
        if found.endorsement_id is not None:
            found.endorsement = _ENDORSEMENT.read(row[len(_TOKEN) :])
        return found
    return None


def keep(receipt: Receipt, token: IssuedToken | None, *, now: int) -> bool:
    """Store ``receipt`` for ``token``; False where the sender has told of that token before."""
    said = (receipt.iss, receipt.token_jti, receipt.jti, receipt.checkpoint, receipt.direction, receipt.at)
    return insert_new(CrossingReceipt, _RECEIPT, [(*said, now, token.pk if token is not None else None)]) == 1
