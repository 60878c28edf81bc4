"""Where a key lies on a PKCS#11 token: the part of RFC 7512 that an operator needs to name one, and nothing else."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

SCHEME = "pkcs11:"
PATH = frozenset({"token", "serial", "object", "id", "type"})
QUERY = frozenset({"module-path", "pin-source"})


@dataclass(frozen=True)
class KeyUri:
    """A secret key: the library to ask, the file with the PIN, and by what token and key are known."""

    module: Path
    pin_file: Path
    token: str | None
    serial: bytes | None
    label: str | None
    id: bytes | None


def parse(uri: str) -> KeyUri:
    """Read ``pkcs11:token=…;object=…?module-path=/…&pin-source=file:/…`` (RFC 7512 §2.3).

    Needed are ``token`` or ``serial``, ``object`` or ``id``, and both of the query: a PIN in the URI itself
    (``pin-value``) would stand in the environment. Raises ValueError, whose text never quotes a value.
    """
    if not uri.startswith(SCHEME):
        raise ValueError("not a pkcs11 URI")
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    found = _attributes(path, ";", PATH)
    asked = _attributes(query, "&", QUERY)
    if not found.keys() & {"token", "serial"} or not found.keys() & {"object", "id"}:
        raise ValueError("a pkcs11 URI names a token (token, serial) and a key (object, id)")
    if found.get("type", b"secret-key") != b"secret-key":
        raise ValueError("type is secret-key")
    if asked.keys() != QUERY:
        raise ValueError("a pkcs11 URI has module-path and pin-source")
    return KeyUri(
        module=_absolute(_text(asked["module-path"])),
        pin_file=_absolute(_text(asked["pin-source"]).removeprefix("file:").removeprefix("//")),
        token=_text(found["token"]) if "token" in found else None,
        serial=found.get("serial"),
        label=_text(found["object"]) if "object" in found else None,
        id=found.get("id"),
    )


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name not in known or not equals or not value:
            raise ValueError(f"an attribute that is none of {', '.join(sorted(known))}, or is empty")
        if name in values:  # RFC 7512 §2.3: at most once
            raise ValueError(f"{name} twice")
        values[name] = unquote_to_bytes(value)
    return values


def _text(value: bytes) -> str:
    text = value.decode()  # UnicodeDecodeError is a ValueError
    if not text.isprintable():
        raise ValueError("an attribute that cannot be printed")
    return text


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("module-path and pin-source are absolute paths")
    return path
