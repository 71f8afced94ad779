"""Who is asking: staff sign-ins."""
