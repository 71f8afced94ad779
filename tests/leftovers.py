"""Looking for what must not be kept: in the bytes of every table, in every form it could take."""

import base64
import hashlib

import psycopg


def tables_that_hold(url: str, *wanted: str | bytes) -> set[str]:
    """Names of the tables, of all schemas, in whose rows' bytes any of these occurs, or its hex."""
    found = set()
    needles = [w.encode() if isinstance(w, str) else w for w in wanted]
    needles += [needle.hex().encode() for needle in needles]
    with psycopg.connect(url, autocommit=True) as db:
        # Samples of rows, as the planner keeps them, are a table like others.
        db.execute("ANALYZE")
        named = db.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm', 'p')"
            " AND c.relpersistence <> 't'"
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
                if any(needle in held for needle in needles):
                    found.add(table)
    return found


def forms(text: str, *, hashed: bool = True) -> list[bytes]:
    """The bytes something could be kept as besides hex, which `tables_that_hold` knows: plain, as
    base64, and `hashed` by what is usual without a key."""
    plain = text.encode()
    written = [base64.b64encode(plain), base64.urlsafe_b64encode(plain)]
    found = [plain, *(each.rstrip(b"=") for each in written)]
    if hashed:
        found += [hashlib.new(name, plain).digest() for name in ("md5", "sha1", "sha256")]
        found += [base64.b64encode(hashlib.sha256(plain).digest()).rstrip(b"=")]
    return found
