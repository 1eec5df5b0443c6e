#!/usr/bin/env python3
"""Compares the account of memory in `corda plan` with what each stage takes, a process each.

usage: memory.py CORDA FOLDER NAME=MODEL...    MODEL: a name of the catalog, or the folder of one

Everything is written below FOLDER. Exit status 1 if an account is off by more than 15%.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

LIMIT = 0.15

SPEC = """\
name: {name}
title: Memory of {name}
model: {model}
targets: ["model.layers.[01].*"]
calibrations:
  ptb: {{corpus: ptb/train, samples: {samples}, length: {length}}}
arms:
  - {{method: plain-svd}}
  - {{method: corda, calibration: ptb}}
  - {{method: corda, calibration: ptb, samples: 4}}
discard: {{components: [0, 16, 64]}}
evaluate:
  ptb: {{corpus: ptb/validation, windows: 6, length: {length}}}
"""


def stages(corda, spec):
    """The stages of a spec and the megabytes that the account gives each."""
    text = subprocess.run([*corda, "plan", spec, "--format", "snakemake"], check=True, capture_output=True, text=True)
    rules = re.findall(r"mem_mb=(\d+)\n    shell:\n        (\".*\")\n", text.stdout)
    for megabytes, command in rules:
        words = shlex.split(eval(command))  # a Python literal of our own making
        yield words[words.index("--stage") + 1], int(megabytes)


def peak(command):
    """Most memory of a process, in bytes."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {shlex.join(command)}")
    return usage.ru_maxrss * 1024


def main():
    program, folder, *models = sys.argv[1:]
    # A stage that finds its work done takes nothing: everything but the assets goes.
    for kind in ("tokens", "pass", "statistics", "decomposition", "evaluate"):
        shutil.rmtree(os.path.join(folder, "cache", kind), ignore_errors=True)
    worst = 0.0
    print(f"{'model':14}{'stage':24}{'account':>10}{'measured':>10}{'off by':>8}")
    for name, model in (pair.split("=") for pair in models):
        if os.path.isdir(model):
            model = "{path: " + os.path.abspath(model) + "}"
        spec = os.path.join(folder, f"{name}.yaml")
        with open(spec, "w") as file:
            file.write(SPEC.format(name=name, model=model, samples=32, length=512))
        corda = [program, "--quiet", "--cache", os.path.join(folder, "cache"), "--results", os.path.join(folder, "results")]
        subprocess.run([*corda, "fetch", spec], check=True, stdout=subprocess.DEVNULL)
        for stage, megabytes in stages(corda, spec):
            measured = peak([*corda, "run", spec, "--stage", stage])
            off = megabytes * 1e6 / measured - 1
            worst = max(worst, abs(off))
            print(f"{name:14}{stage:24}{megabytes:>7} MB{measured / 1e6:>7.0f} MB{off:>+8.1%}", flush=True)
    print(f"largest difference: {worst:.1%} (limit {LIMIT:.0%})")
    sys.exit(worst > LIMIT)


main()
