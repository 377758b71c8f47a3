#!/usr/bin/env python3
"""Times segx and other runtimes on the same networks, weights and inputs: scripts/bench calls this.

All contenders of a workload run in turn, one process each, for several rounds in one go, so that a busy moment of the
machine meets all of them. Written are the median of the rounds' medians, and the least and the largest time of all runs.
Tables are written anew after each round, so what is measured stays if the rest is interrupted."""
import argparse
import datetime
import gzip
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
BIN = ROOT / "build" / "release" / "bin"
WASM = ROOT / "build" / "wasm"
SEGX = BIN / "segx"
PEERS = ROOT / "bench" / "peers"
PACKAGES = BUILD / "packages" / "node_modules"
PYTHON = "/usr/bin/python3"  # Debian's packages belong to Debian's Python
SHIPPED = ROOT / "weights" / "lung-unet16-256.safetensors"
LIMIT = 600  # seconds for one process
MOST_DIFFERENCE = 0.01  # of a peer's probabilities from segx's


class Missing(Exception):
    """What cannot be measured here, and why."""


def call(command, says_json=True):
    """The JSON that a command ends with."""
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=LIMIT, env=environment)
    except subprocess.TimeoutExpired:
        raise Missing(f"not done within {LIMIT} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if not line.startswith("Run with --help")]
        raise Missing((lines or [f"it ended with status {done.returncode}"])[-1][:120])
    if not says_json:
        return {}
    text = done.stdout.strip()
    try:
        found = json.loads(text if text.startswith("{") else text.splitlines()[-1])
    except (ValueError, IndexError):
        found = None
    if not isinstance(found, dict):
        raise Missing(f'it ended with "{text[-60:]}", which is no JSON')
    return found


def number(found, key):
    """A finite number among what a command told."""
    value = found.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Missing(f"its {key} is no number: {value}" if key in found else f"it does not tell its {key}")
    return value


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
            for folder in [data, run]:
                shutil.rmtree(folder, ignore_errors=True)  # of an earlier attempt
            call([SEGX, "synth", "--out", data, "--count", "4", "--size", "64"], says_json=False)
            call([SEGX, "train", "--data", data, "--model", self.name, "--size", self.size, "--epochs", "1", "--batch", "2",
                  "--out", run], says_json=False)
            shutil.move(run / "best.safetensors", self.weights)
            for exported in [self.onnx, self.tflite]:
                exported.unlink(missing_ok=True)
        for file, command in [(self.onnx, ["pytorch.py", "export", self.weights, "--size", self.size, "--onnx", self.onnx]),
                              (self.tflite, ["tflite.py", self.weights, self.size, self.tflite])]:
            if not file.exists():
                try:
                    call([PYTHON, PEERS / command[0], *command[1:]], says_json=False)
                except (Missing, OSError):
                    pass  # a peer that lacks it is said to be missing
        facts = call([*self.segx_bench(), "--dump", self.dump, "--runs", "1", "--json"])
        self.gflop = number(facts, "gflops") * number(facts, "median_ms") / 1e3  # of one image

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
        (site / "segx").symlink_to(WASM / "site")
        (site / "peak.wasm").symlink_to(WASM / "peak.wasm")
        (site / "packages").symlink_to(PACKAGES)
        for source, name in [(model.weights, "weights.safetensors"), (model.onnx, "model.onnx"), (model.tflite, "model.tflite"),
                             (f"{model.dump}.input.f32", "input.f32"), (f"{model.dump}.output.f32", "output.f32")]:
            (site / name).symlink_to(source)
        return call(["node", ROOT / "bench" / "web" / "run.mjs", site, peer, model.shape, threads, runs])

    return run


def peak_of(name, model, threads):
    """GFLOP/s that multiplications and additions reach where the workload runs: on the processor, or in Chromium."""
    def once():
        found = in_chromium("peak")(model, threads, 1, 1, False) if name.endswith("-web") else call([BIN / "bench_peak", threads])
        return number(found, "gflops")

    return max(once() for _ in range(3))  # other programs may be at work


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


def expect_times(found):
    """What a contender told must be times, and its probabilities, where it compares them, segx's."""
    for key in ["median_ms", "min_ms", "max_ms"]:
        if number(found, key) <= 0:
            raise Missing(f"its {key} is {found[key]}")
    if "difference" in found and number(found, "difference") > MOST_DIFFERENCE:
        raise Missing(f"its probabilities differ from segx's by {found['difference']:.2g}")


def measure(name, rounds, quick):
    """The rows of one workload, a dictionary for each contender and count of threads: after each round, as far as they are."""
    model_name, contenders, batch, train, runs = WORKLOADS[name]
    model = Model(model_name)
    try:
        model.prepare()
    except (Missing, OSError) as why:
        yield [{"workload": name, "peer": "segx", "threads": threads, "missing": str(why)} for threads in [1, 2]]
        return
    done = []
    for threads in [1, 2]:
        start = {"workload": name, "threads": threads}
        try:
            peak = peak_of(name, model, threads)
        except (Missing, OSError) as why:
            peak = None
            done.append(start | {"peer": "peak of the machine", "missing": str(why)})
        results, missing = {peer: [] for peer in contenders}, {}
        for _ in range(rounds):
            for peer, run in contenders.items():
                if peer in missing:
                    continue
                try:
                    found = run(model, threads, max(2, runs // 4) if quick else runs, batch, train)
                    if not train and run not in (segx, segx_small):
                        number(found, "difference")
                    expect_times(found)
                    results[peer].append(found)
                    print(f"  {name}, {threads} thread(s), {peer}: {found['median_ms']:.1f} ms", file=sys.stderr, flush=True)
                except (Missing, OSError) as why:
                    missing[peer] = str(why)
            rows = []
            for peer, found in results.items():
                if found:
                    rows.append(start | {"peer": peer} | summary(found, model.gflop * batch * (3 if train else 1)))
                    if peak:
                        rows[-1]["share_of_peak"] = rows[-1]["gflops"] / peak
                elif peer in missing:
                    rows.append(start | {"peer": peer, "missing": missing[peer]})
            yield done + rows
        done += rows


def summary(found, gflop):
    """One row of what a contender told in each round."""
    median = statistics.median(one["median_ms"] for one in found)
    row = {"median_ms": median, "min_ms": min(one["min_ms"] for one in found), "max_ms": max(one["max_ms"] for one in found),
           "gflops": gflop / (median / 1e3)}
    for extra in ["peak_rss_mb", "cold_start_ms", "difference"]:
        values = [one[extra] for one in found if isinstance(one.get(extra), (int, float)) and math.isfinite(one[extra])]
        if values:
            row[extra] = statistics.median(values)
    return row


def gzipped(files):
    """KB of files as a server that compresses sends them."""
    return sum(len(gzip.compress(pathlib.Path(file).read_bytes(), 9)) for file in files) / 1000


def executable_kb(program):
    stripped = BUILD / program
    shutil.copy(BIN / program, stripped)
    call(["strip", stripped], says_json=False)
    return stripped.stat().st_size / 1000


def predicting_mb(program):
    model = Model("unet16")
    model.prepare()
    return number(call([BIN / program, model.weights, f"{model.dump}.input.f32"]), "peak_rss_mb")


def footprint():
    """Bytes to ship and memory to hold, unet16; sizes of what a page loads to compute, gzipped, without weights."""
    site, ort, tfjs = WASM / "site", PACKAGES / "onnxruntime-web/dist", PACKAGES / "@tensorflow"
    litert = PACKAGES / "@litertjs"
    ours = (ROOT / "wasm_demo" / "files_to_compute.txt").read_text().replace("NETWORK", "unet16").split()
    pages = {
        "segx": [site / name for name in ours],
        "ONNX Runtime Web": [ort / name for name in ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs",
                                                     "ort-wasm-simd-threaded.wasm"]],
        "TensorFlow.js": [tfjs / "tfjs-core/dist/tf-core.min.js", tfjs / "tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
                          tfjs / "tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
        "LiteRT.js": [litert / "wasm-utils/dist/index.js", *(litert / "core" / name for name in [
            "dist/index.js", "wasm/litert_wasm_internal.js", "wasm/litert_wasm_internal.wasm"])],
    }
    native = PACKAGES / "onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1"
    measurements = []
    for program, policy in [("bench_raw_pixels", ""), ("bench_raw_pixels_small", ", prefer-memory")]:
        measurements += [(f"segx{policy}: executable that predicts from raw pixels, KB", executable_kb, program),
                         (f"segx{policy}: peak memory of that process, MB", predicting_mb, program)]
    measurements += [("segx: peak memory of a process that trains on a batch of 4, MB",
                      lambda program: number(call([program]), "peak_rss_mb"), BIN / "bench_raw_training"),
                     *((f"{peer}: runtime that a page loads, gzip -9, KB", gzipped, files) for peer, files in pages.items()),
                     ("ONNX Runtime: its shared library, KB", lambda library: library.stat().st_size / 1000, native)]
    rows = []
    for what, measured, of in measurements:
        try:
            rows.append({"what": what, "value": measured(of)})
        except FileNotFoundError as why:
            rows.append({"what": what, "missing": f"there is no {why.filename}"})
        except (Missing, OSError) as why:
            rows.append({"what": what, "missing": str(why)})
        yield rows


def compile_costs(rounds):
    """CPU seconds, largest resident MB and KB of object code of programs with unet16, compiled in turn: after each, as far as
    they are."""
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
    found, missing = {name: [] for name in programs}, {}
    for _ in range(rounds):
        for name, (flags, source) in programs.items():
            if name in missing:
                continue
            try:
                found[name].append(compiled_once([*flags, "-w", "-c", source]))
                print(f"  compile, {name}: {found[name][-1]['cpu_seconds']:.1f} s", file=sys.stderr, flush=True)
            except (Missing, OSError) as why:
                missing[name] = str(why)
            yield [{"program": name} | ({key: statistics.median(one[key] for one in all_of) for key in all_of[0]} if all_of else
                                        {"missing": missing[name]})
                   for name, all_of in found.items() if all_of or name in missing]


def compiled_once(words):
    """What one file costs g++."""
    target, log = BUILD / "compiled.o", BUILD / "compiler.log"
    with log.open("w") as said:
        process = subprocess.Popen(["g++", *words, "-o", target], stderr=said)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        errors = [line for line in log.read_text(errors="replace").splitlines() if "error: " in line]
        raise Missing(errors[0].split("error: ")[1][:120] if errors else f"g++ ended with status {process.returncode}")
    return {"cpu_seconds": usage.ru_utime + usage.ru_stime, "memory_mb": usage.ru_maxrss / 1024,
            "object_kb": target.stat().st_size / 1000}


def cell(text):
    return " ".join(text.split()).replace("|", "/")


def add_ratios(rows):
    """By how much segx is faster than each other contender: on as many threads, or on those that it was measured with."""
    for row in rows:
        ours = [r for r in rows if r["workload"] == row["workload"] and r["peer"] == "segx" and "median_ms" in r]
        same = [r for r in ours if r["threads"] == row["threads"]] or ours
        if same and row["peer"] != "segx" and "median_ms" in row:
            row["ratio"] = row["median_ms"] / same[0]["median_ms"]


def table(rows):
    """The rows as Markdown."""
    lines = ["| workload | threads | runtime | median ms | least – largest | segx is faster by | GFLOP/s | of peak | memory MB | first result ms |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        start = f"| {row['workload']} | {row['threads']} | {row['peer']} |"
        if "missing" in row:
            lines.append(f"{start} missing: {cell(row['missing'])} | | | | | | |")
            continue
        ratio = f"{row['ratio']:.2f} ×" if "ratio" in row else ""
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


def write(out, facts, rows, sizes, compiled):
    """Both tables, as far as they are; each file is replaced as a whole. The Markdown."""
    text = f"{facts['processor']}, {facts['cores']} cores; {facts['compiler']}; commit {facts['commit']}; {facts['date']}.\n\n"
    if rows:
        add_ratios(rows)
        text += f"{table(rows)}\n\n"
    if sizes:
        text += "| footprint, unet16 | |\n|---|---|\n"
        for r in sizes:
            value = f"{r['value']:.0f}" if "value" in r else f"missing: {cell(r['missing'])}"
            text += f"| {r['what']} | {value} |\n"
        text += "\n"
    if compiled:
        text += "| a file with unet16, compiled by g++ -O2 | CPU s | memory of the compiler, MB | object, KB |\n|---|---|---|---|\n"
        for r in compiled:
            if "missing" in r:
                text += f"| {r['program']} | missing: {cell(r['missing'])} | | |\n"
            else:
                text += f"| {r['program']} | {r['cpu_seconds']:.1f} | {r['memory_mb']:.0f} | {r['object_kb']:.0f} |\n"
    everything = {"machine": facts, "rows": rows, "footprint": sizes, "compile": compiled}
    out.mkdir(parents=True, exist_ok=True)
    for name, content in ("table.md", text), ("table.json", json.dumps(everything, indent=2) + "\n"):
        (out / f"{name}.new").write_text(content)
        os.replace(out / f"{name}.new", out / name)
    return text


def whole_number(word):
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f'expected a whole number from 1, not "{word}"')
    return int(word)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*WORKLOADS, "footprint", "compile"]
    parser.add_argument("workload", nargs="*", help=f"some of: {', '.join(names)}; all otherwise")
    parser.add_argument("--quick", action="store_true", help="one round of few runs")
    parser.add_argument("--rounds", type=whole_number, default=3, help="how often all contenders run, 3 unless told")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out" / "bench", help="folder for table.md and table.json")
    parser.add_argument("--check", action="store_true", help="only see whether these words are right")
    words = parser.parse_args()
    for name in words.workload:
        if name not in names:
            parser.error(f'there is no workload "{name}"; known: {", ".join(names)}')
    if words.check:
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    wanted = words.workload or names
    rounds = 1 if words.quick else words.rounds
    facts, rows, sizes, compiled, text = machine(), [], [], [], ""
    try:
        for name in [name for name in wanted if name in WORKLOADS]:
            of_workload = []
            for of_workload in measure(name, rounds, words.quick):
                text = write(words.out, facts, rows + of_workload, sizes, compiled)
            rows += of_workload
        if "footprint" in wanted:
            for sizes in footprint():
                text = write(words.out, facts, rows, sizes, compiled)
        if "compile" in wanted:
            for compiled in compile_costs(rounds):
                text = write(words.out, facts, rows, sizes, compiled)
    except KeyboardInterrupt:
        print(f"interrupted; what was measured until then is in {words.out}/table.md and table.json" if text else
              "interrupted before anything was measured", file=sys.stderr)
        sys.exit(130)
    print(text)
    print(f"written to {words.out}/table.md and table.json")


if __name__ == "__main__":
    main()
