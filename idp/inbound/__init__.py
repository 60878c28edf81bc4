"""The small HTTP server of a device: a lane's kiosk, a phone, a messenger. No Django.

One request for each connection, everything bounded: time, header, body, number of connections. A request is refused
before a handler sees it when its Host is not one of the device's names (DNS rebinding), when its Origin is another
site's (a page on the web must not press the device's buttons), or when its path or query can be read in two ways.
"""

from idp.inbound.connection import SECURITY_HEADERS
from idp.inbound.messages import (
    Handler,
    Problem,
    Request,
    Response,
    Routes,
    json_body,
    json_response,
    parse_query,
    problem,
    redirect,
)
from idp.inbound.server import DeviceServer
from idp.inbound.static import page, static_files

__all__ = [
    "SECURITY_HEADERS",
    "DeviceServer",
    "Handler",
    "Problem",
    "Request",
    "Response",
    "Routes",
    "json_body",
    "json_response",
    "page",
    "parse_query",
    "problem",
    "redirect",
    "static_files",
]
