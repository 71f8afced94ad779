"""When a report is to be answered and done: working and calendar time, rules in force, pauses."""
