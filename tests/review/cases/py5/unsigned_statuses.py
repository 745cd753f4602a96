"""A token library answers with unsigned numbers, 0 for success; another one only counts."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_uint, c_ulong

token = ctypes.CDLL("/usr/lib/token/libtoken.so.1")
for _name, _takes in {
    "tk_start": [],
    "tk_select": [c_ulong, POINTER(c_ulong)],

    "tk_erase": [c_ulong, c_ulong],
    "tk_close": [c_ulong],
    "tk_quit": [],
}.items():
    _function = getattr(token, _name)
    _function.argtypes = _takes
    _function.restype = c_ulong

dice = ctypes.CDLL("/usr/lib/dice/libdice.so.1")
dice.dc_seed.argtypes = [c_uint]
dice.dc_seed.restype = c_uint
dice.dc_roll.argtypes = [c_uint]
dice.dc_roll.restype = c_uint
dice.dc_turn.argtypes = [c_uint]
dice.dc_turn.restype = c_uint

def must(code, what):
    if code != 0:
        raise OSError(code, what)

def erase(slot, pin, key):
    session = c_ulong()
    must(token.tk_start(), "start")
    must(token.tk_select(slot, byref(session)), "select")
    token.tk_erase(session.value, key)  #! CWE-252
    return session.value


def close(session):
    token.tk_close(session)  #! none CWE-252
    token.tk_quit()  #! none CWE-252

def roll(count):
    dice.dc_seed(count)  #! none CWE-252
    print(dice.dc_turn(1))
    return [dice.dc_roll(6) for _ in range(count)]
