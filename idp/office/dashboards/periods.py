"""The time that figures are about: whole days as the officers count them, at UTC+8, which has no summer time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.border.records.months import ZONE

HOUR, DAY = 3600, 86_400
LONGEST = 1_100  # days: three years, as long as crossings are kept
BY_HOUR_UP_TO = 7  # days: beyond, a plot by the hour cannot be read

SPANS = {"day": _("one day"), "week": _("one week"), "month": _("one month"), "range": _("from – to")}


@dataclass(frozen=True)
class Period:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def since(self) -> int:
        """The first second, since 1970."""
        return int(datetime(self.first.year, self.first.month, self.first.day, tzinfo=ZONE).timestamp())

    @property
    def until(self) -> int:
        """The first second after it."""
        return self.since + self.days * DAY

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def step(self) -> int:
        """Seconds of the parts into which the period is cut in plots: hours, or days where there are many."""
        return HOUR if self.days <= BY_HOUR_UP_TO else DAY

    @property
    def parts(self) -> list[str]:
        """Each part's beginning, to be read in a table: 2026-11-30 08:00, or 2026-11-30."""
        form = "%Y-%m-%d %H:%M" if self.step == HOUR else "%Y-%m-%d"
        return [f"{datetime.fromtimestamp(at, ZONE):{form}}" for at in range(self.since, self.until, self.step)]

    @property
    def short_parts(self) -> list[str]:
        """Each part's beginning as an axis has it: 08:00 of one day, 11-30 of several."""
        form = "%H:%M" if self.days == 1 else "%m-%d" if self.step == DAY else "%m-%d %H:%M"
        return [f"{datetime.fromtimestamp(at, ZONE):{form}}" for at in range(self.since, self.until, self.step)]

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} – {self.last}"


def today(now: int) -> date:
    """The day of ``now`` at UTC+8."""
    return datetime.fromtimestamp(now, ZONE).date()


def around(span: str, day: date) -> Period:
    """The day, the week from Monday, or the calendar month that ``day`` is in."""
    if span == "week":
        first = day - timedelta(days=day.weekday())
        return Period(first, first + timedelta(days=6))
    if span == "month":
        first = day.replace(day=1)
        return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    return Period(day, day)


class PeriodForm(forms.Form):
    """What an officer asks for. Nothing asked: today."""

    span = forms.ChoiceField(label=_("period"), choices=list(SPANS.items()), required=False)
    on = forms.DateField(label=_("with the day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    first = forms.DateField(label=_("from"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, now: int) -> None:
        super().__init__(data)
        self.today = today(now)

    def clean_on(self) -> date | None:
        return self._possible("on")

    def clean_first(self) -> date | None:
        return self._possible("first")

    def clean_last(self) -> date | None:
        return self._possible("last")

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if found.get("span") == "range" and not self.errors:
            first, last = found["first"] or self.today, found["last"] or self.today
            if first > last:
                raise forms.ValidationError(_("The first day comes after the last."))
            if (last - first).days >= LONGEST:
                raise forms.ValidationError(_("At most three years can be shown at once."))
        return found

    def period(self) -> Period:
        """The period asked for; today where that cannot be."""
        if not self.is_valid():
            return Period(self.today, self.today)
        found = self.cleaned_data
        if found["span"] == "range":
            return Period(found["first"] or self.today, found["last"] or self.today)
        return around(found["span"], found["on"] or self.today)

    def _possible(self, field: str) -> date | None:
        found: date | None = self.cleaned_data[field]
        if found is not None and not 2000 <= found.year < 2100:
            raise forms.ValidationError(_("There are no figures of that year."))
        return found
