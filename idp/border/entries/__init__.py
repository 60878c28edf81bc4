"""Entries of endorsements: reserved when somebody leaves, used up when the other side confirms the entry."""
