"""One run for scripts, command line and forms: its model, its request, and its driver."""
