"""A QR code out of a camera's picture."""

import zxingcpp

from idp.biometrics.engine import pictures
from idp.protocol.refusals import Refusal

PREFIX = "BT1:"  # protocol.md, Presentation


def read_code(picture: bytes) -> str | None:
    """The text of the first border token's QR code in a JPEG, PNG or WebP; None where there is none."""
    try:
        pixels = pictures.decode(picture)
    except Refusal:
        return None  # a picture without a readable code, whatever else is wrong with it
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return next((code.text for code in found if code.text.startswith(PREFIX)), None)
