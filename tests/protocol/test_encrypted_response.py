"""Answers that the client cannot open, or that somebody else could open or change (RFC 7516, RFC 7518)."""

import itertools
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.protocol import encrypted_response, keys, strict_json
from idp.protocol.encrypted_response import ALGORITHMS, ENCRYPTIONS, ENTROPY, Recipient

PRIVATE: dict[str, Any] = {name: ECKey.generate_key(name, private=True) for name in ("P-256", "P-384", "P-521")}
PRIVATE["RSA"] = RSAKey.generate_key(2048, private=True)
KINDS = {"ECDH-ES": ("P-256", "P-384", "P-521"), "RSA-OAEP": ("RSA",), "RSA-OAEP-256": ("RSA",)}
WAYS = [(alg, enc, kind) for alg, enc in itertools.product(ALGORITHMS, ENCRYPTIONS) for kind in KINDS[alg]]


def jwk(kind: str, **more: Any) -> dict[str, Any]:
    """The public key as a client publishes it."""
    return {**PRIVATE[kind].as_dict(private=False), "use": "enc", "kid": f"{kind}-1", **more}


def to(kind: str = "P-256", algorithm: str = "ECDH-ES", encryption: str = "A128CBC-HS256") -> Recipient:
    found = encrypted_response.recipient({"keys": [jwk(kind)]}, algorithm=algorithm, encryption=encryption)
    assert found is not None
    return found


def sealed(text: str, recipient: Recipient, *, nested: bool = True) -> str:
    return encrypted_response.seal(text, to=recipient, entropy=os.urandom(ENTROPY), nested=nested)


def opened(text: str, kind: str, *, algorithm: str, encryption: str) -> str:
    """What another implementation reads, which is told the one algorithm and the one encryption."""
    found = jwe.decrypt_compact(text, PRIVATE[kind], algorithms=[algorithm, encryption])
    assert found.plaintext is not None
    return found.plaintext.decode()


def header(text: str) -> dict[str, Any]:
    return strict_json.loads_object(strict_json.b64decode(text.partition(".")[0]))


@pytest.mark.parametrize(("algorithm", "encryption", "kind"), WAYS)
def test_another_implementation_reads_every_way_that_is_offered(algorithm: str, encryption: str, kind: str) -> None:
    text = sealed("a signed token", to(kind, algorithm, encryption))
    assert opened(text, kind, algorithm=algorithm, encryption=encryption) == "a signed token"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.sampled_from(WAYS))
def test_any_text_arrives_as_it_was(text: str, way: tuple[str, str, str]) -> None:
    """A length that fills its last block, or names outside ASCII."""
    algorithm, encryption, kind = way
    found = opened(sealed(text, to(kind, algorithm, encryption)), kind, algorithm=algorithm, encryption=encryption)
    assert found == text


@pytest.mark.parametrize(("algorithm", "encryption", "kind"), WAYS)
def test_header_says_what_the_client_needs_and_no_more(algorithm: str, encryption: str, kind: str) -> None:
    """RFC 7516 §4.1: compression would tell the length of what a claim has in common with another (RFC 8725 §3.6)."""
    recipient = to(kind, algorithm, encryption)
    agreed = {"epk"} if algorithm == "ECDH-ES" else set()
    found = header(sealed("x", recipient))
    assert found.keys() == {"alg", "enc", "kid", "cty"} | agreed
    assert (found["alg"], found["enc"], found["kid"], found["cty"]) == (algorithm, encryption, f"{kind}-1", "JWT")
    assert header(sealed("x", recipient, nested=False)).keys() == {"alg", "enc", "kid"} | agreed


# --- which key -----------------------------------------------------------------------------------------------------


def chosen(*members: Any, algorithm: str = "ECDH-ES") -> str | None:
    found = encrypted_response.recipient({"keys": list(members)}, algorithm=algorithm, encryption="A256GCM")
    return None if found is None else found.kid


@pytest.mark.parametrize(
    "other",
    [
        jwk("P-256", use="sig"),
        jwk("P-256", use=None),
        {name: value for name, value in jwk("P-256").items() if name != "use"},
        jwk("P-256", alg="ECDH-ES+A256KW"),
        jwk("P-256", alg=5),
        jwk("P-256", kid=7),
        jwk("P-256", y=PRIVATE["P-256"].as_dict(private=False)["x"]),
        {**PRIVATE["P-256"].as_dict(private=True), "use": "enc", "kid": "private"},
        {**ECKey.generate_key("secp256k1", private=False).as_dict(), "use": "enc", "kid": "of another curve"},
        {**OKPKey.generate_key("X25519", private=False).as_dict(), "use": "enc", "kid": "another kind"},
        {"kty": "oct", "k": "AAAA", "use": "enc", "kid": "a secret"},
        {"kty": [], "use": "enc"},
        jwk("RSA"),
        "no key",
        None,
    ],
    ids=range(15),
)
def test_key_that_is_not_for_this_is_passed_over(other: Any) -> None:
    """RFC 7517 §5: what is not understood is ignored. Never a key that the client signs with, or that is no secret."""
    good = jwk("P-384", kid="good")
    assert chosen(other, good) == chosen(good, other) == "good"
    assert chosen(other) is None


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_rsa_key_serves_the_algorithm_that_it_names_or_both(algorithm: str) -> None:
    other = next(name for name in ("RSA-OAEP", "RSA-OAEP-256") if name != algorithm)
    keyring = (jwk("P-256"), jwk("RSA", alg="RSA1_5", kid="old"), jwk("RSA", alg=other, kid="other"))
    assert chosen(*keyring, jwk("RSA", alg=algorithm, kid="named"), algorithm=algorithm) == "named"
    assert chosen(*keyring, jwk("RSA", kid="any"), algorithm=algorithm) == "any"


def test_weak_rsa_key_is_passed_over() -> None:
    """invalid solely because its modulus has 1024 bits (RFC 7518 §4.3 asks for 2048)."""
    modulus = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505
    weak = jwk("RSA", n=strict_json.b64encode(modulus.to_bytes(128)), kid="weak")
    assert chosen(weak, jwk("RSA"), algorithm="RSA-OAEP") == "RSA-1"
    assert chosen(weak, algorithm="RSA-OAEP") is None


def test_first_of_two_is_taken() -> None:
    """A client that rolls its keys puts the new one in front."""
    assert chosen(jwk("P-256", kid="new"), jwk("P-256", kid="old")) == "new"


def test_algorithm_alone_says_that_a_key_is_for_encryption() -> None:
    """RFC 7517 §4.4: a key that names it needs no ``use``."""
    named = {name: value for name, value in jwk("RSA", alg="RSA-OAEP").items() if name != "use"}
    assert chosen(named, algorithm="RSA-OAEP") == "RSA-1"
    assert chosen({**named, "use": "sig"}, algorithm="RSA-OAEP") is None


@pytest.mark.parametrize("kid", [..., None])
def test_key_without_identifier_gets_none(kid: Any) -> None:
    """A kid that we made up would be looked for in vain."""
    members = {name: value for name, value in jwk("P-256", kid=kid).items() if value is not ...}
    recipient = encrypted_response.recipient({"keys": [members]}, algorithm="ECDH-ES", encryption="A256GCM")
    assert recipient is not None and recipient.kid is None and "kid" not in header(sealed("x", recipient))


@pytest.mark.parametrize("jwks", [None, [], "x", {}, {"keys": None}, {"keys": {}}, {"keys": []}])
def test_set_without_keys_has_none(jwks: Any) -> None:
    assert encrypted_response.recipient(jwks, algorithm="ECDH-ES", encryption="A256GCM") is None


@pytest.mark.parametrize(
    ("algorithm", "encryption"),
    [("dir", "A256GCM"), ("RSA1_5", "A256GCM"), ("ECDH-ES", "A256CBC-HS512"), ([], "A256GCM"), ("ECDH-ES", {})],
)
def test_what_is_not_offered_has_no_recipient(algorithm: Any, encryption: Any) -> None:
    """invalid solely because of what a client registered long ago, or another way in."""
    jwks = {"keys": [jwk("RSA"), jwk("P-256"), jwk("RSA", alg="RSA1_5")]}
    assert encrypted_response.recipient(jwks, algorithm=algorithm, encryption=encryption) is None


# --- nobody else ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("algorithm", "encryption", "kind"), WAYS)
def test_one_changed_part_opens_nothing(algorithm: str, encryption: str, kind: str) -> None:
    """A header, IV or text that the tag does not cover would show here."""
    parts = sealed("a signed token", to(kind, algorithm, encryption)).split(".")
    assert [bool(part) for part in parts] == [True, algorithm != "ECDH-ES", True, True, True]
    for place, part in enumerate(parts):
        raw = bytearray(strict_json.b64decode(part))
        for position in {0, len(raw) // 2, len(raw) - 1} if raw else set():
            changed = bytes([*raw[:position], raw[position] ^ 1, *raw[position + 1 :]])
            text = ".".join([*parts[:place], strict_json.b64encode(changed), *parts[place + 1 :]])
            with pytest.raises((JoseError, ValueError, KeyError)):
                opened(text, kind, algorithm=algorithm, encryption=encryption)


def test_header_moved_to_another_answer_opens_nothing() -> None:
    """invalid solely because cty is gone: what was nested would be taken for claims."""
    recipient, entropy = to("RSA", "RSA-OAEP", "A256GCM"), os.urandom(ENTROPY)
    nested, flat = (
        encrypted_response.seal("x", to=recipient, entropy=entropy, nested=nested) for nested in (True, False)
    )
    mixed = ".".join([flat.split(".")[0], *nested.split(".")[1:]])
    with pytest.raises(JoseError):
        opened(mixed, "RSA", algorithm="RSA-OAEP", encryption="A256GCM")


def test_another_clients_key_opens_nothing() -> None:
    text = sealed("x", to("P-256"))
    with pytest.raises(JoseError):
        jwe.decrypt_compact(text, ECKey.generate_key("P-256"), algorithms=["ECDH-ES", "A128CBC-HS256"])


@pytest.mark.parametrize(("algorithm", "encryption", "kind"), WAYS)
def test_nothing_is_sealed_twice_alike(algorithm: str, encryption: str, kind: str) -> None:
    """Two answers with one key and one IV give each other away."""
    recipient = to(kind, algorithm, encryption)
    first, second = (sealed("x" * 40, recipient).split(".") for _ in range(2))
    assert not set(first[2:]) & set(second[2:])
    if algorithm == "ECDH-ES":
        assert header(".".join(first))["epk"] != header(".".join(second))["epk"]


@pytest.mark.parametrize(
    ("kind", "curve", "size"),
    [("P-256", ec.SECP256R1(), 32), ("P-384", ec.SECP384R1(), 48), ("P-521", ec.SECP521R1(), 66)],
)
def test_small_coordinate_is_as_long_as_the_others(kind: str, curve: ec.EllipticCurve, size: int) -> None:
    """RFC 7518 §6.2.1.2: one key in a hundred would be refused by strict readers."""
    tried = (ec.derive_private_key(number, curve) for number in itertools.count(2))
    small = next(key for key in tried if key.public_key().public_numbers().x < 256 ** (size - 1))
    _, epk = encrypted_response._agree(to(kind).key, "A256GCM", 32, small)
    assert [len(strict_json.b64decode(epk[name])) for name in ("x", "y")] == [size, size]


@pytest.mark.parametrize("length", [0, ENTROPY - 1, ENTROPY + 1])
def test_too_little_entropy_is_a_defect(length: int) -> None:
    with pytest.raises(RuntimeError):
        encrypted_response.seal("x", to=to(), entropy=bytes(length), nested=True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_recipient_of_the_other_kind_is_a_defect(algorithm: str) -> None:
    """`recipient` gives none of these."""
    kind = "RSA" if algorithm == "ECDH-ES" else "P-256"
    wrong = Recipient(keys.parse_public(jwk(kind)), None, algorithm, "A256GCM")
    with pytest.raises(TypeError):
        sealed("x", wrong)


def test_nothing_weak_is_offered() -> None:
    """RFC 8725 §3.2: neither PKCS #1 v1.5, nor a shared secret, nor a password."""
    assert ALGORITHMS == ("ECDH-ES", "RSA-OAEP", "RSA-OAEP-256")
    assert ENCRYPTIONS == ("A128CBC-HS256", "A128GCM", "A256GCM")
    assert encrypted_response.DEFAULT_ENCRYPTION in ENCRYPTIONS


# --- what the standards publish ------------------------------------------------------------------------------------


def test_content_of_rfc_7516_appendix_a1() -> None:
    """RSA-OAEP with A256GCM, byte for byte but for the wrapped key, which is never twice the same."""
    content_key = bytes.fromhex("b1a1f480548fe1733fb403ff6b9ad4f68a076e5b702e22692f82cb2e7aea40fc")
    iv = strict_json.b64decode("48V1_ALb6US04U3b")
    recipient = Recipient(keys.parse_public(jwk("RSA")), None, "RSA-OAEP", "A256GCM")
    text = encrypted_response.seal(
        "The true sign of intelligence is not knowledge but imagination.",
        to=recipient,
        entropy=content_key + iv + bytes(4),
        nested=False,
    )
    protected, wrapped, *rest = text.split(".")
    assert protected == "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ"
    assert rest == [
        "48V1_ALb6US04U3b",
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
        "XFBoMYUZodetZdvTiFvSkQ",
    ]
    assert len(strict_json.b64decode(wrapped)) == 256


def test_content_of_rfc_7518_appendix_b1() -> None:
    """AES_128_CBC_HMAC_SHA_256."""
    ciphertext, tag = encrypted_response._cbc(
        bytes(range(32)),
        bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04"),
        b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy "
        b"without inconvenience",
        b"The second principle of Auguste Kerckhoffs",
    )
    assert ciphertext.hex() == (
        "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2"
        "fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b"
        "384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db"
    )
    assert tag.hex() == "652c3fa36b0a7c5b3219fab3a30bc1c4"


def test_content_key_of_rfc_7520_section_5_5() -> None:
    """ECDH-ES, direct, for A128CBC-HS256: the key that sender and recipient agree on."""
    recipient = keys.parse_public(
        {
            "kty": "EC",
            "kid": "meriadoc.brandybuck@buckland.example",
            "crv": "P-256",
            "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0",
            "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
        }
    )
    own = strict_json.b64decode("AtH35vJsQ9SGjYfOsjUxYXQKrPH3FjZHmEtSKoSN8cM")
    ephemeral = ec.derive_private_key(int.from_bytes(own), ec.SECP256R1())
    content_key, epk = encrypted_response._agree(recipient, "A128CBC-HS256", 32, ephemeral)
    assert strict_json.b64encode(content_key) == "hzHdlfQIAEehb8Hrd_mFRhKsKLEzPfshfXs9l6areCc"
    assert epk == {
        "kty": "EC",
        "crv": "P-256",
        "x": "mPUKT_bAWGHIhg0TpjjqVsP1rXWQu_vwVOHHtNkdYoA",
        "y": "8BQAsImGeAS46fyWw5MhYfGTT0IjBpFw2SS34Dv4Irs",
    }
