"""The card beside the model."""
