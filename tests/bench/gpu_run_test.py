#!/usr/bin/env python3
"""Tests bench/gpu/run.py without a GPU, by stand-ins for the programs that it calls. Usage: gpu_run_test.py"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "gpu" / "run.py"

# Shells begin at once, even on a machine that is busy.
STEP = r"""#!/bin/sh
case $1-$4 in
  unet64-tf32) echo "the GPU | is out of memory" >&2; exit 1 ;;
  resunet-bf16) echo $$ > "${0%/*}/hangs"; sleep 600 ;;
esac
echo '{"who": "segx", "model": "'$1'", "size": '$2', "batch": '$3', "precision": "'$4'", "images_per_second": 800.0,
 "bytes": 2000000000, "device_bytes": 3000000000, "idle": 0.01, "macs_per_image": 5e10}' | tr -d '\n'
"""

SEGX = r"""#!/bin/sh
command=$1
while [ "$1" != --out ]; do shift; done
mkdir "$2"
if [ "$command" = train ]; then
  printf 'epoch,seconds,val_loss,images_per_second,waiting\n1,3,,500,0.3\n2,1.5,,1000,0.2\n3,1.7,,990,0.1\n' > "$2/log.csv"
fi
"""

TORCH = """
__version__ = "0"
class cuda:
    is_available = staticmethod(lambda: False)
"""


def is_running(process):
    """Whether there is such a process that has not ended: who ended, but was not asked for its status yet, is there."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class GpuRun(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        for name, text in ("step", STEP), ("segx", SEGX):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        (self.folder / "torch.py").write_text(TORCH)  # whatever PyTorch is here

    def run_it(self, *words):
        done = subprocess.run([sys.executable, RUN, self.folder / "step", "--out", self.folder / "out", *words], text=True,
                              capture_output=True, timeout=100, env={**os.environ, "PYTHONPATH": str(self.folder)})
        table = json.loads((self.folder / "out" / "table.json").read_text())
        return done, table["rows"], (self.folder / "out" / "table.md").read_text()

    def note(self, rows, who, model, precision):
        return next(r["note"] for r in rows if (r["who"], r["model"], r["precision"]) == (who, model, precision))

    def test_a_measurement_that_fails_or_hangs_is_a_row_and_a_training_is_extrapolated(self):
        done, rows, table = self.run_it("--limit", "5", "--segx", self.folder / "segx")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(self.note(rows, "segx", "unet64", "bf16"), "")
        self.assertEqual(self.note(rows, "segx", "unet64", "tf32"), "failed: the GPU | is out of memory")
        self.assertEqual(self.note(rows, "segx", "resunet", "bf16"), "failed: not done within 5 s")
        self.assertEqual(self.note(rows, "segx", "linknet-effb3", "fp32"), "")
        self.assertEqual(self.note(rows, "PyTorch", "unet64", "bf16"), "skipped: no PyTorch with CUDA")
        self.assertIn("| unet64 256 | 16 | bf16 | segx | 800.0 |  | 2.00 | 3.00 |  | 1.0% |", table)
        self.assertIn("| failed: the GPU / is out of memory |", table)
        self.assertIn("sees no GPU", table)
        self.assertEqual(len([r for r in rows if r["who"] != "training"]), 36)

        training = next(r for r in rows if r["who"] == "training")
        self.assertAlmostEqual(training["extrapolated_seconds"], 3 + 99 * 1.6)
        self.assertIn("100 epochs: 2.7 minutes", table)
        self.assertIn("10.0% of the last one's training", table)

    def test_what_the_budget_has_no_room_for_is_skipped(self):
        done, rows, table = self.run_it("--minutes", "0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({r["note"] for r in rows if r["who"] == "segx"}, {"skipped: no time left"})
        self.assertIn("skipped: no time left", table)

    def test_quick_is_one_workload(self):
        done, rows, _ = self.run_it("--quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([r["who"] for r in rows], ["segx", "PyTorch", "torch.compile"])

    def test_the_table_is_there_before_the_end_and_what_runs_is_ended_with_it(self):
        with subprocess.Popen([sys.executable, RUN, self.folder / "step", "--out", self.folder / "out"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(self.folder)}) as process:
            hangs = self.folder / "hangs"
            for _ in range(300):
                time.sleep(0.1)
                if hangs.exists() and hangs.read_text():
                    break
            process.terminate()
            self.assertEqual(process.wait(10), 143)
        table = (self.folder / "out" / "table.md").read_text()
        self.assertEqual(table.count("800.0"), 2)
        self.assertIn("| not begun |", table)
        for _ in range(100):  # its end may take a moment to show
            if not is_running(hangs.read_text()):
                return
            time.sleep(0.1)
        self.fail("what ran goes on")


if __name__ == "__main__":
    unittest.main()
