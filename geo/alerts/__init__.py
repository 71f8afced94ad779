"""Alerts: urgent warnings from the city to the people in an area."""
