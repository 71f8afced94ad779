"""Counts of public reports for any tile and filter, kept up while reports change.

The quadtree of tiles is cut where it pays. A node with many reports (`cube`) holds packed counts by
fine cell, status, kind and hour, one row for each category and 16 days, and totals over them; a
node with few (`leaf`) holds its reports one by one, packed. Wards hold counts like those of a cube.
So a tile of any zoom is answered from some dozens of rows, however many reports there are.

Nothing here is the truth: `reports` is. Triggers log each change (`changes`), `fold` works the log
into the counts, and `count` adds what is not folded yet, all in one snapshot. `build` makes the
whole from the table, and compares.
"""
