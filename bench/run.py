#!/usr/bin/env python3
"""Times segx and other runtimes on the same networks, weights and inputs: scripts/bench calls this.

All contenders of a workload run in turn, one process each, for several rounds in one go, so that a busy moment of the
machine meets all of them. Written are the median, least and largest of the rounds' medians."""
import argparse
import datetime
import gzip
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
SEGX = ROOT / "build" / "release" / "bin" / "segx"
PEERS = ROOT / "bench" / "peers"
PACKAGES = BUILD / "packages" / "node_modules"
PYTHON = "/usr/bin/python3"  # Debian's packages belong to Debian's Python
SHIPPED = ROOT / "weights" / "lung-unet16-256.safetensors"
LIMIT = 600  # seconds for one process


class Missing(Exception):
    """A contender that cannot run here."""


def call(command, says_json=True):
    """The JSON that a command ends with."""
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=LIMIT, env=environment)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if not line.startswith("Run with --help")]
        raise Missing((lines or ["?"])[-1][:120])
    text = done.stdout.strip() if says_json else "{}"
    return json.loads(text if text.startswith("{") else text.splitlines()[-1])


SHAPES = {"unet16": (1, 256), "unet64": (1, 256), "resunet": (3, 256), "linknet-effb3": (3, 512)}  # channels, size


class Model:
    """A network with weights, its ONNX and .tflite files, one image and its probabilities."""

    def __init__(self, name):
        self.name = name
        self.channels, self.size = SHAPES[name]
        self.shape = f"{self.channels}x{self.size}x{self.size}"
        self.weights = SHIPPED if name == "unet16" else BUILD / f"{name}.safetensors"
        self.onnx, self.tflite = BUILD / f"{name}.onnx", BUILD / f"{name}.tflite"
        self.dump = BUILD / name

    def prepare(self):
        if not self.weights.exists():
            data, run = BUILD / "phantoms", BUILD / f"train-{self.name}"
            call([SEGX, "synth", "--out", data, "--count", "4", "--size", "64"], says_json=False)
            call([SEGX, "train", "--data", data, "--model", self.name, "--size", self.size, "--epochs", "1", "--batch", "2",
                  "--out", run], says_json=False)
            shutil.move(run / "best.safetensors", self.weights)
            for exported in [self.onnx, self.tflite]:
                exported.unlink(missing_ok=True)
        for file, command in [(self.onnx, ["pytorch.py", "export", self.weights, "--size", self.size, "--onnx", self.onnx]),
                              (self.tflite, ["tflite.py", self.weights, self.size, self.tflite])]:
            if not file.exists():  # a peer that lacks it is said to be missing
                subprocess.run([PYTHON, PEERS / command[0], *map(str, command[1:])], check=False, capture_output=True)
        facts = call([*self.segx_bench(), "--dump", self.dump, "--runs", "1", "--json"])
        self.gflop = facts["gflops"] * facts["median_ms"] / 1e3  # of one image

    def segx_bench(self):
        return [SEGX, "bench", "--model", self.name, "--weights", self.weights, "--size", self.size]


def segx(model, threads, runs, batch, train):
    command = [*model.segx_bench(), "--threads", threads, "--runs", runs, "--batch", batch, "--json"]
    return call(command + (["--train"] if train else []))


def segx_small(model, threads, runs, batch, train):
    return call([*model.segx_bench(), "--threads", threads, "--runs", runs, "--prefer-memory", "--json"])


def pytorch(model, threads, runs, batch, train):
    return call([PYTHON, PEERS / "pytorch.py", "train" if train else "predict", model.weights, "--dump", model.dump,
                 "--size", model.size, "--threads", threads, "--runs", runs, "--batch", batch])


def onnxruntime(model, threads, runs, batch, train):
    return call(["node", PEERS / "onnxruntime.mjs", model.onnx, model.dump, model.shape, threads, runs])


def opencv(model, threads, runs, batch, train):
    return call([PYTHON, PEERS / "opencv.py", model.onnx, model.dump, model.shape, threads, runs])


def in_chromium(peer):
    def run(model, threads, runs, batch, train):
        site = BUILD / "site"
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(ROOT / "bench" / "web", site)
        (site / "segx").symlink_to(ROOT / "build" / "wasm" / "site")
        (site / "packages").symlink_to(PACKAGES)
        for source, name in [(model.weights, "weights.safetensors"), (model.onnx, "model.onnx"), (model.tflite, "model.tflite"),
                             (f"{model.dump}.input.f32", "input.f32"), (f"{model.dump}.output.f32", "output.f32")]:
            (site / name).symlink_to(source)
        return call(["node", ROOT / "bench" / "web" / "run.mjs", site, peer, model.shape, threads, runs])

    return run


NATIVE = {"segx": segx, "segx, prefer-memory": segx_small, "ONNX Runtime": onnxruntime, "PyTorch": pytorch,
          "OpenCV dnn": opencv}
WEB = {"segx": in_chromium("segx"), "segx, no relaxed SIMD": in_chromium("segx-baseline"),
       "ONNX Runtime Web": in_chromium("onnxruntime-web"), "LiteRT.js": in_chromium("litert")}
TRAINING = {"segx": segx, "PyTorch": pytorch}
# name: (model, contenders, batch, whether it trains, runs in a round)
WORKLOADS = {
    "unet16": ("unet16", NATIVE, 1, False, 20),
    "unet64": ("unet64", NATIVE, 1, False, 3),
    "resunet": ("resunet", NATIVE, 1, False, 10),
    "linknet-effb3": ("linknet-effb3", NATIVE, 1, False, 10),
    "unet16-train": ("unet16", TRAINING, 4, True, 3),
    "unet64-train": ("unet64", TRAINING, 1, True, 2),
    "unet16-web": ("unet16", WEB | {"TensorFlow.js": in_chromium("tensorflow")}, 1, False, 11),
    "linknet-effb3-web": ("linknet-effb3", WEB, 1, False, 7),
}


def measure(name, rounds, quick):
    """Rows of one workload: a dictionary for each contender and count of threads."""
    model_name, contenders, batch, train, runs = WORKLOADS[name]
    model = Model(model_name)
    try:
        model.prepare()
    except Missing as why:
        return [{"workload": name, "peer": "segx", "threads": threads, "missing": str(why)} for threads in [1, 2]]
    rows = []
    for threads in [1, 2]:
        peak = call([SEGX.parent / "bench_peak", threads])["gflops"]
        results, missing = {peer: [] for peer in contenders}, {}
        for _ in range(rounds):
            for peer, run in contenders.items():
                if peer in missing:
                    continue
                try:
                    found = run(model, threads, max(2, runs // 4) if quick else runs, batch, train)
                    if found.get("difference", 0) > 0.01:
                        raise Missing(f"its probabilities differ from segx's by {found['difference']:.2g}")
                    results[peer].append(found)
                except (Missing, subprocess.TimeoutExpired, OSError, ValueError) as why:
                    missing[peer] = str(why)
        for peer, found in results.items():
            row = {"workload": name, "peer": peer, "threads": threads}
            if not found:
                if peer in missing:
                    rows.append(row | {"missing": missing[peer]})
                continue
            medians = [one["median_ms"] for one in found]
            median = statistics.median(medians)
            row |= {"median_ms": median, "min_ms": min(medians), "max_ms": max(medians),
                    "gflops": model.gflop * batch * (3 if train else 1) / (median / 1e3)}
            if not name.endswith("-web"):
                row["share_of_peak"] = row["gflops"] / peak
            for extra in ["peak_rss_mb", "cold_start_ms", "difference"]:
                values = [one[extra] for one in found if extra in one]
                if values:
                    row[extra] = statistics.median(values)
            rows.append(row)
            print(f"  {name}, {threads} thread(s), {peer}: {median:.1f} ms", file=sys.stderr, flush=True)
    return rows


def gzipped(files):
    """KB of files as a server that compresses sends them."""
    return sum(len(gzip.compress(pathlib.Path(file).read_bytes(), 9)) for file in files) / 1024


def footprint():
    """Bytes to ship and memory to hold, unet16; sizes of what a page loads, gzipped, without weights."""
    model = Model("unet16")
    model.prepare()
    rows = []
    for program, policy in [("bench_raw_pixels", ""), ("bench_raw_pixels_small", ", prefer-memory")]:
        path = BUILD / program
        shutil.copy(ROOT / "build" / "release" / "bin" / program, path)
        subprocess.run(["strip", path], check=True)
        found = call([path, model.weights, f"{model.dump}.input.f32"])
        rows.append((f"segx{policy}: executable that predicts from raw pixels, KB", path.stat().st_size / 1024))
        rows.append((f"segx{policy}: peak memory of that process, MB", found["peak_rss_mb"]))
    found = call([ROOT / "build" / "release" / "bin" / "bench_raw_training"])
    rows.append(("segx: peak memory of a process that trains on a batch of 4, MB", found["peak_rss_mb"]))
    site, ort, tfjs = ROOT / "build/wasm/site", PACKAGES / "onnxruntime-web/dist", PACKAGES / "@tensorflow"
    litert = PACKAGES / "@litertjs"
    pages = {
        "segx": [site / name for name in ["unet16-relaxed.wasm", "segx.js", "worker.js", "networks.js", "image.js"]],
        "ONNX Runtime Web": [ort / name for name in ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs",
                                                     "ort-wasm-simd-threaded.wasm"]],
        "TensorFlow.js": [tfjs / "tfjs-core/dist/tf-core.min.js", tfjs / "tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
                          tfjs / "tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
        "LiteRT.js": [litert / "wasm-utils/dist/index.js", *(litert / "core" / name for name in [
            "dist/index.js", "wasm/litert_wasm_internal.js", "wasm/litert_wasm_internal.wasm"])],
    }
    rows += [(f"{peer}: runtime that a page loads, gzip -9, KB", gzipped(files)) for peer, files in pages.items()
             if all(file.exists() for file in files)]
    native = PACKAGES / "onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1"
    if native.exists():
        rows.append(("ONNX Runtime: its shared library, KB", native.stat().st_size / 1024))
    return [{"what": what, "value": value} for what, value in rows]


def compile_costs(rounds):
    """CPU seconds, largest resident MB and KB of object code of programs with unet16, compiled in turn."""
    segx = ["-std=c++20", "-O2", "-DNDEBUG", "-march=native", f"-I{ROOT}/include", "-isystem", "/usr/include/opencv4",
            "-fconstexpr-ops-limit=1000000000", "-fconstexpr-loop-limit=10000000"]
    kernels = [*segx, "-DSEGX_COMPILED_KERNELS"]
    compiled = [*kernels, "-DSEGX_COMPILED"]
    dlib = ["-std=c++17", "-O2", "-DNDEBUG", "-march=native"]
    programs = {
        "segx, predicts": (segx, ROOT / "tests/budget/predict_unet16.cpp"),
        "segx with segx::kernels, predicts": (kernels, ROOT / "tests/budget/predict_unet16.cpp"),
        "dlib, predicts": (dlib, PEERS / "dlib_predict.cpp"),
        "segx, trains on folders of pictures": (segx, ROOT / "tests/budget/train_unet16.cpp"),
        "segx with segx::kernels, trains on folders of pictures": (kernels, ROOT / "tests/budget/train_unet16.cpp"),
        "segx with segx::compiled, trains on folders of pictures": (compiled, ROOT / "tests/budget/train_unet16.cpp"),
        "dlib, trains": (dlib, PEERS / "dlib_train.cpp"),
    }
    found, target = {name: [] for name in programs}, BUILD / "compiled.o"
    for _ in range(rounds):
        for name, (flags, source) in programs.items():
            process = subprocess.Popen(["g++", *flags, "-w", "-c", source, "-o", target], stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            if status == 0:
                found[name].append((usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, target.stat().st_size / 1024))
                print(f"  compile, {name}: {found[name][-1][0]:.1f} s", file=sys.stderr, flush=True)
    return [{"program": name, **dict(zip(("cpu_seconds", "memory_mb", "object_kb"), map(statistics.median, zip(*values))))}
            for name, values in found.items() if values]


def table(rows):
    """The rows as Markdown."""
    lines = ["| workload | threads | runtime | median ms | least – largest | segx is faster by | GFLOP/s | of peak | memory MB | first result ms |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        start = f"| {row['workload']} | {row['threads']} | {row['peer']} |"
        if "missing" in row:
            lines.append(f"{start} missing: {row['missing']} | | | | | | |")
            continue
        ours = [r for r in rows if r["workload"] == row["workload"] and r["peer"] == "segx" and "median_ms" in r]
        same = [r for r in ours if r["threads"] == row["threads"]] or ours
        ratio = f"{row['median_ms'] / same[0]['median_ms']:.2f} ×" if same and row["peer"] != "segx" else ""
        memory = f"{row['peak_rss_mb']:.0f}" if "peak_rss_mb" in row else ""
        share = f"{100 * row['share_of_peak']:.0f} %" if "share_of_peak" in row else ""
        cold = f"{row['cold_start_ms']:.0f}" if "cold_start_ms" in row else ""
        lines.append(f"{start} {row['median_ms']:.1f} | {row['min_ms']:.1f} – {row['max_ms']:.1f} | {ratio} | {row['gflops']:.0f} | "
                     f"{share} | {memory} | {cold} |")
    return "\n".join(lines)


def machine():
    """What a figure has to be read with."""
    def first(command):
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
        except (OSError, subprocess.CalledProcessError, IndexError):
            return "?"

    processor = "?"
    if pathlib.Path("/proc/cpuinfo").exists():
        names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        processor = names[0] if names else "?"
    changed = first(["git", "-C", str(ROOT), "status", "--porcelain", "-uno"])
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.platform(),
            "compiler": first(["g++", "--version"]),
            "commit": first(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]) + ("" if changed == "?" else " and changes"),
            "date": datetime.date.today().isoformat()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*WORKLOADS, "footprint", "compile"]
    parser.add_argument("workload", nargs="*", help=f"some of: {', '.join(names)}; all otherwise")
    parser.add_argument("--quick", action="store_true", help="one round of few runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out" / "bench", help="folder for table.md and table.json")
    words = parser.parse_args()
    for name in words.workload:
        if name not in names:
            parser.error(f'there is no workload "{name}"; known: {", ".join(names)}')
    BUILD.mkdir(parents=True, exist_ok=True)
    wanted = words.workload or names
    rows = []
    for name in [name for name in wanted if name in WORKLOADS]:
        rows += measure(name, 1 if words.quick else words.rounds, words.quick)
    sizes = footprint() if "footprint" in wanted else []
    compiled = compile_costs(1 if words.quick else words.rounds) if "compile" in wanted else []
    facts = machine()
    words.out.mkdir(parents=True, exist_ok=True)
    text = f"{facts['processor']}, {facts['cores']} cores; {facts['compiler']}; commit {facts['commit']}; {facts['date']}.\n\n"
    if rows:
        text += f"{table(rows)}\n\n"
    if sizes:
        text += "| footprint, unet16 | |\n|---|---|\n" + "".join(f"| {r['what']} | {r['value']:.0f} |\n" for r in sizes) + "\n"
    if compiled:
        text += "| a file with unet16, compiled by g++ -O2 | CPU s | memory of the compiler, MB | object, KB |\n|---|---|---|---|\n"
        text += "".join(f"| {r['program']} | {r['cpu_seconds']:.1f} | {r['memory_mb']:.0f} | {r['object_kb']:.0f} |\n"
                        for r in compiled)
    (words.out / "table.md").write_text(text)
    (words.out / "table.json").write_text(json.dumps({"machine": facts, "rows": rows, "footprint": sizes, "compile": compiled}, indent=2) + "\n")
    print(text)
    print(f"written to {words.out}/table.md and table.json")


main()
