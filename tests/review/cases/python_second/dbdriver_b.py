"""cffi driver of a small database."""
import contextlib
import os

import cffi

ffi = cffi.FFI()
ffi.cdef("""
typedef struct db db; typedef struct stmt stmt;
int db_open(const char *path, db **out);
int db_prepare(db *d, const char *text, int length, stmt **out);
int db_step(stmt *s);
int db_bind_blob(stmt *s, int index, const void *data, int size);
const char *db_column_text(stmt *s, int column);
char *db_dump(db *d);
void db_free(void *p);
void db_finalize(stmt *s);
int db_close(db *d);
const char *db_errmsg(db *d);
""")
lib = ffi.dlopen("libsdb.so.0")
ROW, DONE = 100, 101


class Error(Exception):
    pass


class Database:
    def __init__(self, path):
        out = ffi.new("db **")
        if lib.db_open(os.fsencode(path), out) != 0:  #! none
            raise Error(path)
        self._db = out[0]

    def rows(self, text, *blobs):
        out = ffi.new("stmt **")
        if lib.db_prepare(self._db, text.encode(), -1, out) != 0:  #! none
            raise Error(ffi.string(lib.db_errmsg(self._db)).decode())  #! none
        statement = out[0]
        try:
            for number, blob in enumerate(blobs):
                if lib.db_bind_blob(statement, number, ffi.from_buffer(blob), len(blob)) != 0:  #! none
                    raise Error("bind")
            while lib.db_step(statement) == ROW:  #! none
                yield ffi.string(lib.db_column_text(statement, 0)).decode()  #! none
        finally:
            lib.db_finalize(statement)  #! none

    def dump(self):
        text = lib.db_dump(self._db)
        if text == ffi.NULL:
            raise MemoryError
        try:
            return ffi.string(text).decode()
        finally:
            lib.db_free(text)  #! none

    def close(self):
        handle, self._db = self._db, ffi.NULL
        if handle != ffi.NULL:
            lib.db_close(handle)  #! none
