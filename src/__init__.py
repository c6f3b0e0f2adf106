"""EyeNet Backend: finds eyes in photos, classifies each one, and shows where the classifier looked."""

__version__ = "0.1.0"
