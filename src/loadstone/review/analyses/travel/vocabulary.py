"""The words of Python programs by which values are known to arrive, to travel on and to be turned."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ADDRESSES",
    "ADDRESS_METHODS",
    "ASKED",
    "CHANGES_FILES",
    "CHANGES_ITSELF",
    "COMPILES",
    "COPIES_FILES",
    "DIRECTORY_LISTS",
    "ENVIRONMENT",
    "FILES",
    "FILLS",
    "FOREIGN_LOADS",
    "KEEPS",
    "LOADERS",
    "LOADER_VARIABLE",
    "MAKES_FILES",
    "MOVES_FILES",
    "NUMBERS",
    "PASSES",
    "PATH_METHODS",
    "READS_FILES",
    "REBUILDS",
    "REQUEST",
    "SERVED",
    "STOPS",
    "SYSTEM_NAMED",
    "TAKES_IN",
    "TEMPLATES",
]

REQUEST: Final = re.compile(r"(?:\A|[._])(?:request|req)\Z")
ASKED: Final = frozenset(
    {
        *("args", "form", "values", "json", "data", "files", "cookies", "headers", "query", "query_string", "body"),
        *("query_params", "path_params", "match_info", "GET", "POST", "META", "view_args", "rel_url", "url", "path"),
        *("FILES", "get_param", "get_media", "media", "bounded_stream", "get_body_argument", "get_query_argument"),
        *("get_json", "post", "text", "read", "stream", "get_data", "params", "content", "arguments", "get_argument"),
    }
)
"""What the request objects of web frameworks carry. Source: flask, django, starlette, aiohttp, tornado references."""

SERVED: Final = frozenset(
    {
        *("rfile", "headers", "path", "request", "requestline", "raw_requestline"),
        *("get_argument", "get_arguments", "get_body_argument", "get_query_argument", "get_cookie"),
    }
)
"""What a request handler has read. Source: Python library reference, http.server; tornado.web.RequestHandler."""

SYSTEM_NAMED: Final = re.compile(
    r"(?i)\A(?:systemroot|windir|program(?:files|data|w6432)(?:\(x86\))?|common_?programfiles.*|systemdrive|homedrive)\Z"
)
"""Variables that name where Windows put itself. Source: Microsoft, recognised environment variables."""

KEEPS: Final = frozenset(
    {
        *("strip", "lstrip", "rstrip", "lower", "upper", "casefold", "encode", "decode", "as_posix"),
        *("absolute", "resolve", "expanduser", "removeprefix", "removesuffix", "replace", "split", "rsplit"),
        *("partition", "rpartition", "splitlines", "get", "pop", "setdefault", "items", "values", "keys"),
        *("copy", "read", "readline", "readlines", "read_text", "read_bytes", "getvalue", "getlist", "get_all"),
        *("getfirst", "json", "text", "getitem", "title", "next", "popitem", "popleft", "getattr", "as_dict"),
        *("to_dict", "model_dump", "dict", "group", "groups", "tobytes", "with_suffix", "with_name"),
        *("with_stem", "parent", "iterdir", "glob", "rglob", "recv", "recvfrom", "communicate", "get_nowait"),
        *("result", "loads", "getall", "getone", "fetchone", "fetchall", "zfill", "expandvars", "stdout"),
        *("relative_to", "hex", "format_map", "getboolean", "options", "sections", "get_argument", "post"),
        *("form", "iterfind", "find", "findall", "iter", "xpath", "getroot", "findtext", "attrib", "getvalue"),
    }
)
"""Methods whose result is, or holds, what their object is or holds."""

TAKES_IN: Final = frozenset(
    {
        *("append", "add", "extend", "insert", "update", "appendleft", "put", "put_nowait", "setdefault"),
    }
)
FILES: Final = frozenset({"open", "io.open", "codecs.open", "os.fdopen"})
READS_FILES: Final = frozenset({"read_text", "read_bytes", "open"})
PATH_METHODS: Final = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "open"})
MAKES_FILES: Final = frozenset(
    {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.move", "os.replace", "os.rename", "os.link"}
)
CHANGES_FILES: Final = frozenset(
    {
        *("os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.mkdir", "os.makedirs", "os.truncate", "os.chown"),
        *("os.symlink", "shutil.rmtree", "shutil.chown", "os.mkfifo", "os.mknod", "os.chdir"),
    }
)
CHANGES_ITSELF: Final = frozenset({"unlink", "rmdir", "touch", "mkdir", "symlink_to", "hardlink_to"})
"""Methods of a path that make or remove what it leads to. Source: pathlib."""

MOVES_FILES: Final = frozenset({"shutil.move", "os.replace", "os.rename"})
COPIES_FILES: Final = frozenset({"shutil.copy", "shutil.copy2", "shutil.copyfile"})
NUMBERS: Final = frozenset({"int", "struct.unpack", "struct.unpack_from", "struct.iter_unpack", "int.from_bytes"})
STOPS: Final = frozenset({"len", "bool", "float", "isinstance", "hash", "id", "type", "callable", "hasattr", "sum"})
PASSES: Final = frozenset(
    {
        *("list", "tuple", "set", "frozenset", "dict", "sorted", "reversed", "iter", "next", "vars"),
        *("enumerate", "zip", "filter", "map", "min", "max", "getattr", "copy.copy", "copy.deepcopy"),
        *("itertools.chain", "shlex.split", "asyncio.wait_for", "operator.itemgetter", "urllib.parse.unquote"),
        *("urllib.parse.urlparse", "bytes.decode", "json.loads", "json.load", "tomllib.loads", "tomllib.load"),
        *("yaml.safe_load", "yaml.load", "pickle.loads", "ast.literal_eval", "urllib.parse.parse_qs"),
        *("base64.b64decode", "bytes", "bytearray", "str", "repr", "os.path.splitext", "os.path.split"),
        *("os.path.dirname", "glob.glob", "memoryview", "types.SimpleNamespace", "csv.reader", "csv.DictReader"),
        *("io.StringIO", "io.BytesIO", "io.TextIOWrapper", "xml.etree.ElementTree.fromstring"),
    }
)
"""Functions whose result is, or holds, what they are given."""

REBUILDS: Final = frozenset(
    {
        *("pickle.loads", "pickle.load", "pickle.Unpickler", "cPickle.loads", "cPickle.load", "_pickle.loads"),
        *("dill.loads", "dill.load", "cloudpickle.loads", "cloudpickle.load", "joblib.load", "marshal.loads"),
        *("marshal.load", "jsonpickle.decode", "yaml.load", "yaml.unsafe_load", "pandas.read_pickle", "shelve.open"),
        *("numpy.load", "torch.load"),
    }
)
"""Functions that build whatever objects their input names. Source: their references."""

COMPILES: Final = {"cffi.FFI.cdef": 0, "cffi.FFI.verify": 0, "cffi.FFI.set_source": 1, "ffi.cdef": 0}
"""Functions that read a text as C, and where they take it. Source: cffi documentation."""

TEMPLATES: Final = frozenset({"jinja2.Template", "jinja2.Environment.from_string", "mako.template.Template"})
"""Functions whose text is a template, which may run what it likes. Source: jinja2, mako references."""

FILLS: Final = frozenset({"render", "substitute", "safe_substitute"})
"""Methods of templates that put values into a text."""

LOADERS: Final = frozenset(f"ctypes.{one}" for one in ("cdll", "windll", "oledll", "pydll"))
"""Objects whose attributes and items are libraries, loaded by their name. Source: ctypes.LibraryLoader."""

FOREIGN_LOADS: Final = frozenset({"dlopen", "dlmopen", *(f"LoadLibrary{x}{w}" for x in ("", "Ex") for w in "AW")})
"""Functions of a library that load another one."""

DIRECTORY_LISTS: Final = frozenset({"os.add_dll_directory", "sys.path.insert", "sys.path.append", "site.addsitedir"})
LOADER_VARIABLE: Final = re.compile(r"\A(?:LD_LIBRARY_PATH|LD_PRELOAD|LD_AUDIT|DYLD_\w+|PYTHONPATH|QT_PLUGIN_PATH)\Z")
ENVIRONMENT: Final = re.compile(r"(?i)(?:\A|[._])env(?:iron(?:ment)?)?\Z")
"""Names of the environment of this process, and of one that is put together for a child."""

ADDRESSES: Final = frozenset({"ctypes.string_at", "ctypes.wstring_at", "ctypes.cast", "ctypes.CFUNCTYPE.__call__"})
ADDRESS_METHODS: Final = frozenset({"from_address"})
