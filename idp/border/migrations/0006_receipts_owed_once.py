"""A receipt is owed once for each token; a peer's queue steps back as one."""

from django.db import migrations, models


def once_for_each_token(apps, schema_editor):
    """Of several receipts for one token the earliest stays; each peer gets its queue."""
    receipts = apps.get_model("border", "OutgoingReceipt").objects
    seen, peers = set(), set()
    for pk, peer, jti in receipts.order_by("pk").values_list("pk", "recipient", "token_jti").iterator():
        if (peer, jti) in seen or not jti:
            receipts.filter(pk=pk).delete()
        else:
            seen.add((peer, jti))
            peers.add(peer)
    queue = apps.get_model("border", "ReceiptQueue")
    queue.objects.bulk_create([queue(recipient=peer, next_attempt_at=0) for peer in sorted(peers)])


class Migration(migrations.Migration):
    dependencies = [("border", "0005_packed_watchlist")]

    operations = [
        migrations.CreateModel(
            name="ReceiptQueue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recipient", models.CharField(max_length=512, unique=True)),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, help_text="Runs in a row that the peer did not answer"),
                ),
                ("next_attempt_at", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(once_for_each_token, migrations.RunPython.noop, elidable=True),
    ]
