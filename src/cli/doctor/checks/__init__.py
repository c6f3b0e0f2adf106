"""One thing to look at per file. Each is imported by itself: a package that is missing spoils no other check."""
