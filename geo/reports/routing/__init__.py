"""Which organisation answers for a report, how urgent it is, and why."""
