"""When the tasks of this room run (seconds between runs)."""

BEAT = {
    "biometrics.sweep": {"task": "biometrics.sweep", "schedule": 15.0},
    "biometrics.renew": {"task": "biometrics.renew", "schedule": 60.0},
    "biometrics.rewrap": {"task": "biometrics.rewrap", "schedule": 60.0, "options": {"expires": 60}},
    "biometrics.let_go": {"task": "biometrics.let_go", "schedule": 60.0},
}
