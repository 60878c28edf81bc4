"""The counts of what waits, for the site's first page."""

from typing import Any

from django import template

from idp.office import work_pages

register = template.Library()


@register.inclusion_tag("office/_work_counts.html", takes_context=True)
def work_that_waits(context: Any) -> dict[str, Any]:
    """The kinds of which something waits, for the officer of the request."""
    return {"found": [item for item in work_pages.of(context["request"]) if item.count]}
