"""Extensions of a database: loading them stays allowed."""

import sqlite3


def connect(path):
    database = sqlite3.connect(path)
    database.enable_load_extension(True)  #! CWE-250
    database.load_extension("/usr/lib/geo.so")
    return database
