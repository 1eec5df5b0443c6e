#!/usr/bin/env python3
"""Hard times for a run: kills at random moments, processes side by side, a full disk, a folder that cannot be written.

    tests/soak.py CORDA FOLDER [KILLS] [--seed N] [--only kills|processes|disk|folder]

A small experiment with every product (a study with adapters, heat maps and spectra; a sweep; fine-tuning) is run once
without interruption. Then it is killed KILLS times with SIGKILL, resumed each time, and compared with that run whenever
it gets to its end; started by four processes at once on one cache; run out of disk at several stages and finished when
there is room again; and given a results folder that cannot be written. The final files must be the same bytes, but for
provenance.json, timings.parquet and the block of run facts in report.html (`corda compare --exact` is asked as well);
nothing of a killed process may be left; every failure must be one message and an exit status.

The last lines are the tables of docs/reliability.md. Exit status 1 if anything was not as it should be.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

SPECS = ["study.yaml", "swept.yaml", "tuned.yaml"]
PRODUCTS = ["study", "swept", "tuned"]
# Files that say when and how long; report.html is compared without its run facts.
FACTS = {"provenance.json", "timings.parquet"}

STUDY = """\
name: study
title: A tiny model
model: {path: model}
targets: all
calibrations:
  own: {corpus: {file: train.txt, format: text}, samples: 24, length: 128}
  other: {corpus: {file: test.txt, format: text}, samples: 8, length: 128}
arms:
  - {method: plain-svd}
  - {method: asvd, calibration: own}
  - {method: corda, calibration: own}
  - {method: corda, calibration: own, samples: 4}
  - {method: svd-whitening, calibration: other}
discard: {components: [0, 2, 8]}
evaluate:
  test: {corpus: {file: test.txt, format: text}, windows: 24, length: 128}
adapters: {energy: [own, other]}
heatmaps: {calibrations: [own, other], size: 8}
spectra: {last: 8}
"""

SWEPT = """\
name: swept
title: A tiny model from several seeds
model: {path: model}
targets: decoder
calibrations:
  own: {corpus: {file: train.txt, format: text}, samples: 4, length: 64}
arms: [{method: corda, calibration: own}]
discard: {components: [0, 4]}
evaluate:
  test: {corpus: {file: test.txt, format: text}, windows: 8, length: 64}
sweep: {seed: [1, 2, 3]}
"""

FORMAT = """{records: {file: jsonl, text: "{q} {a}", prompt: "Q: {q}?\\nA:", response: " {a}", answers: a, score: text,
    parts: {train: [0, 60], validation: [60, 80], test: [80, 100]}}}"""

TUNED = """\
name: tuned
title: A tiny model that learns
model: {path: model}
targets: decoder
calibrations:
  own: {corpus: {file: data.jsonl, format: FORMAT, split: train}, samples: 20, length: 32, sampling: documents}
arms:
  - {method: corda, calibration: own, label: CorDA}
discard: {components: [4]}
train:
  corpus: {file: data.jsonl, format: FORMAT, split: train}
  examples: 24
  validation: {corpus: {file: data.jsonl, format: FORMAT, split: validation}, examples: 8}
  length: 64
  epochs: 2
  batch: 4
  rates: [1.0e-2, 1.0e-3]
  seeds: [1, 2]
  beside: [{method: full, rates: [1.0e-2]}, dora]
questions:
  task: {corpus: {file: data.jsonl, format: FORMAT, split: test}, examples: 6, tokens: 4}
evaluate:
  text: {corpus: {file: test.txt, format: text}, windows: 3, length: 64}
"""

CHARACTERS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?'\n-"


def write_model(folder, hidden=64, layers=3, heads=4, kv_heads=2, intermediate=96):
    """A random Llama in Hugging Face format with a tokenizer of single characters."""
    folder.mkdir(parents=True)
    chance, vocabulary = random.Random(1), len(CHARACTERS) + 1
    kv = hidden // heads * kv_heads
    shapes = {"model.embed_tokens": [vocabulary, hidden], "model.norm": [hidden]}
    for layer in range(layers):
        parts = {"self_attn.q_proj": [hidden, hidden], "self_attn.k_proj": [kv, hidden], "self_attn.v_proj": [kv, hidden],
                 "self_attn.o_proj": [hidden, hidden], "mlp.gate_proj": [intermediate, hidden],
                 "mlp.up_proj": [intermediate, hidden], "mlp.down_proj": [hidden, intermediate],
                 "input_layernorm": [hidden], "post_attention_layernorm": [hidden]}
        shapes.update({f"model.layers.{layer}.{part}": dims for part, dims in parts.items()})
    header, data = {}, b""
    for name, dims in shapes.items():
        count = dims[0] * (dims[1] if len(dims) == 2 else 1)
        middle, scale = (0.0, (3.0 / dims[1]) ** 0.5) if len(dims) == 2 else (1.0, 0.2)
        values = struct.pack(f"<{count}f", *(middle + scale * chance.uniform(-1, 1) for _ in range(count)))
        header[f"{name}.weight"] = {"dtype": "F32", "shape": dims, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": hidden,
              "intermediate_size": intermediate, "vocab_size": vocabulary, "num_hidden_layers": layers,
              "num_attention_heads": heads, "num_key_value_heads": kv_heads, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "max_position_embeddings": 1024, "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config))
    ids = {"<unk>": 0, **{character: i + 1 for i, character in enumerate(CHARACTERS)}}
    model = {"type": "BPE", "unk_token": "<unk>", "vocab": ids, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}))


def write_inputs(folder):
    write_model(folder / "model")
    words = "the model keeps what its context needs and drops small parts of rank".split()
    for name, seed in [("train.txt", 5), ("test.txt", 9)]:
        chance = random.Random(seed)
        text = "".join(chance.choice(words) + ("\n" if chance.random() < 0.1 else " ") for _ in range(5000))
        (folder / name).write_text(text)
    chance = random.Random(3)
    questions = [{"q": "".join(chance.choices("abcdefghij", k=5)), "a": "yes"} for _ in range(90)]
    (folder / "data.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))
    (folder / "experiments").mkdir()
    (folder / "experiments/catalog.yaml").write_text("models: {}\ncorpora: {}\n")
    for name, text in zip(SPECS, [STUDY, SWEPT, TUNED]):
        (folder / name).write_text(text.replace("FORMAT", FORMAT))


class Soak:
    def __init__(self, corda, folder):
        self.corda, self.folder, self.wrong = corda, folder, []
        self.inputs = folder / "inputs"
        write_inputs(self.inputs)
        text = subprocess.run([corda, "compare", "--help"], capture_output=True, text=True).stdout
        self.exact = "--exact" in text
        # Work under way is saved at every step, so that what resumes from it is tried too.
        self.environment = {**{k: v for k, v in os.environ.items() if k != "CORDA_CACHE"}, "CORDA_SAVE_SECONDS": "0"}
        start = time.monotonic()
        self.reference = self.fresh("reference")
        done = self.run(self.reference)
        self.seconds = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"the run without interruption failed: {done.stderr}")
        finished = [event for event in events(done.stderr) if event.get("event") == "stage-finished"]
        self.stages = [(event["stage"], event["seconds"]) for event in finished]
        if not self.exact:
            print("note: this corda has no `compare --exact`; files with a column `seconds` are not compared to the bit")
        print(f"without interruption: {self.seconds:.1f} s", flush=True)

    def fresh(self, name):
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place

    def command(self, place, cache=None):
        return [self.corda, "--json", "--cache", str(cache or place / "cache"), "--results", str(place / "results"), "run",
                *SPECS]

    def run(self, place, cache=None, **more):
        return subprocess.run(self.command(place, cache), cwd=self.inputs, env=self.environment, capture_output=True,
                              text=True, **more)

    def start(self, place, cache=None):
        log = open(place / "log", "w")
        return subprocess.Popen(self.command(place, cache), cwd=self.inputs, env=self.environment, stdout=log, stderr=log)

    def fail(self, what):
        self.wrong.append(what)
        print(f"WRONG: {what}", flush=True)

    def check(self, place, what):
        """Compares finished results with those of the run without interruption."""
        ours, theirs = files(place / "results"), files(self.reference / "results")
        for name in sorted(ours.keys() ^ theirs.keys()):
            self.fail(f"{what}: {name} is in one of the results only")
        for name in sorted(ours.keys() & theirs.keys()):
            if self.is_exact(name) and ours[name].read_bytes() != theirs[name].read_bytes():
                self.fail(f"{what}: {name} has other bytes")
        for product in PRODUCTS if self.exact else []:
            pair = [str(self.reference / "results" / product), str(place / "results" / product)]
            compared = subprocess.run([self.corda, "compare", "--exact", *pair], capture_output=True, text=True)
            if compared.returncode != 0:
                self.fail(f"{what}: {product}: {compared.stdout}{compared.stderr}")
        left = [path for path in place.rglob("*.tmp")]
        if left:
            self.fail(f"{what}: left behind: {', '.join(str(path.relative_to(place)) for path in left)}")

    def is_exact(self, name):
        base = name.rsplit("/", 1)[-1]
        if base in FACTS or base == "report.html":
            return False
        timed = {"results.csv", "results.parquet", "steps.parquet", *(f"trained.{end}" for end in ("csv", "parquet", "md", "tex"))}
        return self.exact or base not in timed

    def refused(self, done, what, words):
        """A failure is a message and an exit status: no panic, no signal."""
        errors = [event["message"] for event in events(done.stderr) if event.get("event") == "error"]
        if done.returncode <= 0 or "panicked" in done.stderr or not errors:
            self.fail(f"{what}: exit status {done.returncode}: {done.stderr[-1000:]}")
        elif not any(word in errors[-1] for word in words):
            self.fail(f"{what}: the message does not say so: {errors[-1]}")
        return errors[-1] if errors else ""

    def kill(self, process, log, chance):
        """Kills a process at a moment drawn from all of the run, or, every other time, from one of its stages: most of the
        time goes by in a few of them. Gives its exit status: it may have come to its end before."""
        begins, wait = "", chance.uniform(0.0, self.seconds)
        if chance.random() < 0.5:
            name, seconds = chance.choice(self.stages)
            begins, wait = f'"stage-started","stage":{json.dumps(name)}', chance.uniform(0.0, seconds)
        while begins and process.poll() is None and begins not in log.read_text(errors="replace"):
            time.sleep(0.002)
        try:
            return process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait()

    def kills(self, count, seed):
        chance, stages, finished, runs = random.Random(seed), collections.Counter(), 0, 0
        place, killed = self.fresh("killed"), 0
        while True:
            process = self.start(place)
            runs += 1
            if killed == count:
                status = process.wait()
            else:
                status = self.kill(process, place / "log", chance)
            if status == -signal.SIGKILL:
                killed += 1
                stages[stage(place / "log")] += 1
                continue
            if status != 0:
                self.fail(f"resumed after kill {killed}: exit status {status}: {(place / 'log').read_text()[-1000:]}")
            self.check(place, f"after kill {killed}")
            finished += 1
            if killed == count:
                break
            place = self.fresh("killed")
            if finished % 5 == 0:
                print(f"{killed} kills, {finished} runs at their end", flush=True)
        print(f"\n{killed} kills (seed {seed}) of {runs} processes; {finished} runs came to their end\n")
        print("| killed in | times |\n|---|---|")
        for name, times in stages.most_common():
            print(f"| {name} | {times} |")

    def processes(self, rounds, seed, count=4):
        """Several processes on one cache, with results of their own and in one folder; one of them is killed."""
        chance = random.Random(seed)
        for index in range(rounds):
            shared = self.fresh("side-by-side")
            places = [shared / str(i) for i in range(count)] if index % 2 == 0 else [shared] * count
            for place in places:
                place.mkdir(exist_ok=True)
            logs = [open(shared / f"log-{i}", "w") for i in range(count)]
            running = [subprocess.Popen(self.command(place, shared / "cache"), cwd=self.inputs, env=self.environment,
                                        stdout=log, stderr=log) for place, log in zip(places, logs)]
            victim = chance.randrange(count)
            time.sleep(chance.uniform(0.0, self.seconds))
            running[victim].kill()
            statuses = [process.wait() for process in running]
            for i, status in enumerate(statuses):
                if status != 0 and i != victim:
                    self.fail(f"process {i} of {count}: exit status {status}: {(shared / f'log-{i}').read_text()[-1000:]}")
            done = self.run(places[victim], shared / "cache")
            if done.returncode != 0:
                self.fail(f"after {count} processes: {done.stderr[-1000:]}")
            for place in dict.fromkeys(places):
                self.check(place, f"{count} processes, round {index}")
        print(f"\n{rounds} rounds of {count} processes on one cache, one of them killed (every other round into one results "
              "folder)")

    def disk(self, shares):
        """A disk that is full at some point, then has room."""
        used = sum(path.stat().st_blocks * 512 for path in self.reference.rglob("*") if path.is_file())
        print("\n| disk | full in | message |\n|---|---|---|")
        for share in shares:
            place = self.fresh("full")
            room = int(used * share)
            with Disk(place, room) as disk:
                done = self.run(place, preexec_fn=disk.limit)
                words = ["no space left", "No space left", "File too large", "disk full"]
                message = self.refused(done, f"a disk of {room} bytes", words)
                print(f"| {disk.what} of {room // 1024} KiB ({share:.0%} of what is needed) | {of_events(done.stderr)} | "
                      f"{message.replace(str(self.folder.resolve()), '...').replace(str(self.folder), '...')} |", flush=True)
                disk.more(8 * used)
                done = self.run(place)
                if done.returncode != 0:
                    self.fail(f"with room again: {done.stderr[-1000:]}")
                else:
                    self.check(place, f"after a disk of {room} bytes")

    def unwritable(self):
        """A results folder that cannot be written."""
        place = self.fresh("unwritable")
        results = place / "results"
        results.mkdir()
        with Unwritable(results) as how:
            done = self.run(place)
            message = self.refused(done, "a folder that cannot be written", [str(results), "results"])
            print(f"\nresults folder not writable ({how.what}): {message.replace(str(self.folder), '...')}")
        done = self.run(place)
        if done.returncode != 0:
            self.fail(f"writable again: {done.stderr[-1000:]}")
        else:
            self.check(place, "after a folder that could not be written")


class Disk:
    """A small file system in memory; where none may be mounted, a limit on the size of a file."""

    def __init__(self, place, room):
        self.place, self.room, self.mounted = place, room, False
        self.what = "a file size limit"

    def __enter__(self):
        self.mounted = mount(["-t", "tmpfs", "-o", f"size={self.room}", "tmpfs", str(self.place)])
        if self.mounted:
            self.what = "a disk"
        return self

    def limit(self):
        if not self.mounted:
            # The signal would end the process; ignored, writing fails with an error as on a full disk.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            size = max(self.room // 64, 4096)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def more(self, room):
        if self.mounted and not mount(["-o", f"remount,size={room}", str(self.place)]):
            sys.exit("the small disk cannot be made larger")

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", str(self.place)], check=False)


class Unwritable:
    """Makes a folder unwritable: by a mount, by its mode, or (for root without mounts) a file in its place."""

    def __init__(self, folder):
        self.folder, self.mounted, self.what = folder, False, "its mode"

    def __enter__(self):
        if os.geteuid() != 0:
            self.folder.chmod(0o555)
        elif mount(["-t", "tmpfs", "-o", "ro", "tmpfs", str(self.folder)]):
            self.mounted, self.what = True, "a read-only file system"
        else:
            self.folder.rmdir()
            self.folder.write_text("a file in its place")
            self.what = "a file in its place"
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=False)
        elif self.folder.is_dir():
            self.folder.chmod(0o755)
        else:
            self.folder.unlink()


def mount(arguments):
    return os.geteuid() == 0 and shutil.which("mount") is not None and \
        subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


def files(folder):
    """Every file below a folder by its relative name."""
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def events(text):
    found = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # The last line of a process that was killed may be cut; panics are no JSON either.
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def stage(log):
    return of_events(log.read_text(errors="replace"))


def of_events(text):
    """The kind of stage that a process was in when it ended."""
    last = "start"
    for event in events(text):
        if event.get("event") == "stage-started":
            last = event["stage"].split(": ")[-1].split()[0]
        elif event.get("event") == "stage-finished":
            last = "between stages or writing results"
    return last


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corda", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=6, help="of four processes")
    parser.add_argument("--only", choices=["kills", "processes", "disk", "folder"])
    given = parser.parse_args()
    folder = given.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    soak = Soak(str(given.corda.resolve()), folder)
    if given.only in (None, "folder"):
        soak.unwritable()
    if given.only in (None, "disk"):
        soak.disk([0.02, 0.2, 0.25, 0.3, 0.35, 0.6, 0.8, 0.95])
    if given.only in (None, "processes"):
        soak.processes(given.rounds, given.seed)
    if given.only in (None, "kills"):
        soak.kills(given.kills, given.seed)
    print(f"\n{len(soak.wrong)} things were not as they should be" if soak.wrong else "\neverything was as it should be")
    sys.exit(1 if soak.wrong else 0)


if __name__ == "__main__":
    main()
