"""The small parent process that starts the server process again when it dies. Starts no thread, imports no library."""
