#!/usr/bin/env python3
"""Times training steps on a GPU, segx beside PyTorch, in one run:  bench/gpu/run.py SEGX_STEP [--quick] [--out FOLDER]

SEGX_STEP is the program bench_gpu_step. PyTorch runs eagerly in channels-last order with automatic mixed precision, and
compiled by torch.compile. Leaves table.md and table.json."""
import argparse
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))

WORKLOADS = [("unet64", 256, 16), ("unet64", 256, 64), ("resunet", 256, 16), ("linknet-effb3", 512, 16)]
PRECISIONS = ("fp32", "tf32", "bf16")


def pytorch_step(torch, model, size, batch, precision, compiled, steps):
    """Images a second and peak bytes of a step: forward, BCE + Jaccard, backward, Adam."""
    import linknet
    import resunet
    import unet

    make, channels = {"unet64": (lambda: unet.UNet(64), 1), "resunet": (resunet.ResUNet, 3),
                      "linknet-effb3": (linknet.LinkNet, 3)}[model]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True
    torch.cuda.reset_peak_memory_stats()
    network = make().cuda().to(memory_format=torch.channels_last).train()
    run = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    images = torch.rand(batch, channels, size, size).pin_memory()
    masks = (torch.rand(batch, 1, size, size) > 0.5).float().pin_memory()

    def step():
        x = images.to("cuda", non_blocking=True, memory_format=torch.channels_last)
        t = masks.to("cuda", non_blocking=True)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            logits = run(x)
        logits = logits.float()
        p = torch.sigmoid(logits)
        both = (p * t).sum()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, t)
        loss = loss + 1 - (both + 1e-8) / (p.sum() + t.sum() - both + 1e-8)
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(8):
        step()
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return steps * batch / (time.perf_counter() - begin), torch.cuda.max_memory_allocated()


def matrix_rate(torch):
    """FLOP/s of a large product of bf16 matrices."""
    a = torch.rand(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(3):
        a @ a
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(20):
        a @ a
    torch.cuda.synchronize()
    return 20 * 2 * 8192**3 / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("segx_step")
    parser.add_argument("--quick", action="store_true", help="the first workload, fewer steps")
    parser.add_argument("--out", default="out/bench_gpu")
    words = parser.parse_args()
    steps = 20 if words.quick else 50
    try:
        import torch
        has_torch = torch.cuda.is_available()
    except ImportError:
        has_torch = False
    if not has_torch:
        print("bench/gpu: no PyTorch with CUDA here, so segx is timed alone", file=sys.stderr)
    peak = matrix_rate(torch) if has_torch else None

    rows = []
    for model, size, batch in WORKLOADS[:1] if words.quick else WORKLOADS:
        for precision in PRECISIONS:
            done = subprocess.run([words.segx_step, model, str(size), str(batch), precision, str(steps)],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"bench/gpu: {done.stderr.strip()}")
            rows.append(json.loads(done.stdout))
            macs = rows[-1]["macs_per_image"]
            for who, compiled in (("PyTorch", False), ("torch.compile", True)) if has_torch else ():
                try:
                    rate, memory = pytorch_step(torch, model, size, batch, precision, compiled, steps)
                except Exception as failure:  # a compiler that is missing, memory that is short
                    print(f"bench/gpu: {who}, {model}, {precision}: {failure}", file=sys.stderr)
                    continue
                rows.append({"who": who, "model": model, "size": size, "batch": batch, "precision": precision,
                             "images_per_second": rate, "bytes": memory, "macs_per_image": macs})

    out = pathlib.Path(words.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.json").write_text(json.dumps({"matrix_rate": peak, "rows": rows}, indent=1))
    lines = ["| model | batch | numbers | who | images/s | GB | share of the bf16 matrix rate | idle |",
             "|---|---|---|---|---|---|---|---|"]
    for r in rows:
        share = f"{6 * r['macs_per_image'] * r['images_per_second'] / peak:.1%}" if peak else ""
        idle = f"{r['idle']:.1%}" if "idle" in r else ""
        lines.append(f"| {r['model']} {r['size']} | {r['batch']} | {r['precision']} | {r['who']} | "
                     f"{r['images_per_second']:.1f} | {r['bytes'] / 1e9:.2f} | {share} | {idle} |")
    (out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
