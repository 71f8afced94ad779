"""Who sends too much, what looks like it, and how neighbours behind one address go on unharmed."""
