"""The servers that are compared, each started in a process of its own."""
