#!/usr/bin/env python3
"""Tests the scripts in a copy of theirs, with stand-ins for the programs that they call. Usage: scripts_test.py"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

EMCMAKE = r"""
for word; do
  case $word in -DSEGX_WASM_NETWORKS=*) networks=${word#*=} ;; esac
done
mkdir -p build/wasm/site
echo "$networks" > build/wasm/networks
for network in $(echo "$networks" | tr ';' ' '); do
  for kind in "" -threads -relaxed -threads-relaxed; do head -c 2048 /dev/urandom > build/wasm/site/$network$kind.wasm; done
done
for script in segx worker helper networks image; do head -c 1024 /dev/urandom > build/wasm/site/$script.js; done
"""

CTEST = r"""
echo '1/6 Test #1: a ....   Passed    0.02 sec'
echo '2/6 Test #2: b ....***Skipped   0.02 sec'
echo '3/6 Test #3: c ....***Not Run (Disabled)   0.00 sec'
echo '4/6 Test #4: d ....***Not Run   0.00 sec'
echo '6/6 Test #6: f ....***Failed    0.02 sec'
echo
echo '50% tests passed, 2 tests failed out of 4'
exit 8
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        for name in ("scripts", "bench"):
            shutil.copytree(ROOT / name, self.folder / name)
        (self.folder / "wasm_demo").mkdir()
        shutil.copy(ROOT / "wasm_demo" / "files_to_compute.txt", self.folder / "wasm_demo")
        for network in ("unet16", "unet-mobilenetv2", "linknet-effb3"):
            (self.folder / "wasm_demo" / "networks" / network).mkdir(parents=True)
            (self.folder / "wasm_demo" / "networks" / network / "network.hpp").touch()
        (self.folder / "weights").mkdir()
        (self.folder / "weights" / "lung-unet16-256.safetensors").touch()
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name, text in {"emcc": "echo emcc 4.0.0", "emcmake": EMCMAKE, "cmake": "", "ninja": "", "ctest": CTEST, "git": "",
                           "clang-format": "", "node": "echo 3 passed, 0 failed, 1 skipped", "npm": ""}.items():
            self.program(self.programs / name, text)

    def program(self, path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def call(self, script, *words):
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        return subprocess.run([f"scripts/{script}", *words], cwd=self.folder, capture_output=True, text=True, timeout=60, env=environment)

    def test_wrong_words_are_refused_before_anything_is_done(self):
        self.program(self.folder / "scripts" / "setup", "touch begun")
        for script, *words in (("demo", "nope"), ("demo", "--serve", "nope"), ("test", "nope"), ("wasm", "nope"), ("wasm", "--networks"),
                               ("wasm", "--networks", "unet16 nope"), ("gpu_check", "nope"), ("gpu_check", "--minutes", "0"),
                               ("bench", "nope"), ("bench", "--bogus"), ("bench", "--rounds", "0"), ("compare_runs", "--out", "x.svg", "nope")):
            done = self.call(script, *words)
            self.assertEqual(done.returncode, 2, (script, words, done.stderr))
            self.assertIn(words[-1].split()[-1], done.stderr)
        self.assertFalse((self.folder / "begun").exists())
        self.assertFalse((self.folder / "build").exists())

    def test_setup_names_what_a_machine_without_packages_of_debian_lacks(self):
        only = self.folder / "only"
        only.mkdir()
        for name in ("bash", "sed"):
            (only / name).symlink_to(shutil.which(name))
        for name in ("cmake", "ninja", "python3"):
            self.program(only / name, "")

        def setup():
            return subprocess.run(["scripts/setup", "build"], cwd=self.folder, capture_output=True, text=True, timeout=60, env={"PATH": str(only)})

        self.program(only / "g++", 'case "$*" in *hwy/highway.h*) exit 1 ;; esac')
        done = setup()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "scripts/setup: this is no Debian machine; please install the counterparts of: libhwy-dev\n")
        self.program(only / "g++", "")
        done = setup()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_each_explains_itself(self):
        for script in (path.name for path in (ROOT / "scripts").iterdir()):
            done = self.call(script, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), script)
            self.assertIn(f"scripts/{script}", done.stdout)
        self.assertFalse((self.folder / "build").exists())

    def test_wasm_keeps_what_belongs_to_the_networks_that_are_asked_for(self):
        self.program(self.folder / "scripts" / "setup", "")
        site = self.folder / "build" / "wasm" / "site"
        programs = lambda: {path.name for path in site.glob("*.wasm") if "-threads" not in path.name and "-relaxed" not in path.name}

        self.assertEqual(self.call("wasm", "--networks", "nope").returncode, 2)
        done = self.call("wasm")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("scripts of unet16 are 7 KB gzipped", done.stderr)
        self.assertEqual(programs(), {"unet16.wasm", "unet-mobilenetv2.wasm"})
        self.assertTrue((site / "weights.safetensors").exists())

        done = self.call("wasm", "--networks", "linknet-effb3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the page will ask for a weight file", done.stderr)
        self.assertEqual(len(list(site.glob("*.wasm"))), 4)
        self.assertEqual(programs(), {"linknet-effb3.wasm"})
        self.assertFalse((site / "weights.safetensors").exists())

        self.assertEqual(self.call("wasm").returncode, 0)
        self.assertEqual((self.folder / "build" / "wasm" / "networks").read_text(), "unet16;unet-mobilenetv2\n")
        self.assertEqual(programs(), {"unet16.wasm", "unet-mobilenetv2.wasm"})

    def test_gpu_check_finds_the_cudnn_of_pip_and_builds_where_nothing_can_be_installed(self):
        pip = self.folder / "pip" / "nvidia" / "cudnn"
        (pip / "lib").mkdir(parents=True)
        self.program(self.programs / "nvidia-smi", "echo 'GPU 0: a stand-in'")
        self.program(self.programs / "python3", f'case "$*" in *nvidia.cudnn*) echo {pip} ;; esac')
        self.program(self.programs / "cmake", 'echo "CUDA: no (looked in $CMAKE_PREFIX_PATH)"')
        self.program(self.folder / "scripts" / "setup", "exit 100")
        done = self.call("gpu_check")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"The backend is left out: no (looked in {pip}", done.stdout)

    def test_gpu_check_stops_where_a_library_is_not_found(self):
        (self.folder / "bin").mkdir()
        for name in ("test_cuda", "segx", "bench_gpu_step"):
            self.program(self.folder / "bin" / name, "")
        self.program(self.programs / "nvidia-smi", "echo 'GPU 0: a stand-in'")
        self.program(self.programs / "python3", "exit 1")
        self.program(self.programs / "ldd", "echo '\tlibcudnn.so.9 => not found'; echo '\tlibc.so.6 => /lib/libc.so.6 (0x0)'")
        done = self.call("gpu_check", "--built", ".")
        self.assertEqual(done.returncode, 1)
        self.assertIn("bin/test_cuda finds no libcudnn.so.9: name the folder in LD_LIBRARY_PATH\n", done.stdout)
        self.assertNotIn("Machine", done.stdout)

    def test_the_last_line_of_scripts_test_counts(self):
        for script in ("setup", "wasm"):
            self.program(self.folder / "scripts" / script, "")
        done = self.call("test")
        self.assertEqual(done.returncode, 1)
        # Of ctest 1 passed, 2 failed, 2 skipped; of WebAssembly 3 and 1 skipped; clang-format and the build of WebAssembly.
        self.assertEqual(done.stdout.splitlines()[-1], "6 passed, 2 failed, 3 skipped")


if __name__ == "__main__":
    unittest.main()
