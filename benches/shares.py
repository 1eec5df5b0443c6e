#!/usr/bin/env python3
"""What `cargo bench` measured, each phase as a share of the yardstick.

usage: shares.py [--json] CRITERION    CRITERION: cargo's folder target/criterion
"""

import json
import pathlib
import sys

# SmolLM2-135M, whose shapes the benches have.
HIDDEN, INTERMEDIATE, LAYERS, KEYS, VOCABULARY = 576, 1536, 30, 192, 49152
BLOCK = 2 * (2 * HIDDEN * HIDDEN + 2 * KEYS * HIDDEN + 3 * INTERMEDIATE * HIDDEN)
SQUARES = 3 * HIDDEN**2 + INTERMEDIATE**2


def attention(length):
    return 2 * 2 * HIDDEN * length / 2


def forward(length):
    """Operations a token, head included."""
    return LAYERS * (BLOCK + attention(length)) + 2 * VOCABULARY * HIDDEN


def factorisation(rows, cols):
    """Operations of an SVD with left vectors, as src/plan/cost.rs counts them."""
    m, n = max(rows, cols), min(rows, cols)
    return 8 * m * n * n - 4 / 3 * n**3


def measured(folder):
    for path in sorted(pathlib.Path(folder).glob("*/**/new/estimates.json")):
        benchmark = json.loads((path.parent / "benchmark.json").read_text())
        yield benchmark["full_id"], json.loads(path.read_text())["mean"]["point_estimate"] / 1e9, benchmark["throughput"]


def rows(folder):
    all = {name: (seconds, throughput) for name, seconds, throughput in measured(folder)}
    name = next((name for name in all if name.startswith("yardstick")), None)
    if name is None:
        sys.exit(f"no yardstick in {folder}; run `cargo bench` first")
    seconds, throughput = all[name]
    yardstick = throughput["Elements"] / seconds
    threads = round(throughput["Elements"] / (2 * 2048**3))
    for name, (seconds, throughput) in all.items():
        row = {"phase": name, "seconds": seconds}
        rate = None
        if name.startswith("yardstick"):
            rate = yardstick
        elif name.startswith("forward"):
            row["tokens_per_second"] = throughput["Elements"] / seconds
            rate = row["tokens_per_second"] * forward(int(name.rsplit("/", 1)[1]))
        elif name.startswith("calibration"):
            row["tokens_per_second"] = throughput["Elements"] / seconds / LAYERS
            rate = row["tokens_per_second"] * LAYERS * (BLOCK + attention(512) + SQUARES)
        elif name.startswith("train/"):
            # As src/plan/cost.rs counts them: twice the blocks' forward pass, or three times where all weights learn.
            row["tokens_per_second"] = throughput["Elements"] / seconds
            passes = 3 if name.startswith("train/full") else 2
            rate = row["tokens_per_second"] * passes * LAYERS * (BLOCK + attention(64))
        elif name.startswith("generate"):
            row["tokens_per_second"] = throughput["Elements"] / seconds
        elif name.startswith("factorisation/") and "x" in name:
            # On one thread, in f64: beside one thread's part of the yardstick.
            d_out, d_in = map(int, name.split("/")[1].split("x"))
            rate = factorisation(d_out, d_in) / seconds * threads
        if rate is not None:
            row["gflops"] = rate / 1e9
            row["share"] = rate / yardstick
        yield row


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--json"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    found = list(rows(arguments[0]))
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1))
        return
    print(f"{'phase':44}{'seconds':>12}{'tokens/s':>10}{'GFLOP/s':>9}{'share':>7}")
    for row in found:
        tokens = f"{row['tokens_per_second']:.0f}" if "tokens_per_second" in row else ""
        rate, share = (f"{row['gflops']:.0f}", f"{row['share']:.0%}") if "share" in row else ("", "")
        print(f"{row['phase']:44}{row['seconds']:>12.4f}{tokens:>10}{rate:>9}{share:>7}")


main()
