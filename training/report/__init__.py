"""Figures as plots, pictures and a page."""
