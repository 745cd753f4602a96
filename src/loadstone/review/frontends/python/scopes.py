"""Which name means what in a Python file: imports and their aliases, types of variables, attributes and results.

Everything here is flow-insensitive and exact about what it does not know: a name bound to two different things has no
meaning. A type is the dotted name of what made the value (``ctypes.CDLL``); an attribute of a typed value extends it
(``ctypes.CDLL.crc32``), which is also how calls through it are named.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["ModuleNames", "Scope", "is_library"]

_BUILTINS: Final = frozenset(dir(builtins))

_DLL_LOADERS: Final = {
    "ctypes.cdll": "ctypes.CDLL",
    "ctypes.windll": "ctypes.WinDLL",
    "ctypes.oledll": "ctypes.OleDLL",
    "ctypes.pydll": "ctypes.PyDLL",
}
"""The loader objects of ctypes, each with the class it makes. Source: Python library reference, ctypes."""

_RETURNS: Final = {
    **{f"{loader}.LoadLibrary": made for loader, made in _DLL_LOADERS.items()},
    "ctypes.LibraryLoader.LoadLibrary": "ctypes.CDLL",
    "ctypes.CFUNCTYPE": "ctypes.CFUNCTYPE",
    "ctypes.WINFUNCTYPE": "ctypes.CFUNCTYPE",
    "ctypes.PYFUNCTYPE": "ctypes.CFUNCTYPE",
    "ctypes.CFUNCTYPE.__call__": "ctypes._CFuncPtr",
    "ctypes.util.find_library": "str",
    "numpy.ctypeslib.load_library": "ctypes.CDLL",
    "cffi.FFI.dlopen": "cffi.Lib",
    "cffi.FFI.verify": "cffi.Lib",
    "importlib.util.spec_from_file_location": "importlib.machinery.ModuleSpec",
    "importlib.machinery.ModuleSpec.loader": "importlib.abc.Loader",
    "hashlib.new": "hashlib.sha256",
    "os.path.join": "str",
    "os.path.abspath": "str",
    "os.path.realpath": "str",
    "os.path.normpath": "str",
    "os.path.dirname": "str",
    "os.path.basename": "str",
    "os.path.expanduser": "str",
    "os.getenv": "str",
    "os.environ.get": "str",
    "os.getcwd": "str",
    "os.fspath": "str",
    "os.open": "int",
    "input": "str",
    "str": "str",
    "repr": "str",
    "tempfile.mkdtemp": "str",
    "tempfile.mktemp": "str",
    "tempfile.gettempdir": "str",
    "open": "open",
    "io.open": "open",
    "os.fdopen": "open",
    "pathlib.Path.open": "open",
    "urllib.request.urlopen": "http.client.HTTPResponse",
    "requests.get": "requests.Response",
    "requests.Session.get": "requests.Response",
    "httpx.get": "httpx.Response",
    "subprocess.run": "subprocess.CompletedProcess",
    "socket.socket": "socket.socket",
    "socket.create_connection": "socket.socket",
    "threading.Lock": "threading.Lock",
    "threading.RLock": "threading.RLock",
    "asyncio.Lock": "asyncio.Lock",
    "json.load": "dict",
    "json.loads": "dict",
    "dict": "dict",
    "list": "list",
    "set": "set",
    "getattr": None,
}
"""What a call gives, where it is not an object of the class called. None: it depends on the arguments."""

_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"})
_STAYS_A_PATH: Final = frozenset(
    {
        "resolve",
        "absolute",
        "parent",
        "joinpath",
        "with_suffix",
        "with_name",
        "expanduser",
        "home",
        "cwd",
        "__truediv__",
    }
)
_HASHES: Final = "hashlib."
_WRAPPERS: Final = frozenset({"functools.partial"})
_IMPORTERS: Final = frozenset({"__import__", "importlib.import_module"})


_CFFI: Final = {"ffi": "cffi.FFI", "lib": "cffi.Lib"}
"""What a module that cffi has built offers. Source: cffi documentation, "Main mode of usage"."""


def _is_built(module: str, names: set[str]) -> bool:
    """Whether a module is one that cffi has built: both names are asked of it, or one, and its name says so."""
    extension = module.rpartition(".")[2]
    return names >= _CFFI.keys() or bool(names & _CFFI.keys() and _BUILT.search(extension))


_BUILT: Final = re.compile(r"(?i)(?:\A|_)c?ffi(?:\Z|_|\d)|\A_\w*(?:native|cffi|ffi|binding|bindings|ext|lib\w*|c)\Z")
"""Names that modules built by cffi go by, as its documentation gives them: ``_foo_cffi``, ``_native``."""


def is_library(found: str | None) -> bool:
    """Whether a type is that of a loaded library, or of what cffi opens libraries with."""
    return found in _DLL_LOADERS.values() or found in _CFFI.values()


def _is_class(dotted: str) -> bool:
    last = dotted.rpartition(".")[2].lstrip("_")
    return last[:1].isupper()


def _text_of(value: ast.expr) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


@dataclass(slots=True)
class ModuleNames:
    """What the whole file knows: names of its own functions and classes, and types of attributes and results."""

    functions: set[str] = field(default_factory=set)
    classes: dict[str, frozenset[str]] = field(default_factory=dict)  # its methods
    attributes: dict[tuple[str, str], str | None] = field(default_factory=dict)  # (class, attribute) -> type
    results: dict[str, str | None] = field(default_factory=dict)  # qualified function -> type of what it returns


@dataclass(slots=True)
class Scope:
    """The names of one function, or of the module; looks outward through ``outer``.

    ``owner`` is the class a method belongs to, ``me`` the name of its first parameter.
    """

    module: ModuleNames
    outer: Scope | None = None
    owner: str = ""
    me: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    types: dict[str, str | None] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)

    # Learning.

    def bind_imports(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Make the names an import binds known; ``import a.b`` binds ``a``."""
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    self.aliases[alias.asname] = alias.name
                else:
                    root = alias.name.partition(".")[0]
                    self.aliases[root] = root
            return
        module = "." * statement.level + (statement.module or "")
        built = _CFFI if _is_built(module, {alias.name for alias in statement.names}) else {}
        for alias in statement.names:
            if alias.name in built:
                self.types[alias.asname or alias.name] = built[alias.name]
            elif alias.name != "*":
                dotted = f"{module}{'' if module.endswith('.') else '.'}{alias.name}"
                self.aliases[alias.asname or alias.name] = dotted
            elif not statement.level:
                self.aliases.update({name: f"{module}.{name}" for name in _STAR.get(module, ())})

    def learn(self, assignments: Iterable[tuple[ast.expr, ast.expr]]) -> None:
        """Take types and aliases from assignments. A name given two different meanings loses both.

        A name whose meaning comes from a name learnt later in the file is found by asking twice.
        """
        pairs = [*assignments]
        for _ in range(2):
            meanings: dict[str, set[str | None]] = {}
            values: dict[str, list[ast.expr]] = {}
            for target, value in pairs:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(value)
                    if not (isinstance(value, ast.Constant) and value.value is None):
                        meanings.setdefault(target.id, set()).add(self.type_of(value))
                elif isinstance(target, ast.Attribute):
                    self._learn_attribute(target, value)
            for name, found in meanings.items():
                self.types[name] = found.pop() if len(found) == 1 else None
            for name, given in values.items():
                dotted = self._alias(given[0]) if len(given) == 1 else None
                if dotted is not None:
                    self.aliases[name] = dotted

    def _learn_attribute(self, target: ast.Attribute, value: ast.expr) -> None:
        owner = self._class_of(target.value, self.type_of(target.value))
        if not owner or (isinstance(value, ast.Constant) and value.value is None):
            return
        key, found = (owner, target.attr), self.type_of(value)
        known = self.module.attributes.get(key, found)
        self.module.attributes[key] = found if known == found or known is None else None

    def _alias(self, value: ast.expr) -> str | None:
        """What a name bound to this expression is another word for: an imported thing, not a value made by a call."""
        if isinstance(value, (ast.Name, ast.Attribute)):
            dotted = self.dotted(value)
            return dotted if dotted and dotted not in self.locals else None
        if isinstance(value, ast.Call) and value.args:
            name = self.dotted(value.func)
            first = value.args[0]
            if name in _WRAPPERS:
                return self.dotted(first)
            if name in _IMPORTERS:
                return _text_of(first) or None
            if name == "getattr" and len(value.args) > 1 and (attribute := _text_of(value.args[1])):
                base = self.dotted(first)
                return f"{base}.{attribute}" if base else None
        return None

    # Asking.

    def _binding(self, name: str) -> tuple[str, str | None] | None:
        """What a bare name is: ``alias`` or ``type`` with its meaning, from the innermost scope that binds it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.aliases:
                return "alias", scope.aliases[name]
            if name in scope.types or name in scope.locals:
                return "type", scope.types.get(name)
            scope = scope.outer
        return None

    def _class_of(self, value: ast.expr, found: str | None) -> str:
        """The class an expression is, or is an instance of: ``self``, ``cls``, the class's own name, a typed value.

        ``found`` is its type: whoever asks needs that too, and finding it twice at each link of a chain would take a
        time without end.
        """
        if isinstance(value, ast.Name):
            scope: Scope | None = self
            while scope is not None:
                if scope.me and value.id == scope.me:
                    return scope.owner
                if value.id in scope.locals:
                    break
                scope = scope.outer
            if value.id in self.module.classes:
                return value.id
        return found if found is not None and found in self.module.classes else ""

    def dotted(self, value: ast.expr, depth: int = 0) -> str | None:
        """The full name of an imported thing, a builtin, or a function or class of this file; None for values."""
        names: list[str] = []
        while isinstance(value, ast.Attribute):  # a chain may be longer than the stack is deep
            names.append(value.attr)
            value = value.value
        base = self._base(value, depth)
        return ".".join((base, *reversed(names))) if base else None

    def _base(self, value: ast.expr, depth: int) -> str | None:
        """The name that a chain of attributes begins with; a module that is imported in place has one, too."""
        if isinstance(value, ast.Name):
            bound = self._binding(value.id)
            if bound is not None:
                return bound[1] if bound[0] == "alias" else None
            if value.id in self.module.functions or value.id in self.module.classes or value.id in _BUILTINS:
                return value.id
        elif isinstance(value, ast.Call) and value.args and depth <= _MAX_DEPTH:
            return _text_of(value.args[0]) or None if self.dotted(value.func, depth + 1) in _IMPORTERS else None
        return None

    def type_of(self, value: ast.expr, depth: int = 0) -> str | None:
        """The type of an expression; None when it cannot be told."""
        if depth > _MAX_DEPTH:
            return None
        match value:
            case ast.Constant():
                return None if value.value is None else type(value.value).__name__
            case ast.JoinedStr():
                return "str"
            case ast.Name():
                bound = self._binding(value.id)
                return bound[1] if bound and bound[0] == "type" else None
            case ast.Attribute():
                return self._attribute_type(value, depth)
            case ast.Subscript():
                return self._item_type(value, depth)
            case ast.Call():
                return self._result_type(value, depth)
            case ast.Await() | ast.NamedExpr():
                return self.type_of(value.value, depth + 1)
            case ast.IfExp():
                return self.type_of(value.body, depth + 1) or self.type_of(value.orelse, depth + 1)
            case ast.BoolOp():
                return next(filter(None, (self.type_of(v, depth + 1) for v in value.values)), None)
            case ast.BinOp():
                left = self.type_of(value.left, depth + 1)
                return left if left == "str" or left in _PATHS else None
            case ast.List() | ast.ListComp():
                return "list"
            case ast.Dict() | ast.DictComp():
                return "dict"
            case ast.Set() | ast.SetComp():
                return "set"
            case _:
                return None

    def _attribute_type(self, value: ast.Attribute, depth: int) -> str | None:
        dotted = self.dotted(value)
        if dotted is not None:
            loader = _DLL_LOADERS.get(dotted.rpartition(".")[0])
            if loader and value.attr != "LoadLibrary":
                return loader  # ctypes.windll.kernel32
            return dotted if dotted in _DLL_LOADERS else None
        base = self.type_of(value.value, depth + 1)
        owner = self._class_of(value.value, base)
        if owner:
            return self._member_type(owner, value.attr)
        if base in _PATHS:
            return base if value.attr in _STAYS_A_PATH else None
        if base is None or base in _PLAIN:
            return None
        return _RETURNS.get(f"{base}.{value.attr}", f"{base}.{value.attr}")

    def _member_type(self, owner: str, name: str) -> str | None:
        return self.module.attributes.get((owner, name)) or self.module.results.get(f"{owner}.{name}")

    def _item_type(self, value: ast.Subscript, depth: int) -> str | None:
        loader = _DLL_LOADERS.get(self.dotted(value.value) or "")
        if loader:
            return loader  # ctypes.cdll["libz.so.1"]
        base = self.type_of(value.value, depth + 1)
        if base in _DLL_LOADERS.values() and (symbol := _text_of(value.slice)):
            return f"{base}.{symbol}"
        return None

    def _result_type(self, value: ast.Call, depth: int) -> str | None:
        name = self.callee(value.func, depth + 1)
        if name in _RETURNS:
            return self._looked_up(value, depth) if name == "getattr" else _RETURNS[name]
        if name in self.module.results:
            return self.module.results[name]
        base, _, method = name.rpartition(".")
        if base in _PATHS:
            return base if method in _STAYS_A_PATH else None
        if name.startswith(_HASHES) and name.count(".") == 1:
            return name
        return name if _is_class(name) and not name.startswith("?") else None

    def _looked_up(self, value: ast.Call, depth: int) -> str | None:
        """``getattr(lib, name)``: a symbol of a typed library."""
        base = self.type_of(value.args[0], depth + 1) if value.args else None
        if base not in _DLL_LOADERS.values() or len(value.args) < 2:
            return None
        return f"{base}.{_text_of(value.args[1]) or '__getattr__'}"

    def callee(self, function: ast.expr, depth: int = 0) -> str:
        """The name a call goes by: full name, ``type.method``, ``Class.method``; ``?.method`` of any other value."""
        if depth > _MAX_DEPTH:
            return "?"
        dotted = self.dotted(function)
        if dotted is not None:
            loader, _, symbol = dotted.rpartition(".")
            made = _DLL_LOADERS.get(loader.rpartition(".")[0])
            return f"{made}.{symbol}" if made else dotted  # ctypes.windll.kernel32.GetProcAddress
        if isinstance(function, ast.Attribute):
            base = self.type_of(function.value, depth + 1)
            owner = self._class_of(function.value, base)
            if owner and function.attr in self.module.classes.get(owner, ()):
                return f"{owner}.{function.attr}"
            if isinstance(function.value, ast.Call) and self.dotted(function.value.func) == "super":
                return f"super.{function.attr}"
            called = self._member_type(owner, function.attr) if owner else None
            return called or (f"{base}.{function.attr}" if base and base not in _PLAIN else f"?.{function.attr}")
        found = self.type_of(function, depth + 1)
        if found is None:
            return function.id if isinstance(function, ast.Name) else "?"
        return f"{found}.__call__" if found == "ctypes.CFUNCTYPE" else found


_MAX_DEPTH: Final = 24
"""Links of a chain of attributes and calls that are followed; real ones have five."""

_PLAIN: Final = frozenset({"str", "bytes", "int", "float", "bool", "list", "dict", "set", "tuple"})

_STAR: Final = {
    "ctypes": (
        *("CDLL", "PyDLL", "WinDLL", "OleDLL", "cdll", "windll", "oledll", "pydll", "CFUNCTYPE", "WINFUNCTYPE"),
        *("PYFUNCTYPE", "POINTER", "Structure", "Union", "byref", "cast", "pointer", "string_at", "wstring_at"),
        *("addressof", "sizeof", "memmove", "memset", "create_string_buffer", "get_last_error", "set_last_error"),
        *("get_errno", "set_errno", "RTLD_GLOBAL", "RTLD_LOCAL", "py_object", "c_void_p", "c_char_p", "c_wchar_p"),
        *("c_int", "c_uint", "c_long", "c_ulong", "c_size_t", "c_bool", "c_char", "c_double", "c_float", "c_int32"),
        *("c_uint8", "c_uint32", "c_int64", "c_uint64", "FormatError", "WinError", "GetLastError", "util"),
    ),
    "os": ("environ", "getenv", "putenv", "path", "system", "popen", "chmod", "umask", "getcwd"),
    "subprocess": ("run", "call", "check_call", "check_output", "Popen", "PIPE", "getoutput"),
    "cffi": ("FFI",),
}
"""What ``from module import *`` binds of the modules that matter here."""
