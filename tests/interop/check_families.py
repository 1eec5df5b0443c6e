"""As check.py, with tiny random models of other families: what `corda adapt` exports, PEFT loads, trains and gives back, and
what corda merges, transformers loads.

    check_families.py CORDA FOLDER TEXT

Models, experiments and adapters are written into FOLDER; TEXT is calibrated on, and its first 512 tokens are the window.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import check
import torch
from tokenizers import Tokenizer, models
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

COMMON = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 1024,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
FAMILIES = {
    "gemma3_text": {
        "head_dim": 24,
        "query_pre_attn_scalar": 24,
        "sliding_window": 64,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
    "qwen3": {"head_dim": 24, "tie_word_embeddings": False},
    "phi3": {
        "partial_rotary_factor": 0.75,
        # The window of the comparison is longer than that, the samples and test windows are not.
        "original_max_position_embeddings": 256,
        "rope_scaling": {"type": "longrope", "short_factor": [1.0 + i / 8 for i in range(6)], "long_factor": [2.0] * 6},
    },
}

# The arms are CorDA from both ends and PiSSA; `lora` is the untouched model beside them.
SPEC = """\
name: {name}
title: A tiny model of another family
model: {{path: model}}
targets: decoder
calibrations:
  own: {{corpus: {{file: text.txt, format: text}}, samples: 8, length: 256}}
arms:
  - {{method: corda, calibration: own}}
  - {{method: corda, calibration: own, end: largest}}
  - {{method: plain-svd, end: largest}}
discard: {{components: [4]}}
evaluate:
  own: {{corpus: {{file: text.txt, format: text}}, windows: 1, length: 128, bos: stream}}
adapters: {{energy: [own], lora: true}}
"""


def write(folder, family, text):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    characters = sorted(set(text))
    vocabulary = {"<unk>": 0} | {character: i + 1 for i, character in enumerate(characters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder / "model")
    torch.manual_seed(5)
    config = AutoConfig.for_model(family, vocab_size=len(vocabulary), **COMMON, **FAMILIES[family])
    model = AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        # Norms of other than their first values, so that they count.
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter += 0.1 * torch.randn_like(parameter)
            else:
                parameter.copy_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder / "model")
    (folder / "text.txt").write_text(text)
    (folder / "experiments").mkdir()
    (folder / "experiments/catalog.yaml").write_text("models: {}\ncorpora: {}\n")
    (folder / "spec.yaml").write_text(SPEC.format(name=family.replace("_", "-")))


def main():
    corda, folder, text = str(Path(sys.argv[1]).absolute()), Path(sys.argv[2]).absolute(), str(Path(sys.argv[3]).absolute())
    for family in FAMILIES:
        place = folder / family
        write(place, family, Path(text).read_text(encoding="utf-8"))
        subprocess.run([corda, "adapt", "spec.yaml", "--out", "out"], cwd=place, check=True)
        adapters = place / "out" / family.replace("_", "-")
        names = sorted(path.name for path in adapters.iterdir() if (path / "adapter").is_dir())
        lora = next(name for name in names if name.startswith("lora-"))
        for name in names:
            print(family, name)
            check.check(corda, text, adapters, adapters / lora / "base", name, place / "spec.yaml")
    print(f"largest difference of a logit: {check.worst:.2e}")
    sys.exit(0 if check.worst < check.BOUND else 1)


main()
