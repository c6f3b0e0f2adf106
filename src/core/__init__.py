"""Plain types and errors. Imports nothing else of ours."""
