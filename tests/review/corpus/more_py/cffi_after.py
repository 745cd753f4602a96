from cffi import FFI

ffi = FFI()
ffi.cdef("int run(void);")
lib = ffi.dlopen("/usr/lib/liba.so")
lib.run()
ffi.dlclose(lib)
lib.run()  # expect: CWE-416
