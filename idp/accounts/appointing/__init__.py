"""Officers and their roles: shown, changed by two officers, and one's keys taken away at once by one."""
