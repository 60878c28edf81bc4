"""Figures for officers: counted by the hour from what is stored, and read without looking at it again."""
