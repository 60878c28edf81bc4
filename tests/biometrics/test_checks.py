"""What `check --deploy` says of the face engine."""

from django.core.checks import run_checks


def test_the_embedded_engine_does_not_go_live_unnoticed() -> None:
    """An authority that calibrated nothing would decide by two small sets of photographs."""
    assert "idp.W102" in [message.id for message in run_checks(include_deployment_checks=True)]
    assert "idp.W102" not in [message.id for message in run_checks()]
