"""The one optional extension; everything else is in pyproject.toml. Without a compiler the installation goes on."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "loadstone.library.typed._fastcall",
            ["src/loadstone/library/typed/_fastcall.c"],
            depends=["src/loadstone/library/typed/_registers.h"],
            optional=True,
        ),
    ]
)
