"""SQLite through a binding made by `loadstone bind sqlite3.h --library sqlite3 --version 0 -o sqlite3_binding.py`."""

import sqlite3_binding as sq

from loadstone.library import ref


def check(code: int, db: sq.sqlite3 | None) -> None:
    """Raise with SQLite's own words."""
    if code not in (sq.SQLITE_OK, sq.SQLITE_ROW, sq.SQLITE_DONE):
        raise RuntimeError((sq.sqlite3_errmsg(db) or b"").decode())


opened = ref()
check(sq.sqlite3_open(b":memory:", opened), None)
db: sq.sqlite3 = opened.value
check(sq.sqlite3_exec(db, b"create table t (name text, size int)", None, None, None), db)
prepared = ref()
check(sq.sqlite3_prepare_v2(db, b"insert into t values (?, ?)", -1, prepared, None), db)
insert: sq.sqlite3_stmt = prepared.value
for name, size in (("one", 1), ("two", 2)):
    text = name.encode()
    check(sq.sqlite3_bind_text(insert, 1, text, len(text), sq.SQLITE_TRANSIENT), db)
    check(sq.sqlite3_bind_int(insert, 2, size), db)
    check(sq.sqlite3_step(insert), db)
    check(sq.sqlite3_reset(insert), db)
sq.sqlite3_finalize(insert)
asked = ref()
check(sq.sqlite3_prepare_v2(db, b"select name, size from t", -1, asked, None), db)
rows: sq.sqlite3_stmt = asked.value
while sq.sqlite3_step(rows) == sq.SQLITE_ROW:
    print(sq.sqlite3_column_int(rows, 1))
sq.sqlite3_finalize(rows)
try:
    sq.sqlite3_step(db)  # type: ignore[arg-type]  # a connection is no statement
except Exception as error:  # noqa: BLE001  ctypes.ArgumentError, or TypeError: whoever made the call
    print(type(error).__name__, str(error)[:90])
print(sq.sqlite3_close(db))
