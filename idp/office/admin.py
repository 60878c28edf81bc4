"""The office's pages, which the admin site asks for by this module."""

from idp.office import work_pages

__all__ = ["work_pages"]  # each registers what it shows
