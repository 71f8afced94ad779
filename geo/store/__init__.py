"""The database: tables, and one module (with its .sql) per noun."""
