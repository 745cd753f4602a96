"""The CWE entries Loadstone claims, with MITRE's names. Source: https://cwe.mitre.org/data/definitions/N.html."""

from __future__ import annotations

from loadstone.quick_dataclass import dataclass

__all__ = ["WEAKNESSES", "Weakness", "weakness"]


@dataclass(frozen=True, slots=True)
class Weakness:
    """One entry of the Common Weakness Enumeration."""

    number: int
    name: str

    @property
    def id(self) -> str:
        return f"CWE-{self.number}"

    @property
    def link(self) -> str:
        return f"https://cwe.mitre.org/data/definitions/{self.number}.html"


_NAMES = {
    15: "External Control of System or Configuration Setting",
    20: "Improper Input Validation",
    22: "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
    59: "Improper Link Resolution Before File Access ('Link Following')",
    61: "UNIX Symbolic Link (Symlink) Following",
    73: "External Control of File Name or Path",
    78: "Improper Neutralization of Special Elements used in an OS Command ('OS Command Injection')",
    88: "Improper Neutralization of Argument Delimiters in a Command ('Argument Injection')",
    89: "Improper Neutralization of Special Elements used in an SQL Command ('SQL Injection')",
    94: "Improper Control of Generation of Code ('Code Injection')",
    95: "Improper Neutralization of Directives in Dynamically Evaluated Code ('Eval Injection')",
    114: "Process Control",
    119: "Improper Restriction of Operations within the Bounds of a Memory Buffer",
    120: "Buffer Copy without Checking Size of Input ('Classic Buffer Overflow')",
    121: "Stack-based Buffer Overflow",
    122: "Heap-based Buffer Overflow",
    125: "Out-of-bounds Read",
    131: "Incorrect Calculation of Buffer Size",
    134: "Use of Externally-Controlled Format String",
    158: "Improper Neutralization of Null Byte or NUL Character",
    170: "Improper Null Termination",
    190: "Integer Overflow or Wraparound",
    197: "Numeric Truncation Error",
    208: "Observable Timing Discrepancy",
    209: "Generation of Error Message Containing Sensitive Information",
    215: "Insertion of Sensitive Information Into Debugging Code",
    242: "Use of Inherently Dangerous Function",
    243: "Creation of chroot Jail Without Changing Working Directory",
    248: "Uncaught Exception",
    250: "Execution with Unnecessary Privileges",
    252: "Unchecked Return Value",
    253: "Incorrect Check of Function Return Value",
    269: "Improper Privilege Management",
    271: "Privilege Dropping / Lowering Errors",
    272: "Least Privilege Violation",
    273: "Improper Check for Dropped Privileges",
    276: "Incorrect Default Permissions",
    295: "Improper Certificate Validation",
    328: "Use of Weak Hash",
    345: "Insufficient Verification of Data Authenticity",
    347: "Improper Verification of Cryptographic Signature",
    353: "Missing Support for Integrity Check",
    362: "Concurrent Execution using Shared Resource with Improper Synchronization ('Race Condition')",
    364: "Signal Handler Race Condition",
    366: "Race Condition within a Thread",
    367: "Time-of-check Time-of-use (TOCTOU) Race Condition",
    377: "Insecure Temporary File",
    379: "Creation of Temporary File in Directory with Insecure Permissions",
    390: "Detection of Error Condition Without Action",
    391: "Unchecked Error Condition",
    395: "Use of NullPointerException Catch to Detect NULL Pointer Dereference",
    400: "Uncontrolled Resource Consumption",
    401: "Missing Release of Memory after Effective Lifetime",
    404: "Improper Resource Shutdown or Release",
    415: "Double Free",
    416: "Use After Free",
    426: "Untrusted Search Path",
    427: "Uncontrolled Search Path Element",
    428: "Unquoted Search Path or Element",
    439: "Behavioral Change in New Version or Environment",
    457: "Use of Uninitialized Variable",
    459: "Incomplete Cleanup",
    460: "Improper Cleanup on Thrown Exception",
    468: "Incorrect Pointer Scaling",
    470: "Use of Externally-Controlled Input to Select Classes or Code ('Unsafe Reflection')",
    476: "NULL Pointer Dereference",
    477: "Use of Obsolete Function",
    479: "Signal Handler Use of a Non-reentrant Function",
    480: "Use of Incorrect Operator",
    481: "Assigning instead of Comparing",
    482: "Comparing instead of Assigning",
    483: "Incorrect Block Delimitation",
    489: "Active Debug Code",
    494: "Download of Code Without Integrity Check",
    502: "Deserialization of Untrusted Data",
    506: "Embedded Malicious Code",
    532: "Insertion of Sensitive Information into Log File",
    561: "Dead Code",
    562: "Return of Stack Variable Address",
    567: "Unsynchronized Access to Shared Data in a Multithreaded Context",
    570: "Expression is Always False",
    571: "Expression is Always True",
    587: "Assignment of a Fixed Address to a Pointer",
    590: "Free of Memory not on the Heap",
    597: "Use of Wrong Operator in String Comparison",
    609: "Double-Checked Locking",
    611: "Improper Restriction of XML External Entity Reference",
    628: "Function Call with Incorrectly Specified Arguments",
    636: "Not Failing Securely ('Failing Open')",
    662: "Improper Synchronization",
    667: "Improper Locking",
    672: "Operation on a Resource after Expiration or Release",
    674: "Uncontrolled Recursion",
    675: "Multiple Operations on Resource in Single-Operation Context",
    676: "Use of Potentially Dangerous Function",
    686: "Function Call With Incorrect Argument Type",
    690: "Unchecked Return Value to NULL Pointer Dereference",
    693: "Protection Mechanism Failure",
    704: "Incorrect Type Conversion or Cast",
    706: "Use of Incorrectly-Resolved Name or Reference",
    732: "Incorrect Permission Assignment for Critical Resource",
    754: "Improper Check for Unusual or Exceptional Conditions",
    755: "Improper Handling of Exceptional Conditions",
    758: "Reliance on Undefined, Unspecified, or Implementation-Defined Behavior",
    761: "Free of Pointer not at Start of Buffer",
    762: "Mismatched Memory Management Routines",
    763: "Release of Invalid Pointer or Reference",
    764: "Multiple Locks of a Critical Resource",
    765: "Multiple Unlocks of a Critical Resource",
    772: "Missing Release of Resource after Effective Lifetime",
    775: "Missing Release of File Descriptor or Handle after Effective Lifetime",
    783: "Operator Precedence Logic Error",
    787: "Out-of-bounds Write",
    789: "Memory Allocation with Excessive Size Value",
    822: "Untrusted Pointer Dereference",
    829: "Inclusion of Functionality from Untrusted Control Sphere",
    830: "Inclusion of Web Functionality from an Untrusted Source",
    832: "Unlock of a Resource that is not Locked",
    833: "Deadlock",
    835: "Loop with Unreachable Exit Condition ('Infinite Loop')",
    843: "Access of Resource Using Incompatible Type ('Type Confusion')",
    910: "Use of Expired File Descriptor",
    911: "Improper Update of Reference Count",
    912: "Hidden Functionality",
    915: "Improperly Controlled Modification of Dynamically-Determined Object Attributes",
    1104: "Use of Unmaintained Third Party Components",
    1188: "Initialization of a Resource with an Insecure Default",
    1341: "Multiple Releases of Same Resource or Handle",
    1395: "Dependency on Vulnerable Third-Party Component",
}

WEAKNESSES: tuple[Weakness, ...] = tuple(Weakness(number, name) for number, name in sorted(_NAMES.items()))


def weakness(number: int) -> Weakness:
    """The entry with that CWE number; ``KeyError`` for one Loadstone makes no claim about.

    >>> weakness(426).name
    'Untrusted Search Path'
    """
    return Weakness(number, _NAMES[number])
