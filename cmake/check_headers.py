#!/usr/bin/env python3
"""Fails when a header cannot be included alone. Usage: check_headers.py INCLUDE_FOLDER COMPILER [OPTIONS…]

Every header of INCLUDE_FOLDER is compiled by itself, without code being made; not impl/x.hpp, which x.hpp includes, and
not the parts of kernels/cpu.hpp."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys


def problem_of(compiler, header):
    """The first lines of what the compiler says; "" where it takes the header."""
    source = f"#include <{header.as_posix()}>\n"
    result = subprocess.run([*compiler, "-fsyntax-only", "-x", "c++", "-"], input=source, capture_output=True, text=True)
    lines = (result.stderr or "the compiler failed").splitlines()
    return "" if result.returncode == 0 else f"{header}: cannot be included alone\n  " + "\n  ".join(lines[:5])


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    headers = [path.relative_to(root) for path in sorted(root.rglob("*.hpp"))]
    headers = [h for h in headers if "impl" not in h.parts and "kernels/cpu/" not in h.as_posix()]
    if not headers:
        sys.exit(f"{root}: holds no headers")
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        problems = [found for found in pool.map(lambda h: problem_of(compiler, h), headers) if found]
    if problems:
        sys.exit("\n".join(problems))
    print(f"each of {len(headers)} headers can be included alone")


main()
