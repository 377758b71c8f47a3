#!/usr/bin/env python3
"""Fails when a header includes what its folder may not know. Usage: check_layers.py include/segx

Who may include whom is the table below, from the bottom up; every folder may include itself. It also fails on folders that
the table does not have, on includes of the umbrella header, on libraries where they do not belong, and on definitions
(impl/x.hpp) that x.hpp does not include or compiled/ does not compile."""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "core": set(),
    "geometry": {"core"},
    "kernels": {"core"},
    "layers": {"core", "kernels"},
    "losses": {"core", "geometry", "kernels"},
    "metrics": {"core", "geometry", "kernels"},
    "models": {"core", "layers"},
    "runtime": {"core", "kernels"},
    "optim": {"core", "kernels"},
    "io": {"core", "kernels", "runtime"},
    "image": {"core", "kernels", "io"},
    "data": {"core", "image", "io"},
    "predict": {"core", "kernels", "layers", "models", "runtime", "image", "io"},
    "testing": {"core", "kernels", "layers", "runtime"},
    "cuda": {"core", "kernels", "losses", "metrics", "runtime", "optim", "io", "data", "train"},  # in cuda/include/segx
    "train": {"core", "kernels", "layers", "losses", "metrics", "image", "models", "runtime", "optim", "io", "data"},
}
# Libraries that only some folders may know. What is not named here is the standard library or refused.
LIBRARIES = {
    "xtensor/": {"losses", "metrics", "image", "runtime", "optim", "io", "data", "train", "kernels", "cuda"},
    "hwy/": {"kernels"},
    "opencv2/": {"image", "data", "predict", "train"},
}
STANDARD = re.compile(r"^[a-z0-9_]+$")  # <vector>, <cstdint>
POSIX = {"unistd.h", "fcntl.h", "poll.h", "sys/file.h", "sys/ioctl.h", "sys/mman.h", "sys/stat.h", "sys/types.h", "sys/wait.h", "signal.h"}


def faults(root):
    for header in sorted(root.rglob("*.hpp")):
        place = header.relative_to(root).parts
        if len(place) == 1:  # the umbrella header, for users
            continue
        folder = place[0]
        if folder not in MAY_INCLUDE:
            yield f"{header}: the folder {folder}/ is not in the table of {sys.argv[0]}"
            continue
        text = header.read_text(encoding="utf-8")
        if header.parent.name == "impl":
            this = f"#include <segx/{header.relative_to(root)}>"
            declared = header.parent.parent / header.name
            if this not in declared.read_text(encoding="utf-8"):
                yield f"{header}: {declared} does not include it for those who use headers only"
            if not any(this in unit.read_text(encoding="utf-8") for unit in (root.parent.parent / "compiled").glob("*.cpp")):
                yield f"{header}: no file of compiled/ includes it"
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{header}:{number}"
            if found := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line):
                quote, target = found.groups()
                if quote == '"':
                    yield f'{where}: includes "{target}", which depends on where the compiler looks: write <segx/…>'
                elif target.startswith("segx/"):
                    parts = target.split("/")
                    if len(parts) == 2:
                        yield f"{where}: includes all of segx"
                    elif parts[1] != folder and parts[1] not in MAY_INCLUDE[folder]:
                        yield f"{where}: {folder}/ may not include {parts[1]}/"
                elif library := next((name for name in LIBRARIES if target.startswith(name)), None):
                    if folder not in LIBRARIES[library]:
                        yield f"{where}: {folder}/ may not include {library}"
                elif not STANDARD.match(target) and target not in POSIX:
                    yield f"{where}: <{target}> belongs to no library of the table of {sys.argv[0]}"


if __name__ == "__main__":
    found = list(faults(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every header includes what its folder may know")
    sys.exit(bool(found))
