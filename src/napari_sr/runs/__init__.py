"""What scripts, command line and forms share: model references, requests, and running them."""
