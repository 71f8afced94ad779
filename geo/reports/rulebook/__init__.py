"""The city's rules as one file that people write, and what a changed one would have done."""
