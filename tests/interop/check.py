"""Loads what `corda adapt` wrote with transformers and PEFT, and compares logits with corda's own.

    check.py CORDA ADAPTERS TEXT [TRAINED...]

CORDA is the binary, ADAPTERS the folder of one experiment's adapters, TEXT a file whose first 512 tokens are the window, TRAINED
folders of adapters that corda trained, of which base + adapter and untouched + converted are compared.
For each adapter: the base model alone, base + adapter, the untouched model + converted adapter; then a few steps of training
by PEFT, the trained adapter read back by corda, and converted by corda. Exits with 1 where a logit is off by 1e-3 or more.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

BOUND = 1e-3
worst = 0.0


def ours(corda, text, model, adapter=None):
    """corda's logits of a model with or without an adapter: token ids [n], logits [n, vocabulary]."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "logits.safetensors"
        command = [corda, "logits", "--model", model, "--text", text, "--tokens", "512", "--out", out]
        subprocess.run(command + (["--adapter", adapter] if adapter else []), check=True, stdout=subprocess.DEVNULL)
        tensors = load_file(out)
    return tensors["tokens"].long(), tensors["logits"]


def theirs(model, tokens):
    with torch.no_grad():
        return model(tokens.unsqueeze(0)).logits[0].float()


def compare(what, a, b):
    global worst
    difference = (a - b).abs().max().item()
    worst = max(worst, difference)
    print(f"{what:60} {difference:.2e}{'' if difference < BOUND else '   TOO FAR'}", flush=True)


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def train(model, tokens):
    """A few steps of plain gradient descent on the window: enough to move A and B."""
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    assert parameters, "the adapter has no trainable parameters"
    for _ in range(3):
        loss = model(tokens.unsqueeze(0), labels=tokens.unsqueeze(0)).loss
        loss.backward()
        with torch.no_grad():
            norm = torch.stack([p.grad.norm() for p in parameters]).norm()
            for p in parameters:
                p -= 0.05 / norm * p.grad
                p.grad = None
    return model.eval()


def check(corda, text, adapters, untouched, name, spec=None):
    """With a spec, a trained adapter is merged by corda too."""
    folder = adapters / name
    under = folder / "base" if (folder / "base").is_dir() else untouched
    tokens, base = ours(corda, text, under)
    tokenizer = AutoTokenizer.from_pretrained(under)
    ids = tokenizer(Path(text).read_text(encoding="utf-8"), return_tensors="pt").input_ids[0, : len(tokens)]
    assert torch.equal(ids, tokens), "the exported tokenizer gives other tokens"
    compare(f"{name}: base", theirs(load(under), tokens), base)

    model = PeftModel.from_pretrained(load(under), folder / "adapter", is_trainable=True)
    start = theirs(model, tokens)
    compare(f"{name}: base + adapter", start, ours(corda, text, under, folder / "adapter")[1])
    if (folder / "adapter" / "README.md").is_file():
        # Trained by corda: converted, it is the same on the untouched model.
        if (folder / "converted").is_dir():
            converted = PeftModel.from_pretrained(load(untouched), folder / "converted")
            compare(f"{name}: untouched + converted", theirs(converted, tokens), start)
    else:
        check_converted(corda, text, folder, untouched, name, tokens, model, start, spec)


def check_converted(corda, text, folder, untouched, name, tokens, model, start, spec):
    """An adapter before training: the untouched model, and back after a few steps."""
    compare(f"{name}: base + adapter, the original model", start, ours(corda, text, untouched)[1])
    converted = PeftModel.from_pretrained(load(untouched), folder / "converted")
    compare(f"{name}: untouched + converted", theirs(converted, tokens), start)

    after = theirs(train(model, tokens), tokens)
    moved = (after - start).abs().max().item()
    assert moved > 0.01, f"training moved no logit ({moved})"
    with tempfile.TemporaryDirectory() as temporary:
        trained = Path(temporary) / "trained"
        model.save_pretrained(trained)
        compare(f"{name}: trained, read back by corda", after, ours(corda, text, folder / "base", trained)[1])
        out = Path(temporary) / "converted"
        start_folder = folder / "adapter"
        convert = [corda, "convert", trained, "--start", start_folder, "--base", untouched, "--out", out]
        subprocess.run(convert, check=True, stdout=subprocess.DEVNULL)
        converted = PeftModel.from_pretrained(load(untouched), out)
        compare(f"{name}: trained, converted by corda, in PEFT", theirs(converted, tokens), after)
        if spec:
            out = Path(temporary) / "merged"
            merge = [corda, "merge", spec, "--adapter", trained, "--base", folder / "base", "--out", out]
            subprocess.run(merge, cwd=spec.parent, check=True, stdout=subprocess.DEVNULL)
            compare(f"{name}: trained, merged by corda, in transformers", theirs(load(out), tokens), after)


def check_initialised(corda, text, untouched, init):
    """An adapter that PEFT starts from the base's own components: saved, it names the untouched base, and how it started."""
    tokens, _ = ours(corda, text, untouched)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    settings = LoraConfig(r=16, lora_alpha=32, target_modules=names, init_lora_weights=init, task_type="CAUSAL_LM")
    with tempfile.TemporaryDirectory() as folder:
        model = train(get_peft_model(load(untouched), settings), tokens)
        after = theirs(model, tokens)
        model.save_pretrained(folder)
        again = theirs(PeftModel.from_pretrained(load(untouched), folder), tokens)
        compare(f"{init}: saved and loaded by PEFT", again, after)
        compare(f"{init}: read by corda", again, ours(corda, text, untouched, folder)[1])


def main():
    corda, adapters, text, *others = sys.argv[1], Path(sys.argv[2]), sys.argv[3], *map(Path, sys.argv[4:])
    torch.manual_seed(0)
    names = sorted(path.name for path in adapters.iterdir() if (path / "adapter").is_dir())
    lora = next(name for name in names if name.startswith("lora-"))
    # Plain LoRA leaves the model as it is: its base is the untouched one.
    for name in names:
        check(corda, text, adapters, adapters / lora / "base", name)
    for folder in others:
        for name in sorted(path.name for path in folder.iterdir() if (path / "adapter").is_dir()):
            check(corda, text, folder, adapters / lora / "base", name)
    for init in ["pissa", "olora"]:
        check_initialised(corda, text, adapters / lora / "base", init)
    print(f"largest difference of a logit: {worst:.2e}")
    sys.exit(0 if worst < BOUND else 1)


if __name__ == "__main__":
    main()
