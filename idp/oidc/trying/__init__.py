"""Trying the login: a client of an hour whose keys an officer's browser made, and the window that its traveller has."""
