"""``manage.py faces``: what an operator is told about engines and packs."""

import io
from typing import Any

from django.core.management import call_command

from idp.biometrics.engine import EMBEDDED_MODEL


def said(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("faces", *arguments, stdout=out, **options)
    return out.getvalue()


def test_the_embedded_engine_listed_without_saying_what_it_is_for() -> None:
    assert said("list").splitlines() == ["providers: cpu", f"{EMBEDDED_MODEL}  embedded, for trying only; CC0"]
