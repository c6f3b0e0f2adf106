"""Figures of answers whose truth is known."""
