"""Layer + tile address + filter in, bytes out."""
