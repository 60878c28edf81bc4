"""Every page of the admin site that an officer with every permission can open, as addresses."""

from collections.abc import Iterator

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from idp import admin as site
from tests.office.rights import MODELS, PAGES
from tests.office.rights_table import arguments


def addresses(client: Client) -> Iterator[str]:
    """The site's own pages, then the list, the form for a new row and the first row of each model.

    What answers to forms, scripts or with files is no page, and is found out by asking with ``client``.
    """
    yield from (reverse(f"admin:{name}") for name in ("index", "password_change", "password_change_done"))
    listed = {item.name for item in site.pages() if item.listed}
    for name, row in PAGES.items():
        url = reverse(f"admin:{name}", kwargs=arguments(row.sample))
        if name in listed or _is_page(client, url):
            yield url
    for model in admin.site._registry:
        label = model._meta.label_lower
        start = f"admin:{label.replace('.', '_')}"
        yield reverse(f"{start}_changelist")
        if MODELS[label].add:
            yield reverse(f"{start}_add")
        key = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        if key is not None:
            yield reverse(f"{start}_change", args=[key])


def _is_page(client: Client, url: str) -> bool:
    answer = client.get(url)
    return answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
