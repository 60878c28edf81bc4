"""Figures for officers, each as a plot, a table and a file: what is asked for, how it is shown, and the pages."""
