"""Subcommands of ``manage.py border``: one module each, with ``add_arguments(parser)`` and ``handle(out, options)``.

A command that cannot do what it was asked raises django's ``CommandError``.
"""
