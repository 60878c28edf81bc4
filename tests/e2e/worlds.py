"""Starting the demonstration's world from a test."""

import os

OURS = ("CAUSEWAY_", "DATABASE_", "DJANGO_")


def environment(port: int) -> dict[str, str]:
    """The environment of a user who never set anything of ours, with a port range of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**inherited, "CAUSEWAY_DEMO_PORT": str(port)}
