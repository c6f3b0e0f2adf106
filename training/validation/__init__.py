"""What the recipe is worth on pictures that its models never saw."""
