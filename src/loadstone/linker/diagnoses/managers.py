"""The command that builds or installs anew what a file belongs to, by the folders of the manager that put it there.

Sources: the manuals of pyenv, uv, pipx, rbenv, RVM, asdf, mise, SDKMAN, npm, RubyGems, CPAN, LuaRocks, PECL, PGXS,
cargo, rustup, mix, NuGet, opam, Spack, EasyBuild, Homebrew, MacPorts, Steam, VS Code, Bazel, colcon, catkin and CMake.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Final

from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.request import LoaderModel

__all__ = ["built_anew"]

_MAX_PATH: Final = 1_024
"""What is matched: the patterns take time by the square of a path that was made to cost it."""
_LEVELS: Final = 8
_ROWS: Final = tuple(
    (re.compile(pattern), command)
    for pattern, command in (
        (r"(?:/usr/local|/opt/homebrew|/home/linuxbrew/\.linuxbrew)/(?:opt|Cellar)/([^/]+)/.*", "brew reinstall {}"),
        (r".*/pipx/venvs/([^/]+)/.*", "pipx reinstall {}"),
        (r".*/uv/tools/([^/]+)/.*", "uv tool install --reinstall {}"),
        (r".*/uv/python/(cpython-[^/]+)/(?:bin|lib/python[\d.]+/lib-dynload)/.*", "uv python install --reinstall {}"),
        (r".*/lib/node_modules/((?:@[^/]+/)?[^/]+)/(?:(?!/node_modules/).)*", "npm rebuild --global {}"),
        (r"(.*)/node_modules/((?:@[^/]+/)?[^/]+)/(?:(?!/node_modules/).)*", "cd {} && npm rebuild {}"),
        (r".*/(?:gems|extensions)(?:/.*)?/([\w.-]+?)-(\d[\w.]*)/.*\.(?:so|bundle)", "gem pristine {} --version {}"),
        (r".*/\.?pyenv/versions/([^/]+)/(?:bin|lib/python[\d.]+/lib-dynload)/.*", "pyenv install --force {}"),
        (r".*/\.?rbenv/versions/([^/]+)/(?:bin|lib/ruby/[\d.]+)/.*", "rbenv install --force {}"),
        (r".*/\.?rvm/rubies/([^/]+)/(?:bin|lib/ruby/[\d.]+)/.*", "rvm reinstall {}"),
        (r".*/\.asdf/installs/([^/]+)/([^/]+)/(?:bin|lib/python[\d.]+/lib-dynload|lib/ruby/[\d.]+)/.*",
         "asdf uninstall {0} {1} && asdf install {0} {1}"),
        (r".*/mise/installs/([^/]+)/([^/]+)/(?:bin|lib/python[\d.]+/lib-dynload|lib/ruby/[\d.]+)/.*",
         "mise install --force {}@{}"),
        (r".*/\.sdkman/candidates/([^/]+)/([^/]+)/.*", "sdk uninstall {0} {1} && sdk install {0} {1}"),
        (r".*/\.rustup/toolchains/([^/]+)/.*", "rustup toolchain uninstall {0} && rustup toolchain install {0}"),
        (r".*/\.ghcup/ghc/([^/]+)/.*", "ghcup install ghc --force {}"),
        (r"(.*/\.nuget/packages/[^/]+/[^/]+)/.*", "rm -r {} && dotnet restore"),
        (r"(.*/\.julia/artifacts/[0-9a-f]{40})/.*", "rm -r {} && julia -e 'using Pkg; Pkg.instantiate()'"),
        (r"(.*)/_build/\w+/lib/([^/]+)/priv/.*", "cd {} && mix deps.compile --force {}"),
        (r"(.*)/target/(?:[^/]+/)?(?:debug|release)/.*", "cd {} && cargo clean && cargo build"),
        (r".*/\.vscode(?:-server|-insiders|-oss)?/extensions/([^/]+?)-\d[^/]*/.*",
         "code --install-extension {} --force"),
        (r".*/steamapps/common/([^/]+)/.*", "in Steam: {}, Properties, Installed Files, Verify integrity"),
        (r".*/software/([^/]+)/([^/]+-(?:GCC|foss|gompi|intel|iimpi)[^/]*)/.*", "eb --rebuild {}-{}.eb"),
        (r".*/bazel-(?:out|bin)/.*", "bazel clean && bazel build, of the same target"),
        (r"(/opt/local/.*)", "port provides {} names the port: port -n upgrade --force PORT"),
        (r".*/([\w.]+)/libs/\1\.so", 'R -e \'install.packages("{}", type="source")\''),
        (r".*/auto/((?:[^/]+/)*[^/]+)/[^/]+\.(?:so|bundle)", "cpanm --reinstall {module}"),
        (r"(.*/(?:postgresql/\d+|pgsql-\d+))/lib/([^/]+)\.so",
         "make clean && make PG_CONFIG={}/bin/pg_config install, in the sources of {}"),
        (r".*/lib(?:64)?/lua/\d\.\d/([^/]+?)(?:/.*|\.so)", "luarocks install --force {}"),
        (r".*/(?:php|extensions|pecl)/(?:no-debug-(?:non-)?zts-)?\d{8}[^/]*/([^/]+)\.so",
         "pecl install -f {}, or this PHP's own package of it"),
        (r".*/\.cargo/bin/([^/]+)", "cargo install --force {}"),
        (r".*/\.opam/[^/]+/lib/(?!stublibs/)([^/]+)/.*", "opam reinstall {}"),
        (r".*/\.julia/(?:dev|packages)/([^/]+)/.*", "julia -e 'using Pkg; Pkg.build(\"{}\")'"),
        (r".*/opt/spack/(?:.*/)?([^/]+?)-(\d[^/]*)-[a-z0-9]{32}/.*", "spack install --overwrite {}@{}"),
        (r"(.*)/devel/lib/.*", "cd {} && rm -r build devel && catkin_make"),
    )
)  # fmt: skip
"""Where managers of packages and of interpreters put what they build, and their command to build it anew."""
_TREES: Final = (
    (".colcon_install_layout", "cd {}/.. && rm -r build install && colcon build"),
    ("CMakeCache.txt", "cmake --build {} --clean-first"),
    ("build.ninja", "ninja -C {0} -t clean && ninja -C {0}"),
    ("config.status", "make -C {0} clean && make -C {0}"),
)
"""What a build leaves at the top of the folder it builds in, and the command that builds everything there again."""


def built_anew(model: LoaderModel, path: str) -> str:
    """The command for a file of a manager, or of a folder that things are built in; empty for all others."""
    whole = model.absolute(path)
    for place in dict.fromkeys((whole, model.view.real_path(whole))):  # managers link to what is theirs
        for pattern, command in _ROWS if len(place) <= _MAX_PATH else ():
            found = pattern.fullmatch(place)
            if found is not None:
                module = (found[1] if found.re.groups else "").replace("/", "::")
                return command.format(*(shlex.quote(part) for part in found.groups()), module=module)
    folder = posixpath.dirname(posixpath.normpath(whole))
    for _ in range(_LEVELS):
        names = names_in(model, folder) if folder not in ("", "/") else ()
        command = next((command for mark, command in _TREES if mark in names), "")
        if command:
            return command.format(shlex.quote(folder))
        folder = posixpath.dirname(folder)
    return ""
