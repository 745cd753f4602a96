"""Public reports of the sixth to the eighth search, chosen before anything was tried: the kinds that were wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.linker.test_reports_of_the_fifth_search import EXPORTS, put
from tests.linker.test_reports_of_the_second_search import ONE, WANTS_ONE, WANTS_TWO, first, in_root, named
from tests.linker.test_reports_of_the_third_search import BARE, BOTH, INTEL_MAC, MINGW, mac  # noqa: F401  a fixture
from tests.linker.workshop import HOST_SOURCE, Workshop, loads

from loadstone.binary import read
from loadstone.binary.digests import DigestState
from loadstone.binary.macho.facts import (
    NO_VALIDATION,
    CodeDirectory,
    CodeSignature,
    Entitlement,
    MachoFacts,
    SignatureFlags,
)
from loadstone.core.image import Format, Image
from loadstone.core.trace import Diagnosis
from loadstone.linker import HostFiles, LoaderModel, explain
from loadstone.linker.diagnoses.vendors import brought_by
from loadstone.linker.discovery import of_root, with_program
from loadstone.linker.dyld_policy import of_another_team
from loadstone.linker.package_systems import system_of
from loadstone.linker.request import LoaderKind
from loadstone.linker.surveys.repair import for_an_archive
from loadstone.linker.view import PretendedFiles

SITE = "env/lib/python3.9/site-packages"
PYTHON = f"int PyObject_Free(void) {{ return 0; }}\n{HOST_SOURCE}"


def gone(path: str) -> None:
    Path(path).unlink()


# Where a build comes from


def test_cellseg_62_the_library_of_a_conda_environment_is_too_old(workshop: Workshop) -> None:
    new = "CPP_29 { global: one; }; CPP_30 { global: two; } CPP_29;"
    workshop.library("new/libcpp.so.6", BOTH, version_script=new)
    workshop.library(f"{SITE}/cell/_x.so", WANTS_TWO, needs=["new/libcpp.so.6"], soname="")
    workshop.library("env/lib/libcpp.so.6", ONE, version_script="CPP_29 { global: one; };")
    workshop.file("env/conda-meta/libcpp-ng-11.2.0-h1_1.json", b'{"files": ["lib/libcpp.so.6"]}')
    question = workshop.ask(
        f"{SITE}/cell/_x.so", host=workshop.program("env/bin/python", PYTHON, rpath="$ORIGIN/../lib")
    )
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    env = workshop.path("env")
    assert found.advice == f"conda install -p {env} -c conda-forge --update-deps libcpp-ng"


def test_anaconda_issues_12909_two_packages_of_conda_are_not_of_one_release(workshop: Workshop) -> None:
    node = "SSL_1 { global: *; };"
    workshop.library("new/libcrypto.so.1", BOTH, version_script=node)
    workshop.library(
        f"{SITE}/crypt/_x.so", WANTS_TWO, needs=["new/libcrypto.so.1"], runpath="$ORIGIN/../../..", soname=""
    )
    workshop.library("env/lib/libcrypto.so.1", ONE, version_script=node)
    workshop.file("env/conda-meta/openssl-1.1-h7_0.json", b'{"files": ["lib/libcrypto.so.1"]}')
    workshop.file("env/conda-meta/crypt-3.4-py_0.json", b'{"files": ["lib/python3.9/site-packages/crypt/_x.so"]}')
    found = first(workshop.answer(workshop.ask(f"{SITE}/crypt/_x.so")))
    said = "crypt and openssl are not of one release: conda update -p"
    assert found.advice == f"{said} {workshop.path('env')} crypt openssl, both of one channel"


def test_knn_cuda_2_a_library_that_is_loaded_before_is_of_another_release(workshop: Workshop) -> None:
    torch = workshop.library(f"{SITE}/torch/lib/libc10.so", "int _ZN3c105ErrorC1Ev(void) { return 1; }")
    wants = "int _ZN3c105ErrorC2Ev(void); int PyInit_knn(void) { return _ZN3c105ErrorC2Ev(); }"
    workshop.library(f"{SITE}/knn/knn.so", wants, soname="")
    question = workshop.ask(f"{SITE}/knn/knn.so", already=(torch,))
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    assert found.advice.startswith(f"{torch} has others of its scope and not this one: knn and torch are not of")
    assert found.advice.endswith("-m pip install --upgrade --force-reinstall knn torch")


def test_study_5_a_member_of_its_own_class_is_declared_and_not_defined(workshop: Workshop) -> None:
    source = "extern int _ZN3Lib4Work3allE; int _ZN3Lib4Work3runEv(void) { return _ZN3Lib4Work3allE; }"
    workshop.library("lib.so", source, soname="")
    advice = first(workshop.answer(workshop.ask("lib.so"))).advice
    assert advice.startswith("lib.so has others of its scope itself, so this one is declared and not defined")


def test_pygit2_1014_a_module_for_another_python_in_the_folder_of_a_function(workshop: Workshop) -> None:
    missing = workshop.library("libpython2.7.so.1.0", "int PyObject_Free(void) { return 1; }")
    wants = "int PyObject_Free(void); int init_m(void) { return PyObject_Free(); }"
    workshop.library("task/_m.so", wants, needs=["libpython2.7.so.1.0"], soname="")
    workshop.file("task/git2-0.28.dist-info/RECORD", b"_m.so,,\n")
    gone(missing)
    python = workshop.program("bin/python3.8", PYTHON, "-rdynamic")
    question = workshop.ask("task/_m.so", host=python)
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    install = f"{python} -m pip install --force-reinstall --no-cache-dir --target {workshop.path('task')} git2"
    assert found.advice == f"it was built for Python 2.7, and Python 3.8 ({python}) opens it: {install}"


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/lib/python3/dist-packages/gpio/gpio.so", "python -m pip install --force-reinstall --no-cache-dir gpio"),
        ("/srv/node_modules/@a/b/build/Release/b.node", "cd /srv && npm rebuild @a/b"),
        ("/usr/lib64/gems/ruby/nio4r-2.7.3/nio4r_ext.so", "gem pristine nio4r --version 2.7.3"),
        ("/home/u/R/x86_64/4.2/lme4/libs/lme4.so", 'R -e \'install.packages("lme4", type="source")\''),
        ("/usr/lib/php/20220829/redis.so", "pecl install -f redis, or this PHP's own package of it"),
        ("/gems" * 700 + "/a-1/lib.so", "the build or download that should have written it failed"),
        ("/srv/lib.so", "the build or download that should have written it failed"),
    ],
)
def test_pygpio2_1_an_empty_file_is_built_anew_by_what_put_it_there(path: str, command: str) -> None:
    model = LoaderModel(view=PretendedFiles({path: b""}))
    assert first(explain(path, model=model, as_library=True)).advice == command


def test_colorls_638_a_gem_was_built_for_the_ruby_before(workshop: Workshop) -> None:
    missing = workshop.library("libruby.so.3.3", ONE)
    gem = "/usr/lib64/gems/ruby/clocale-0.0.4/clocale/clocale.so"
    workshop.library(f"root{gem}", WANTS_ONE, needs=["libruby.so.3.3"], soname="")
    gone(missing)
    workshop.library("root/usr/lib/libruby.so.3.4", ONE)
    advice = first(explain(gem, model=in_root(workshop))).advice
    assert advice.startswith(
        "gem pristine clocale --version 0.0.4, which builds it for libruby.so.3.4; or libruby.so.3.3"
    )


# What brings a library


@pytest.mark.parametrize(
    ("mark", "advice"),
    [
        ("/etc/NIXOS", "nix-locate --top-level lib/liba.so.1 names the package"),
        ("/var/lib/pacman/local", "pacman -Fy liba.so.1 names the package: pacman -S PACKAGE"),
        ("/var/db/pkg/sys-libs", "e-file liba.so.1 (of app-portage/pfl) names the package: emerge PACKAGE"),
        ("/usr/bin/zypper", "zypper install 'liba.so.1()(64bit)'"),
        ("/usr/lib/sysimage/rpm/x", "dnf install 'liba.so.1()(64bit)'"),
        ("/lib/apk/db/installed", "apk add so:liba.so.1"),
    ],
)
def test_each_system_is_asked_in_its_own_words(mark: str, advice: str) -> None:
    model = LoaderModel(view=PretendedFiles({mark: b""}))
    assert first(explain("liba.so.1", model=model, as_library=True)).advice.startswith(advice)
    assert system_of(PretendedFiles({})) is None


def test_pacman_repo_39_what_is_built_here_follows_a_library_that_moved_on(workshop: Workshop) -> None:
    missing = workshop.library("libupnp.so.19", ONE)
    workshop.library("root/opt/sun.so", WANTS_ONE, needs=["libupnp.so.19"], soname="")
    gone(missing)
    workshop.library("root/usr/lib/libupnp.so.21", ONE)
    workshop.folder_of("root/var/lib/pacman")
    found = first(explain("/opt/sun.so", model=in_root(workshop)))
    assert found.explanation.endswith("There is /usr/lib/libupnp.so.21.")
    assert found.advice.startswith(
        "upgrade the whole system: pacman -Syu, and build anew what is not of its repositories"
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("libcublasLt.so.11", "nvidia-cublas-cu11 && export LD_LIBRARY_PATH={}/nvidia/cublas/lib"),
        ("libcudnn_ops.so.9", "'nvidia-cudnn-cu12==9.*' && export LD_LIBRARY_PATH={}/nvidia/cudnn/lib"),
        ("libcufft.so.11", "nvidia-cufft-cu12 && export LD_LIBRARY_PATH={}/nvidia/cufft/lib"),
        ("libcublas.so.13", "nvidia-cublas && export LD_LIBRARY_PATH={}/nvidia/cu13/lib"),
        ("curand64_10.dll", "nvidia-curand-cu12, and os.add_dll_directory() with its nvidia/curand/bin before"),
        ("libiomp5.so", "intel-openmp"),
    ],
)  # fmt: skip
def test_a_vendors_library_comes_from_a_wheel(name: str, advice: str) -> None:
    site = "/v/lib/python3.11/site-packages"
    command = brought_by(LoaderModel(main_image="/v/bin/python3.11"), name, f"{site}/x/_y.so")
    assert command == f"/v/bin/python3.11 -m pip install {advice.format(site)}"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("libcuda.so.1", "NVIDIA's driver"),
        ("libcudart.so.10.1", "CUDA 10"),
        ("MFPlat.DLL", "Media Feature Pack"),
        ("d3dx9_43.dll", "DirectX End-User Runtimes"),
        ("libgcc_s_seh-1.dll", "MinGW"),
        ("libomp.dylib", "brew install libomp"),
    ],
)
def test_what_no_package_brings_is_named_for_what_it_is(name: str, word: str) -> None:
    assert word in brought_by(LoaderModel(), name, "")
    assert not brought_by(LoaderModel(), name.replace("lib", "my", 1) if name.startswith("lib") else f"my{name}", "")


def test_a_library_of_a_driver_is_never_put_into_a_wheel() -> None:
    driver = Diagnosis(
        code="dep-not-found", blocking=True, subject="libcuda.so.1", explanation="", advice="part of a driver"
    )
    assert for_an_archive(driver, "a.whl", "/a", Format.ELF).advice == driver.advice
    other = replace(driver, subject="libfoo.so.1")
    assert "auditwheel repair a.whl puts libfoo.so.1" in for_an_archive(other, "a.whl", "/a", Format.ELF).advice


def test_zkweb_6_a_name_of_windows_on_linux(workshop: Workshop) -> None:
    workshop.file("root/var/lib/dpkg/status", b"Package: libc6\n")
    found = first(explain("gdiplus.dll", model=in_root(workshop)))
    assert found.explanation.endswith("That is its name on another system: here it is libgdiplus.so.")
    assert found.advice.startswith("ask for libgdiplus.so: apt-get update && apt-get install libgdiplus")


def test_faster_whisper_1017_it_was_installed_for_the_user(workshop: Workshop) -> None:
    there = "home/.local/lib/python3.11/site-packages/nvidia/cublas/lib"
    workshop.library(f"{there}/libcublasLt.so.11", ONE)
    question = replace(
        workshop.ask("libcublasLt.so.11", env={"HOME": workshop.path("home")}), target="libcublasLt.so.11"
    )
    found = first(workshop.answer(question))
    assert found.loader_message == workshop.truth(question).message
    folder = workshop.path(there)
    assert found.advice.startswith(f"LD_LIBRARY_PATH={folder}, or open it")
    assert workshop.truth(replace(question, env={"LD_LIBRARY_PATH": folder})).loads


def test_a_library_of_debian_whose_name_says_that_its_time_is_wide(workshop: Workshop) -> None:
    needed_library = workshop.library("libaio.so.1", ONE)
    workshop.library("root/opt/db.so", WANTS_ONE, needs=["libaio.so.1"], soname="")
    gone(needed_library)
    workshop.library("root/usr/lib/libaio.so.1t64", ONE)
    found = first(explain("/opt/db.so", model=in_root(workshop)))
    assert found.advice == "ln -s libaio.so.1t64 /usr/lib/libaio.so.1"


def test_nixpkgs_15013_a_store_is_a_system_and_another_package_of_it_has_the_library(workshop: Workshop) -> None:
    store = "root/nix/store"
    loader = Path(LoaderModel.this_process().interpreter)
    workshop.file(f"{store}/aa-glibc-2.38/lib/{loader.name}", loader.read_bytes())
    workshop.library(f"{store}/cc-gcc-lib/lib/libcpp.so.6", ONE)
    workshop.library(
        f"{store}/bb-chat/lib/chat.so", WANTS_ONE, needs=[f"{store}/cc-gcc-lib/lib/libcpp.so.6"], soname=""
    )
    model = of_root(workshop.path("root"))
    assert model.interpreter == f"/nix/store/aa-glibc-2.38/lib/{loader.name}"
    advice = first(explain("/nix/store/bb-chat/lib/chat.so", model=model)).advice
    assert advice == "LD_LIBRARY_PATH=/nix/store/cc-gcc-lib/lib"
    assert loads(explain("/nix/store/bb-chat/lib/chat.so", model=replace(model, env=(tuple(advice.split("=")),))))  # type: ignore[arg-type]


# What the loader refuses


def test_a_folder_of_a_search_path_that_leads_back_to_itself(workshop: Workshop) -> None:
    needed_library = workshop.library("libx.so.1", ONE)
    loop = workshop.path("loop")
    workshop.library("user.so", WANTS_ONE, needs=["libx.so.1"], runpath=f"{loop}/inside", soname="")
    gone(needed_library)
    workshop.link("loop", loop)
    question = workshop.ask("user.so")
    found = first(workshop.answer(question))
    assert (found.code, found.loader_message) == ("symlink-loop", workshop.truth(question).message)
    assert found.advice == f"replace the link: ls -l {loop}"


def test_gnuroot_268_an_executable_stack_loads_here_and_is_a_risk(workshop: Workshop) -> None:
    workshop.library("libcall.so", ONE, "-Wl,-z,execstack")
    question = workshop.ask("libcall.so")
    answer = workshop.answer(question)
    assert loads(answer) == workshop.truth(question).loads
    (found,) = answer.diagnoses
    assert (found.code, found.blocking) == ("exec-stack", False)
    assert found.advice.startswith(f"patchelf --clear-execstack {workshop.path('libcall.so')}")


def test_yae_20_a_program_unpacks_into_a_folder_without_execution(workshop: Workshop) -> None:
    path = workshop.library("unpacked/libgdx.so", ONE)
    found = first(explain(path, model=replace(in_root(workshop), view=HostFiles(noexec=(workshop.path("unpacked"),)))))
    assert found.code == "noexec-mount"
    assert found.advice.startswith("let the program that unpacks it there use another folder: TMPDIR=FOLDER, for Java")


def test_simple_openni_11_a_library_for_a_program_of_the_other_class(workshop: Workshop) -> None:
    workshop.library("libni.so", ONE)
    java = workshop.program("jre/bin/java", HOST_SOURCE, "-m32")
    model = with_program(LoaderModel.this_process(env={}), java)
    found = first(explain(workshop.path("libni.so"), model=model, as_library=True))
    assert found.loader_message == workshop.truth(workshop.ask("libni.so", host=java)).message
    assert found.advice == f"install the 32-bit build of libni.so; or open it in a 64-bit program instead of {java}"


# Windows and macOS: the rules alone


def test_pycuda_213_the_dll_is_in_a_folder_of_path(compile_library: Compile, tmp_path: Path) -> None:
    dll = compile_library(EXPORTS.format("two"), "curand.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); __declspec(dllexport) int PyInit_x(void) { return two(); }"
    module = compile_library(source, "x.pyd", str(dll), *BARE, compiler=MINGW)
    put(tmp_path, "py/Lib/site-packages/cu/_driver.pyd", module.read_bytes())
    put(tmp_path, "CUDA/bin/curand.dll", dll.read_bytes())
    put(tmp_path, "Windows/System32/kernel32.dll", b"")
    model = replace(of_root(str(tmp_path)), env=(("PATH", r"C:\Windows\System32;C:\CUDA\bin"),))
    found = first(explain("/py/Lib/site-packages/cu/_driver.pyd", model=model))
    assert "os.add_dll_directory('/CUDA/bin') before it is loaded" in found.advice


@pytest.mark.parametrize(("python", "found"), [("python37.dll", False), ("python38.dll", True)])
def test_numpy_14172_an_environment_of_conda_that_is_not_active(
    compile_library: Compile, tmp_path: Path, python: str, *, found: bool
) -> None:
    dll = compile_library(EXPORTS.format("two"), "mkl.dll", *BARE, compiler=MINGW)
    host = compile_library(EXPORTS.format("Py_Free"), python, *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void), Py_Free(void); "
    source += "__declspec(dllexport) int PyInit_x(void) { return two() + Py_Free(); }"
    module = compile_library(source, "x.pyd", str(dll), str(host), *BARE, compiler=MINGW)
    put(tmp_path, "env/Lib/site-packages/np/_init.pyd", module.read_bytes())
    put(tmp_path, "env/Library/bin/mkl.dll", dll.read_bytes())
    put(tmp_path, "env/python.exe", b"")
    answer = explain(str(tmp_path / "env/Lib/site-packages/np/_init.pyd"))
    assert loads(answer) == found
    if not found:
        folder = tmp_path / "env/Library/bin"
        assert first(answer).advice.endswith(f"activate its environment of conda, or set PATH={folder};%PATH%")


def test_bugcheckhack_10_a_program_says_it_in_a_dialog(compile_library: Compile, tmp_path: Path) -> None:
    dll = compile_library(EXPORTS.format("two"), "msvcp120.dll", *BARE, compiler=MINGW)
    source = "__declspec(dllimport) int two(void); int mainCRTStartup(void) { return two(); }"
    program = compile_library(source, "app.dll", str(dll), *BARE, compiler=MINGW).read_bytes()
    header = int.from_bytes(program[60:64], "little") + 22  # Characteristics, where IMAGE_FILE_DLL is a bit
    flags = int.from_bytes(program[header : header + 2], "little") & ~0x2000
    put(tmp_path, "app.exe", program[:header] + flags.to_bytes(2, "little") + program[header + 2 :])
    found = first(explain(str(tmp_path / "app.exe")))
    assert found.loader_message.startswith("The code execution cannot proceed because msvcp120.dll was not found.")
    assert found.advice == "install the Visual C++ redistributable of 2013, or ship the file beside the program"
    put(tmp_path, "msvcp120.dll", compile_library(EXPORTS.format("one"), "o.dll", *BARE, compiler=MINGW).read_bytes())
    words = first(explain(str(tmp_path / "app.exe"))).loader_message
    assert (
        words == "The procedure entry point two could not be located in the dynamic link library app.exe. (0xc0000139)"
    )


@pytest.mark.slow
def test_homebrew_python_302_a_formula_is_built_for_the_library_that_is_there(
    mac: Callable[..., str],  # noqa: F811
    tmp_path: Path,
) -> None:
    there = "/usr/local/opt/openblas/lib/libopenblas.15.dylib"
    library = mac(f"root{there}", ONE, named(there))
    module = "/usr/local/opt/numpy/lib/python2.7/site-packages/numpy/core/multiarray.so"
    mac(f"root{module}", WANTS_ONE, library)
    Path(library).rename(Path(library).with_name("libopenblas.18.dylib"))
    advice = first(explain(module, model=of_root(str(tmp_path / "root"), target=module))).advice
    assert advice.endswith("; brew reinstall numpy")
    gone(str(tmp_path / "root/usr/local/opt/openblas/lib/libopenblas.18.dylib"))
    advice = first(explain(module, model=of_root(str(tmp_path / "root"), target=module))).advice
    assert advice == "brew install openblas, or brew reinstall openblas"


def signed(image: Image, team: str, flags: SignatureFlags, *entitlements: Entitlement) -> Image:
    directory = CodeDirectory(
        "x", team, flags, "sha256", 4096, 0, 0, 0, 0, (), "", 0, 0, DigestState.MATCHES
    )  # fmt: skip
    facts = image.native
    assert isinstance(facts, MachoFacts)
    return replace(
        image,
        native=replace(facts, signature=CodeSignature(0, 0, (directory,), entitlements, "", DigestState.MATCHES)),
    )


@pytest.mark.slow
def test_swiftuifx_2_a_program_that_validates_its_libraries(mac: Callable[..., str]) -> None:  # noqa: F811
    image = read(mac("lib.dylib", ONE, by=INTEL_MAC))
    runtime, plain = SignatureFlags.RUNTIME, SignatureFlags(0)
    allowed = Entitlement(NO_VALIDATION, "true")
    assert of_another_team(signed(image, "OTHER", plain), signed(image, "OWN", runtime))
    assert of_another_team(signed(image, "", SignatureFlags.ADHOC), signed(image, "OWN", runtime))
    assert of_another_team(image, signed(image, "OWN", SignatureFlags.REQUIRE_LIBRARY_VALIDATION, allowed))
    assert not of_another_team(signed(image, "OWN", plain), signed(image, "OWN", runtime))
    assert not of_another_team(signed(image, "OTHER", plain), signed(image, "OWN", runtime, allowed))
    assert not of_another_team(signed(image, "OTHER", plain), signed(image, "OWN", plain))


@pytest.mark.slow
def test_what_dyld_says_of_a_library_of_another_team(
    mac: Callable[..., str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library, program = mac("lib.dylib", ONE, by=INTEL_MAC), mac("app", "int main(void) { return 0; }", by=INTEL_MAC)
    model = replace(LoaderModel(kind=LoaderKind.DYLD), main_image=program)
    assert loads(explain(library, model=model, as_library=True))
    monkeypatch.setattr("loadstone.linker.dyld.of_another_team", lambda *_: True)
    found = first(explain(library, model=model, as_library=True))
    assert found.code == "macho-signature"
    assert "not valid for use in process: mapping process and mapped file (non-platform) have" in found.loader_message
    assert found.advice.endswith(f"or for this Mac alone: codesign --force --sign - {program}")
