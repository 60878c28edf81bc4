"""Forms about a checkpoint's settings: in words, or as JSON for what the words do not reach."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.border import bundling
from idp.border.configuring import words
from idp.border.models import DIRECTIONS, Checkpoint
from idp.protocol.gate_policy import MAX_BUNDLE_AGE, MAX_STATUS_AGE
from idp.protocol.refusals import Reason, Refusal

DAYS = tuple(zip(range(1, 8), (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")), strict=True))
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
MAX_ATTEMPTS = 99  # the protocol has no end; nobody stands at a gate for so long
_WHY = {"label": _("why"), "max_length": 500, "help_text": _("Who asked for it, and what for. The audit keeps it.")}


class SettingsForm(forms.Form):
    """Every setting in words. `after` is what the checkpoint would be given."""

    modes = forms.MultipleChoiceField(
        label=_("how a phone shows its token"),
        choices=[
            ("time", _("a code that changes with the time")),
            ("challenge", _("an answer to the gate's own code")),
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A joint gate of two authorities is set up at the gate itself and takes what both allow."),
    )
    liveness = forms.BooleanField(label=_("the face must be seen to live"), required=False)
    bundle = forms.IntegerField(
        label=_("a lane that is cut off decides for (seconds)"),
        min_value=1,
        max_value=MAX_BUNDLE_AGE,
        help_text=_("1 to 86400; 3600 is an hour. Afterwards every traveller goes to an officer."),
    )
    status = forms.IntegerField(
        label=_("revocations are fresh for (seconds)"),
        min_value=1,
        max_value=MAX_STATUS_AGE,
        help_text=_("1 to 86400. How long ago a lane may have heard which tokens are taken back."),
    )
    on_stale_status = forms.ChoiceField(
        label=_("when they are older"),
        choices=[
            ("admit_and_mark", _("the lane works on and marks the entry")),
            ("refer", _("an officer decides")),
        ],
    )
    max_attempts = forms.IntegerField(
        label=_("attempts for one token"),
        min_value=1,
        max_value=MAX_ATTEMPTS,
        help_text=_("1 to 99. After so many a traveller goes to an officer."),
    )
    eyes = forms.ChoiceField(
        label=_("two officers release by hand"),
        choices=[("never", _("never")), ("always", _("always")), ("listed", _("for the reasons below"))],
    )
    reasons = forms.MultipleChoiceField(
        label=_("reasons for which two officers are needed"),
        choices=[(reason.value, reason.value) for reason in Reason],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    active = forms.BooleanField(label=_("in use"), required=False)
    why = forms.CharField(**_WHY)

    def __init__(self, *args: Any, checkpoint: Checkpoint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, initial=_initial(checkpoint))
        self._checkpoint, self._whole = checkpoint, words.effective(checkpoint.policy)
        self.faces = list(self._whole["face"])
        for number, (model, at) in enumerate(self._whole["face"].items()):
            for name, label in (("admit", _("%s: admits from a score of")), ("refer", _("%s: an officer looks from"))):
                self.fields[f"{name}_{number}"] = forms.FloatField(
                    label=label % model,
                    initial=at[name],
                    min_value=-1,
                    max_value=1,
                    help_text=_("-1 to 1, the second not above the first. The authority's: %s.")
                    % words.score(words.effective({})["face"].get(model, at)[name]),
                )
        self.order_fields([*(name for name in self.fields if name not in ("active", "why")), "active", "why"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("eyes") == "listed" and not data.get("reasons"):
            self.add_error("reasons", _("Choose the reasons, or never."))
        for number in range(len(self.faces)):
            admit, refer = data.get(f"admit_{number}"), data.get(f"refer_{number}")
            if admit is not None and refer is not None and refer > admit:
                self.add_error(f"refer_{number}", _("An officer cannot look from a higher score than admits."))
        return data

    def after(self) -> dict[str, Any]:
        """``{"policy", "active"}``: of the policy only what differs from the authority's, and what no field shows."""
        data, plain = self.cleaned_data, words.effective({})
        eyes: Any = {"never": False, "always": True, "listed": sorted(data["reasons"])}[data["eyes"]]
        asked = {
            "modes": data["modes"],
            "liveness": data["liveness"],
            "on_stale_status": data["on_stale_status"],
            "max_attempts": data["max_attempts"],
            "four_eyes": eyes,
        }
        policy = {name: value for name, value in self._checkpoint.policy.items() if name not in {*asked, *_NESTED}}
        policy |= {name: value for name, value in asked.items() if value != plain.get(name)}
        ages = {name: data[name] for name in ("bundle", "status") if data[name] != plain["max_age"][name]}
        faces = {
            model: at
            for number, model in enumerate(self.faces)
            for at in [{name: data[f"{name}_{number}"] for name in ("admit", "refer")}]
            if at != plain["face"].get(model)
        }
        policy |= {name: value for name, value in (("max_age", ages), ("face", faces)) if value}
        return {"policy": policy, "active": data["active"]}


_NESTED = ("max_age", "face")


class PeriodForm(forms.Form):
    """One period of the opening hours; an empty one is none."""

    days = forms.TypedMultipleChoiceField(
        label=_("days"), choices=DAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    opens = forms.RegexField(rf"\A(?:{TIME})\Z", label=_("from"), required=False)
    closes = forms.RegexField(rf"\A(?:{TIME})\Z", label=_("until"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        given = [bool(data.get(name)) for name in ("days", "opens", "closes")]
        if any(given) and not all(given) and not self.errors:
            raise forms.ValidationError(_("A period has days, from and until (HH:MM)."))
        return data

    def period(self) -> dict[str, Any] | None:
        """As the trust bundle has it."""
        data = self.cleaned_data
        if not data.get("days"):
            return None
        return {"days": data["days"], "from": data["opens"], "until": data["closes"]}


Periods = forms.formset_factory(PeriodForm, extra=2, max_num=64, validate_max=True)


def periods_of(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The opening hours as `Periods` begins with them."""
    return [{"days": item["days"], "opens": item["from"], "closes": item["until"]} for item in checkpoint.opening]


class JsonForm(forms.Form):
    """The same as data, for who knows docs/protocol.md."""

    policy = forms.JSONField(label=_("policy"), required=False, help_text=_("What differs from the authority's."))
    opening = forms.JSONField(label=_("opening hours"), required=False, help_text=_("An empty list: day and night."))
    active = forms.BooleanField(label=_("in use"), required=False)
    why = forms.CharField(**_WHY)

    def __init__(self, *args: Any, checkpoint: Checkpoint, **kwargs: Any) -> None:
        initial = {"policy": checkpoint.policy, "opening": checkpoint.opening, "active": checkpoint.active}
        super().__init__(*args, **kwargs, initial=initial)
        self._checkpoint = checkpoint

    def clean(self) -> dict[str, Any]:
        """What gates could not read must not reach their bundle: it would close the checkpoint."""
        data = super().clean() or self.cleaned_data
        facts = {name: getattr(self._checkpoint, name) for name in ("name", "neighbour", "directions")}
        said = {"policy": data.get("policy") or {}, "opening": data.get("opening") or []}
        try:
            bundling.check(Checkpoint(**facts, **said))
        except Refusal as error:
            text = _("Gates could not read this: %(why)s")
            raise forms.ValidationError(text, params={"why": error.detail}) from error
        return {**data, **said}

    def after(self) -> dict[str, Any]:
        """``{"policy", "opening", "active"}``."""
        return {name: self.cleaned_data[name] for name in ("policy", "opening", "active")}


class LaneForm(forms.Form):
    """A lane to be enrolled."""

    name = forms.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,19}\Z",
        label=_("lane"),
        help_text=_("Letters, digits, - and _; at most 20. It is never given to another machine."),
    )
    direction = forms.ChoiceField(label=_("direction"))

    def __init__(self, *args: Any, checkpoint: Checkpoint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words_of = {"entry": _("entry"), "exit": _("exit")}
        names = [name for name, _label in DIRECTIONS if name in checkpoint.directions]
        self.fields["direction"].choices = [(name, words_of[name]) for name in names]  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why something is done at once."""

    why = forms.CharField(**_WHY)


def _initial(checkpoint: Checkpoint) -> Mapping[str, Any]:
    whole = words.effective(checkpoint.policy)
    eyes = whole.get("four_eyes")
    return {
        **{name: whole[name] for name in ("modes", "liveness", "on_stale_status", "max_attempts")},
        **whole["max_age"],
        "eyes": "always" if eyes is True else "listed" if eyes else "never",
        "reasons": eyes if isinstance(eyes, list) else [],
        "active": checkpoint.active,
    }
