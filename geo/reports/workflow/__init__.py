"""From report to result: the states, who moves a report between them, and what that does."""
