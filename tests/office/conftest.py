"""The office sees every room: a node with a checkpoint, a gate and a traveller."""

from tests.border.conftest import world

__all__ = ["world"]
