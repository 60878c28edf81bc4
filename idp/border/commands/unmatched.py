"""list what does not add up and no officer has resolved: exits without entry, entries without exit, and the rest"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from idp import clock
from idp.border.entries import unmatched
from idp.border.models import Discrepancy


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--kind", choices=Discrepancy.Kind.values, action="append", help="only these")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Looks anew first, and prints one a line: kind, token, direction, checkpoint, time, authority."""
    unmatched.look(now=clock.now())
    found = Discrepancy.objects.filter(resolved_at__isnull=True, kind__in=options["kind"] or Discrepancy.Kind.values)
    for item in found.order_by("kind", "at", "pk").iterator():
        beside = f" beside {item.beside['jti']}" if item.beside else ""
        out.write(f"{item.kind} {item.jti} {item.direction} {item.checkpoint} at {item.at} {item.authority}{beside}")
    out.write(f"{found.count()} to look into")
