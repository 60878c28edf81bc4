"""``python -m idp.wallet phone --directory D --port P --config FILE`` and the same with ``messenger``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from idp import clock
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal
from idp.wallet import config, messenger, phone_pages
from idp.wallet.phone import Phone


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one device until SIGTERM or SIGINT; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="{asctime} {levelname} {name} {message}", style="{")
    try:
        return int(options.run(options))
    except (Refusal, OSError) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m idp.wallet", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run, text in (
        ("phone", _phone, "a traveller's phone"),
        ("messenger", _messenger, "the messenger's server"),
        ("messenger-keys", _messenger_keys, "print the messenger's federation keys, for an authority to register"),
        ("messenger-revoke", _messenger_revoke, "sign no more for the phone with this device key"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        command.add_argument("--directory", type=Path, required=True, help="keys and state; mode 0700")
        command.add_argument("--config", type=Path, required=True, help="JSON")
        if name in ("phone", "messenger"):
            command.add_argument("--port", type=int, required=True)
        if name == "messenger":
            command.add_argument("--host", default=phone_pages.LOOPBACK, help="address to listen on")
        if name == "messenger-revoke":
            command.add_argument("--jkt", required=True, help="thumbprint of the device key")
    return parser


def _phone(options: argparse.Namespace) -> int:
    phone = Phone(config=config.phone(options.config), directory=options.directory)
    phone_pages.server(phone=phone, port=options.port).serve_until_signalled()
    phone.close()
    return 0


def _messenger(options: argparse.Namespace) -> int:
    settings = config.messenger(options.config)
    own = urlsplit(settings.entity_id).hostname or ""
    messenger.server(
        config=settings, directory=options.directory, host=options.host, port=options.port, hosts=[own]
    ).serve_until_signalled()
    return 0


def _messenger_keys(options: argparse.Namespace) -> int:
    keys = messenger.Messenger(config=config.messenger(options.config), directory=options.directory).federation_keys
    sys.stdout.write(strict_json.dumps(keys.jwks()).decode() + "\n")
    return 0


def _messenger_revoke(options: argparse.Namespace) -> int:
    state = messenger.Messenger(config=config.messenger(options.config), directory=options.directory).state
    return 0 if state.revoke(options.jkt, now=clock.now()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
