import ctypes
import sys

address = int(sys.argv[1], 16)
function = ctypes.CFUNCTYPE(ctypes.c_int)(address)  # bad
function()
