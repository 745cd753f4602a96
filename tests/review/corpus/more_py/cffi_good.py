from cffi import FFI

ffi = FFI()
ffi.cdef("int run(void);")
lib = ffi.dlopen("/usr/lib/liba.so")
try:
    lib.run()
finally:
    ffi.dlclose(lib)
