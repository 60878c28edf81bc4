"""When the border's tasks run (seconds between runs)."""

# A revocation reaches an online gate within 60 s: 5 here, 15 until a peer copies its list, 36 until the lane asks.
BEAT = {
    "border.deliver_receipts": {"task": "border.deliver_receipts", "schedule": 5.0},
    "border.lapse": {"task": "border.lapse", "schedule": 60.0},
    "border.match": {"task": "border.match", "schedule": 300.0},
    "border.count_hours": {"task": "border.count_hours", "schedule": 60.0, "options": {"expires": 60}},
    "border.count_issuance": {"task": "border.count_issuance", "schedule": 300.0, "options": {"expires": 300}},
    "border.count_delays": {"task": "border.count_delays", "schedule": 60.0, "options": {"expires": 60}},
    "border.survey": {"task": "border.survey", "schedule": 3600.0},
    "border.forget_consents": {"task": "border.forget_consents", "schedule": 3600.0},
    "border.prepare_months": {"task": "border.prepare_months", "schedule": 3600.0},
    "border.retain": {"task": "border.retain", "schedule": 21_600.0},
    # One that waited behind others for so long is as good as the next.
    "border.revoke_orphans": {"task": "border.revoke_orphans", "schedule": 5.0, "options": {"expires": 5}},
}
