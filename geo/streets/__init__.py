"""Streets by name: what a hotspot is called by."""
