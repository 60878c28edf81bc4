"""What every page shows: the authority's name, in the reader's language where it has one."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.translation import get_language

from idp import conf


def authority(request: HttpRequest) -> dict[str, str]:
    """The context of `templates/base.html`."""
    ours = conf.authority()
    return {"authority_name": in_language(ours.name, get_language() or "en"), "authority_url": ours.entity_id}


def in_language(names: Mapping[str, str], language: str) -> str:
    """The name for ``language`` (a tag such as zh-hans), or its nearest, or English, or the first there is."""
    by_tag = {tag.lower(): name for tag, name in names.items()}
    tag = language.lower()
    while tag:
        if tag in by_tag:
            return by_tag[tag]
        tag = tag.rpartition("-")[0]
    return by_tag.get("en") or next(iter(by_tag.values()))
