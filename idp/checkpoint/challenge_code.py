"""The lane's challenge as a QR code on its screen."""

import io

import segno

_BORDER = 4  # modules of quiet zone (ISO/IEC 18004)


def challenge_svg(challenge: str) -> bytes:
    """Black on white, scaling to its box."""
    out = io.BytesIO()
    code = segno.make_qr(challenge, error="l", boost_error=False)  # a screen does not get scratched: fewer modules
    code.save(out, kind="svg", border=_BORDER, xmldecl=False, svgns=True, omitsize=True, light="#fff", dark="#000")
    return out.getvalue()
