#!/usr/bin/env python3
"""Times training on a GPU, segx beside PyTorch:  bench/gpu/run.py SEGX_STEP [--segx PROGRAM] [--minutes M] [--quick] [--out FOLDER]

SEGX_STEP is the program bench_gpu_step, --segx the program segx, which trains the paper's best model for three epochs. Every
measurement is a process of its own, with a time limit; one that fails is a row that says so. What matters most is measured
first: bf16, segx beside PyTorch, eager and compiled; then that training; then tf32 and fp32, eager before compiled. What the
budget of minutes has no room for is said to be skipped. table.md and table.json are written anew after every row."""
import argparse
import contextlib
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
UNETS = [("unet64", 256, 16), ("unet64", 256, 64)]
OTHERS = [("resunet", 256, 16), ("linknet-effb3", 512, 16)]
SECONDS = 3  # of steps, in each row
LIMITS = {"segx": 90, "PyTorch": 90, "torch.compile": 240, "training": 180}  # seconds of a measurement
LEAST = {"segx": 15, "PyTorch": 25, "torch.compile": 60, "training": 40}  # with less time left, it is not begun

# U-Net №4: 704 images to train on, each of them twice, the second time mirrored, are 1,408 in an epoch.
EPOCHS, EPOCHS_OF_PAPER = 3, 100
PHANTOMS = ["--count", "880", "--size", "256", "--seed", "1"]
RECIPE = ["--model", "unet64", "--size", "256", "--batch", "16", "--loss", "bce+jaccard", "--augment", "none", "--doubled",
          "--val", "0.2", "--epochs", str(EPOCHS), "--feed", "memory", "--precision", "bf16", "--fastest", "--quiet"]


class Failure(Exception):
    """Why there is no result, in one line."""


def result_of(command, seconds, log):
    """The standard output of a command, which is killed, with all that it started, after so many seconds."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException as why:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(why, subprocess.TimeoutExpired):
                raise Failure(f"not done within {seconds:.0f} s") from None
            raise
    log.write_text(out + err)
    if process.returncode != 0:
        lines = err.strip().splitlines()
        how = f"status {process.returncode}" if process.returncode > 0 else signal.Signals(-process.returncode).name
        raise Failure(lines[-1] if lines else how)
    return out


def json_of(command, seconds, log):
    try:
        return json.loads(result_of(command, seconds, log).strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Failure("its last line is no JSON") from None


def plan(quick, trains):
    """The rows, what matters most first."""
    def rows(precision, workloads, peers):
        return [{"who": who, "model": m, "size": s, "batch": b, "precision": precision} for m, s, b in workloads for who in peers]
    eager, compiled = ["segx", "PyTorch"], ["torch.compile"]
    if quick:
        return rows("bf16", UNETS[:1], eager + compiled)
    result = rows("bf16", UNETS, eager + compiled)
    if trains:
        result.append({"who": "training", "model": "unet64", "size": 256, "batch": 16, "precision": "bf16"})
    result += rows("bf16", OTHERS, eager + compiled)
    for peers in eager, compiled:
        for precision in "tf32", "fp32":
            result += rows(precision, UNETS + OTHERS, peers)
    return result


class Bench:
    def __init__(self, words):
        self.words = words
        self.out = pathlib.Path(words.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.end = time.monotonic() + 60 * words.minutes
        self.rows = plan(words.quick, words.segx)
        for row in self.rows:
            row["note"] = "not begun"
        self.torch, self.no_torch = {}, ""

    def seconds_left(self):
        return self.end - time.monotonic()

    def run(self):
        self.write()
        try:
            seconds = max(1, min(LIMITS["PyTorch"], self.seconds_left()))
            self.torch = json_of([sys.executable, HERE / "pytorch_step.py", "matrix_rate"], seconds, self.out / "torch.log")
        except Failure as why:
            self.no_torch = str(why)
            print(f"bench/gpu: no PyTorch with CUDA here ({why}), so segx is timed alone", file=sys.stderr)
        for row in self.rows:
            row["note"] = self.measure(row)
            self.write()
            rate = f"{row['images_per_second']:.1f} images/s" if "images_per_second" in row else ""
            print(f"{row['who']}, {row['model']}, batch {row['batch']}, {row['precision']}: {rate}{row['note']}", flush=True)

    def measure(self, row):
        """Adds to a row what is measured; what there is to say instead, or nothing."""
        who = row["who"]
        if who in ("PyTorch", "torch.compile") and not self.torch:
            return "skipped: no PyTorch with CUDA"
        left = self.seconds_left()
        if left < LEAST[who]:
            return "skipped: no time left"
        limit = min(LIMITS[who], self.words.limit, left)
        log = self.out / "-".join([who, row["model"], str(row["batch"]), row["precision"] + ".log"])
        try:
            if who == "training":
                row.update(self.train(limit, log))
                return ""
            words = [row["model"], str(row["size"]), str(row["batch"]), row["precision"], str(SECONDS)]
            if who == "segx":
                command = [self.words.segx_step, *words]
            else:
                command = [sys.executable, HERE / "pytorch_step.py", *words, *(["compiled"] if who == "torch.compile" else [])]
            row.update(json_of(command, limit, log))
            return ""
        except Failure as why:
            is_cut = limit == left and str(why).startswith("not done within")
            return "skipped: no time left to finish it" if is_cut else f"failed: {why}"
        except OSError as why:
            return f"failed: {why}"

    def train(self, limit, log):
        """Trains the paper's best model for a few epochs, through the program segx."""
        data, folder = self.out / "phantoms", self.out / "training"
        if not (data / "done").exists():
            shutil.rmtree(data, ignore_errors=True)
            begin = time.monotonic()
            result_of([self.words.segx, "synth", "--out", data, *PHANTOMS], limit, log)
            (data / "done").touch()
            limit -= time.monotonic() - begin
        shutil.rmtree(folder, ignore_errors=True)
        begin = time.monotonic()
        result_of([self.words.segx, "train", "--device", "cuda", "--data", data, "--out", folder, *RECIPE], max(1, limit), log)
        whole = time.monotonic() - begin
        with open(folder / "log.csv", newline="") as file:
            epochs = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        if len(epochs) != EPOCHS:
            raise Failure(f"log.csv has {len(epochs)} epochs, not {EPOCHS}")
        seconds = [e["seconds"] for e in epochs]
        later = seconds[1:]
        return {"epoch_seconds": seconds, "waiting": epochs[-1]["waiting"], "images_per_second": epochs[-1]["images_per_second"],
                "seconds_beside_epochs": whole - sum(seconds),
                "extrapolated_seconds": seconds[0] + (EPOCHS_OF_PAPER - 1) * sum(later) / len(later)}

    def write(self):
        """Both tables, as far as they are; each file is replaced as a whole."""
        about = {"torch": self.torch, "no_torch": self.no_torch, "rows": self.rows}
        for name, text in ("table.json", json.dumps(about, indent=1)), ("table.md", "\n".join(self.lines()) + "\n"):
            (self.out / (name + ".new")).write_text(text, encoding="utf-8")
            os.replace(self.out / (name + ".new"), self.out / name)

    def lines(self):
        steps = [r for r in self.rows if r["who"] != "training"]
        macs = {(r["model"], r["size"]): r["macs_per_image"] for r in steps if "macs_per_image" in r}
        eager = {workload_of(r): r["images_per_second"] for r in steps if r["who"] == "PyTorch" and "images_per_second" in r}
        if self.torch:
            yield (f"{self.torch['gpu']}; PyTorch {self.torch['torch']} with CUDA {self.torch['cuda']} and cuDNN {self.torch['cudnn']}; "
                   f"bf16 matrices: {self.torch['matrix_rate'] / 1e12:.0f} TFLOP/s.")
        else:
            yield f"No PyTorch with CUDA: {self.no_torch}." if self.no_torch else "PyTorch was not looked for yet."
        yield ""
        yield "| model | batch | numbers | who | images/s | beside PyTorch | GB, own count | GB of the GPU | of the bf16 matrix rate | idle |"
        yield "|---|---|---|---|---|---|---|---|---|---|"
        for r in steps:
            who = r["who"] + (f", {r['slow_convolutions']} slow convolutions" if r.get("slow_convolutions") else "")
            begin = f"| {r['model']} {r['size']} | {r['batch']} | {r['precision']} | {who} |"
            if "images_per_second" not in r:
                yield f"{begin} {cell(r['note'])} | | | | | |"
                continue
            rate, macs_of_image = r["images_per_second"], macs.get((r["model"], r["size"]))
            beside = f"{rate / eager[workload_of(r)]:.2f}" if workload_of(r) in eager else ""
            share = f"{6 * macs_of_image * rate / self.torch['matrix_rate']:.1%}" if self.torch and macs_of_image else ""
            idle = f"{r['idle']:.1%}" if "idle" in r else ""
            yield (f"{begin} {rate:.1f} | {beside} | {r['bytes'] / 1e9:.2f} | {r['device_bytes'] / 1e9:.2f} | "
                   f"{share} | {idle} |")
        for r in self.rows:
            if r["who"] == "training":
                yield ""
                yield from self.lines_of_training(r)

    def lines_of_training(self, r):
        what = "A training of U-Net №4 (`unet64`, 256×256, batch 16, bf16, `--fastest`, 1,408 images in an epoch, 176 to validate)"
        if "extrapolated_seconds" not in r:
            yield f"{what}: {r['note']}."
            return
        seconds = ", ".join(f"{s:.2f}" for s in r["epoch_seconds"])
        yield (f"{what}: {seconds} s for its first {EPOCHS} epochs, validation included; {r['images_per_second']:.0f} images/s; "
               f"the GPU had nothing to do in {r['waiting']:.1%} of the last one's training. "
               f"**{EPOCHS_OF_PAPER} epochs: {r['extrapolated_seconds'] / 60:.1f} minutes**, extrapolated: the first epoch and "
               f"{EPOCHS_OF_PAPER - 1} times the mean of the others. Beside the epochs, {r['seconds_beside_epochs']:.1f} s went "
               "for reading the images, the start and the checkpoints. The images are phantoms (`segx synth`), which cost as much as others.")


def workload_of(row):
    return row["model"], row["size"], row["batch"], row["precision"]


def cell(text):
    return " ".join(text.split())[:200].replace("|", "/")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segx_step")
    parser.add_argument("--segx", help="the program segx, for the training of the paper's best model")
    parser.add_argument("--minutes", type=float, default=30, help="for all of it; 30, which is enough for every row")
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds of one measurement, at most")
    parser.add_argument("--quick", action="store_true", help="the first workload in bf16 only")
    parser.add_argument("--out", default="out/bench_gpu")
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is killed, too
    bench = Bench(words)
    bench.run()
    print(f"the table is {bench.out / 'table.md'}")
    sys.exit(any(r["note"].startswith("failed") for r in bench.rows if r["who"] in ("segx", "training")))


if __name__ == "__main__":
    main()
