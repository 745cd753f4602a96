"""SQLite: opaque handles, out parameters, and a header given as text."""

from ctypes import c_void_p

from loadstone import Library

HEADER = """
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
#define SQLITE_OK 0
#define SQLITE_ROW 100
int sqlite3_open(const char *filename, sqlite3 **db);
int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **statement, const char **tail);
int sqlite3_step(sqlite3_stmt *statement);
int sqlite3_column_int(sqlite3_stmt *statement, int column);
const char *sqlite3_errmsg(sqlite3 *db);
int sqlite3_finalize(sqlite3_stmt *statement);
int sqlite3_close(sqlite3 *db);
"""

library = Library("sqlite3", version=0)
sqlite = library.declare(HEADER)

database, statement = c_void_p(), c_void_p()
assert sqlite.sqlite3_open(b":memory:", database) == sqlite.SQLITE_OK
code = sqlite.sqlite3_prepare_v2(database, b"SELECT 6 * 7", -1, statement, None)
assert code == sqlite.SQLITE_OK, sqlite.sqlite3_errmsg(database)
assert sqlite.sqlite3_step(statement) == sqlite.SQLITE_ROW
print("6 * 7 =", sqlite.sqlite3_column_int(statement, 0))
sqlite.sqlite3_finalize(statement)
sqlite.sqlite3_close(database)
