"""Libraries to which no distribution's rule for names leads, and what brings them: a driver, a wheel, a vendor's kit.

Sources: the names of NVIDIA's wheels and of the folders in them (their RECORD files); NVIDIA Container Toolkit's and
Intel oneAPI's installation guides, Microsoft's pages on the Media Feature Pack and on the redistributables.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from loadstone.linker.diagnoses.environments import pip_of, reinstall_both, site_of
from loadstone.linker.request import LoaderModel

__all__ = ["brought_by", "is_of_a_driver"]

_DRIVER: Final = re.compile(r"lib(?:cuda|nvcuvid|nvidia-[\w-]+)\.so\.1|nvcuda\.dll|nvml\.dll")
_ROWS: Final = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (
            _DRIVER,
            (
                "it is part of NVIDIA's driver: install that on the host; a container gets it from there: docker run"
                " --gpus all"
            ),
        ),
        (r"libmkl_\w+\.so\.1", "{pip} install 'mkl<2021'"),
        (r"libmkl_\w+\.so\.\d+|mkl_\w+\.\d+\.dll", "{pip} install mkl"),
        (r"libiomp5\.so|libiomp5md\.dll", "{pip} install intel-openmp"),
        (r"lib(?:svml|imf|irng|intlc)\.so(?:\.5)?|libmmd\.dll|svml_dispmd\.dll", "{pip} install intel-cmplr-lib-rt"),
        (r"libif(?:core|coremt|port|portmt)\.so\.5|libif(?:core|port)m[dt]\.dll", "{pip} install intel-fortran-rt"),
        (r"libsycl\.so\.\d+|sycl\d+\.dll", "{pip} install intel-sycl-rt"),
        (r"libtbb(?:malloc|bind)?\.so\.12|tbb(?:malloc)?12\.dll", "{pip} install tbb"),
        (r"tbb(?:malloc)?\.dll", "{pip} install 'tbb<2021'"),
        (r"libze_loader\.so\.1|ze_loader\.dll", "install Intel's driver of Level Zero (Debian: libze1; oneAPI)"),
        (
            r"libnvinfer(?:_\w+)?\.so\.(\d+)|nvinfer(?:_\w+)?_(\d+)\.dll",
            "{pip} install 'tensorrt=={number}.*', and LD_LIBRARY_PATH=its tensorrt_libs (on Windows: PATH)",
        ),
        (
            r"libmpi(?:cxx|fort)?\.so\.12",
            "it is of MPICH or Intel MPI, not of Open MPI: load the module of one, or {pip} install mpich",
        ),
        (
            r"lib(?:torch(?:_\w+)?|c10(?:_\w+)?|caffe2(?:_\w+)?|shm)\.so",
            (
                "it is of PyTorch: {pip} install torch, and import torch first; for a program: unpack its libtorch, and"
                " LD_LIBRARY_PATH=the lib in there"
            ),
        ),
        (r"libtensorflow_framework\.so\.(\d+)", "{pip} install 'tensorflow=={number}.*', and import tensorflow first"),
        (
            r"lib(?:arrow|arrow_python|parquet)\.so\.(\d+)00",
            "{pip} install 'pyarrow=={number}.*', and import pyarrow first",
        ),
        (
            r"libdb2\.so\.1|db2cli64\.dll",
            "{pip} install ibm_db, and LD_LIBRARY_PATH=its clidriver/lib (on Windows: PATH)",
        ),
        (
            r"lib(?:amdhip64|hsa-runtime64|hipblas|rocblas|MIOpen|rccl)\.so\.\d+",
            "it is of AMD's ROCm: install that release of it, and LD_LIBRARY_PATH=/opt/rocm/lib",
        ),
        (
            r"zlibwapi\.dll",
            "cuDNN 8 needs it: put the zlibwapi.dll that NVIDIA's page of cuDNN names into a folder of PATH",
        ),
        (
            r"opencl\.dll",
            "install the driver of the graphics card, or a run-time of OpenCL for the processor (Intel's, PoCL)",
        ),
        (
            r"lib(?:awt_xawt|jawt|splashscreen)\.so",
            (
                "a Java without screens (headless) lacks it: install the whole one (Debian: openjdk-N-jre, Red Hat:"
                " java-N-openjdk, without -headless)"
            ),
        ),
        (r"libjvm\.so|jvm\.dll", "install a JDK, and LD_LIBRARY_PATH=$JAVA_HOME/lib/server (on Windows: PATH)"),
        (
            r"libclntsh\.so[.\d]*|oci\.dll",
            "install Oracle Instant Client, and LD_LIBRARY_PATH=its folder (on Windows: PATH)",
        ),
        (
            r"mf(?:plat|readwrite|play)?\.dll|evr\.dll",
            (
                "it is part of Windows' media features: on an N edition install the Media Feature Pack, on a server:"
                " Install-WindowsFeature Server-Media-Foundation"
            ),
        ),
        (
            r"d3dx(?:9|10|11)_\d+\.dll|d3dcompiler_(?!47)\d+\.dll|xinput1_[123]\.dll|xaudio2_[0-7]\.dll|x3daudio1_\d\.dll",
            "install the DirectX End-User Runtimes (June 2010)",
        ),
        (
            r"d3dx(?:9|10|11)d_\d+\.dll",
            "build the release configuration: the debug libraries of DirectX are in its SDK of June 2010 alone",
        ),
        (
            r"lib(?:gcc_s_\w+|stdc\+\+|winpthread|gomp|gfortran|quadmath)-\d+\.dll",
            "copy it from the bin folder of the MinGW that built what needs it, beside that; or link with -static",
        ),
        (
            r"api-ms-win-crt-[\w-]+\.dll|ucrtbase\.dll",
            (
                "install the Universal C Runtime, which Windows has by itself since version 10: update KB2999226, or"
                " the Visual C++ redistributable of 2015 to 2019"
            ),
        ),
        (r"wpcap\.dll|packet\.dll", "install Npcap, in the mode that is compatible with WinPcap"),
        (r"openal32\.dll", "install OpenAL (oalinst.exe), or put OpenAL Soft beside what needs it"),
        (r"qt[56]\w+\.dll", "windeployqt PROGRAM puts Qt beside it; to develop, add the bin folder of that Qt to PATH"),
        (r"libomp\.dylib", "brew install libomp"),
    )
)
"""The whole name, and what brings it; ``{pip}`` stands for the pip of the interpreter that opens the asker."""

_WHEELS: Final = {
    "cudart": "cuda_runtime",
    "cublas": "cublas",
    "cublaslt": "cublas",
    "nvblas": "cublas",
    "cufft": "cufft",
    "curand": "curand",
    "cusolver": "cusolver",
    "cusparse": "cusparse",
    "cusparselt": "cusparselt",
    "nvrtc": "cuda_nvrtc",
    "cudnn": "cudnn",
    "nccl": "nccl",
    "nvjitlink": "nvjitlink",
    "cupti": "cuda_cupti",
    "nvtoolsext": "nvtx",
}
"""The folder below ``nvidia`` that a wheel of NVIDIA's has each library in; its own name has a dash for each ``_``."""
_CUDA: Final = re.compile(r"lib([A-Za-z]+?)(?:_[a-z_]+)?\.so\.(\d+)[.\d]*|([a-z]+?)(?:_[a-z_]+)?64_(\d+)[_\d]*\.dll")
_OF_THE_TOOLKIT: Final = frozenset(
    ("cudart", "cublas", "cublaslt", "nvblas", "cusparse", "nvrtc", "nvjitlink", "cupti")
)
"""Libraries whose number is that of the toolkit; that of cufft is one behind, and others have kept theirs."""
_OF_CUSOLVER: Final = {10: 10, 11: 12, 12: 13}
"""Source: the lists of files in NVIDIA's packages: CUDA 11.0 had 10 still, 11.1 to 12 have 11."""
_IN_ANY_RELEASE: Final = re.compile(r"\{pip\} install ([a-z][a-z0-9-]*)\b")
_USUAL, _WITHOUT_SUFFIX = 12, 13
_OLDEST = 11
_FIRST_CUDNN_WHEEL = 8


def brought_by(model: LoaderModel, name: str, asking: str) -> str:
    """What brings a library of a vendor's, as a command where there is one; empty for all other names.

    Args:
        model: the process that wants it.
        name: the file name that is needed.
        asking: the path of the file that needs it; empty for a library that is asked for by its name.
    """
    wheel = _nvidia_wheel(model, name, asking)
    if wheel:
        return wheel
    spelled = name.casefold() if name.casefold().endswith(".dll") else name
    matches = ((pattern.fullmatch(spelled), advice) for pattern, advice in _ROWS)
    found, advice = next(((match, advice) for match, advice in matches if match is not None), (None, ""))
    if found is None or "{" not in advice:
        return advice
    other = _of_another_release(model, advice, asking)
    if other:
        return other
    return advice.format(pip=pip_of(model, asking), number=next(filter(None, found.groups()), ""))


def _of_another_release(model: LoaderModel, advice: str, asking: str) -> str:
    """What to do where the package that would bring a library is there without it; empty where it is not there.

    Only of packages that are asked for in any release: a number in the command tells which one is wanted.
    """
    named = _IN_ANY_RELEASE.search(advice)
    site = site_of(model, model.absolute(asking)) if asking and named is not None else ""
    there = f"{site}/{named[1]}" if site and named is not None else ""
    if not there or not model.view.exists(f"{there}/__init__.py") or model.absolute(asking).startswith(f"{there}/"):
        return ""
    return reinstall_both(model, asking, f"{there}/__init__.py")


def is_of_a_driver(name: str) -> bool:
    """Whether a library belongs to a driver: it fits the kernel's part of it, and must never be copied along."""
    return _DRIVER.fullmatch(name) is not None


def _nvidia_wheel(model: LoaderModel, name: str, asking: str) -> str:
    """The wheel of NVIDIA's that has a library of the CUDA toolkit, and the way to where it puts it."""
    found = _CUDA.fullmatch(name)
    stem = ((found[1] or found[3]) if found else "").casefold()
    folder = _WHEELS.get(stem)
    if found is None or folder is None:
        return ""
    toolkit = _toolkit(stem, int((found[2] or found[4])[:2]))
    if toolkit < _OLDEST:
        release = "10 or 11.0" if stem == "cusolver" else f"{toolkit}"  # whose number came later than the toolkit's
        return f"install CUDA {release}, of whose libraries there are no wheels, and LD_LIBRARY_PATH=its lib64"
    if stem == "cudnn" and int(found[2] or found[4]) < _FIRST_CUDNN_WHEEL:
        number = found[2] or found[4]
        return (
            f"there is no wheel of cuDNN {number}: conda install cudnn={number}, or NVIDIA's archive of cuDNN, and"
            " LD_LIBRARY_PATH=its lib (on Windows: PATH)"
        )
    suffix = f"-cu{toolkit}" if toolkit < _WITHOUT_SUFFIX or folder in ("cudnn", "nccl") else ""
    place = folder if suffix else f"cu{toolkit}"
    site = site_of(model, model.absolute(asking)) if asking else ""
    wheel = f"nvidia-{folder.replace('_', '-')}{suffix}"
    if stem == "cudnn":  # the one whose versions of one toolkit differ in their libraries' names
        wheel = f"'{wheel}=={found[2] or found[4]}.*'"
    install = f"{pip_of(model, asking)} install {wheel}"
    if name.endswith(".dll"):
        return f"{install}, and os.add_dll_directory() with its nvidia/{place}/bin before"
    there = shlex.quote(f"{site or 'SITE-PACKAGES'}/nvidia/{place}/lib")
    return f"{install} && export LD_LIBRARY_PATH={there}"


def _toolkit(stem: str, number: int) -> int:
    """The major version of the CUDA toolkit that has a library of this number."""
    if stem in _OF_THE_TOOLKIT:
        return number
    if stem == "cusolver":
        return _OF_CUSOLVER.get(number, _USUAL)
    return number + 1 if stem == "cufft" else _USUAL
