"""Reports that are the same: found before sending and on the desk, said "me too" of, merged."""
