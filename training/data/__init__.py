"""Labelled pictures: where they are, what their names say, how they are split."""
