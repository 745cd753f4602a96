"""Ids that rules had before they were named after the weakness: still taken wherever a rule is named."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["current_id"]

_CURRENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "address-resolved-by-name": "untrusted-function-address",
        "archive-confined": "zip-slip",
        "branches-equally-safe": "uneven-platform-branches",
        "buffer-fits": "foreign-buffer-overflow",
        "buffer-kept": "dangling-buffer",
        "build-directory-left-out": "embedded-build-path",
        "bytes-consistent": "malformed-image",
        "c-library-not-shadowed": "libc-interposition",
        "call-as-declared": "calling-convention-mismatch",
        "callbacks-kept": "collected-callback",
        "can-be-unloaded": "not-unloadable",
        "checked-file-loaded": "toctou-load",
        "closed-then-forgotten": "use-after-close",
        "compatibility-tested": "compatibility-checks",
        "count-guarded": "refcount-race",
        "debug-information-apart": "embedded-debug-information",
        "descriptor-still-open": "use-after-close-descriptor",
        "digest-compared-whole": "weak-digest-comparison",
        "download-verified": "unverified-download",
        "error-text-reported": "unread-dlerror",
        "exports-versioned": "unversioned-exports",
        "failure-acted-on": "ignored-failure",
        "failure-noticed": "failure-checks",
        "failure-test-correct": "wrong-failure-test",
        "file-guarded": "writable-library-file",
        "file-offset-compared": "unchecked-file-offset",
        "foreign-functions-typed": "undeclared-foreign-function",
        "foreign-memory-returned": "mismatched-free",
        "foreign-result-tested": "unchecked-foreign-result",
        "function-followed-to-its-end": "analysis-incomplete",
        "handler-does-little": "unsafe-signal-handler",
        "high-entropy-placement": "high-entropy-va",
        "imports-from-system-only": "dll-planting",
        "interface-current": "obsolete-api",
        "interface-declared": "declared-interface",
        "interpreter-guarded": "insecure-interpreter",
        "library-closed-once": "double-close",
        "library-identity-complete": "partial-library-identity",
        "library-not-writable": "world-writable-library",
        "library-released": "library-leak",
        "links-not-followed": "symlink-following",
        "load-failure-acted-on": "swallowed-load-failure",
        "load-path-fixed": "untrusted-load-path",
        "load-result-checked": "unchecked-dlopen",
        "loader-environment-fixed": "untrusted-loader-environment",
        "lock-discipline": "lock-misuse",
        "needed-names-searchable": "relative-needed-path",
        "no-auditor-or-filter": "auditor-or-filter",
        "no-load-under-loader-lock": "load-under-loader-lock",
        "no-text-relocations": "text-relocations",
        "no-unsafe-imports": "unsafe-c-functions",
        "no-writable-code": "rwx-segment",
        "non-executable-stack": "executable-stack",
        "nothing-runs-at-load": "load-time-code",
        "once-without-race": "double-checked-locking",
        "optional-libraries-guarded": "missing-library-planting",
        "owner-not-copied": "copyable-handle-owner",
        "parameters-checked": "unvalidated-parameter",
        "platforms-covered": "missing-platform-branch",
        "pointer-keeps-width": "pointer-truncation",
        "privileges-dropped-first": "load-before-privilege-drop",
        "release-owned": "invalid-release",
        "resolved-symbol-tested": "unchecked-dlsym",
        "run-time-for-shipping": "debug-runtime",
        "runpath-preferred": "rpath-not-runpath",
        "safe-exception-handlers": "safeseh",
        "search-path-fixed": "dll-search-path",
        "search-path-guarded": "insecure-runpath",
        "sections-guarded": "synchronisation",
        "shared-state-locked": "data-race",
        "signature-result-used": "unused-signature-result",
        "state-decided-under-lock": "check-then-act-race",
        "state-file-local": "internal-linkage",
        "state-tested": "lifecycle-guards",
        "symbol-fixed": "untrusted-symbol-name",
        "symbol-holds-library": "symbol-outlives-library",
        "symbol-one-type": "symbol-type-confusion",
        "symbol-test-narrow": "broad-except-around-lookup",
        "symbol-within-lifetime": "use-after-unload",
        "symbols-bound-at-load": "rtld-lazy",
        "symbols-kept-local": "rtld-global",
        "table-bounded": "fixed-buffer-overflow",
        "taken-given-back": "foreign-resource-leak",
        "temporary-file-private": "load-from-shared-tmp",
        "threads-end-first": "thread-outlives-library",
        "tool-called-safely": "command-injection",
        "verification-decides": "ignored-verification",
    }
)


def current_id(word: str) -> str:
    """The id of today for one of before; any other word as it is. Letter case does not count.

    >>> current_id("library-closed-once")
    'double-close'
    """
    return _CURRENT.get(word.casefold(), word.casefold())
