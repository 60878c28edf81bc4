#!/usr/bin/env python
"""Run a management command of the node."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
    if sys.argv[1:3] == ["authority", "init"]:  # settings come from the environment, which a new node does not have yet
        from idp.office.founding import environment

        environment.enter(sys.argv[3:])
    execute_from_command_line(sys.argv)
