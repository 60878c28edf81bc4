import django.db.models.deletion
from django.db import migrations, models


def name_subjects(apps, schema_editor):
    """Marks were given to peers only: the subject of each is its peer."""
    peer = apps.get_model("federation", "Peer").objects.filter(pk=models.OuterRef("peer_id"))
    apps.get_model("federation", "IssuedMark").objects.update(subject=models.Subquery(peer.values("entity_id")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0002_searches_and_etags'),
    ]

    operations = [
        migrations.CreateModel(
            name='MarkType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mark_type', models.CharField(max_length=1024, unique=True)),
                ('description', models.TextField(blank=True)),
                ('owner_entity_id', models.CharField(blank=True, max_length=1024)),
                ('owner_jwks', models.JSONField(blank=True, null=True)),
                ('delegation', models.TextField(blank=True)),
                ('issuers', models.JSONField(blank=True, default=list)),
                ('lifetime', models.PositiveIntegerField(default=259200)),
            ],
            options={
                'verbose_name': 'trust mark type',
                'verbose_name_plural': 'trust mark types',
            },
        ),
        migrations.CreateModel(
            name='UsedAssertion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_hash', models.CharField(max_length=64, unique=True)),
                ('expires_at', models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name='issuedmark',
            options={'verbose_name': 'trust mark given', 'verbose_name_plural': 'trust marks given'},
        ),
        migrations.RemoveConstraint(
            model_name='issuedmark',
            name='federation_mark_one_standing',
        ),
        migrations.AddField(
            model_name='issuedmark',
            name='subject',
            field=models.CharField(default='', max_length=1024),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='peer',
            name='allowed_entity_types',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='peer',
            name='contract',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='peer',
            name='legal_basis',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='peer',
            name='max_path_length',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='peer',
            name='metadata_policy',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='peer',
            name='naming_constraints',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='peer',
            name='valid_from',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='peer',
            name='valid_until',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='subordinate',
            name='metadata',
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name='issuedmark',
            name='peer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='marks_issued', to='federation.peer'),
        ),
        migrations.RunPython(name_subjects, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='issuedmark',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('subject', 'mark_type'), name='federation_mark_standing_once'),
        ),
        migrations.AddConstraint(
            model_name='peer',
            constraint=models.CheckConstraint(condition=models.Q(('max_path_length__lte', 1)), name='federation_peer_not_transitive'),
        ),
        migrations.AddConstraint(
            model_name='peer',
            constraint=models.CheckConstraint(condition=models.Q(('valid_from', None), ('valid_until', None), ('valid_from__lt', models.F('valid_until')), _connector='OR'), name='federation_peer_period'),
        ),
        migrations.AddConstraint(
            model_name='marktype',
            constraint=models.CheckConstraint(condition=models.Q(('lifetime__gt', 0)), name='federation_mark_type_lives'),
        ),
        migrations.AddConstraint(
            model_name='marktype',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delegation', ''), ('owner_entity_id', ''), ('owner_jwks__isnull', True)), models.Q(models.Q(('owner_entity_id', ''), _negated=True), ('owner_jwks__isnull', False)), _connector='OR'), name='federation_mark_type_owned'),
        ),
        migrations.AlterField(
            model_name='signingkey',
            name='use',
            field=models.CharField(choices=[('federation', 'federation statements'), ('oidc', 'OpenID Connect tokens'), ('border', 'border tokens and receipts'), ('status', 'status lists'), ('bundle', 'trust bundles'), ('hosted', 'statements of a hosted entity'), ('request', 'encrypted authorization requests')], max_length=16),
        ),
    ]
