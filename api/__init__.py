"""The service: HTTP, command line, and all the wiring."""
