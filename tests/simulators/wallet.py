"""A phone that follows the rules and needs no network: it holds keys, asks as a wallet does, and presents."""

from dataclasses import dataclass, field

from idp.protocol import holder_key, keys, presentation
from idp.protocol.keys import PrivateKey, PublicKey
from idp.protocol.presentation import Challenge


@dataclass
class WalletSimulator:
    """One phone. It keeps one holder key for each receiving authority, as `docs/protocol.md` wants it."""

    holders: dict[str, PrivateKey] = field(default_factory=dict)
    _proofs: int = 0

    def holder(self, authority: str) -> PrivateKey:
        """The private key for ``authority``, made when it is first asked for."""
        return self.holders.setdefault(authority, keys.generate())

    def public(self, authority: str) -> PublicKey:
        return self.holder(authority).public

    def prove_holder_key(self, *, authority: str, issuer: str, access_token: str, now: int) -> str:
        """The proof of possession that goes with a request for a token, to the node ``issuer``."""
        self._proofs += 1
        return holder_key.prove_holder_key(
            holder=self.holder(authority),
            audience=issuer,
            access_token=access_token,
            now=now,
            jti=f"proof-{self._proofs}",
        )

    def prove(
        self, token: bytes | str, *, authority: str, aud: str, now: int, challenge: Challenge | None = None
    ) -> bytes | str:
        """The holder's proof, in time mode or in answer to ``challenge``."""
        nonce = None if challenge is None else challenge.nonce
        return presentation.prove(token, aud=aud, nonce=nonce, now=now, holder=self.holder(authority))

    def present(
        self, token: bytes | str, *, authority: str, aud: str, now: int, challenge: Challenge | None = None
    ) -> bytes | str:
        """What the lane gets: the text of a QR code for a CWT, the JSON of a local link for a JWT."""
        proof = self.prove(token, authority=authority, aud=aud, now=now, challenge=challenge)
        if isinstance(token, bytes) and isinstance(proof, bytes):
            return presentation.encode_qr(token, proof)
        return presentation.encode_link(str(token), str(proof))
