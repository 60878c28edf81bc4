"""Keys at the admin site: what signs, seals and wraps, what ends, and what officers do about it."""
