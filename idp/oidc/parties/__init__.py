"""Relying parties in the admin site: by profile, with their keys and what travellers gave them."""
