"""How tiles are handed out: kept in memory while they are true, made once for all who wait."""
