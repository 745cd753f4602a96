"""Which DLLs a Windows system has by itself. Base names, lower case, without the extension.

Sources: the KnownDLLs registry value of Windows 10 and 11, and the import libraries of the Windows SDK: what an
application may link to without shipping it. The Visual C++ run-time (vcruntime140 and kin) is not among them.
"""

from __future__ import annotations

import ntpath
from typing import Final

# ruff: noqa: SIM905 - a block of words reads better than a column of quotes
__all__ = ["API_SETS_OF_WINDOWS_7", "DEBUG_RUNTIME", "KNOWN_DLLS", "SYSTEM_DLLS", "VC_RUNTIME", "VC_YEARS", "folder_of"]

KNOWN_DLLS: Final = frozenset(
    (
        "advapi32 bcryptprimitives cfgmgr32 clbcatq combase comctl32 comdlg32 coml2 difxapi gdi32 gdi32full gdiplus"
        " imagehlp imm32 kernel.appcore kernel32 kernelbase msctf msvcp_win msvcrt normaliz nsi ntdll ole32 oleaut32"
        " profapi psapi rpcrt4 sechost setupapi shcore shell32 shlwapi ucrtbase user32 win32u wintrust wldap32"
        " wow64 wow64base wow64cpu wow64win ws2_32"
    ).split()
)
"""Taken from System32 by name alone, whatever directory comes first."""

SYSTEM_DLLS: Final = KNOWN_DLLS | frozenset(
    (
        "aclui activeds adsldpc amsi apphelp authz avicap32 avifil32 avrt bcrypt bluetoothapis bthprops.cpl cabinet"
        " certcli comsvcs credui crypt32 cryptdll cryptnet cryptsp cryptui d2d1 d3d10 d3d10_1 d3d11 d3d12 d3d9"
        " d3dcompiler_47 davclnt dbgeng dbghelp dcomp ddraw devobj dhcpcsvc dinput8 dnsapi drvstore dsound dwmapi"
        " dwrite dxgi dxva2 esent evr fltlib fwpuclnt glu32 gpedit hid hlink httpapi icmp icu icuin icuuc inetcomm"
        " iphlpapi ksuser ktmw32 loadperf logoncli lz32 mapi32 mf mfplat mfreadwrite mfplay mi mlang mpr mprapi"
        " mscoree mscms msdelta msdrm msfeeds msi msimg32 mssign32 mstask msvfw32 mswsock mtxdm ncrypt ndfapi netapi32"
        " netutils newdev ninput normaliz ntdsapi ntlanman odbc32 odbccp32 oleacc oledlg opengl32 pdh powrprof prntvpt"
        " propsys quartz query qwave rasapi32 rasdlg resutils rpcns4 rstrtmgr rtm rtutils samcli schannel secur32"
        " sensapi sfc slc slwga snmpapi srpapi sti sspicli tapi32 tbs tdh traffic txfw32 uiautomationcore urlmon"
        " userenv usp10 uxtheme version virtdisk vssapi wdsclientapi webservices websocket wer wevtapi wiaservc"
        " wimgapi windowscodecs winhttp wininet winmm winscard winspool.drv winsta wintypes wkscli wlanapi wlanui"
        " wlsrvc wmvcore wnvapi wofutil wsock32 wscapi wsdapi wsmsvc wsnmp32 wtsapi32 xaudio2_9 xinput1_4 xinput9_1_0"
        " xmllite xolehlp xpsprint"
    ).split()
)

API_SETS_OF_WINDOWS_7: Final = frozenset(
    f"api-ms-win-{name}-l1-1-0"
    for name in (
        "core-console core-datetime core-debug core-delayload core-errorhandling core-fibers core-file core-handle"
        " core-heap core-interlocked core-io core-libraryloader core-localization core-localregistry core-memory"
        " core-misc core-namedpipe core-processenvironment core-processthreads core-profile core-rtlsupport core-string"
        " core-synch core-sysinfo core-threadpool core-ums core-util core-xstate security-base security-lsalookup"
        " security-sddl service-core service-management service-winsvc"
    ).split()
)
"""The contracts that Windows 7 maps; newer systems have hundreds."""

VC_RUNTIME: Final = frozenset(
    (
        "vcruntime140 vcruntime140_1 vcruntime140_threads msvcp140 msvcp140_1 msvcp140_2 msvcp140_atomic_wait"
        " msvcp140_codecvt_ids concrt140 vcomp140 vccorlib140 mfc140 mfc140u msvcr120 msvcp120 msvcr110 msvcp110"
        " msvcr100 msvcp100 msvcr90 msvcp90"
    ).split()
)
"""Installed by the Visual C++ redistributable, or shipped beside the program."""

VC_YEARS: Final = {"120": "of 2013", "110": "of 2012", "100": "of 2010", "90": "of 2008"}

DEBUG_RUNTIME: Final = frozenset(
    "ucrtbased vcruntime140d vcruntime140_1d msvcp140d msvcp140_1d concrt140d vcomp140d mfc140d mfc140ud"
    " msvcr120d msvcp120d msvcr110d msvcr100d".split()
)
"""Only on machines with a compiler; never to be shipped."""


def folder_of(element: str) -> str:
    r"""An element of PATH as a root of Windows has it: without the drive, and with slashes.

    >>> folder_of(r'C:\CUDA\v12.1\bin')
    '/CUDA/v12.1/bin'
    """
    drive, path = ntpath.splitdrive(element.strip('"'))
    return path.replace("\\", "/").rstrip("/") or drive
