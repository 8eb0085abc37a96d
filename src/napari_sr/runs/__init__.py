"""One run for scripts, command line and forms: which model, and a driver for its steps."""
