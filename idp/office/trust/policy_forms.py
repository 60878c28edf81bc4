"""The policy editor's forms: a rule for each operator of a metadata parameter, constraints, and the reason.

What cannot stand together is told beside the rule, with the section of OpenID Federation 1.0 that says so.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from idp.federation import terms
from idp.federation.models import Peer
from idp.federation.terms import PEER_TYPES, Terms, UnableToAgree
from idp.office.trust import policy_text
from idp.office.trust.policy_text import MAX_VALUE, Unreadable
from idp.protocol import metadata_policy
from idp.protocol.constraints import parse_constraints
from idp.protocol.metadata_policy import OPERATORS, PolicyRefused
from idp.protocol.refusals import Refusal

MAX_RULES = 200
PREFIX = "rule"
BLANK = 2  # rules more than there are
TYPES = ("federation_entity", *PEER_TYPES)
Policy = dict[str, dict[str, dict[str, Any]]]


class RuleForm(forms.Form):
    """One operator of one parameter of one entity type. `value` once it is valid."""

    entity_type = forms.ChoiceField(label=_("entity type"), choices=[("", "—"), *((name, name) for name in TYPES)])
    parameter = forms.CharField(
        label=_("parameter"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "parameters", "spellcheck": "false"}),
    )
    operator = forms.ChoiceField(label=_("operator"), choices=[("", "—"), *((name, name) for name in OPERATORS)])
    text = forms.CharField(
        label=_("value"),
        max_length=MAX_VALUE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 30, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        other = self.initial.get("entity_type", "")
        if other and other not in TYPES:  # of a policy that was written elsewhere
            self.fields["entity_type"].choices = [(other, other), *self.fields["entity_type"].choices]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "operator" in data and "text" in data:
            try:
                self.value = policy_text.read(data["operator"], data["text"])
            except Unreadable as error:
                empty = str(error) == "empty"
                self.add_error("text", _("A value is needed.") if empty else _("This is no sound JSON."))
        return data

    @property
    def place(self) -> tuple[str, str, str]:
        """Entity type, parameter, operator."""
        data = self.cleaned_data
        return data["entity_type"], data["parameter"], data["operator"]


class RuleSet(forms.BaseFormSet):
    """All rules about one peer. `policy` once they are valid."""

    def __init__(self, *args: Any, entity_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entity_id = entity_id

    def clean(self) -> None:
        """Every parameter on its own, so that the refusal stands beside the rules that it is about."""
        if not all(form.is_valid() for form in self.forms if not form.cleaned_data.get("DELETE")):
            return
        self.policy: Policy = {}
        rules: dict[tuple[str, str], list[RuleForm]] = {}
        for form in self.written():
            entity_type, parameter, operator = form.place
            operators = self.policy.setdefault(entity_type, {}).setdefault(parameter, {})
            if operator in operators:
                form.add_error("operator", _("This operator stands here twice."))
            operators[operator] = form.value
            rules.setdefault((entity_type, parameter), []).append(form)
        for (entity_type, parameter), forms_of in rules.items():
            self._check(entity_type, parameter, forms_of)

    def written(self) -> Iterator[RuleForm]:
        """The rules that are neither blank nor to be taken away."""
        for form in self.forms:
            if form.is_valid() and form.cleaned_data and not form.cleaned_data.get("DELETE"):
                yield form

    def _check(self, entity_type: str, parameter: str, forms_of: list[RuleForm]) -> None:
        operators = self.policy[entity_type][parameter]
        ours = terms.minimum(self.entity_id).get(entity_type, {}).get(parameter)
        try:
            metadata_policy.combine([{parameter: operators}])
        except PolicyRefused as refused:
            self._refuse(forms_of, _now("These cannot stand together: %(why)s"), refused)
            return
        try:
            metadata_policy.combine([{parameter: ours}, {parameter: operators}] if ours is not None else [])
        except PolicyRefused as refused:
            self._refuse(forms_of, _now("It contradicts what is demanded of every peer: %(why)s"), refused)

    def _refuse(self, forms_of: list[RuleForm], text: str, refused: PolicyRefused) -> None:
        why = f"{refused.detail} (OpenID Federation 1.0 §{refused.section})"
        for form in forms_of:
            form.add_error(None, text % {"why": why})


Rules = forms.formset_factory(
    RuleForm, formset=RuleSet, extra=BLANK, can_delete=True, max_num=MAX_RULES, validate_max=True
)


class ConstraintsForm(forms.Form):
    """What stands beside the policy, and why it shall be changed. `seen` is the digest of the terms that were shown."""

    max_path_length = forms.TypedChoiceField(
        label=_("Below it"), coerce=int, choices=((1, _("its own entities")), (0, _("nobody: the peer alone")))
    )
    allowed_entity_types = forms.MultipleChoiceField(
        label=_("Entity types"),
        choices=[(name, name) for name in PEER_TYPES],
        widget=forms.CheckboxSelectMultiple,
    )
    permitted = forms.CharField(
        label=_("Names that are permitted"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 40, "spellcheck": "false"}),
        help_text=_("A domain name a line; with a dot before it, every name below it. Empty: any name."),
    )
    excluded = forms.CharField(
        label=_("Names that are excluded"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 40, "spellcheck": "false"}),
    )
    why = forms.CharField(
        label=_("why"),
        required=False,
        max_length=500,
        help_text=_("Who asked for it, and what for. The audit keeps it."),
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean_permitted(self) -> list[str]:
        return _domains("permitted", self.cleaned_data["permitted"])

    def clean_excluded(self) -> list[str]:
        return _domains("excluded", self.cleaned_data["excluded"])

    def naming(self, before: Mapping[str, Any]) -> dict[str, list[str]]:
        """``naming_constraints`` as a statement has them; what is empty is not said, unless it was ``before``."""
        data = self.cleaned_data
        return {name: data[name] for name in ("permitted", "excluded") if data[name] or before.get(name) == []}


def sent(data: QueryDict) -> QueryDict:
    """What the browser sent, with blank rules more where it asks for them."""
    data, total = data.copy(), f"{PREFIX}-TOTAL_FORMS"
    if data.get("more") == "yes" and data.get(total, "").isdecimal():
        data[total] = str(min(int(data[total]) + BLANK, MAX_RULES))
    return data


def rules(data: QueryDict | None, peer: Peer) -> RuleSet:
    """The rules about a peer, as they stand or as they were sent."""
    initial = initial_rules(peer.metadata_policy)
    made: RuleSet = Rules(data, initial=initial, prefix=PREFIX, entity_id=peer.entity_id)
    return made


def initial_rules(policy: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rules of a policy, as the forms show them."""
    return [
        {
            "entity_type": entity_type,
            "parameter": parameter,
            "operator": operator,
            "text": policy_text.written(operator, operators[operator]),
        }
        for entity_type, parameters in sorted(policy.items())
        for parameter, operators in sorted(parameters.items())
        for operator in OPERATORS
        if operator in operators
    ]


def initial_constraints(peer: Peer) -> dict[str, Any]:
    """The constraints of the peer as they stand, with the digest of its terms."""
    before = terms.of(peer)
    return {
        "max_path_length": before.max_path_length,
        "allowed_entity_types": before.allowed_entity_types or PEER_TYPES,
        "permitted": "\n".join(before.naming_constraints.get("permitted", [])),
        "excluded": "\n".join(before.naming_constraints.get("excluded", [])),
        "seen": terms.digest(before),
    }


def proposed(peer: Peer, rules: RuleSet, constraints: ConstraintsForm) -> Terms | None:
    """The terms that valid forms come to; None, with an error at the form, where they cannot be set."""
    data = constraints.cleaned_data
    chosen = tuple(name for name in PEER_TYPES if name in data["allowed_entity_types"])
    before = terms.of(peer)
    after = dataclasses.replace(
        before,
        metadata_policy=rules.policy,
        max_path_length=data["max_path_length"],
        naming_constraints=constraints.naming(before.naming_constraints),
        allowed_entity_types=None if chosen == PEER_TYPES else chosen,
    )
    try:
        terms.check(after, entity_id=peer.entity_id)
    except UnableToAgree as error:
        constraints.add_error(None, str(error))
        return None
    return after


def _domains(name: str, text: str) -> list[str]:
    names = text.split()
    try:
        parse_constraints({"naming_constraints": {name: names}})
    except Refusal as refusal:
        raise forms.ValidationError(f"{refusal.detail} (OpenID Federation 1.0 §6.2.2)") from refusal
    return names
