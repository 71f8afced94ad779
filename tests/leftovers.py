"""What a database still holds of something, wherever it is."""

import psycopg


def tables_that_hold(url, *wanted):
    """Names of the tables, of all schemas, in whose rows' bytes any of the texts occurs."""
    found = set()
    with psycopg.connect(url, autocommit=True) as db:
        # Samples of rows, as the planner keeps them, are a table like others.
        db.execute("ANALYZE")
        named = db.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm', 'p')"
            " AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema'"
        ).fetchall()
        assert len(named) > 100
        for (table,) in named:
            # Of some types in the system's own tables there are no bytes.
            for form in ("text",) if table.startswith("pg_catalog.") else ("text", "binary"):
                with db.cursor().copy(
                    f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT {form})"
                ) as copy:
                    held = b"".join(bytes(part) for part in copy)
                if any(w.encode() in held or w.encode().hex().encode() in held for w in wanted):
                    found.add(table)
    return found
