#!/usr/bin/env python3
"""Writes src/syscall/table.rs from the kernel headers installed here.

    python3 tools/syscalls.py > src/syscall/table.rs      regenerate
    python3 tools/syscalls.py --check                     exit 1 if the file would change

Headers older than a call do not have it, so NEWER lists what 6.2 to 6.18 added, from scripts/syscall.tbl and
arch/x86/entry/syscalls/syscall_64.tbl of those kernels. Where the headers do know such a call they must agree.
Needs `cc` and the headers of an x86_64 machine (Debian: linux-libc-dev).
"""

import pathlib
import re
import subprocess
import sys

# What asm/unistd.h of each generic architecture asks of asm-generic/unistd.h, and the calls it adds itself.
COMMON_WANTS = ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "SYS_CLONE3", "MEMFD_SECRET"]
ARCHES = [
    ("x86_64", "asm/unistd_64.h", [], {"uretprobe": 335, "uprobe": 336}),
    ("aarch64", "asm-generic/unistd.h", COMMON_WANTS, {}),
    ("riscv64", "asm-generic/unistd.h", [w for w in COMMON_WANTS if w != "RENAMEAT"],
     {"riscv_hwprobe": 258, "riscv_flush_icache": 259}),
]

# Since 5.1 a new call has one number on every architecture.
NEWER = {
    "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
    "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
    "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
    "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
}
LAST = max(NEWER.values())
NOT_A_CALL = {"syscalls", "arch_specific_syscall"}

HEADER = '''//! Syscall names and their numbers on `x86_64`, aarch64 and riscv64.
//!
//! Written by `tools/syscalls.py`, not by hand. Sorted by name: looked up by binary search.

/// In place of a number: this architecture has no such call.
pub(super) const ABSENT: u16 = u16::MAX;

/// Name, then the numbers in the order of [`Arch::ALL`](crate::Arch::ALL).
pub(super) const TABLE: &[(&str, [u16; 3])] = &['''


def from_headers(header, wants):
    """The calls a header defines, `#define A B` chains resolved."""
    flags = [f"-D__ARCH_WANT_{want}" for want in wants]
    source = f"#include <{header}>\n"
    text = subprocess.run(["cc", "-E", "-dM", *flags, "-"], input=source, capture_output=True, text=True, check=True)
    defines = dict(re.findall(r"^#define (__NR\w+) (\S+)$", text.stdout, re.M))
    calls = {}
    for name, value in defines.items():
        if not name.startswith("__NR_"):
            continue
        while value in defines:
            value = defines[value]
        if value.isdigit() and name[5:] not in NOT_A_CALL and int(value) <= LAST:
            calls[name[5:]] = int(value)
    return calls


def calls_of(header, wants, own):
    calls = from_headers(header, wants)
    for name, number in {**NEWER, **own}.items():
        if calls.setdefault(name, number) != number:
            sys.exit(f"{header} has {name} as {calls[name]}, not {number}")
    if len(set(calls.values())) != len(calls):
        sys.exit(f"{header}: two calls with one number")
    return calls


def generate():
    tables = [calls_of(*arch[1:]) for arch in ARCHES]
    lines = [HEADER]
    for name in sorted(set().union(*tables)):
        numbers = ", ".join(str(table.get(name, "ABSENT")) for table in tables)
        lines.append(f'    ("{name}", [{numbers}]),')
    return "\n".join(lines) + "\n];\n"


def main():
    text = generate()
    if sys.argv[1:] == ["--check"]:
        kept = pathlib.Path(__file__).parent.parent / "src/syscall/table.rs"
        if kept.read_text() != text:
            sys.exit(f"{kept} is not what {__file__} writes")
    else:
        sys.stdout.write(text)


main()
