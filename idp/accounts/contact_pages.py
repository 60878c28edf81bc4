"""The page on which a traveller keeps their contact details."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from idp import clock
from idp.accounts import contact as details
from idp.accounts import navigation
from idp.accounts.forms import ContactForm
from idp.accounts.models import ContactDetails
from idp.accounts.pages import logged_in
from idp.accounts.sessions import Authenticated


@never_cache
@require_http_methods(["GET", "POST"])
@logged_in
def contact(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Say, change or take back; an empty form takes all of it back."""
    traveller = authenticated.traveller
    form = ContactForm(request.POST or None, instance=ContactDetails.objects.filter(traveller=traveller).first())
    if request.method == "POST" and form.is_valid():
        details.keep(traveller=traveller, details=form.cleaned_data, now=clock.now())
        messages.success(request, _("Your contact details were saved."))
        return redirect(navigation.HOME)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/contact.html", {"form": form}, status=status)
