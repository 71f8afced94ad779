"""What crews and the desk have to do: which reports, near by, in which order."""
