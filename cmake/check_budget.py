#!/usr/bin/env python3
"""Fails when a file costs more to compile than it may. Usage: check_budget.py SECONDS MEGABYTES SOURCE COMPILER [OPTIONS…]

SECONDS are of CPU time, user and system, on a machine that compiles tests/budget/yardstick.cpp in 5.5 s with GCC 12 (two
cores of an AMD Zen 3 server, when nothing else runs). That file is compiled beside SOURCE, and a slower or busier machine
gets as much more time as it takes more for it. The best of three runs counts. Memory is the largest resident set of the
compiler."""
import os
import pathlib
import subprocess
import sys
import tempfile

YARDSTICK_SECONDS = 5.5


def compile_once(command):
    """CPU seconds and largest resident megabytes of one run."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"does not compile: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    seconds_allowed, megabytes_allowed = float(sys.argv[1]), float(sys.argv[2])
    source, compiler = sys.argv[3], sys.argv[4:]
    with tempfile.TemporaryDirectory() as folder:
        yardstick = pathlib.Path(source).with_name("yardstick.cpp")
        best = None
        for _ in range(3):
            unit, _ = compile_once([*compiler, "-c", str(yardstick), "-o", f"{folder}/yardstick.o"])
            seconds, megabytes = compile_once([*compiler, "-c", source, "-o", f"{folder}/object.o"])
            scaled = seconds * YARDSTICK_SECONDS / unit
            print(f"{pathlib.Path(source).name}: {seconds:.1f} s CPU ({scaled:.1f} s scaled; the yardstick {unit:.1f} s), "
                  f"{megabytes:.0f} MB", flush=True)
            if best is None or scaled < best[0]:
                best = (scaled, megabytes)
            if best[0] <= seconds_allowed and best[1] <= megabytes_allowed:
                return
        sys.exit(f"may cost {seconds_allowed:.0f} s and {megabytes_allowed:.0f} MB, costs {best[0]:.1f} s and {best[1]:.0f} MB")


main()
