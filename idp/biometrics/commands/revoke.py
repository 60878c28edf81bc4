"""Destroy the face references of one document, at the node and on the traveller's device."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from idp.accounts.models import TravelDocument
from idp.biometrics import references


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("document", type=UUID, help="the document's identifier, as the admin site has it")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError where there is no such document."""
    document = TravelDocument.objects.filter(pk=options["document"]).first()
    if document is None:
        raise CommandError("no such document")
    out.write(f"{references.revoke(document=document, actor='operator')} references destroyed")
