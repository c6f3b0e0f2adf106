"""Pure functions on bytes and arrays."""
