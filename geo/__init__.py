"""What, where, when and whose: the rules of Pinward. Knows PostGIS and numbers, never HTTP."""
