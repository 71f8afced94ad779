"""Reports counted by groups: as facts out of the tables, and kept up as cells of counts."""
