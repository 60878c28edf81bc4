"""The only call to the system clock."""

import time


def now() -> int:
    """Seconds since 1970, whole."""
    return int(time.time())
