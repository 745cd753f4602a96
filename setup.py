"""The one optional extension; everything else is in pyproject.toml. Without a compiler the installation goes on.

``LOADSTONE_PURE=1`` leaves the extension out, for the wheel that fits every platform.
"""

import os

from setuptools import Extension, setup

_FASTCALL = Extension(
    "loadstone.library.typed._fastcall",
    ["src/loadstone/library/typed/_fastcall.c"],
    depends=[f"src/loadstone/library/typed/_{name}.h" for name in ("registers", "structs", "trampolines")],
    # A call goes through few instructions: one more jump for each of Python's functions is a tenth of it.
    extra_compile_args=["-O2", "-fno-plt"] if os.name == "posix" else [],
    optional=True,
)

setup(ext_modules=[] if os.environ.get("LOADSTONE_PURE") else [_FASTCALL])
