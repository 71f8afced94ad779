"""Importing reports from files of other systems."""

from geo.reports.bulk import bulk_insert

__all__ = ["bulk_insert"]
