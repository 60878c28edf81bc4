"""URLs of this room."""

from django.urls import path

from idp.accounts import contact_pages, endpoints, pages, use_pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("account/", pages.account, name="account"),
    path("account/contact", contact_pages.contact, name="contact-details"),
    path("account/uses", use_pages.own, name="uses"),
    path("account/register", pages.register, name="register"),
    path("account/login", pages.login, name="login"),
    path("account/logout", pages.logout, name="logout"),
    path("account/passkeys/register/options", endpoints.register_options, name="passkey-register-options"),
    path("account/passkeys/register", endpoints.register, name="passkey-register"),
    path("account/passkeys/add/options", endpoints.add_options, name="passkey-add-options"),
    path("account/passkeys/add", endpoints.add, name="passkey-add"),
    path("account/passkeys/login/options", endpoints.login_options, name="passkey-login-options"),
    path("account/passkeys/login", endpoints.login, name="passkey-login"),
    path("account/passkeys/<int:passkey_id>/remove", pages.remove_passkey, name="passkey-remove"),
    path("account/children/<uuid:ward_id>/leave", pages.leave_child, name="child-leave"),
    path("account/devices/<int:device_id>/revoke", pages.revoke_device, name="device-revoke"),
]
