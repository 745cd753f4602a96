"""Object reader on libgit2 (cffi); repositories and objects are released once."""
from cffi import FFI

ffi = FFI()
ffi.cdef("""
typedef struct git_repository git_repository;
typedef struct git_object git_object;
int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_repository_open(git_repository **out, const char *path);
void git_repository_free(git_repository *repo);
int git_revparse_single(git_object **out, git_repository *repo, const char *spec);
void git_object_free(git_object *object);
""")
C = ffi.dlopen("libgit2.so.1.7")
if C.git_libgit2_init() < 0:
    raise ImportError("libgit2")


class GitError(Exception):
    pass


class Repository:
    def __init__(self, path):
        out = ffi.new("git_repository **")
        if C.git_repository_open(out, path.encode()) < 0:
            raise GitError(path)
        self._repo = ffi.gc(out[0], C.git_repository_free)

    def has(self, spec):
        out = ffi.new("git_object **")
        code = C.git_revparse_single(out, self._repo, spec.encode())
        if code == -3:
            return False
        if code < 0:
            raise GitError(spec)
        C.git_object_free(out[0])
        return True
