"""Trains the eye finder: labelled pictures, scenes cut out of them, fitting, figures."""
