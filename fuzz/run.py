#!/usr/bin/env python3
"""Runs fuzz targets, each for a number of seconds, and says what came of it.

    fuzz/run.py BINARY FOLDER SECONDS [TARGET ...]

FOLDER keeps the inputs that libFuzzer found worth keeping, and every input that failed (crash-*, timeout-*, oom-*): the
next run starts from the former. A target that fails is started again until its time is up or it has failed often. Exit
status 1 if any failed. The last lines are rows of the table in docs/reliability.md.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# Failures of a target after which it is given up: they are mostly the same one.
MOST = 10
# Bytes of an input, above the largest seed; an article needs thousands of characters to be one.
LONGEST = {"mediawiki": 16384, "gguf": 24576, "safetensors": 24576, "adapter": 16384}


def run(binary, folder, target, seconds):
    """Runs a target; gives executions, failures and edges reached."""
    corpus, failures = folder / target, folder / "failures" / target
    seeds = [HERE / "seeds" / target, HERE / "regressions" / target]
    for path in (corpus, failures):
        path.mkdir(parents=True, exist_ok=True)
    before = set(failures.iterdir())
    dictionary = HERE / "dictionaries" / f"{target}.dict"
    # Files of inputs go into memory where there is a file system for it.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    environment = dict(os.environ, TARGET=target, **({"TMPDIR": memory} if memory else {}))
    end, executions, edges, failed = time.monotonic() + seconds, 0, 0, 0
    while (left := int(end - time.monotonic())) > 0 and failed < MOST:
        command = [binary, corpus, *(path for path in seeds if path.is_dir()), f"-max_total_time={left}",
                   f"-max_len={LONGEST.get(target, 4096)}", f"-artifact_prefix={failures}/", "-timeout=20",
                   "-rss_limit_mb=3072", "-print_final_stats=1", "-use_value_profile=1", "-reload=0"]
        if dictionary.is_file():
            command.append(f"-dict={dictionary}")
        log = folder / f"{target}.log"
        with open(log, "wb") as out:
            status = subprocess.run(command, env=environment, stdout=out, stderr=subprocess.STDOUT).returncode
        text = log.read_text(errors="replace")
        executions += sum(map(int, re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)[-1:])) or last(text)
        edges = max([edges, *map(int, re.findall(r"cov: (\d+)", text))])
        if status != 0:
            failed += 1
            log.rename(folder / "failures" / f"{target}-{int(time.time())}-{failed}.log")
            print(f"{target}: failed", said(text), sep="\n", flush=True)
    return executions, edges, sorted(set(failures.iterdir()) - before)


def last(text):
    """The number of executions in the last line of progress of a run that failed."""
    numbers = re.findall(r"^#(\d+)\s", text, re.M)
    return int(numbers[-1]) if numbers else 0


def said(text):
    """The lines of a failure that tell what it is."""
    wanted = r"panicked|assertion|ERROR: libFuzzer|memory allocation|names none|Test unit written|overflow"
    lines = [i for i, line in enumerate(text.splitlines()) if re.search(wanted, line)]
    return "\n".join(f"    {text.splitlines()[i][:300]}" for j in lines for i in (j, j + 1) if i < len(text.splitlines()))


def main():
    binary, folder, seconds = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), float(sys.argv[3])
    known = sorted(path.name for path in (HERE / "seeds").iterdir() if path.is_dir())
    targets = sys.argv[4:] or known
    if unknown := [target for target in targets if target not in known]:
        sys.exit(f"{', '.join(unknown)}: not a fuzz target; there are {', '.join(known)}")
    folder.mkdir(parents=True, exist_ok=True)
    rows, failed = [], False
    for target in targets:
        executions, edges, failures = run(binary, folder.resolve(), target, seconds)
        failed |= bool(failures)
        rows.append(f"| {target} | {seconds:.0f} s | {executions:,} | {edges:,} | {len(failures)} |")
        print(rows[-1], *(f"    {path}" for path in failures), sep="\n", flush=True)
    print("", "| target | time | executions | edges reached | inputs that failed |", "|---|---|---|---|---|", *rows, sep="\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
