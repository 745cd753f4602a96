"""Records of a tape: one status, and a loop that asks about it at its start."""

import ctypes

tape = ctypes.CDLL("/usr/lib/tapedeck/libtapedeck.so.2")
tape.td_first.argtypes = [ctypes.c_void_p]
tape.td_first.restype = ctypes.c_int
tape.td_next.argtypes = [ctypes.c_void_p]
tape.td_next.restype = ctypes.c_int
tape.td_mark.argtypes = [ctypes.c_void_p]
tape.td_mark.restype = ctypes.c_int


def count(deck):
    found = 0
    more = tape.td_first(deck)  #! none
    while more:
        found += 1
        more = tape.td_next(deck)  #! none
    return found


def count_until(deck):
    found = 0
    more = tape.td_first(deck)  #! none
    while True:
        if not more:
            return found
        found += 1
        more = tape.td_next(deck)  #! none


def count_marked(deck):
    found = 0
    more = tape.td_first(deck)
    while more:
        found += 1
        more = tape.td_mark(deck)  #! CWE-252
        more = tape.td_next(deck)
    return found


def first_of_all(decks):
    found = []
    for deck in decks:
        status = tape.td_first(deck)
        if status:
            found.append(deck)
        status = tape.td_mark(deck)  #! CWE-252
    return found
