"""Everything that comes from the environment."""
