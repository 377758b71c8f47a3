#!/usr/bin/env python3
"""Tests bench/run.py by stand-ins for the programs that it calls. Usage: run_test.py"""
import contextlib
import importlib.util
import io
import json
import math
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "run.py"
spec = importlib.util.spec_from_file_location("run", RUN)
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

GOOD = {"median_ms": 2.0, "min_ms": 1.5, "max_ms": 9.0, "difference": 1e-6}


class BenchRun(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        bench.BUILD = bench.BIN = self.folder
        bench.SEGX, bench.PYTHON, bench.PACKAGES = self.folder / "segx", "false", self.folder / "packages"
        self.program("segx", """echo '{"median_ms": 4.0, "min_ms": 3.0, "max_ms": 5.0, "gflops": 100.0}'""")
        self.program("bench_peak", """echo '{"gflops": 50.0}'""")

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def rows_of(self, contenders, rounds=1):
        """The rows on one thread, by contender."""
        bench.WORKLOADS["test"] = ("unet16", contenders, 1, False, 4)
        with contextlib.redirect_stderr(io.StringIO()):
            *_, rows = bench.measure("test", rounds, True)
        bench.add_ratios(rows)
        bench.table(rows)
        return {row["peer"]: row for row in rows if row["threads"] == 1}

    def run_main(self, *words):
        """Its status, its tables and what it says of errors."""
        sys.argv, said = ["run.py", "--out", str(self.folder / "out"), *words], io.StringIO()
        status = 0
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                bench.main()
        except SystemExit as end:
            status = end.code
        path = self.folder / "out" / "table.json"
        return status, json.loads(path.read_text()) if path.exists() else None, said.getvalue()

    def test_what_a_contender_says_is_checked(self):
        answers = {
            "good": GOOD,
            "no difference": {key: value for key, value in GOOD.items() if key != "difference"},
            "null": GOOD | {"difference": None},
            "NaN": GOOD | {"difference": math.nan},
            "far": GOOD | {"difference": 0.5},
            "no median": {"difference": 0},
            "no time": GOOD | {"median_ms": 0},
        }
        contenders = {name: lambda *_, answer=answer: dict(answer) for name, answer in answers.items()}
        for name, text in ("silent", "true"), ("chatty", "echo hello"), ("a list", "echo '[1]'"), ("fails", "echo no such thing >&2; exit 3"):
            contenders[name] = lambda *_, path=self.program(name, text): bench.call([path])
        contenders["absent"] = lambda *_: bench.call([self.folder / "absent"])
        rows = self.rows_of({"segx": bench.segx, **contenders})
        self.assertEqual([peer for peer, row in rows.items() if "missing" not in row], ["segx", "good"])
        self.assertEqual({peer: row["missing"] for peer, row in rows.items() if "missing" in row and peer != "absent"}, {
            "no difference": "it does not tell its difference",
            "null": "its difference is no number: None",
            "NaN": "its difference is no number: nan",
            "far": "its probabilities differ from segx's by 0.5",
            "no median": "it does not tell its median_ms",
            "no time": "its median_ms is 0",
            "silent": 'it ended with "", which is no JSON',
            "chatty": 'it ended with "hello", which is no JSON',
            "a list": 'it ended with "[1]", which is no JSON',
            "fails": "no such thing",
        })

    def test_the_spread_is_that_of_all_runs(self):
        answers = iter([GOOD, GOOD | {"median_ms": 3.0, "min_ms": 1.0, "max_ms": 4.0}, GOOD | {"median_ms": 2.5}] * 2)
        row = self.rows_of({"peer": lambda *_: next(answers)}, rounds=3)["peer"]
        self.assertEqual((row["median_ms"], row["min_ms"], row["max_ms"]), (2.5, 1.0, 9.0))
        self.assertNotIn("ratio", row)  # to what is not there

    def test_rows_tell_by_how_much_segx_is_faster(self):
        rows = self.rows_of({"segx": bench.segx, "peer": lambda *_: GOOD | {"median_ms": 6.0, "max_ms": 9.0}})
        self.assertEqual(rows["peer"]["ratio"], 1.5)
        self.assertNotIn("ratio", rows["segx"])

    def test_a_peak_that_cannot_be_measured_is_a_row(self):
        self.program("bench_peak", "true")
        rows = self.rows_of({"segx": bench.segx})
        self.assertIn("which is no JSON", rows["peak of the machine"]["missing"])
        self.assertNotIn("share_of_peak", rows["segx"])

    def test_the_peak_of_a_web_workload_is_the_browsers(self):
        model = bench.Model("unet16")
        with unittest.mock.patch.object(bench, "in_chromium", lambda peer: lambda *_: {"gflops": 25.0 if peer == "peak" else 0}):
            self.assertEqual(bench.peak_of("unet16-web", model, 1), 25.0)
            self.assertEqual(bench.peak_of("unet16", model, 1), 50.0)

    def test_a_segx_that_fails_is_a_row(self):
        self.program("segx", "echo 'segx: broken' >&2; exit 1")
        self.assertEqual(self.rows_of({"segx": bench.segx})["segx"]["missing"], "segx: broken")

    def test_what_has_no_size_is_a_row(self):
        *_, rows = bench.footprint()
        told = {row["what"]: row.get("missing", "") for row in rows}
        self.assertIn("there is no", told["LiteRT.js: runtime that a page loads, gzip -9, KB"])
        self.assertIn("there is no", told["ONNX Runtime: its shared library, KB"])
        self.assertIn("there is no", told["segx: executable that predicts from raw pixels, KB"])
        self.assertIn("bench_raw_pixels", told["segx: peak memory of that process, MB"])

    def test_what_does_not_compile_is_a_row(self):
        broken = self.folder / "broken.cpp"
        broken.write_text("#include <nowhere.hpp>\n")
        with self.assertRaisesRegex(bench.Missing, "nowhere.hpp: No such file"):
            bench.compiled_once(["-c", broken])

    def test_what_is_measured_stays_when_the_rest_is_interrupted(self):
        def interrupted(*_):
            raise KeyboardInterrupt
        bench.WORKLOADS["first"] = ("unet16", {"segx": bench.segx}, 1, False, 4)
        bench.WORKLOADS["second"] = ("unet16", {"segx": interrupted}, 1, False, 4)
        status, tables, said = self.run_main("first", "second")
        self.assertEqual(status, 130)
        self.assertIn("what was measured until then is in", said)
        self.assertEqual([row["workload"] for row in tables["rows"]], ["first", "first"])

    def test_wrong_words_are_refused(self):
        for words in ("--rounds", "0"), ("--rounds", "-1"), ("--rounds", "x"), ("nope",), ("--bogus",), ("--check", "nope"):
            status, tables, _ = self.run_main(*words)
            self.assertEqual((status, tables), (2, None), words)
        self.assertEqual(self.run_main("--check", "unet16", "--rounds", "2")[:2], (0, None))


if __name__ == "__main__":
    unittest.main()
