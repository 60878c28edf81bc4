"""When the border's tasks run (seconds between runs)."""

BEAT = {"border.deliver_receipts": {"task": "border.deliver_receipts", "schedule": 5.0}}
