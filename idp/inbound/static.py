"""Files that a device shows, read once at the start."""

from collections.abc import Mapping
from pathlib import Path

from idp.inbound.messages import Handler, Response

CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".woff2": "font/woff2",
}


def static_files(directories: Mapping[str, Path]) -> dict[tuple[str, str], Handler]:
    """Routes for every file of a known kind under each directory, by URL prefix (``{"/static/wallet": path}``).

    The files are listed and read here, once: no request ever forms a path on the disk.
    """
    routes: dict[tuple[str, str], Handler] = {}
    for prefix, directory in directories.items():
        for path in sorted(directory.rglob("*")):
            if path.suffix in CONTENT_TYPES and path.is_file() and not path.is_symlink():
                name = f"{prefix.rstrip('/')}/{path.relative_to(directory).as_posix()}"
                routes["GET", name] = _constant(Response(200, CONTENT_TYPES[path.suffix], path.read_bytes()))
    return routes


def page(path: Path) -> Handler:
    """A handler that answers with one HTML file, read once."""
    return _constant(Response(200, CONTENT_TYPES[".html"], path.read_bytes()))


def _constant(response: Response) -> Handler:
    return lambda request: response
