"""The pages: who sees what, what a form does, and where it leads."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.test import Client

from idp.accounts import devices, documents, sessions
from idp.accounts.models import Account, Device, Endorsement, Passkey
from idp.audit.models import AuditEvent
from idp.demo.authenticator import Authenticator
from tests.accounts.people import HOST, ORIGIN, PASSWORD, Browser, document, traveller

pytestmark = pytest.mark.django_db
PAGES = ["/", "/account/register", "/account/login", "/account/"]


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_registering_with_a_password_gives_one_factor(browser: Browser, now: int) -> None:
    form = {"username": "Siu.Ming", "display_name": "小明", "password": PASSWORD, "next": "/account/?x=1"}
    answer = browser.client.post("/account/register", form)
    assert (answer.status_code, answer["Location"]) == (302, "/account/?x=1")
    facts = browser.client.session["causeway_authentication"]
    assert len(facts.pop("sid")) == 43
    assert facts == {"acr": "urn:causeway:acr:pwd", "amr": ["pwd"], "at": now}
    assert "小明" in browser.client.get("/account/").content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "ab"), ("username", "a b c"), ("username", "TAKEN.name"), ("password", "short"),
     ("password", "password1234"), ("password", "siu.ming.2024"), ("password", "x" * 257)],
)  # fmt: skip
def test_registering_is_refused_for_one_field(browser: Browser, field: str, value: str) -> None:
    """Invalid solely because of that field."""
    traveller("taken.name")
    form = {"username": "siu.ming.2024", "password": PASSWORD, field: value}
    answer = browser.client.post("/account/register", form)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Account.objects.count() == 1


def test_every_way_to_fail_a_login_looks_the_same(browser: Browser) -> None:
    traveller("known")
    Browser(Authenticator(origin=ORIGIN)).register("passkey.only")
    Account.objects.create_superuser("officer", PASSWORD)
    Account.objects.create_user("closed", PASSWORD, is_active=False)
    bodies = set()
    for name in ("known", "unknown", "passkey.only", "officer", "closed"):
        password = "wrong" if name == "known" else PASSWORD
        answer = browser.login_by_password(name, password)
        assert answer.status_code == 422
        text = re.sub(r'value="[^"]*"|content="[^"]{64}"', "", answer.content.decode())
        bodies.add(text)
    assert len(bodies) == 1


def test_an_unknown_name_costs_one_hash_as_a_known_one_does(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time tells nothing: whatever the name, one password is hashed."""
    traveller("known")
    Browser(Authenticator(origin=ORIGIN)).register("passkey.only")
    hasher = hashers.get_hasher()
    counted: list[str] = []
    original = type(hasher).encode

    def encode(self: object, password: str, salt: str, *rest: object) -> str:
        counted.append(password)
        return original(self, password, salt, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(type(hasher), "encode", encode)
    costs = []
    for name in ("known", "unknown", "passkey.only"):
        counted.clear()
        browser.login_by_password(name, "wrong")
        costs.append(len(counted))
    assert costs == [1, 1, 1]


def test_the_sixth_guess_at_a_password_is_not_even_looked_at(browser: Browser) -> None:
    traveller()
    codes = [browser.login_by_password(password=f"guess {n}").status_code for n in range(5)]
    assert set(codes) <= {422, 429}
    answer = browser.login_by_password("SIU.MING", PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()
    assert sessions.__name__ and "causeway_authentication" not in browser.client.session
    assert browser.login_by_password("nobody.there", "x").status_code == 422


def test_an_unknown_name_is_throttled_like_a_known_one(browser: Browser) -> None:
    codes = [browser.login_by_password("nobody.there", "x").status_code for _ in range(6)]
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "http:///x",
     "account/", "", "/\t/evil.example", "/" + "x" * 5000],
)  # fmt: skip
def test_a_login_leads_to_no_other_site(browser: Browser, target: str) -> None:
    """RFC 9700 §4.11: invalid solely because of where ``next`` points."""
    traveller()
    answer = browser.login_by_password(next=target)
    assert (answer.status_code, answer["Location"]) == (302, "/account/")


def test_a_login_on_the_way_to_an_application_goes_on_without_a_form(browser: Browser) -> None:
    """A redirect after a form may not leave this origin (form-action); the authorization endpoint's does."""
    traveller()
    answer = browser.login_by_password(next="/oidc/authorize?client_id=a&request_uri=b")
    assert answer.status_code == 200
    refresh = '<meta http-equiv="refresh" content="0;url=/oidc/authorize?client_id=a&amp;request_uri=b">'
    assert refresh in answer.content.decode()


def test_the_account_page_asks_for_a_login_and_comes_back() -> None:
    answer = Client(headers={"host": HOST}).get("/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login?next=%2Faccount%2F")


def test_a_session_of_the_admin_site_is_none_of_ours(browser: Browser) -> None:
    officer = Account.objects.create_superuser("officer", PASSWORD)
    browser.client.force_login(officer, "django.contrib.auth.backends.ModelBackend")
    assert browser.client.get("/account/")["Location"].startswith("/account/login")


def test_logging_out_ends_the_session(browser: Browser) -> None:
    browser.register()
    key = browser.client.session.session_key
    assert browser.client.get("/account/logout").status_code == 405
    browser.client.post("/account/logout")
    browser.client.cookies["session"] = key
    assert browser.client.get("/account/").status_code == 302
    assert AuditEvent.objects.filter(kind="accounts.logged_out").exists()


def test_a_closed_account_loses_its_sessions(browser: Browser) -> None:
    browser.register()
    Account.objects.update(is_active=False)
    assert browser.client.get("/account/").status_code == 302


def test_the_account_shows_its_own_things_and_hides_most_of_the_number(browser: Browser) -> None:
    browser.register("first")
    person = Account.objects.get().traveller
    card = document(type="eep", number="C12345678")
    documents.link(document=card, traveller=person, actor="test")
    Endorsement.objects.create(
        document=card, kind="G", destination="HKG", valid_from="2026-01-01", valid_to="2026-12-31", stay_days=7
    )
    document(number="Z999999A", name_native="別人")
    devices.enrol(traveller=person, jkt="a" * 43, name="Phone <b>")
    text = browser.client.get("/account/").content.decode()
    assert "••••••678" in text and "C12345678" not in text
    assert "any number" in text and "Phone &lt;b&gt;" in text
    assert "別人" not in text


def test_only_one_s_own_passkeys_and_phones_can_be_taken_away(browser: Browser) -> None:
    other = Browser(Authenticator(origin=ORIGIN))
    other.register("other")
    theirs = Account.objects.get(username="other")
    phone = devices.enrol(traveller=theirs.traveller, jkt="b" * 43, name="p")
    browser.register("mine")
    second = Authenticator(origin=ORIGIN).create(browser.options("add"))  # so that one of them could go
    browser.post("/account/passkeys/add", {"credential": second})
    browser.client.post(f"/account/passkeys/{theirs.passkeys.get().pk}/remove")
    assert browser.client.post(f"/account/devices/{phone.pk}/revoke").status_code == 404
    assert theirs.passkeys.count() == 1 and Device.objects.get().revoked_at is None


def test_the_last_way_to_log_in_is_kept(browser: Browser) -> None:
    browser.register()
    answer = browser.client.post(f"/account/passkeys/{Passkey.objects.get().pk}/remove", follow=True)
    assert "only way to log in" in answer.content.decode()
    assert Passkey.objects.count() == 1


def test_a_second_passkey_can_go_with_an_audit_event(browser: Browser) -> None:
    browser.register()
    credential = Authenticator(origin=ORIGIN).create(browser.options("add"))
    browser.post("/account/passkeys/add", {"credential": credential})
    browser.client.post(f"/account/passkeys/{Passkey.objects.earliest('pk').pk}/remove")
    assert Passkey.objects.count() == 1
    assert AuditEvent.objects.filter(kind="accounts.passkey_removed").count() == 1


def test_a_password_does_not_take_a_passkey_away(browser: Browser) -> None:
    traveller()
    browser.login_by_password()
    browser.post("/account/passkeys/add", {"credential": browser.authenticator.create(browser.options("add"))})
    thief = Browser()
    thief.login_by_password()
    answer = thief.client.post(f"/account/passkeys/{Passkey.objects.get().pk}/remove")
    assert answer["Location"] == "/account/login?next=%2Faccount%2F&acr=urn%3Acauseway%3Aacr%3Amfa"
    assert Passkey.objects.count() == 1


def test_a_step_up_offers_no_password(browser: Browser) -> None:
    traveller()
    browser.login_by_password()
    text = browser.client.get("/account/login?next=/x&acr=urn:causeway:acr:mfa").content.decode()
    assert 'type="password"' not in text and "your account has none yet" in text


def test_revoking_a_phone_is_for_ever(browser: Browser) -> None:
    browser.register()
    person = Account.objects.get().traveller
    phone = devices.enrol(traveller=person, jkt="a" * 43, name="p")
    browser.client.post(f"/account/devices/{phone.pk}/revoke")
    phone.refresh_from_db()
    assert phone.revoked_at is not None


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_every_page_speaks_its_language_and_needs_no_inline_code(browser: Browser, path: str, language: str) -> None:
    browser.register()
    if path != "/account/":
        browser.client.logout()
    answer = browser.client.get(path, headers={"accept-language": language})
    text = answer.content.decode()
    assert answer.status_code == 200 and f'<html lang="{language}">' in text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)
    for field in re.findall(r"<(?:input|select)(?![^>]*type=\"hidden\")[^>]*\bid=\"([^\"]+)\"", text):
        assert f'for="{field}"' in text


def test_the_authority_s_name_stands_in_the_reader_s_language(browser: Browser, settings: object) -> None:
    settings.IDP_NAME = {"en": "Border Authority", "zh-Hans": "边境管理局", "pt": "Fronteiras"}  # type: ignore[attr-defined]
    for language, name in [("zh-hans", "边境管理局"), ("pt", "Fronteiras"), ("zh-hant", "Border Authority")]:
        text = browser.client.get("/", headers={"accept-language": language}).content.decode()
        assert f"<span>{name}</span>" in text


def test_pages_with_a_person_s_things_are_kept_by_no_cache(browser: Browser) -> None:
    browser.register()
    for path in ("/account/", "/account/login?next=/x"):
        assert "no-store" in browser.client.get(path)["Cache-Control"]


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_the_colours_can_be_read(ground: str) -> None:
    """WCAG 2.2 §1.4.3 and §1.4.11: text 4.5:1 and edges of controls 3:1, on both grounds."""
    css = (Path(settings.BASE_DIR) / "static" / "causeway.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0 if ground == "light" else 1]))
    text = [("ink", "ground"), ("ink", "paper"), ("quiet", "ground"), ("quiet", "paper"), ("main", "ground"),
            ("main", "paper"), ("main", "tint"), ("main-ink", "main"), ("main-ink", "main-hover"), ("bad", "paper"),
            ("good", "good-tint"), ("warn", "warn-tint"), ("bad", "bad-tint")]  # fmt: skip
    for front, back in text:
        assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    for front, back in [("edge", "paper"), ("edge", "ground"), ("focus", "ground"), ("focus", "paper")]:
        assert contrast(colours[front], colours[back]) >= 3, (front, back)


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_session_keeps_its_name_while_its_person_stays(browser: Browser) -> None:
    """A step-up under a new name would hide the clients of before from a logout; another person's would join them."""
    for name in ("mei", "jun"):
        traveller(name)

    def sid(username: str) -> str:
        browser.login_by_password(username, PASSWORD)
        return str(browser.client.session["causeway_authentication"]["sid"])

    first = sid("mei")
    assert sid("mei") == first
    assert sid("jun") != first
