"""The longer of the commands under ``manage.py border``, a module each."""
