"""What Debian and Ubuntu call the package of a library: the rule for it, and the names that keep to none.

Sources: Debian Policy 8.1; the lists of packages of Debian 8 to 13 and Ubuntu 16.04 to 24.04.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["last_releases_with", "package_name_of", "package_names_of"]

_OTHERWISE: Final = {
    name: package
    for package, names in {
        "freeglut3": "libglut.so.3",
        "libapr1": "libapr-1.so.0",
        "libaprutil1": "libaprutil-1.so.0",
        "libatk-bridge2.0-0": "libatk-bridge-2.0.so.0",
        "libatk1.0-0": "libatk-1.0.so.0",
        "libatlas3-base": "libatlas.so.3 libcblas.so.3 libf77blas.so.3 libptcblas.so.3 libptf77blas.so.3",
        "libatspi2.0-0": "libatspi.so.0",
        "libbrotli1": "libbrotlicommon.so.1 libbrotlidec.so.1 libbrotlienc.so.1",
        "libcurl3-gnutls": "libcurl-gnutls.so.4",
        "libdmtx0b": "libdmtx.so.0",
        "libfftw3-double3": "libfftw3.so.3 libfftw3_threads.so.3 libfftw3_omp.so.3",
        "libfftw3-single3": "libfftw3f.so.3 libfftw3f_threads.so.3 libfftw3f_omp.so.3",
        "libgdiplus": "libgdiplus.so",
        "libgdk-pixbuf-2.0-0": "libgdk_pixbuf-2.0.so.0",
        "libgeos-c1v5": "libgeos_c.so.1",
        "libgl1": "libGL.so.1",
        "libgles2": "libGLESv2.so.2 libGLESv1_CM.so.1",
        "libglib2.0-0": "libgio-2.0.so.0 libglib-2.0.so.0 libgmodule-2.0.so.0 libgobject-2.0.so.0 libgthread-2.0.so.0",
        "libglu1-mesa": "libGLU.so.1",
        "libgoogle-glog0v5": "libglog.so.0",
        "libgoogle-perftools4": "libtcmalloc.so.4 libprofiler.so.0",
        "libgtk-3-0": "libgdk-3.so.0 libgailutil-3.so.0",
        "libgtk2.0-0": "libgtk-x11-2.0.so.0 libgdk-x11-2.0.so.0",
        "libharfbuzz0b": "libharfbuzz.so.0",
        "libimlib2": "libImlib2.so.1",
        "libjack-jackd2-0": "libjack.so.0",
        "libjpeg-turbo8": "libjpeg.so.8",
        "libjpeg62-turbo": "libjpeg.so.62",
        "libldap-2.4-2": "libldap_r-2.4.so.2 liblber-2.4.so.2",
        "libldap-2.5-0": "liblber-2.5.so.0",
        "libleveldb1d": "libleveldb.so.1",
        "libmsgpackc2": "libmsgpackc.so.2",
        "libncurses5": "libform.so.5 libmenu.so.5 libpanel.so.5",
        "libncurses6": "libform.so.6 libmenu.so.6 libpanel.so.6",
        "libncursesw5": "libformw.so.5 libmenuw.so.5 libpanelw.so.5",
        "libncursesw6": "libformw.so.6 libmenuw.so.6 libpanelw.so.6",
        "libnspr4": "libnspr4.so libplc4.so libplds4.so",
        "libnss3": "libnss3.so libnssutil3.so libsmime3.so libssl3.so",
        "libodbc1": "libodbc.so.2",
        "libopenmpi2": "libmpi.so.20 libopen-rte.so.20 libopen-pal.so.20",
        "libopenmpi3": "libmpi.so.40 libmpi_cxx.so.40 libopen-rte.so.40 libopen-pal.so.40",
        "libpam0g": "libpam.so.0 libpam_misc.so.0",
        "libportaudiocpp0": "libportaudiocpp.so.0",
        "libqt4-test": "libQtTest.so.4",
        "libqt4-xml": "libQtXml.so.4",
        "libqt4-network": "libQtNetwork.so.4",
        "libqt5core5a": "libQt5Core.so.5",
        "libqt5gui5": "libQt5XcbQpa.so.5 libQt5EglFSDeviceIntegration.so.5",
        "libsdl1.2debian": "libSDL-1.2.so.0",
        "libsnappy1v5": "libsnappy.so.1",
        "libssl1.0.0": "libcrypto.so.1.0.0",
        "libssl1.0.2": "libcrypto.so.1.0.2",
        "libssl1.1": "libcrypto.so.1.1",
        "libssl3": "libcrypto.so.3",
        "libtcmalloc-minimal4": "libtcmalloc_minimal.so.4",
        "libv4l-0": "libv4l2.so.0 libv4l1.so.0 libv4lconvert.so.0",
        "libxml2": "libxml2.so.2",
        "libxslt1.1": "libxslt.so.1 libexslt.so.0",
        "ocl-icd-libopencl1": "libOpenCL.so.1",
        "zlib1g": "libz.so.1",
    }.items()
    for name in names.split()
}
"""The package of a library that keeps to no rule."""

_PATTERNS: Final = tuple(
    (re.compile(pattern), package)
    for pattern, package in (
        (r"libicu(?:uc|i18n|data|io|tu|le|lx)\.so\.(\d+)", "libicu{}"),
        (r"libgst(?:reamer|base|check|controller|net)-1\.0\.so\.0", "libgstreamer1.0-0"),
        (r"libgst(?:app|video|audio|pbutils|tag|riff|rtp|rtsp|sdp|fft|allocators)-1\.0\.so\.0",
         "libgstreamer-plugins-base1.0-0"),
        (r"libgst(?:gl)-1\.0\.so\.0", "libgstreamer-gl1.0-0"),
        (r"libgst\w+-1\.0\.so\.0", "libgstreamer-plugins-bad1.0-0"),
        (r"libboost_python[\w-]*\.so\.([\d.]+)", "libboost-python{}"),
        (r"libboost_numpy\d+\.so\.([\d.]+)", "libboost-numpy{}"),
        (r"libboost_(?:unit_test_framework|prg_exec_monitor)\.so\.([\d.]+)", "libboost-test{}"),
        (r"libboost_log_setup\.so\.([\d.]+)", "libboost-log{}"),
        (r"libboost_wserialization\.so\.([\d.]+)", "libboost-serialization{}"),
        (r"libboost_math_\w+\.so\.([\d.]+)", "libboost-math{}"),
        (r"libhdf5_serial\.so\.(\d+)", "libhdf5-{}"),
        (r"libruby-(\d\.\d)\.so\.\d\.\d", "libruby{}"),
        (r"lib(tcl|tk)(\d\.\d)\.so", "lib{}{}"),
        (r"libpython(\d\.\d+)m?\.so\.1\.0", "libpython{}"),
        (r"libLLVM-(\d+(?:\.\d)?)\.so(?:\.1)?", "libllvm{}"),
        (r"libclang-(\d+(?:\.\d)?)\.so(?:\.1)?", "libclang1-{}"),
        (r"libpulse-simple\.so\.(0)", "libpulse{}"),
        (r"libssh\.so\.(4)", "libssh-{}"),
        (r"libgeos-(3[\d.]+\d)\.so", "libgeos-{}"),
        (r"lib(glibmm|gtkmm|giomm)-(2\.4)\.so\.1", "lib{}-{}-1v5"),
        (r"libsigc-(2\.0)\.so\.0", "libsigc++-{}-0v5"),
        (r"libwx_(?:baseu\w*)-(3\.[02])\.so\.0", "libwxbase{}-0v5"),
        (r"libwx_gtk3u_\w+-(3\.[02])\.so\.0", "libwxgtk{}-gtk3-0v5"),
    )
)  # fmt: skip
"""Families of libraries that come in one package, or whose names are turned round."""

_LAST_IN: Final = {
    "libssl1.0.0": "Debian 8, Ubuntu 18.04",
    "libssl1.0.2": "Debian 9",
    "libpng12-0": "Debian 8, Ubuntu 16.04",
    "libjasper1": "Debian 8, Ubuntu 16.04",
    "libreadline6": "Debian 8, Ubuntu 16.04",
    "libicu55": "Ubuntu 16.04",
    "libicu57": "Debian 9",
    "libicu60": "Ubuntu 18.04",
    "libicu63": "Debian 10",
    "libgfortran3": "Debian 9, Ubuntu 18.04",
    "libreadline7": "Debian 10, Ubuntu 18.04",
    "libffi6": "Debian 10, Ubuntu 18.04",
    "libqtgui4": "Debian 10, Ubuntu 18.04",
    "libqtcore4": "Debian 10, Ubuntu 18.04",
    "libpython2.7": "Debian 11, Ubuntu 22.04",
    "libpython3.5": "Debian 9, Ubuntu 16.04",
    "libpython3.6": "Ubuntu 18.04",
    "libpython3.7": "Debian 10",
    "libgfortran4": "Ubuntu 20.04",
    "libpython3.8": "Ubuntu 20.04",
    "libicu66": "Ubuntu 20.04",
    "libssl1.1": "Debian 11, Ubuntu 20.04",
    "libffi7": "Debian 11, Ubuntu 20.04",
    "libwebp6": "Debian 11, Ubuntu 20.04",
    "libicu67": "Debian 11",
    "libtinfo5": "Debian 12, Ubuntu 22.04",
    "libncurses5": "Debian 12, Ubuntu 22.04",
    "libncursesw5": "Debian 12, Ubuntu 22.04",
    "libtiff5": "Debian 11, Ubuntu 22.04",
    "libtbb2": "Debian 11, Ubuntu 22.04",
    "libavcodec58": "Debian 11, Ubuntu 22.04",
    "libicu70": "Ubuntu 22.04",
    "libicu72": "Debian 12",
    "libpcre3": "Debian 12, Ubuntu 22.04",
    "libwebkit2gtk-4.0-37": "Debian 12, Ubuntu 22.04",
    "libatlas3-base": "Debian 12, Ubuntu 24.04",
}
"""The last releases of Debian and Ubuntu with a package that programs from elsewhere still want."""

_IS_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_SONAME: Final = re.compile(r"(.+?)\.so\.([^/]+)$|(.+?)-([0-9][^/]*)\.so$")


_OF_UBUNTU: Final = {"libjpeg.so.62": "libjpeg62"}
"""Libraries whose package Ubuntu calls otherwise than Debian."""


def package_names_of(soname: str, *, on_ubuntu: bool = False) -> tuple[str, ...]:
    """What the package of a library may be called, the likeliest first; empty for a name that is none.

    ``on_ubuntu``: where Ubuntu has it from other sources than Debian.

    >>> package_names_of("libicui18n.so.66"), package_names_of("libGL.so.1")
    (('libicu66', 'libicui18n66'), ('libgl1',))
    """
    patterns = ((pattern.fullmatch(soname), package) for pattern, package in _PATTERNS)
    of_family = (package.format(*found.groups()) for found, package in patterns if found is not None)
    names = (
        _OF_UBUNTU.get(soname) if on_ubuntu else None,
        _OTHERWISE.get(soname),
        next(of_family, None),
        package_name_of(soname),
    )
    return tuple(dict.fromkeys(filter(None, names)))


def last_releases_with(package: str) -> str:
    """The last releases of Debian and Ubuntu that have a package; empty where that is not known to have ended."""
    return _LAST_IN.get(package, "")


def package_name_of(soname: str) -> str | None:
    """The package name Debian Policy 8.1 prescribes for a SONAME, None for a name that is none.

    >>> package_name_of("libz3.so.4"), package_name_of("libfoo.so.1.2")
    ('libz3-4', 'libfoo1.2')
    """
    match = _SONAME.match(soname)
    if match is None:
        return None
    stem, version = (match[1], match[2]) if match[1] else (match[3], match[4])
    joint = "-" if stem[-1].isdigit() else ""
    name = f"{stem}{joint}{version}".lower().replace("_", "-")
    return name if _IS_PACKAGE.fullmatch(name) else None
