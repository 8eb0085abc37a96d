"""The command line: one file per command, and code that commands share."""
