#!/usr/bin/env python3
"""Tests the program segx as people call it. Usage: tool_test.py PROGRAM [unittest's arguments]"""
import csv
import hashlib
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
import zlib

PROGRAM = ""
COMMANDS = ("synth", "train", "eval", "predict", "import", "convert", "info", "report", "bench", "augment", "plan", "paper")
TIME_COLUMNS = ("seconds", "images_per_second", "waiting")


def segx(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120)


def write_png(path, rows, claims=None):
    """An 8-bit gray PNG of rows of numbers, whose header may claim another width and height."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", *(claims or (len(rows[0]), len(rows))), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def read_png(path):
    """(width, height, bit depth, colour type, bytes of all pixels) of a PNG of 8 or 16 bits a channel."""
    file = path.read_bytes()
    assert file[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    at, packed = 8, b""
    while at < len(file):
        size, kind = struct.unpack_from(">I4s", file, at)
        body = file[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    step = {0: 1, 2: 3}[colour] * depth // 8
    stride = width * step
    raw = zlib.decompress(packed)
    above, pixels = bytearray(stride), bytearray()
    for y in range(height):
        start = y * (stride + 1)
        method, row = raw[start], bytearray(raw[start + 1:start + 1 + stride])
        for i in range(stride):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            guess = left + above[i] - corner
            paeth = min((left, above[i], corner), key=lambda value: abs(guess - value))
            row[i] = row[i] + (0, left, above[i], (left + above[i]) // 2, paeth)[method] & 255
        pixels += row
        above = row
    return width, height, depth, colour, bytes(pixels)


def tensors_of(path):
    """The bytes of every tensor of a safetensors file, by name."""
    file = path.read_bytes()
    size, = struct.unpack_from("<Q", file)
    header = json.loads(file[8:8 + size])
    header.pop("__metadata__", None)
    return {name: file[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
            for name, entry in header.items()}


def log_of(run):
    """The rows of a run's log without what differs from time to time; none if there is no log yet."""
    try:
        text = (run / "log.csv").read_text()
    except FileNotFoundError:
        return []
    rows = csv.DictReader(text[:text.rfind("\n") + 1].splitlines())
    return [{name: value for name, value in row.items() if name not in TIME_COLUMNS} for row in rows]


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class ProgramCase(unittest.TestCase):
    """Tests of the program, with a folder of their own and phantoms in it."""
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="segx_tool_test_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.data = cls.folder / "data"
        cls.synth = segx("synth", "--out", cls.data, "--count", 12, "--size", 64, "--seed", 3)

    def assert_done(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)

    def assert_fails(self, result, *told):
        """Status 1, and one line that says why."""
        self.assertEqual(result.returncode, 1, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("segx: "), lines[0])
        for words in told:
            self.assertIn(str(words), lines[0])


class ToolTest(ProgramCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.val_names = ["phantom_0002", "phantom_0007", "phantom_0011"]
        cls.val_list = cls.folder / "val.txt"
        cls.val_list.write_text("".join(name + "\n" for name in cls.val_names))
        cls.run_folder = cls.folder / "run"
        cls.train_words = ("train", "--data", cls.data, "--val-list", cls.val_list, "--model", "unet8", "--size", 64,
                           "--batch", 4, "--threads", 1, "--seed", 1, "--schedule", "cosine")
        cls.two_epochs = (*cls.train_words, "--epochs", 2, "--out", cls.run_folder)
        cls.trained = segx(*cls.two_epochs)
        cls.weights = cls.run_folder / "best.safetensors"

    # ---- words ----

    def test_help(self):
        for words in ((), *((command,) for command in COMMANDS)):
            result = segx(*words, "--help")
            self.assert_done(result)
            self.assertIn("--help", result.stdout)
        for command in COMMANDS:
            self.assertIn(command, segx("--help").stdout)

    def test_wrong_usage(self):
        for words in (("dance",), ("train",), ("train", "--data", self.data, "--out", self.folder / "x", "--bogus"),
                      ("train", "--data", self.data, "--out", self.folder / "x", "--model", "unet7"),
                      ("train", "--data", self.data, "--out", self.folder / "x", "--epochs", "many"),
                      ("train", "--data", self.data, "--out", self.folder / "x", "--epochs", 0),
                      ("train", "--data", self.data, "--out", self.folder / "x", "--mask-threshold", 0),
                      ("train", "--data", self.data), ("train", "--print-recipe", "--lr-scale", "encoder"),
                      ("train", "--print-recipe", "--lr-scale", "encoder=0.5", "--freeze", "encoder"),
                      ("train", "--print-recipe", "--lr-scale", "encoder=0.5", "encoder=0.7"),
                      ("train", "--print-recipe", "--lr-scale", "encoder=x"), ("train", "--print-recipe", "--seed", -5),
                      ("train", "--print-recipe", "--seed", 1 << 64), ("synth", "--out", self.folder / "x", "--count", 1, "--seed", -1),
                      ("synth", "--out", self.folder / "x", "--count", 0), ("info",),
                      ("import", "--encoder", "unet8", self.weights, "--out", self.folder / "x"),
                      ("predict", "--weights", self.weights, "--out", self.folder / "x")):
            result = segx(*words)
            self.assertEqual(result.returncode, 2, f"{words}: {result.stderr}")
            self.assertIn("Run with --help for more information.", result.stderr)
        self.assertFalse((self.folder / "x").exists())
        self.assertIn('no command "dance"', segx("dance").stderr)
        self.assertIn("expected a whole number from 1 to 1000000, not many",
                      segx("train", "--data", self.data, "--out", self.folder / "x", "--epochs", "many").stderr)
        nothing = segx()
        self.assertEqual(nothing.returncode, 2)
        self.assertEqual(nothing.stderr, segx("--help").stdout)
        self.assertRegex(segx("--version").stdout, r"^segx \d+\.\d+\.\d+\n$")
        for words in (("eval", "--weights", self.weights, "--data", self.data, "--json"), ("plan", "--data", self.data, "--out")):
            result = segx(*words, self.folder / "none" / "file.json")
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"there is no folder {self.folder / 'none'}", result.stderr)
            result = segx(*words, self.folder)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"{self.folder} is a folder, not a file", result.stderr)

    def test_a_full_disk_is_noticed(self):
        with open("/dev/full", "w") as full:
            for words in (("info", "--model", "unet8"), ("train", "--print-recipe"), ("--help",), ("train", "--help"), ("--version",),
                          ("eval", "--weights", self.weights, "--data", self.data)):
                result = subprocess.run([PROGRAM, *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
                self.assert_fails(result, "standard output cannot be written")

    def test_names_that_are_not_utf_8(self):
        """As of folders from older times: they are written with a sign in place of what nobody can read."""
        old = self.folder / os.fsdecode(b"k\xe9")
        shutil.copytree(self.data, old)
        for kind in ("images", "masks"):
            (old / kind / "phantom_0001.png").rename(old / kind / os.fsdecode(b"x\xe9.png"))
        run = self.folder / "old_names"
        self.assert_done(segx("train", "--data", old, "--model", "unet8", "--size", 32, "--epochs", 1, "--batch", 4, "--out", run,
                              "--threads", 1, "--quiet"))
        listed = self.folder / "old_names.txt"
        listed.write_bytes(b"x\xe9\nphantom_0002\n")
        result = segx("eval", "--weights", run / "best.safetensors", "--data", old, "--list", listed, "--threads", 1)
        self.assert_done(result)
        found = json.loads(result.stdout)
        self.assertTrue(found["data"].endswith("/k\ufffd"), found["data"])
        self.assertIn("x\ufffd", [case["name"] for case in found["worst"]])

    # ---- synth ----

    def test_synth(self):
        self.assert_done(self.synth)
        names = [f"phantom_{k:04}.png" for k in range(1, 13)]
        for kind in ("images", "masks"):
            self.assertEqual(sorted(path.name for path in (self.data / kind).iterdir()), names)
        self.assertEqual(read_png(self.data / "images" / names[0])[:4], (64, 64, 16, 0))
        width, height, depth, colour, pixels = read_png(self.data / "masks" / names[0])
        self.assertEqual((width, height, depth, colour), (64, 64, 8, 0))
        self.assertEqual(set(pixels), {0, 255})

    def test_synth_notices_that_a_file_cannot_be_written_whole(self):
        def limit():  # files end there, as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        # Python ignores the signal that would end the program instead.
        result = subprocess.run([PROGRAM, "synth", "--out", self.folder / "no_room", "--count", "2", "--size", "64"], capture_output=True,
                                text=True, timeout=120, preexec_fn=limit, restore_signals=False)
        self.assert_fails(result, self.folder / "no_room" / "images" / "phantom_0001.png", "cannot write")

    def test_synth_mixes_no_data(self):
        out = self.folder / "synth_again"
        words = ("synth", "--out", out, "--size", 32)
        self.assert_done(segx(*words, "--count", 3))
        before = content_of(out / "images")
        self.assert_fails(segx(*words, "--count", 2, "--seed", 1), out / "images", "--overwrite")
        self.assertEqual(content_of(out / "images"), before)
        self.assert_done(segx(*words, "--count", 2, "--seed", 1, "--overwrite"))
        for kind in ("images", "masks"):
            self.assertEqual(set(content_of(out / kind)), {"phantom_0001.png", "phantom_0002.png"})

        write_png(out / "masks" / "mine.png", [[0]])
        self.assert_fails(segx(*words, "--count", 1, "--overwrite"), out / "masks", "mine.png")
        self.assertEqual(len(content_of(out / "images")), 2)
        self.assertEqual(len(content_of(out / "masks")), 3)

    # ---- train ----

    def test_train(self):
        self.assert_done(self.trained)
        self.assertEqual({path.name for path in self.run_folder.iterdir()},
                         {"best.safetensors", "last.ckpt", "recipe.json", "val.txt", "log.csv", "log.jsonl", "curves.png"})
        self.assertEqual([row["epoch"] for row in log_of(self.run_folder)], ["1", "2"])
        about, *lines = [json.loads(line) for line in (self.run_folder / "log.jsonl").read_text().splitlines()]
        self.assertEqual(about["recipe"], json.loads((self.run_folder / "recipe.json").read_text()))
        self.assertEqual((about["recipe"]["epochs"], about["recipe"]["schedule"]), (2, "cosine"))
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        self.assertLess(lines[1]["train_loss"], lines[0]["train_loss"])
        self.assertIn("best validation IoU", self.trained.stdout)
        self.assertRegex(self.trained.stderr, r"images in memory, 1 MB, and \d+ MB to load batches \(")

    def test_train_keeps_what_is_there(self):
        before = content_of(self.run_folder)
        checkpoint = self.run_folder / "last.ckpt"
        for words, told in (((), "--resume"), (("--resume", "--lr", 0.5), "learning_rate is 0.001 and not 0.5")):
            self.assert_fails(segx(*self.two_epochs, "--quiet", *words), f"segx: {checkpoint}: ", told)
        other_model = segx(*("unet16" if word == "unet8" else word for word in self.two_epochs), "--quiet", "--resume")
        self.assert_fails(other_model, f'{checkpoint}: was made with another recipe: there model is "unet8" and not "unet16"',
                          "(--out)")
        self.assertTrue(content_of(self.run_folder) == before, "a refused training changed files")

    def test_train_writes_over_nothing(self):
        for name in ("val.txt", "recipe.json", "log.jsonl", "curves.png"):
            out = self.folder / f"of_others_{name}"
            out.mkdir()
            (out / name).write_text("precious")
            self.assert_fails(segx(*self.train_words, "--epochs", 1, "--quiet", "--out", out), out / name, "write over it")
            self.assertEqual({file: text.decode() for file, text in content_of(out).items()}, {name: "precious"})

    def test_a_training_that_is_over_looks_at_its_weights(self):
        run = self.folder / "over"
        shutil.copytree(self.run_folder, run)
        resume = ("--quiet", "--resume")
        words = (*self.two_epochs[:-1], run, *resume)
        self.assert_done(segx(*words))
        with open(run / "best.safetensors", "r+b") as file:
            file.truncate(100)
        for why in ("truncated", "is missing"):
            refused = segx(*words)
            self.assertEqual(refused.returncode, 1)
            self.assertRegex(refused.stderr.splitlines()[-1], f"^segx: {run / 'best.safetensors'}: .*{why}.*another folder")
            (run / "best.safetensors").unlink(missing_ok=True)

    def test_names_that_lists_cannot_hold(self):
        data = self.folder / "lines"
        shutil.copytree(self.data, data)
        for folder in ("images", "masks"):
            (data / folder / "phantom_0001.png").rename(data / folder / "one\ntwo.png")
        refused = segx("train", "--data", data, "--model", "unet8", "--size", 64, "--quiet", "--out", self.folder / "x")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("has a line break in its name", refused.stderr)
        self.assert_fails(segx("eval", "--weights", self.weights, "--data", self.data, "--list", self.data), "is a folder", "a list of stems")

    def test_train_refuses(self):
        out = self.folder / "refused"
        words = ("train", "--out", out, "--model", "unet8", "--quiet")
        self.assert_fails(segx(*words, "--data", self.folder / "none"), self.folder / "none")
        self.assert_fails(segx(*words, "--data", self.data, "--size", 60), "60x60",
                          "it takes 48x48 and 64x64")
        self.assert_fails(segx(*words, "--data", self.data, "--size", 64, "--resume"), out / "last.ckpt",
                          "no training to resume")
        self.assert_fails(segx("train", "--out", out, "--model", "unet16", "--quiet", "--data", self.data, "--size", 64,
                               "--pretrained", self.weights),
                          self.weights, "weights of unet8")
        self.assert_fails(segx(*words, "--data", self.data, "--loss", "hope"), "hope", "bce")
        self.assert_fails(segx(*words, "--data", self.data, "--size", 64, "--loss", "bce(pos_weight=[1,2])"), "pos_weight")
        self.assert_fails(segx(*words, "--data", self.data, "--optimizer", "hope"), "hope", "adam")
        self.assert_fails(segx(*words, "--data", self.data, "--schedule", "hope"), "hope", "cosine", "plateau(")
        self.assert_fails(segx(*words, "--data", self.data, "--augment", "hope"), "hope", "flip")
        self.assert_fails(segx(*words, "--data", self.data, "--freeze", "hope"), "hope", "bottleneck")
        self.assert_fails(segx(*words, "--data", self.data, "--steady", "hope"), "steady", "hope", "bottleneck")
        for cut in ("crop(32,32)", "foreground_crop(64,64)", "flip,sometimes(0.5,pad(96,96))"):
            self.assert_fails(segx(*words, "--data", self.data, "--augment", cut), "changes the size", "--framing window")
        self.assertFalse(out.exists())

    def test_masks_without_anything_to_learn_are_told(self):
        data, out = self.folder / "empty", self.folder / "empty_run"
        shutil.copytree(self.data, data)
        for file in (data / "masks").iterdir():
            if file.stem not in self.val_names:
                write_png(file, [[0] * 64] * 64)
        words = ("train", "--data", data, "--model", "unet8", "--size", 64, "--epochs", 1, "--quiet", "--out", out)
        self.assert_fails(segx(*words, "--val-list", self.val_list), "all masks to train on are empty")
        self.assertFalse(out.exists())

        data = self.folder_of_classes("lacking")
        lacking = segx("train", "--data", data, "--labels", "exclusive", "--classes", "background,a,b,c", "--loss", "cross_entropy",
                       *words[3:])
        self.assert_done(lacking)
        self.assertIn('no mask to train on has the class "c"', lacking.stderr)
        self.assertNotIn('the class "b"', lacking.stderr)

    def test_masks_in_two_places_are_a_question(self):
        data = self.folder_of_classes("two_places")
        for words in (("train", "--out", self.folder / "x"), ("plan",)):
            refused = segx(*words, "--data", data)
            self.assert_fails(refused, data / "masks", data / "masks_left", "--labels binary", "--labels overlapping")

    def test_recipes_that_cannot_be_trained_are_not_printed(self):
        file = self.folder / "wrong.json"
        words = ("train", "--print-recipe", "--model", "unet8")
        for wrong, told in ((("--optimizer", "hope"), "adam"), (("--labels", "hope"), "exclusive"), (("--normalise", "hope"), "imagenet"),
                            (("--normalise", "mean 0.5 std 0"), "std must be above 0"), (("--framing", "hope"), "window"),
                            (("--lr-scale", "hope=2"), "bottleneck"), (("--steady", "hope"), "bottleneck"),
                            (("--size", 60), "it takes 48x48 and 64x64"), (("--loss", "cross_entropy"), "sigmoids, as bce does"),
                            (("--labels", "exclusive"), "the background first"), (("--labels", "binary", "--classes", "a,b"), "one class"),
                            (("--labels", "exclusive", "--classes", "background,a"), "softmax, as cross_entropy does"),
                            (("--pretrained", self.folder / "none"), self.folder / "none")):
            with self.subTest(wrong):
                refused = segx(*words, *wrong)
                self.assert_fails(refused, told)
                self.assertEqual(refused.stdout, "")
        self.assert_fails(segx("train", "--print-recipe", "--model", "resnet18"), "resnet18", "cannot segment")
        self.assert_fails(segx("train", "--print-recipe", "--model", "unet16", "--pretrained", self.weights), "weights of unet8")
        self.assert_done(segx(*words, "--labels", "exclusive", "--classes", "background,a", "--loss", "cross_entropy"))

        # What stands in a file is wrong there, in that key; what was said on the command line is not.
        for key, value in (("optimizer", "hope"), ("labels", "hope"), ("framing", "hope"), ("normalisation", "mean 0.5 std 0"),
                           ("loss", "hope"), ("augmentation", "hope"), ("augmentation", "crop(32,32)"), ("steady", "hope"),
                           ("learning_rate_factors", {"hope": 1}), ("height", 60), ("pretrained", "none"), ("model", "unet7"),
                           ("batch", 0), ("schedule", "hope"), ("labels", "binary")):
            recipe = {"model": "unet8", "height": 64, "width": 64, "epochs": 3, key: value}
            if value == "binary":
                recipe["classes"], key = "a,b", "labels"
            file.write_text(json.dumps(recipe))
            with self.subTest(recipe):
                refused = segx("train", "--print-recipe", "--recipe", file)
                self.assert_fails(refused, key)
                self.assertTrue(refused.stderr.startswith(f"segx: {file}: "), refused.stderr)
        file.write_text('{"model": "unet8", "epochs": 3}')
        for wrong in (("--optimizer", "hope"), ("--size", 60), ("--steady", "hope")):
            self.assertNotIn(str(file), segx("train", "--print-recipe", "--recipe", file, *wrong).stderr)

    def test_a_training_on_windows_is_looked_at_in_tiles(self):
        run = self.folder / "windows"
        self.assert_done(segx("train", "--data", self.data, "--model", "unet8", "--size", 32, "--framing", "window",
                              "--foreground", 1, "--epochs", 1, "--quiet", "--out", run))
        weights = run / "best.safetensors"
        def measured(*words):
            result = segx("eval", "--weights", weights, "--data", self.data, *words)
            self.assert_done(result)
            found = json.loads(result.stdout)
            return found["iou_mean"], found["measured_at"]
        self.assertEqual(measured(), measured("--fit", "tile"))
        self.assertNotEqual(measured(), measured("--fit", "stretch"))
        masks = {}
        for name, *words in (("none",), ("tile", "--fit", "tile"), ("stretch", "--fit", "stretch")):
            self.assert_done(segx("predict", "--weights", weights, "--prob", "--out", self.folder / f"fit_{name}", *words,
                                  self.data / "images"))
            masks[name] = content_of(self.folder / f"fit_{name}")
        self.assertTrue(masks["none"] == masks["tile"])
        self.assertFalse(masks["none"] == masks["stretch"])

    def test_classes_with_sides_are_not_mirrored_in_silence(self):
        data = self.folder_of_classes("sided")
        shutil.rmtree(data / "masks")
        for augment, warns in (("flip", True), ("rotate(5),sometimes(0.1,flip)", True), ("vertical_flip", False), ("none", False)):
            result = segx("train", "--data", data, "--model", "unet8", "--size", 64, "--epochs", 1, "--augment", augment,
                          "--out", self.folder / f"sides_{augment}")
            self.assert_done(result)
            self.assertEqual("named for their sides" in result.stderr, warns, augment)

    def test_words_override_the_recipe_of_a_file(self):
        file = self.folder / "recipe.json"
        file.write_text('{"model": "unet8", "epochs": 7, "validation_list": "a.txt", "learning_rate_factors": {"head": 2}}')
        standard = json.loads(segx("train", "--print-recipe").stdout)
        made = json.loads(segx("train", "--recipe", file, "--seed", 5, "--size", 64, "--width", 96, "--val", 0.3,
                               "--schedule", "step( 3;0.5)", "--lr-scale", "encoder=0.1", "--freeze", "bottleneck",
                               "--decay-biases", "--weight-decay", 0, "--print-recipe").stdout)
        self.assertEqual(made, {**standard, "model": "unet8", "epochs": 7, "seed": 5, "height": 64, "width": 96,
                                "validation": 0.3, "validation_list": "", "schedule": "step(3;0.5)",
                                "learning_rate_factors": {"bottleneck": 0, "encoder": 0.1, "head": 2},
                                "decay_biases": True, "weight_decay": 0})

        again = self.folder / "again"
        self.assert_done(segx("train", "--recipe", self.run_folder / "recipe.json", "--data", self.data, "--out", again,
                              "--threads", 1, "--quiet"))
        self.assertEqual(log_of(again), log_of(self.run_folder))

        file.write_text('{"model": "unet8",\n "epoch": 7}')
        self.assert_fails(segx("train", "--recipe", file, "--data", self.data, "--out", self.folder / "x"),
                          f'{file}: line 2: a recipe has no key "epoch"; it has model, ')
        file.write_text('{"model": "unet7"}')
        self.assert_fails(segx("train", "--recipe", file, "--data", self.data, "--out", self.folder / "x"), "unet7")
        self.assertFalse((self.folder / "x").exists())

    def test_the_document_on_training(self):
        document = (pathlib.Path(__file__).parents[2] / "docs" / "training.md").read_text()
        blocks = re.findall(r"```(\w+)\n(.*?)```", document, re.DOTALL)
        (self.folder / "document.json").write_text(next(text for kind, text in blocks if kind == "json"))
        commands = [line for kind, text in blocks if kind == "sh" for line in text.splitlines()]
        self.assertGreater(len(commands), 5)
        for command in commands:
            words = shlex.split(command.replace("recipe.json", str(self.folder / "document.json")))
            self.assertEqual(words[:2], ["segx", "train"])
            self.assert_done(segx(*words[1:], "--print-recipe"))

        standard = json.loads(segx("train", "--print-recipe").stdout)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in document.splitlines() if line[:3] == "| `"]
        keys = [key for row in rows if len(row) == 4 for key in re.findall(r"`(\w+)`", row[0])]
        self.assertEqual(keys, list(standard), "the table of keys is not that of the program")

    def begin_training(self, run, *words):
        all_words = (*self.train_words, "--epochs", 10, "--accumulate", 2, "--clip-norm", 1, "--ema", 0.9, "--out", run, *words)
        process = subprocess.Popen([PROGRAM, *map(str, all_words)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_epoch(self, process, run, epoch):
        """Until the run's log and checkpoint have this epoch."""
        deadline = time.monotonic() + 100
        while len(log_of(run)) < epoch or not (run / "last.ckpt").exists():
            self.assertIsNone(process.poll(), f"ended before it could be stopped: {process.returncode}")
            self.assertLess(time.monotonic(), deadline, f"no epoch {epoch} after 100 s")
            time.sleep(0.002)

    def test_a_training_survives_being_killed_and_interrupted(self):
        unbroken, killed, interrupted = (self.folder / name for name in ("unbroken", "killed", "interrupted"))
        self.assertEqual(self.begin_training(unbroken, "--quiet").wait(100), 0)

        for epoch, later in ((1, 0.0), (3, 0.03)):
            process = self.begin_training(killed, *(["--resume"] if epoch > 1 else []))
            self.wait_for_epoch(process, killed, epoch)
            time.sleep(later)
            process.kill()
            self.assertEqual(process.wait(100), -signal.SIGKILL)

        process = self.begin_training(interrupted)
        self.wait_for_epoch(process, interrupted, 2)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=100)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("--resume", said)
        self.assertLess(len(log_of(interrupted)), 10)

        for run in (killed, interrupted):
            resumed = self.begin_training(run, "--resume")
            said = resumed.communicate(timeout=100)[1]
            self.assertEqual(resumed.returncode, 0, said)
            self.assertEqual(log_of(run), log_of(unbroken), run.name)
            for name in ("best.safetensors", "last.ckpt"):
                expected, found = tensors_of(unbroken / name), tensors_of(run / name)
                self.assertEqual(found.keys(), expected.keys())
                differ = [tensor for tensor in expected if expected[tensor] != found[tensor]]
                self.assertEqual(differ, [], f"{run.name}/{name}")
            self.assertEqual({path.name for path in run.iterdir()}, {path.name for path in unbroken.iterdir()},
                             "files of a killed write must not stay")

    # ---- eval ----

    def test_eval(self):
        table, file = self.folder / "eval.csv", self.folder / "eval.json"
        result = segx("eval", "--weights", self.weights, "--data", self.data, "--list", self.val_list, "--per-image",
                      table, "--json", file, "--threads", 1)
        self.assert_done(result)
        found = json.loads(result.stdout)
        self.assertEqual(found, json.loads(file.read_text()))
        self.assertEqual(found["images"], 3)
        for name in ("iou_micro", "iou_mean", "dice_mean", "f1_micro", "precision_micro", "recall_micro", "accuracy"):
            self.assertTrue(0 <= found[name] <= 1, name)
        self.assertAlmostEqual(found["f1_micro"], 2 * found["iou_micro"] / (1 + found["iou_micro"]))

        best = max(log_of(self.run_folder), key=lambda row: float(row["val_iou_mean"]))
        for name, logged in (("loss", "val_loss"), ("iou_mean", "val_iou_mean"), ("iou_micro", "val_iou_micro"),
                             ("dice_mean", "val_dice_mean"), ("accuracy", "val_accuracy")):
            self.assertAlmostEqual(found[name], float(best[logged]), places=6, msg=name)

        with table.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        self.assertEqual([row["image"] for row in rows], self.val_names)
        self.assertEqual({row["class"] for row in rows}, {"foreground"})
        ious = [float(row["iou"]) for row in rows]
        self.assertAlmostEqual(sum(ious) / 3, found["iou_mean"], places=5)
        self.assertEqual([case["name"] for case in found["worst"]],
                         [row["image"] for row in sorted(rows, key=lambda row: float(row["iou"]))])

        masks = self.folder / "eval_masks"  # and the masks that are written are those that were measured
        self.assert_done(segx("predict", "--weights", self.weights, "--out", masks,
                              *(self.data / "images" / (name + ".png") for name in self.val_names)))
        for name, iou in zip(self.val_names, ious):
            predicted, truth = (read_png(path / (name + ".png"))[4] for path in (masks, self.data / "masks"))
            both = sum(1 for p, t in zip(predicted, truth) if p and t)
            either = sum(1 for p, t in zip(predicted, truth) if p or t)
            self.assertAlmostEqual(both / either, iou, places=3)

    def test_eval_heeds_the_training(self):
        run = self.folder / "by_dice"
        self.assert_done(segx("train", "--data", f"{self.data}/", "--model", "unet8", "--size", 32, "--epochs", 1, "--batch", 3,
                              "--loss", "dice", "--mask-threshold", 100, "--out", run, "--threads", 1, "--quiet"))
        weights = run / "best.safetensors"
        self.assertIn(f"images of {self.data.name}", segx("info", "--weights", weights, "--json").stdout)
        of_validation = segx("eval", "--weights", weights, "--data", self.data, "--list", run / "val.txt", "--threads", 1)
        self.assert_done(of_validation)
        found = json.loads(of_validation.stdout)
        self.assertEqual(found["loss_name"], "dice")
        self.assertAlmostEqual(found["loss"], float(log_of(run)[0]["val_loss"]), places=6)
        every = self.folder / "every.txt"
        every.write_text("".join(f"{image.stem}\n" for image in (self.data / "images").iterdir()))
        of_all = segx("eval", "--weights", weights, "--data", self.data, "--list", every, "--threads", 1)
        self.assert_done(of_all)
        self.assertEqual(json.loads(of_all.stdout)["images"], len(list((self.data / "images").iterdir())))

    def test_eval_in_other_ways(self):
        words = ("eval", "--weights", self.weights, "--data", self.data, "--list", self.val_list)
        plain = json.loads(segx(*words).stdout)
        self.assertEqual(plain["measured_at"], "the network's size")
        self.assertNotIn("intervals_95", plain)
        for fit in ("stretch", "pad", "tile"):  # of the network's size: all the same
            found = json.loads(segx(*words, "--fit", fit).stdout)
            self.assertEqual(found["measured_at"], "the image's size")
            self.assertIsNone(found["loss"])
            self.assertAlmostEqual(found["iou_mean"], plain["iou_mean"], places=6)
        mirrored = json.loads(segx(*words, "--tta", "h").stdout)
        self.assertNotEqual(mirrored["loss"], plain["loss"])
        self.assertAlmostEqual(mirrored["iou_mean"], plain["iou_mean"], delta=0.2)
        sure = json.loads(segx(*words, "--ci").stdout)
        for name in ("iou_mean", "dice_mean"):
            low, high = sure["intervals_95"][name]
            self.assertLessEqual(low, sure[name])
            self.assertGreaterEqual(high, sure[name])
            self.assertLess(low, high)

    def test_eval_of_outlines(self):
        """Distances in pixels, or in millimetres of the images' own pixels, with the unit in every name."""
        data, table = self.folder / "outlines", self.folder / "outlines.csv"
        for kind in ("images", "masks"):  # twice as high as the phantoms, by doubled rows
            (data / kind).mkdir(parents=True)
            for name in self.val_names:
                width, height, depth, _, pixels = read_png(self.data / kind / (name + ".png"))
                step = width * depth // 8
                rows = [pixels[y * step:(y + 1) * step:depth // 8] for y in range(height)]
                write_png(data / kind / (name + ".png"), [row for row in rows for _ in range(2)])
        words = ("eval", "--weights", self.weights, "--data", data, "--per-image", table)

        def measure(*more):
            result = segx(*words, *more)
            self.assert_done(result)
            with table.open(newline="") as stream:
                return json.loads(result.stdout), list(csv.DictReader(stream))

        pixels, rows = measure("--ci")
        self.assertEqual(pixels["unmeasured"], 0)
        for name in ("hd95_px", "assd_px"):
            values = [float(row[name]) for row in rows]
            self.assertGreater(min(values), 0)
            self.assertAlmostEqual(sum(values) / 3, pixels[name + "_mean"], places=4)
            low, high = pixels["intervals_95"][name + "_mean"]
            self.assertTrue(min(values) - 1e-4 <= low < pixels[name + "_mean"] < high <= max(values) + 1e-4)
        # At the network's size a row stands for two: with half the spacing of rows, distances are those of pixels.
        same, rows = measure("--spacing", 0.5, 1)
        self.assertEqual([name for name in same if "_px" in name], [])
        self.assertAlmostEqual(same["hd95_mm_mean"], pixels["hd95_px_mean"], places=6)
        self.assertAlmostEqual(same["assd_mm_mean"], pixels["assd_px_mean"], places=6)
        self.assertIn("assd_mm", rows[0])
        thrice, _ = measure("--spacing", 1.5, 3)
        self.assertAlmostEqual(thrice["hd95_mm_mean"], 3 * pixels["hd95_px_mean"], places=6)
        own, _ = measure("--fit", "stretch", "--spacing", 1)  # at the image's size, with its own pixels
        self.assertAlmostEqual(own["assd_mm_mean"], measure("--fit", "stretch")[0]["assd_px_mean"], places=6)

        for name in self.val_names:  # nothing to find: no distance
            write_png(data / "masks" / (name + ".png"), [[0] * 64] * 128)
        nothing, rows = measure("--ci")
        self.assertEqual((nothing["unmeasured"], nothing["hd95_px_mean"], nothing["assd_px_mean"]), (3, None, None))
        self.assertEqual({row["hd95_px"] for row in rows}, {""})
        self.assertEqual(segx(*words, "--spacing", 0).returncode, 2)

    # ---- predict ----

    def test_predict(self):
        inputs, out = self.folder / "inputs", self.folder / "masks"
        inputs.mkdir()
        write_png(inputs / "wide.png", [[(x * 3 + y) % 256 for x in range(101)] for y in range(37)])
        shutil.copy(self.data / "images" / "phantom_0001.png", inputs / "square.png")
        (inputs / "broken.png").write_bytes((inputs / "square.png").read_bytes()[:500])
        result = segx("predict", "--weights", self.weights, "--out", out, "--overlay", "--prob", inputs)
        self.assert_fails(result, inputs / "broken.png")
        self.assertIn("segmented 2 of 3 images", result.stdout)
        self.assertEqual({path.name for path in out.iterdir()},
                         {stem + end for stem in ("wide", "square") for end in (".png", ".overlay.png", ".prob.png")})
        for stem, size in (("wide", (101, 37)), ("square", (64, 64))):
            *kind, mask = read_png(out / (stem + ".png"))
            self.assertEqual(tuple(kind), (*size, 8, 0))
            self.assertLessEqual(set(mask), {0, 255})
            self.assertEqual(read_png(out / (stem + ".overlay.png"))[:4], (*size, 8, 2))
            *kind, bytes_ = read_png(out / (stem + ".prob.png"))
            self.assertEqual(tuple(kind), (*size, 16, 0))
            probability = struct.unpack(f">{len(mask)}H", bytes_)
            wrong = [p for p, m in zip(probability, mask) if abs(p - 32767.5) > 1 and (p > 32767) != (m == 255)]
            self.assertEqual(wrong, [], "the mask is not where the probability exceeds a half")

        again = self.folder / "masks_again"
        self.assert_done(segx("predict", "--weights", self.weights, "--out", again, inputs / "wide.png"))
        self.assertEqual((again / "wide.png").read_bytes(), (out / "wide.png").read_bytes())
        (inputs / "broken.png").unlink()
        twice = segx("predict", "--weights", self.weights, "--out", again, inputs / "wide.png", inputs, inputs / ".." / "inputs" / "wide.png")
        self.assert_done(twice)
        self.assertIn("segmented 2 of 2 images", twice.stdout)
        self.assert_fails(segx("predict", "--weights", self.weights, "--out", again, self.folder / "none.png"),
                          self.folder / "none.png")

    def test_predict_in_other_ways(self):
        name = "phantom_0001.png"
        inputs = self.folder / "other_inputs"
        inputs.mkdir()
        write_png(inputs / "wide.png", [[(x * 3 + y) % 256 for x in range(151)] for y in range(37)])
        shutil.copy(self.data / "images" / name, inputs / name)
        written = {}
        for words in (("--fit", "stretch"), ("--fit", "pad"), ("--fit", "tile"), ("--fit", "tile", "--overlap", 0.25),
                      ("--tta", "h"), ("--tta", "hv", "--fit", "pad")):
            with self.subTest(words):
                out = self.folder / ("ways" + "_".join(map(str, words)))
                self.assert_done(segx("predict", "--weights", self.weights, "--out", out, "--prob", "--overlay", *words,
                                      inputs))
                written[words] = content_of(out)
                self.assertEqual(len(written[words]), 6)
                for file, size in (("wide", (151, 37)), ("phantom_0001", (64, 64))):
                    self.assertEqual(read_png(out / (file + ".png"))[:4], (*size, 8, 0))
                    self.assertEqual(read_png(out / (file + ".prob.png"))[:4], (*size, 16, 0))
        stretched = written["--fit", "stretch"]
        for words in (("--fit", "pad"), ("--fit", "tile")):  # of the network's size: all the same
            self.assertEqual(written[words][name], stretched[name])
        for words in (("--fit", "pad"), ("--fit", "tile"), ("--tta", "h")):
            self.assertNotEqual(written[words]["wide.prob.png"], stretched["wide.prob.png"])

    def test_predict_with_dropout(self):
        image = self.data / "images" / "phantom_0001.png"
        out = [self.folder / ("dropout" + str(k)) for k in range(2)]
        for folder in out:
            self.assert_done(segx("predict", "--weights", self.weights, "--out", folder, "--mc-dropout", 5, image))
        self.assertEqual(content_of(out[0]), content_of(out[1]))
        *kind, bytes_ = read_png(out[0] / "phantom_0001.uncertainty.png")
        self.assertEqual(tuple(kind), (64, 64, 16, 0))
        deviation = struct.unpack(f">{64 * 64}H", bytes_)
        self.assertLessEqual(max(deviation), 32768)
        self.assertGreater(max(deviation), 0)

        self.assert_done(segx("predict", "--weights", self.weights, "--out", out[0], "--mc-dropout", 1, image))
        self.assertEqual(set(read_png(out[0] / "phantom_0001.uncertainty.png")[4]), {0})  # one pass varies in nothing

    def test_predict_refuses_wrong_words(self):
        image = self.data / "images" / "phantom_0001.png"
        for words in (("--fit", "squeeze"), ("--tta", "v"), ("--overlap", 1), ("--mc-dropout", -1)):
            result = segx("predict", "--weights", self.weights, "--out", self.folder / "x", *words, image)
            self.assertEqual(result.returncode, 2, result.stderr)

    def test_predict_refuses_names_that_meet(self):
        out = self.folder / "meet"
        self.assert_fails(segx("predict", "--weights", self.weights, "--out", out,
                               self.data / "images" / "phantom_0001.png", self.data / "masks" / "phantom_0001.png"),
                          "phantom_0001.png")
        inputs = self.folder / "meeting"
        inputs.mkdir()
        for name in ("x.png", "x.prob.png"):
            shutil.copy(self.data / "images" / "phantom_0001.png", inputs / name)
        self.assert_fails(segx("predict", "--weights", self.weights, "--out", out, "--prob", inputs), "x.prob.png")
        self.assertFalse(out.exists())
        self.assert_done(segx("predict", "--weights", self.weights, "--out", out, inputs))

    def test_predict_replaces_no_input(self):
        folder = self.folder / "in_place"
        folder.mkdir()
        shutil.copy(self.data / "images" / "phantom_0001.png", folder / "a.png")
        before = content_of(folder)
        for words in ((folder,), (folder / "a.png",), (folder / ".." / "in_place" / "a.png",)):
            self.assert_fails(segx("predict", "--weights", self.weights, "--out", folder, *words), "a.png")
        self.assertEqual(content_of(folder), before)

        linked, original = self.folder / "linked", self.folder / "original.png"
        linked.mkdir()
        shutil.copy(folder / "a.png", original)
        (linked / "original.png").symlink_to(original)
        for words in (linked, linked / "original.png", original):
            self.assert_fails(segx("predict", "--weights", self.weights, "--out", linked, words), "original.png")
        self.assertEqual(original.read_bytes(), before["a.png"])
        shutil.copy(folder / "a.png", linked / "b.png")
        (self.folder / "apart").mkdir()
        (self.folder / "apart" / "b.png").symlink_to(original)  # a link that is no input is replaced, not followed
        self.assert_done(segx("predict", "--weights", self.weights, "--out", self.folder / "apart", linked / "b.png"))
        self.assertEqual(original.read_bytes(), before["a.png"])

    def test_predict_replaces_no_true_masks(self):
        data = self.folder / "with_masks"
        shutil.copytree(self.data, data)
        before = content_of(data / "masks")
        self.assert_fails(segx("predict", "--weights", self.weights, "--out", data / "masks", data / "images"), data / "masks", "true masks")
        self.assertEqual(content_of(data / "masks"), before)

    def test_nothing_that_is_read_is_written_over(self):
        weights, data = self.folder / "read.safetensors", self.folder / "read"
        shutil.copy(self.weights, weights)
        shutil.copytree(self.data, data)
        words = ("eval", "--weights", weights, "--data", data)
        for written in (weights, data / "masks" / "phantom_0001.png"):
            self.assert_fails(segx(*words, "--json", written), written, "is read by this command")
            self.assert_fails(segx(*words, "--per-image", written), written, "is read by this command")
        self.assert_fails(segx(*words, "--json", self.folder / "both", "--per-image", self.folder / "both"), "the same file")
        self.assert_fails(segx("augment", "--data", data, "--preview", data / "images" / "phantom_0001.png"), "is read by this command")
        self.assertEqual(weights.read_bytes(), self.weights.read_bytes())
        for folder in ("images", "masks"):
            self.assertEqual(content_of(data / folder), content_of(self.data / folder))

    def test_predict_passes_over_what_it_cannot_look_at(self):
        out = self.folder / "looked_at"
        result = segx("predict", "--weights", self.weights, "--out", out, "y" * 300 + ".png", self.data / "images" / "phantom_0001.png")
        self.assertEqual(result.returncode, 1)
        self.assertIn("yyy.png", result.stderr)
        self.assertNotIn("filesystem error", result.stderr)
        self.assertEqual(list(content_of(out)), ["phantom_0001.png"])

    def test_predict_names_what_it_cannot_read(self):
        out, file = self.folder / "unread", self.folder / "scan.dcm"
        file.write_bytes(bytes(128) + b"DICM" + bytes(200))
        huge = self.folder / "huge.png"
        write_png(huge, [[0]], (60000, 60000))
        for weights, image, says in ((self.weights, file, "is a DICOM file"),
                                     (self.weights, huge, "has more pixels than OpenCV decodes"),
                                     (self.weights, self.data, f"did you mean {self.data / 'images'}?"),
                                     (self.run_folder / "last.ckpt", self.data / "images", "best.safetensors")):
            result = segx("predict", "--weights", weights, "--out", out, image)
            self.assert_fails(result)
            self.assertIn(says, result.stderr)

    # ---- report ----

    def test_report(self):
        scores, masks, out = self.folder / "report.json", self.folder / "report_masks", self.folder / "report"
        self.assert_done(segx("eval", "--weights", self.weights, "--data", self.data, "--json", scores))
        self.assert_done(segx("predict", "--weights", self.weights, "--out", masks, self.data / "images"))
        words = ("report", "--out", out, "--run", self.run_folder, "--data", self.data, "--masks", masks)
        self.assert_done(segx(*words, "--metrics", scores, "--title", "Lungs & <phantoms>", "--cases", 2))
        page = (out / "index.html").read_text()
        self.assertIn("Lungs &amp; &lt;phantoms&gt;", page)
        self.assertIn(f"{json.loads(scores.read_text())['iou_mean']:.4f}", page)
        self.assertEqual(read_png(out / "curves.png")[2], 8)
        self.assertIn("Measured at the network&#39;s size; the IoU of each image below, at the image&#39;s size.", page)
        every = self.folder / "report_every.txt"
        every.write_text("".join(f"{image.stem}\n" for image in (self.data / "images").iterdir()))
        self.assert_done(segx(*words, "--metrics", scores, "--list", every))
        self.assert_fails(segx(*words, "--metrics", self.run_folder / "curves.png"), "curves.png")
        self.assertEqual(segx(*words, "--metrics", scores, "--cases", -3).returncode, 2)

        listed, few = ("--list", self.val_list), self.folder / "report_few.json"
        self.assert_done(segx("eval", "--weights", self.weights, "--data", self.data, *listed, "--json", few))
        self.assert_fails(segx(*words, "--metrics", few), few, "3 images", "12", "--list")
        self.assert_done(segx("predict", "--weights", self.weights, "--out", out / "pictures", self.data / "images"))
        before = content_of(out / "pictures")
        self.assert_fails(segx(*words[:-1], out / "pictures", "--metrics", scores), out / "pictures", "--out")
        self.assertEqual(content_of(out / "pictures"), before)
        self.assert_done(segx(*words, "--metrics", few, *listed))
        self.assertNotIn("phantom_0001", (out / "index.html").read_text())

        (masks / "phantom_0012.png").unlink()
        shutil.rmtree(out)
        self.assert_fails(segx(*words, "--metrics", scores), masks / "phantom_0012.png", "no such file", "--masks")
        self.assertFalse(out.exists())

    def test_report_joins_only_what_belongs_together(self):
        scores, masks, other = self.folder / "joined.json", self.folder / "joined_masks", self.folder / "joined_run"
        self.assert_done(segx("predict", "--weights", self.weights, "--out", masks, self.data / "images"))
        def report(run, data, weights):
            self.assert_done(segx("eval", "--weights", weights, "--data", self.data, "--json", scores))
            return segx("report", "--out", self.folder / "x", "--run", run, "--data", data, "--masks", masks, "--metrics", scores)

        self.assert_done(segx(*self.train_words, "--epochs", 1, "--quiet", "--out", other))
        weights = other / "best.safetensors"
        self.assert_fails(report(self.run_folder, self.data, weights), scores, weights, "another training", self.run_folder)
        copy = self.folder / "joined_data"
        shutil.copytree(self.data, copy)
        self.assert_fails(report(self.run_folder, copy, self.weights), scores, f"measured on {self.data}", copy)
        classes = self.folder_of_classes("joined_classes")
        run = self.folder / "joined_classes_run"
        self.assert_done(segx("train", "--data", classes, "--labels", "overlapping", "--model", "unet8", "--size", 64, "--epochs", 1,
                              "--augment", "none", "--quiet", "--out", run))
        self.assert_fails(report(run, self.data, self.weights), run, "3 classes (left,lungs,right)")
        self.assertFalse((self.folder / "x").exists())

    # ---- several classes ----

    def folder_of_classes(self, name):
        """The phantoms, with three mask folders: two that exclude each other, and both together; and with index masks."""
        folder = self.folder / name
        shutil.copytree(self.data / "images", folder / "images")
        for kind in ("masks", "masks_left", "masks_right", "masks_lungs"):
            (folder / kind).mkdir(parents=True)
        for file in (self.data / "masks").iterdir():
            width, height, _, _, pixels = read_png(file)
            rows = [pixels[y * width:(y + 1) * width] for y in range(height)]
            left, right = ([[value if (x < width // 2) == is_left else 0 for x, value in enumerate(row)] for row in rows]
                           for is_left in (True, False))
            write_png(folder / "masks_left" / file.name, left)
            write_png(folder / "masks_right" / file.name, right)
            write_png(folder / "masks_lungs" / file.name, rows)
            write_png(folder / "masks" / file.name, [[(1 if a else 0) + (2 if b else 0) for a, b in zip(*both)]
                                                     for both in zip(left, right)])
        return folder

    def check_scores_of_classes(self, weights, data, classes, *words):
        """Scores for each class, in JSON and CSV, of which the masks that are written have the same."""
        table = self.folder / "classes.csv"
        result = segx("eval", "--weights", weights, "--data", data, "--fit", "stretch", "--per-image", table, *words)
        self.assert_done(result)
        found = json.loads(result.stdout)
        self.assertEqual([scores["name"] for scores in found["classes"]], classes)
        for name in ("iou_mean", "dice_mean"):
            self.assertAlmostEqual(sum(scores[name] for scores in found["classes"]) / len(classes), found[name])
        with table.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        for scores in found["classes"]:
            of_class = [row for row in rows if row["class"] == scores["name"]]
            self.assertEqual(len(of_class), found["images"])
            ious = [float(row["iou"]) for row in of_class]
            self.assertAlmostEqual(sum(ious) / len(ious), scores["iou_mean"], places=5)
            distances = [float(row["assd_px"]) for row in of_class if row["assd_px"]]
            self.assertEqual(found["images"] - len(distances), scores["unmeasured"])
            if distances:
                self.assertAlmostEqual(sum(distances) / len(distances), scores["assd_px_mean"], places=4)
        return found, rows

    def test_overlapping_classes(self):
        data, run, out = self.folder_of_classes("overlapping"), self.folder / "overlapping_run", self.folder / "overlapping_out"
        shutil.rmtree(data / "masks")
        trained = segx("train", "--data", data, "--model", "unet8", "--size", 64, "--epochs", 3, "--batch", 4, "--lr", 0.004,
                       "--augment", "none", "--out", run)
        self.assert_done(trained)
        self.assertIn("3 classes (left,lungs,right)", trained.stderr)
        self.assertIn("val_iou.lungs", log_of(run)[0])
        weights = run / "best.safetensors"
        _, rows = self.check_scores_of_classes(weights, data, ["left", "lungs", "right"])
        card = json.loads(segx("info", "--weights", weights, "--json").stdout)["card"]
        self.assertEqual((card["model"], card["classes"], card["labels"]), ("unet8", "left,lungs,right", "overlapping"))
        self.assertEqual(len(tensors_of(weights)["head.bias"]), 3 * 4)

        self.assert_done(segx("predict", "--weights", weights, "--out", out, "--prob", "--overlay", data / "images"))
        for row in rows:
            stem = f"{row['image']}.{row['class']}"
            predicted = read_png(out / (stem + ".png"))[4]
            truth = read_png(data / f"masks_{row['class']}" / (row["image"] + ".png"))[4]
            both = sum(1 for p, t in zip(predicted, truth) if p and t)
            either = sum(1 for p, t in zip(predicted, truth) if p or t)
            self.assertAlmostEqual(both / either if either else 1, float(row["iou"]), places=5)
            self.assertTrue((out / (stem + ".prob.png")).exists())
        self.assert_done(segx("bench", "--model", "unet8", "--weights", weights, "--size", 64, "--runs", 1))

        refused = ("train", "--data", data, "--size", 64, "--out", self.folder / "x")
        self.assert_fails(segx(*refused, "--model", "unet8", "--loss", "cross_entropy"), "sigmoid", "cross_entropy")
        self.assert_fails(segx(*refused, "--model", "resnet18"), "resnet18", "1x1 convolution")
        for classes, says in ((",", "no name"), ("left,,right", "no name"), ("left,left", "called \"left\""),
                              ("left,a/b", "slash"), ("left,a\nb", "control")):
            self.assert_fails(segx(*refused, "--model", "unet8", "--classes", classes), says)
        (data / "masks_a,b").mkdir()
        self.assert_fails(segx(*refused, "--model", "unet8"), "class 1 of 4", "comma")
        (data / "masks_a,b").rmdir()
        self.assertFalse((self.folder / "x").exists())

    def test_exclusive_classes(self):
        data, run, out = self.folder_of_classes("exclusive"), self.folder / "exclusive_run", self.folder / "exclusive_out"
        words = ("train", "--data", data, "--model", "unet8", "--labels", "exclusive", "--classes", "background,left,right",
                 "--size", 64, "--epochs", 25, "--batch", 3, "--lr", 0.003, "--augment", "none", "--seed", 3, "--out", run)
        self.assert_fails(segx(*words), "softmax", "cross_entropy", "bce+jaccard")
        self.assertFalse(run.exists())
        self.assert_done(segx(*words, "--loss", "cross_entropy + softmax_dice(over=channel,background=no)"))
        weights = run / "best.safetensors"
        found, rows = self.check_scores_of_classes(weights, data, ["left", "right"])
        self.assertEqual(found["loss_name"], json.loads((run / "recipe.json").read_text())["loss"])
        self.assertGreater(found["iou_mean"], 0.3)
        card = json.loads(segx("info", "--weights", weights, "--json").stdout)["card"]
        self.assertEqual((card["classes"], card["labels"]), ("background,left,right", "exclusive"))

        self.assert_done(segx("predict", "--weights", weights, "--out", out, data / "images"))
        for row in rows:
            *kind, indices = read_png(out / (row["image"] + ".png"))
            self.assertEqual(tuple(kind), (64, 64, 8, 0))
            self.assertLessEqual(set(indices), {0, 1, 2})
            truth = read_png(data / "masks" / (row["image"] + ".png"))[4]
            k = ["background", "left", "right"].index(row["class"])
            both = sum(1 for p, t in zip(indices, truth) if p == t == k)
            either = sum(1 for p, t in zip(indices, truth) if k in (p, t))
            self.assertAlmostEqual(both / either, float(row["iou"]), places=5)

    # ---- weight files and info ----

    def test_damaged_weights(self):
        whole = self.weights.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for number, damaged in enumerate((b"", whole[:5], whole[:100], whole[:len(whole) // 2], whole[:-1], flipped)):
            file = self.folder / f"damaged{number}.safetensors"
            file.write_bytes(damaged)
            for words in (("predict", "--out", self.folder / "x", self.data / "images"), ("eval", "--data", self.data),
                          ("info",)):
                self.assert_fails(segx(*words, "--weights", file), file)
        self.assert_fails(segx("info", "--weights", self.folder / "none.safetensors"), "none.safetensors")

    def test_shipped_weights(self):
        shipped = sorted((pathlib.Path(__file__).parents[2] / "weights").glob("*.safetensors"))
        self.assertTrue(shipped)
        for weights in shipped:
            masks = self.folder / "of_shipped_weights"
            self.assert_done(segx("predict", "--weights", weights, "--out", masks, self.data / "images" / "phantom_0001.png"))
            self.assertEqual(read_png(masks / "phantom_0001.png")[:2], (64, 64))
            card = json.loads(segx("info", "--weights", weights, "--json").stdout)["card"]
            self.assertIn("CC BY-NC-SA", card["licence"])
            self.assertNotIn('"/', card["recipe"])

    def test_convert(self):
        out = self.folder / "converted.safetensors"
        self.assert_done(segx("convert", "--weights", self.weights, "--half", "--licence", "CC0", "--out", out))
        self.assertLess(out.stat().st_size, 0.6 * self.weights.stat().st_size)
        card, before = (json.loads(segx("info", "--weights", file, "--json").stdout)["card"] for file in (out, self.weights))
        self.assertEqual(card, before | {"licence": "CC0"})
        scores = [json.loads(segx("eval", "--weights", file, "--data", self.data).stdout)["iou_mean"] for file in (out, self.weights)]
        self.assertAlmostEqual(scores[0], scores[1], places=2)
        self.assert_fails(segx("convert", "--weights", self.data / "images" / "phantom_0001.png", "--out", out), "phantom_0001.png")
        shipped = pathlib.Path(__file__).parents[2] / "weights" / "lung-best.safetensors"  # its recipe lacks keys of today
        self.assert_done(segx("convert", "--weights", shipped, "--out", out))
        card, before = (json.loads(segx("info", "--weights", file, "--json").stdout)["card"] for file in (out, shipped))
        self.assertEqual(card, before)

    def test_info(self):
        for model, parameters in (("unet16", 1940817), ("unet64", 31030593)):
            result = segx("info", "--model", model, "--json")
            self.assert_done(result)
            found = json.loads(result.stdout)
            self.assertEqual((found["model"], found["height"], found["width"]), (model, 256, 256))
            self.assertEqual(found["parameters"], parameters)
            self.assertRegex(found["fingerprint"], "^[0-9a-f]{16}$")
            self.assertGreater(found["training_bytes_per_image"], found["arena_bytes"])
            self.assertGreater(found["arena_bytes"], 0)
            half = json.loads(segx("info", "--model", model, "--size", 128, "--json").stdout)
            self.assertEqual(found["macs"], 4 * half["macs"])
            self.assertEqual(found["fingerprint"], half["fingerprint"])

        result = segx("info", "--weights", self.weights, "--json")
        self.assert_done(result)
        found = json.loads(result.stdout)
        self.assertEqual((found["model"], found["height"]), ("unet8", 64))
        recipe = json.loads((self.run_folder / "recipe.json").read_text())
        recipe["validation_list"] = pathlib.Path(recipe["validation_list"]).name  # cards name files without folders
        self.assertEqual(json.loads(found["card"]["recipe"]), recipe)
        self.assertEqual(found["card"]["recipe_sha256"], hashlib.sha256(found["card"]["recipe"].encode()).hexdigest())
        self.assertIn("val_iou_mean", json.loads(found["card"]["metrics"]))
        table = segx("info", "--weights", self.weights)
        self.assert_done(table)
        self.assertIn("encoder.0.conv1", table.stdout)
        self.assertIn("model card", table.stdout)

    def test_diagrams(self):
        """Every model can be drawn; the committed drawings are those that the document's commands make."""
        root = pathlib.Path(__file__).parents[2]
        document = (root / "docs" / "models.md").read_text()
        commands = re.findall(r"segx (info --model \S+ --size \d+ --svg) docs/(images/models/\S+\.svg)", document)
        self.assertEqual({name for _, name in commands}, set(re.findall(r"!\[.*\]\((images/models/.*)\)", document)))
        self.assertEqual(len(commands), len(list((root / "docs" / "images" / "models").iterdir())))
        for words, name in commands:
            file = self.folder / "drawn.svg"
            self.assert_done(segx(*words.split(), file))
            self.assertEqual(file.read_text(), (root / "docs" / name).read_text(), f"docs/{name} is out of date")

        for model, shown in (("unet8", ("encoder.0", "bottleneck", "decoder.3", "head", "128×16×16", "485 673")),
                             ("unet-resnet50", ("encoder.layer3", "1024×16×16", "5×")),
                             ("unetplusplus-resnet18", ("decoder.1_4",)), ("mobilenet_v3_small", ("squeeze-and-excite 8",)),
                             ("fpn-resnet18", ("upsample ×4, bilinear → 64",))):
            result = segx("info", "--model", model, "--svg", "-")
            self.assert_done(result)
            drawn = xml.etree.ElementTree.fromstring(result.stdout)
            words = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
            for text in shown:
                self.assertTrue(any(text in word for word in words), text)
            paths = [element.get("d") for element in drawn.iter("{http://www.w3.org/2000/svg}path")]
            self.assertGreater(len(paths), len(words) / 10)
            self.assertFalse(any("nan" in text.lower() for text in paths))
        self.assert_fails(segx("info", "--model", "unet16", "--size", 100, "--svg", "-"), "max_pool2d", "100x100")

    def test_augment(self):
        sheet = self.folder / "sheet.png"
        words = ("augment", "--data", self.data, "--preview", sheet, "--samples", 2, "--count", 3, "--size", 64)
        result = segx(*words, "--augment", "flip,rotate(5)")
        self.assert_done(result)
        self.assertEqual(result.stdout, "flip(0.5),rotate(5,reflect)\n")
        width, height, depth, colour, pixels = read_png(sheet)
        self.assertEqual((width, height, depth, colour), (4 * 68 - 4, 2 * 68 - 4, 8, 2))
        segx(*words, "--augment", "flip,rotate(5)", "--seed", 1)
        self.assertNotEqual(read_png(sheet)[4], pixels)
        self.assert_fails(segx(*words, "--augment", "flip,rotate(500)"), "rotate(500)", "between 0 and 180")
        self.assert_done(segx(*words, "--augment", "crop(32,48)"))  # which no training takes
        self.assertEqual(read_png(sheet)[:2], (width, height))
        self.assert_done(segx(*words, "--augment", "pad(96,80)"))
        self.assertEqual(read_png(sheet)[:2], (4 * 84 - 4, 2 * 100 - 4))

        classes = self.folder_of_classes("augmented")
        shown = ("augment", "--data", classes, "--preview", sheet, "--labels", "exclusive", "--classes")
        self.assert_done(segx(*shown, "background,left,right"))
        self.assert_fails(segx(*shown, "background"), "exclusive")

    def cells_of(self, sheet, side):
        """The pixels of each picture of a sheet of squares, row by row."""
        width, height, _, _, pixels = read_png(sheet)
        step = side + 4
        return [[b"".join(pixels[3 * ((y + j) * width + x):3 * ((y + j) * width + x + side)] for j in range(side))
                 for x in range(0, width, step)] for y in range(0, height, step)]

    def test_augment_shows_what_a_recipe_does(self):
        recipe, sheet, other = self.folder / "shown.json", self.folder / "shown.png", self.folder / "shown_otherwise.png"
        words = ("augment", "--data", self.data, "--recipe", recipe, "--preview", sheet, "--count", 2)
        def show(*more, **settings):
            recipe.write_text(json.dumps({"height": 48, "width": 48, "augmentation": "none",
                                          "validation_list": str(self.val_list), **settings}))
            result = segx(*words, *more)
            self.assert_done(result)
            return result.stdout.strip(), self.cells_of(sheet, 48)

        # Of the training's images alone, at the recipe's size.
        said, cells = show("--samples", 100)
        self.assertEqual(said, "none")
        self.assertEqual((len(cells), len(cells[0])), (9, 3))
        for whole, *versions in cells:
            self.assertEqual(versions, [whole, whole])
        self.assertEqual(len(show("--samples", 100, doubled=True)[1]), 18)
        self.assertEqual(len(show("--samples", 100, validation_list="", validation=0.5)[1]), 6)

        # Its augmentation, and its windows: the first is the one that validates, the others lie where chance says.
        said, cells = show("--samples", 1, augmentation="rotate(20)")
        self.assertEqual(said, "rotate(20,reflect)")
        self.assertEqual(len(set(cells[0])), 3)
        windows = show("--samples", 1, framing="window")[1][0]
        self.assertEqual(len(set(windows)), 3)
        self.assertNotEqual(windows[0], show("--samples", 1)[1][0][0])
        self.assertNotEqual(show("--samples", 1, framing="window", seed=1)[1][0][1:], windows[1:])
        # A picture is the same whatever comes after augmentation, and what trains on it.
        self.assertEqual(show("--samples", 1, framing="window", normalisation="imagenet", loss="mine")[1][0], windows)
        coloured = show("--samples", 1, framing="window", model="unet16-rgb")[1][0]
        self.assertEqual(coloured, windows)

        # Words override the file, and without one the sheet is of all images.
        self.assertEqual(show("--samples", 1, "--augment", "flip(1)", "--framing", "window", "--seed", 1)[0], "flip(1)")
        self.assert_done(segx("augment", "--data", self.data, "--preview", other, "--size", 48, "--count", 0, "--samples", 100))
        self.assertEqual(len(self.cells_of(other, 48)), 12)
        recipe.write_text('{"framing": "torn"}')
        self.assert_fails(segx(*words), f"{recipe}: framing: ", "torn", "stretch or window")
        recipe.write_text('{"augmentation": "custom"}')
        self.assert_fails(segx(*words), "custom")

    # ---- plan and paper ----

    def test_plan(self):
        file, run = self.folder / "plan.json", self.folder / "planned"
        words = ("plan", "--data", self.data, "--val-list", self.val_list, "--threads", 1, "--out", file)
        result = segx(*words)
        self.assert_done(result)
        for told in ("12 images: 9 to train on, 3 to validate", "12 of 16 bits", "0 odd images", "recommended", "network",
                     "framing", "augmentation", "loss", "batch", "MB for network",
                     f"segx train --recipe {file} --data {self.data}"):
            self.assertIn(told, result.stdout)
        self.assertRegex(result.stdout, r"\nabout [\d.]+ (second|minute)s? on 1 thread: ")

        found = json.loads(segx(*words, "--json").stdout)
        recipe = json.loads(file.read_text())
        self.assertEqual(found["recipe"], recipe)
        self.assertEqual((recipe["height"], recipe["width"], recipe["framing"]), (64, 64, "stretch"))
        self.assertEqual(recipe["validation_list"], str(self.val_list))
        self.assertEqual(found["survey"]["images"], 12)
        self.assertEqual(found["survey"]["height"], {"least": 64, "median": 64, "most": 64})
        self.assertTrue(0 < found["survey"]["class_shares"]["foreground"]["median"] < 1)
        self.assertTrue(all(choice["why"] for choice in found["choices"]))
        self.assertEqual(found["odd"], [])
        self.assertAlmostEqual(found["minutes"], found["multiply_adds"] / found["multiply_adds_per_second"] / 60)

        trained = segx("train", "--recipe", file, "--data", self.data, "--out", run, "--epochs", 2, "--threads", 1, "--quiet")
        self.assert_done(trained)
        self.assertIn(f"{found['training_bytes'] // 1000000} MB for network, gradients, optimizer and checkpoint", trained.stderr)
        told = re.search(r"and (\d+) MB to load batches", trained.stderr)
        self.assertEqual(int(told[1]), (found["loading_bytes"] + 999999) // 1000000)
        more = json.loads(segx("plan", "--data", self.data, "--val-list", self.val_list, "--threads", 3, "--json").stdout)
        self.assertGreater(more["loading_bytes"], found["loading_bytes"])

        self.assertIn("as none trains in 0.01 minutes", segx("plan", "--data", self.data, "--minutes", 0.01, "--threads", 1).stdout)
        self.assertEqual(segx("plan", "--data", self.data, "--minutes", "nan").returncode, 2)

    def test_plan_prints_a_command_that_a_shell_takes(self):
        data, out = self.folder / "it's data", self.folder / "my plan.json"
        shutil.copytree(self.data, data)
        told = segx("plan", "--data", data, "--threads", 1, "--out", out)
        self.assert_done(told)
        self.assertEqual(shlex.split(told.stdout.splitlines()[-1]),
                         ["segx", "train", "--recipe", str(out), "--data", str(data), "--out", "run"])

    def test_plan_names_odd_images(self):
        data = self.folder / "odd"
        shutil.copytree(self.data, data)
        shutil.copy(data / "images" / "phantom_0001.png", data / "images" / "phantom_0012.png")
        write_png(data / "masks" / "phantom_0005.png", [[0] * 64] * 64)
        found = json.loads(segx("plan", "--data", data, "--threads", 1, "--json").stdout)
        self.assertEqual(found["odd"], [{"name": "phantom_0005", "why": "its mask is empty"},
                                        {"name": "phantom_0012", "why": "the same pixels as phantom_0001"}])
        self.assert_fails(segx("plan", "--data", self.folder / "none"), self.folder / "none")

    def test_paper(self):
        out = self.folder / "paper"
        words = ("paper", "--data", self.data, "--val-list", self.val_list, "--models", "unet2", "--out", out)
        two = (*words, "--epochs", 2)
        result = segx(*two)
        self.assert_done(result)
        self.assertEqual({path.name for path in out.iterdir()},
                         {"table1.md", "table1.json", "curves-unet2.png", "pictures-unet2.png", "unet2"})
        self.assertEqual((out / "table1.md").read_text(), result.stdout)
        for told in ("9 images of data to train on, 3 to validate; scale small, but 2 epochs", "`resunet8`", "3×128×128",
                     "| 0.9215 | 0.959 | – | 7 h |"):
            self.assertIn(told, result.stdout)
        model, = json.loads((out / "table1.json").read_text())["models"]
        log = log_of(out / "unet2")
        best = max(log, key=lambda row: float(row["val_iou_mean"]))
        self.assertEqual((model["epochs"], model["best_epoch"], model["feed"]), (2, int(best["epoch"]), "stream"))
        self.assertEqual(model["validation"]["iou"], float(best["val_iou_mean"]))
        trained = json.loads((out / "unet2" / "recipe.json").read_text())
        self.assertEqual(model["recipe"], {**trained, "validation_list": self.val_list.name})
        self.assertIsNone(model["paper"]["epochs"])
        self.assertEqual(read_png(out / "pictures-unet2.png")[:2], (3 * 324 - 4, 3 * 324 - 4))
        whole = json.loads(segx("eval", "--weights", out / "unet2" / "best.safetensors", "--data", self.data, "--list",
                                self.val_list, "--fit", "stretch").stdout)
        self.assertAlmostEqual(model["whole_images"]["iou"], whole["iou_mean"], places=9)

        before = content_of(out / "unet2")
        again = segx(*two)
        self.assert_done(again)
        self.assertTrue(content_of(out / "unet2") == before, "what was trained was trained again")
        self.assertNotIn("Trained before", result.stdout)
        self.assertEqual(again.stdout, result.stdout + "\nTrained before, and not now: U-Net №2.\n")
        self.assertTrue(model["trained_now"])
        self.assertEqual(json.loads((out / "table1.json").read_text())["models"], [{**model, "trained_now": False}])
        other = segx(*words, "--epochs", 3)
        self.assertEqual(other.returncode, 1)
        for told in ("epochs is 2 and not 3", "choose another folder (--out)"):
            self.assertIn(told, other.stderr)
        self.assert_fails(segx(*words, "--pretrained", self.weights), "--scale paper")

    def test_paper_keeps_the_rows_of_other_models(self):
        out = self.folder / "paper_rows"
        words = ("paper", "--data", self.data, "--val-list", self.val_list, "--out", out, "--quiet", "--epochs", 1)
        def rows():
            return {row["key"]: row for row in json.loads((out / "table1.json").read_text())["models"]}

        self.assert_done(segx(*words, "--models", "unet4", "--threads", 1))
        first = rows()["unet4"]
        weights = content_of(out / "unet4")
        both = segx(*words, "--models", "unet1", "--threads", 2)
        self.assert_done(both)
        self.assertEqual(list(rows()), ["unet1", "unet4"])
        self.assertEqual(rows()["unet4"], {**first, "trained_now": False})
        self.assertTrue(rows()["unet1"]["trained_now"])
        self.assertEqual(content_of(out / "unet4"), weights)
        self.assertEqual((out / "table1.md").read_text(), both.stdout)
        for told in ("| U-Net №1 |", "| U-Net №4 |"):
            self.assertIn(told, both.stdout)
        self.assertIn(f"\nTrained before, and not now: U-Net №4 ({first['device']}).\n", both.stdout)
        self.assertIn(", 1 thread)", both.stdout)

        # Those that were trained otherwise, have not ended or are damaged have no row, and are in nobody's way.
        (out / "unet1" / "best.safetensors").write_bytes(b"")
        (out / "unet3").mkdir()
        other = segx("paper", "--data", self.data, "--val-list", self.val_list, "--out", out, "--models", "unet2", "--epochs", 1,
                     "--seed", 1, "--quiet")
        self.assert_done(other)
        self.assertEqual(list(rows()), ["unet2"])
        for told in ("U-Net №4: not in the table: ", "seed is 0 and not 1", "U-Net №3: not in the table, as"):
            self.assertIn(told, other.stderr)
        damaged = segx(*words, "--models", "unet4", "--threads", 2)
        self.assert_done(damaged)
        self.assertEqual(list(rows()), ["unet4"])
        self.assertIn(f"U-Net №1: not in the table: {out / 'unet1' / 'best.safetensors'}", damaged.stderr)

    def test_paper_offers_no_classes_that_exclude_each_other(self):
        out = self.folder / "paper_exclusive"
        refused = segx("paper", "--data", self.folder_of_classes("paper_classes"), "--out", out, "--labels", "exclusive",
                       "--classes", "background,left,right")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("--labels: exclusive not in {auto,binary,overlapping}", refused.stderr)
        self.assertFalse(out.exists())
        self.assertNotIn("exclusive", segx("paper", "--help").stdout)

    def test_paper_goes_on_where_it_was_stopped(self):
        out = self.folder / "paper_stopped"
        words = ("paper", "--data", self.data, "--val-list", self.val_list, "--models", "unet1", "--epochs", 3, "--threads", 1,
                 "--quiet")
        process = subprocess.Popen([PROGRAM, *map(str, words), "--out", str(out)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.wait_for_epoch(process, out / "unet1", 1)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=100)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("the same command goes on", said)
        self.assertFalse((out / "table1.md").exists())
        self.assert_done(segx(*words, "--out", out))
        unbroken = self.folder / "paper_unbroken"
        self.assert_done(segx(*words, "--out", unbroken))
        self.assertEqual(log_of(out / "unet1"), log_of(unbroken / "unet1"))

    def test_bench(self):
        small = ("bench", "--model", "unet8", "--size", 64, "--runs", 2)
        for extra in ((), ("--weights", self.weights), ("--threads", 2, "--batch", 2), ("--train", "--batch", 2),
                      ("--prefer-memory",)):
            with self.subTest(extra):
                result = segx(*small, *extra, "--json")
                self.assert_done(result)
                found = json.loads(result.stdout)
                self.assertEqual((found["model"], found["size"], found["runs"]), ("unet8", 64, 2))
                self.assertGreater(found["min_ms"], 0)
                self.assertLessEqual(found["min_ms"], found["median_ms"])
                self.assertLessEqual(found["median_ms"], found["max_ms"])
                self.assertGreater(found["gflops"], 0)
                self.assertGreater(found["peak_rss_mb"], 1)
                self.assertNotIn("layers", found)

        layers = json.loads(segx(*small, "--layers", "--json").stdout)["layers"]
        self.assertEqual(layers[0]["name"], "encoder.0.conv1")
        self.assertTrue(all(layer["median_ms"] > 0 for layer in layers))
        table = segx("bench", "--model", "unet-mobilenetv2", "--size", 32, "--runs", 1, "--layers").stdout.split("\n\n")[1].splitlines()
        self.assertEqual(len({len(line) for line in table}), 1, "the columns of a table are as wide in each line")

        dumped = self.folder / "dumped"
        self.assert_done(segx(*small, "--dump", dumped))
        for part in ("input", "output"):
            self.assertEqual((self.folder / f"dumped.{part}.f32").stat().st_size, 64 * 64 * 4)

        self.assert_fails(segx("bench", "--model", "unet8", "--size", 72), "72")
        self.assert_fails(segx("bench", "--model", "unet16", "--weights", self.weights), self.weights)
        self.assert_fails(segx(*small, "--weights", self.folder / "none"), self.folder / "none")
        self.assert_fails(segx(*small, "--device", "cuda", "--prefer-memory"), "--prefer-memory")
        on_gpu = segx(*small, "--device", "cuda", "--json")  # in bf16; or one line that says what is missing
        if on_gpu.returncode == 0:
            self.assertEqual(json.loads(on_gpu.stdout)["precision"], "bf16")
        else:
            self.assert_fails(on_gpu, "--device cpu")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = sys.argv.pop(1)
    unittest.main()
