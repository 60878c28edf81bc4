"""A face model is given up: its references are destroyed, once nobody needs them."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from idp.audit import events
from idp.biometrics import engines, wanted
from idp.biometrics.models import FaceReference


class UnableToRetire(Exception):
    """Somebody still needs the model; the text says who."""


@transaction.atomic
def retire(*, model: str, officer: str, now: int, force: bool = False) -> int:
    """Destroy every reference under ``model``; how many. Raises `UnableToRetire` unless ``force``.

    Needed is one that an engine of this node would make again, that a checkpoint in force has alone in common with this
    node, or that is all that some traveller has.
    """
    reasons = _reasons(model, now=now)
    if reasons and not force:
        raise UnableToRetire("; ".join(reasons))
    count, _ = FaceReference.objects.filter(model=model).delete()
    data = {"references": count, "forced": bool(reasons)}
    events.record(kind="face_model.retired", actor=officer, subject=model, data=data)
    return count


def _reasons(model: str, *, now: int) -> list[str]:
    others = frozenset(engines.models()) - {model}
    alone = sum(model in names and not names & others for names in wanted.named(now=now))
    mine = FaceReference.objects.filter(document=OuterRef("document"), traveller=OuterRef("traveller"))
    only = FaceReference.objects.filter(~Exists(mine.exclude(model=model)), model=model).count()
    return [
        *(["an engine of this node is still configured for it"] if model in engines.models() else []),
        *([f"{alone} checkpoints have no other model in common with this node"] if alone else []),
        *([f"{only} documents have no reference under another model"] if only else []),
    ]
