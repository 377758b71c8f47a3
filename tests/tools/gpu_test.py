#!/usr/bin/env python3
"""Calls the program segx with --device cuda, as people do who have a GPU. Usage: gpu_test.py PROGRAM [unittest arguments].
PROGRAM is linked with an emulation of a GPU, or runs where there is one."""
import json
import shlex
import sys
import unittest

import tool_test
from tool_test import ProgramCase, log_of, read_png, segx, tensors_of

GPU = ("--device", "cuda")
EXACT = (*GPU, "--precision", "fp32")


class GpuTest(ProgramCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.synth.check_returncode()
        cls.train_words = ("train", "--data", cls.data, "--model", "unet8", "--size", 64, "--batch", 4, "--threads", 1,
                           "--seed", 1, *GPU)
        cls.run_folder = cls.folder / "run"
        cls.trained = segx(*cls.train_words, "--epochs", 2, "--out", cls.run_folder)
        cls.weights = cls.run_folder / "best.safetensors"

    def test_a_training_learns_and_says_how_long_the_gpu_waited(self):
        self.assert_done(self.trained)
        log = log_of(self.run_folder)
        self.assertEqual(len(log), 2)
        self.assertLess(float(log[1]["train_loss"]), float(log[0]["train_loss"]))
        self.assertIn("waiting", (self.run_folder / "log.csv").read_text().splitlines()[0])

    def test_a_training_gives_the_same_weights_again(self):
        again = self.folder / "again"
        self.assert_done(segx(*self.train_words, "--epochs", 2, "--out", again))
        self.assertEqual(tensors_of(again / "best.safetensors"), tensors_of(self.weights))

    def test_predictions_are_those_of_the_cpu(self):
        images = self.data / "images"
        for name, device in (("on_cpu", ()), ("on_gpu", EXACT)):
            self.assert_done(segx("predict", "--weights", self.weights, "--out", self.folder / name, *device, images))
        masks = sorted(path.name for path in (self.folder / "on_cpu").iterdir())
        self.assertEqual(masks, sorted(path.name for path in (self.folder / "on_gpu").iterdir()))
        self.assertEqual(len(masks), 12)
        for mask in masks:
            a, b = (read_png(self.folder / name / mask)[-1] for name in ("on_cpu", "on_gpu"))
            self.assertLess(sum(x != y for x, y in zip(a, b)), 0.002 * len(a))

    def test_scores_are_those_of_the_cpu(self):
        words = ("eval", "--weights", self.weights, "--data", self.data)
        on_cpu, on_gpu = (json.loads(segx(*words, *device).stdout) for device in ((), EXACT))
        self.assertAlmostEqual(on_cpu["iou_mean"], on_gpu["iou_mean"], places=3)

    def test_bench(self):
        small = ("bench", "--model", "unet8", "--size", 64, "--runs", 2, "--json")
        for extra in ((), ("--train", "--batch", 2), ("--precision", "fp32")):
            with self.subTest(extra):
                result = segx(*small, *GPU, *extra)
                self.assert_done(result)
                found = json.loads(result.stdout)
                self.assertEqual(found["precision"], "fp32" if "fp32" in extra else "bf16")
                self.assertGreater(found["gpu_mb"], 0)
                self.assertNotIn("layers", found)
        layers = json.loads(segx(*small, *GPU, "--layers").stdout)["layers"]
        self.assertEqual(layers[0]["name"], "encoder.0.conv1")
        self.assertTrue(all(layer["median_ms"] > 0 for layer in layers))
        on_cpu = {layer["name"] for layer in json.loads(segx(*small, "--layers").stdout)["layers"]}
        self.assertLessEqual(on_cpu, {layer["name"] for layer in layers})  # joins are in place there

    def test_plan(self):
        file = self.folder / "plan.json"
        words = ("plan", "--data", self.data, "--threads", 1, "--out", file, "--minutes", 0.01, *GPU)
        told = segx(*words)
        self.assert_done(told)
        self.assertRegex(told.stdout, r"\n[\d.]+ MB of the GPU for network, gradients and optimizer, as planned; images in memory")
        self.assertRegex(told.stdout, r"\nabout [\d.]+ (second|minute)s? on CUDA, bf16: ")
        self.assertRegex(told.stdout, r"\n1 thread loads and augments \d+ images a second")
        self.assertEqual(shlex.split(told.stdout.splitlines()[-1]),
                         ["segx", "train", "--recipe", str(file), "--data", str(self.data), *GPU, "--out", "run"])

        found = json.loads(segx(*words, "--precision", "fp32", "--json").stdout)
        self.assertEqual((found["device"], found["precision"]), ("cuda", "fp32"))
        self.assertEqual(found["recipe"], json.loads(file.read_text()))
        computing = found["multiply_adds"] / found["multiply_adds_per_second"] / 60
        loading = found["recipe"]["epochs"] * found["survey"]["train"] / found["images_loaded_per_second"] / 60
        self.assertAlmostEqual(found["minutes"], max(computing, loading))

        trained = segx("train", "--recipe", file, "--data", self.data, "--out", self.folder / "planned", "--epochs", 2,
                       "--threads", 1, "--quiet", *EXACT)
        self.assert_done(trained)
        self.assertIn(f"{found['training_bytes'] // 1000000} MB", trained.stderr)

    def test_what_does_not_fit_is_said_before_it_is_tried(self):
        many = segx("bench", "--model", "unet8", "--size", 1024, "--batch", 4096, "--train", *GPU)
        self.assert_fails(many, "a batch of 4096 images of 1024x1024", "would fit")
        self.assert_fails(segx("bench", "--model", "unet8", "--size", 64, *GPU, "--prefer-memory"), "--prefer-memory")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tool_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
