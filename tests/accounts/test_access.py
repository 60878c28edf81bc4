"""Logins and second factors at the admin site: who lifts the throttle, that it is recorded, and in whose language."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.test import Client

from idp.accounts.roles import Role
from idp.audit.models import AuditEvent
from tests.accounts.test_roles import officer
from tests.border.world import browser

pytestmark = pytest.mark.django_db
FAILED = "/admin/accounts/failedlogin/"
FACTS = {"username": "alice", "ip_address": "192.0.2.1", "user_agent": "x", "path_info": "/admin/login/"}


@pytest.fixture
def failed() -> AccessAttempt:
    return AccessAttempt.objects.create(**FACTS, failures_since_start=5, get_data="secret-a", post_data="secret-b")


def test_a_throttle_is_lifted_without_a_trace_or_by_whom_it_does_not_concern(failed: AccessAttempt) -> None:
    """An auditor changes nothing; the package's own page let whoever saw it clean up."""
    sent = {"action": "forget", "_selected_action": [failed.pk], "confirmed": "yes"}
    browser(officer("reader", Role.AUDITOR)).post(FAILED, sent)
    assert AccessAttempt.objects.exists() and not AuditEvent.objects.filter(kind="accounts.throttle_lifted").exists()
    chief = officer("chief", Role.TRUST)
    browser(chief).post(FAILED, sent)
    assert not AccessAttempt.objects.exists()
    event = AuditEvent.objects.get(kind="accounts.throttle_lifted")
    assert (event.actor, event.subject) == (f"account:{chief.pk}", f"failed-login:{failed.pk}")


def test_what_was_typed_is_shown(failed: AccessAttempt) -> None:
    AccessLog.objects.create(**FACTS)
    auditor = browser(officer("reader", Role.AUDITOR))
    for path in (FAILED, f"{FAILED}{failed.pk}/change/", "/admin/accounts/pastlogin/"):
        text = auditor.get(path).content.decode()
        assert "192.0.2.1" in text and "secret" not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-hans", ["登录失败记录", "登录记录", "一次性密码设备"]),
        ("zh-hant", ["登入失敗紀錄", "登入紀錄", "一次性密碼裝置"]),
        ("pt", ["Entradas falhadas", "Entradas", "Dispositivos de palavra-passe de utilização única"]),
    ],
    ids=["zh-hans", "zh-hant", "pt"],
)
def test_the_first_page_has_names_of_packages_in_english(language: str, words: list[str]) -> None:
    shown = browser(officer("reader", Role.AUDITOR)).get("/admin/", headers={"accept-language": language})
    text = shown.content.decode()
    for word in words:
        assert word in text
    for word in ("Axes", "AXES", "otp", "OTP", "TOTP"):
        assert word not in text


@pytest.mark.parametrize(
    ("language", "word"), [("zh-hant", "驗證器的驗證碼"), ("pt", "Código do autenticador")], ids=str
)
def test_the_login_page_asks_for_a_token_in_english(language: str, word: str) -> None:
    page = Client(headers={"host": "hk.localhost", "accept-language": language}).get("/admin/login/").content.decode()
    assert word in page and "OTP" not in page
