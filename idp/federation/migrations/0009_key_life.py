"""When each key began to sign, and when it was taken back, from what was kept of it before."""

from typing import Any

from django.db import migrations, models
from django.db.models import F


def begin(apps: Any, schema_editor: Any) -> None:
    """A key began when the one before it stopped, or when it was made; of a killed one it is not known whether it did."""
    keys = apps.get_model("federation", "SigningKey").objects
    keys.filter(state="killed").update(withdrawn_at=F("retired_at"))
    for row in keys.filter(state__in=["active", "old"]).order_by("pk"):
        before = keys.filter(use=row.use, owner=row.owner, algorithm=row.algorithm, state="old").exclude(pk=row.pk)
        if row.retired_at is not None:
            before = before.filter(retired_at__lte=row.retired_at, pk__lt=row.pk)
        last = before.order_by("-retired_at").values_list("retired_at", flat=True).first()
        row.activated_at = max(row.made_at, last or 0)
        row.save(update_fields=["activated_at"])


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0008_failures'),
    ]

    operations = [
        migrations.AddField(
            model_name='signingkey',
            name='activated_at',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='signingkey',
            name='takes_over_at',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='signingkey',
            name='withdrawn_at',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='signingkey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('activated_at', None), ('state', 'next')), models.Q(('activated_at__isnull', False), ('state__in', ['active', 'old'])), ('state', 'killed'), _connector='OR'), name='federation_key_activated_before_it_signs'),
        ),
        migrations.AddConstraint(
            model_name='signingkey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at', None), models.Q(('state', 'killed'), _negated=True)), models.Q(('state__in', ['old', 'killed']), ('withdrawn_at__gte', models.F('retired_at')), ('withdrawn_at__isnull', False)), _connector='OR'), name='federation_key_withdrawn_when_retired'),
        ),
        migrations.AddConstraint(
            model_name='signingkey',
            constraint=models.CheckConstraint(condition=models.Q(('takes_over_at', None), models.Q(('state', 'next'), ('takes_over_at__gte', models.F('made_at'))), _connector='OR'), name='federation_key_takes_over_once_published'),
        ),
    ]
