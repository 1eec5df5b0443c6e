"""Three AdamW steps on a tiny Llama by transformers and PyTorch: the numbers `corda`'s training has to agree with.

    train_step.py > tests/golden/train_step.json

Model, adapters and examples come from the formula in src/train/fixture.rs, so nothing but numbers is exchanged. LoRA and DoRA are
PEFT's own layers. The loss is the mean over all response tokens of the batch.
"""

import json
import math
import sys

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, get_cosine_schedule_with_warmup

LINEARS = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
]
LAYERS, VOCABULARY = 2, 40
RATE, STEPS, COUNT = 1e-2, 3, 5
FIRST = 6


def wave(n, salt, scale):
    return torch.tensor(
        [scale * math.sin(1.3 * i + salt + 0.7 * math.sin(0.37 * i)) for i in range(n)], dtype=torch.float64
    ).float()


def fill(parameter, salt):
    values = wave(parameter.numel(), salt, 0.2 if parameter.dim() == 1 else 0.4)
    parameter.data.copy_((values + 1.0 if parameter.dim() == 1 else values).reshape(parameter.shape))


def model(tied):
    config = LlamaConfig(
        hidden_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=24,
        vocab_size=VOCABULARY,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_theta=10_000.0,
        tie_word_embeddings=tied,
        attn_implementation="eager",
    )
    llama = LlamaForCausalLM(config).float()
    for layer, block in enumerate(llama.model.layers):
        fill(block.input_layernorm.weight, 100 + layer)
        fill(block.post_attention_layernorm.weight, 200 + layer)
        for i, name in enumerate(LINEARS):
            fill(block.get_submodule(name).weight, 10 * layer + i + 1)
    fill(llama.model.embed_tokens.weight, 50)
    if not tied:
        fill(llama.lm_head.weight, 51)
    fill(llama.model.norm.weight, 300)
    return llama


def adapted(llama, dora):
    config = LoraConfig(r=3, lora_alpha=3, target_modules=[name.split(".")[1] for name in LINEARS], use_dora=dora)
    wrapped = get_peft_model(llama, config)
    for layer in range(LAYERS):
        for i, name in enumerate(LINEARS):
            linear = wrapped.base_model.model.model.layers[layer].get_submodule(name)
            a, b = linear.lora_A["default"].weight, linear.lora_B["default"].weight
            a.data.copy_(wave(a.numel(), 500 + 7 * layer + i, 0.3).reshape(a.shape))
            b.data.copy_(wave(b.numel(), 400 + 7 * layer + i, 0.1).reshape(b.shape))
            if dora:
                norm = (linear.get_base_layer().weight.data + b.data @ a.data).norm(dim=1)
                linear.lora_magnitude_vector["default"].weight.data.copy_(norm)
    return wrapped


def example(i):
    length = 5 + 3 * i % 7
    tokens = [(7 * t * t + 11 * t + 13 * i + 3) % VOCABULARY for t in range(length)]
    return tokens, length - 2 - i % 3


def batch_loss(llama):
    losses = []
    for i in range(COUNT):
        tokens, response = example(i)
        logits = llama(torch.tensor([tokens])).logits[0]
        targets = torch.tensor(tokens[response:])
        losses.append(torch.nn.functional.cross_entropy(logits[response - 1 : -1], targets, reduction="none"))
    return torch.cat(losses).mean()


def ours(name):
    """corda's name of a parameter."""
    return name.removeprefix("base_model.model.").removesuffix(".default.weight")


def run(kind, tied, weight_decay):
    llama = model(tied)
    if kind != "full":
        llama = adapted(llama, kind == "dora")
    trained = [(ours(name), p) for name, p in llama.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for name, p in trained if "norm" not in name], "weight_decay": weight_decay},
        {"params": [p for name, p in trained if "norm" in name], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    schedule = get_cosine_schedule_with_warmup(optimizer, 0, STEPS)
    out = {"kind": kind, "tied": tied, "weight_decay": weight_decay, "loss": [], "gradient_norm": [], "rate": []}
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = batch_loss(llama)
        loss.backward()
        out["gradient_norm"].append(float(torch.nn.utils.clip_grad_norm_([p for _, p in trained], 1.0)))
        out["loss"].append(loss.item())
        out["rate"].append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    out["parameters"] = {}
    for name, p in trained:
        flat = p.detach().flatten().double()
        weighed = (flat * wave(flat.numel(), 1, 1.0).double()).sum().item()
        out["parameters"][name] = [[round(x, 7) for x in flat[:FIRST].tolist()], round(weighed, 7)]
    return out


def main():
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}"
    origin = f"tests/interop/train_step.py with {versions}, f32 on the CPU"
    settings = [("full", True, 0.1), ("full", False, 0.0), ("lora", True, 0.0), ("dora", True, 0.1)]
    json.dump({"origin": origin, "runs": [run(*one) for one in settings]}, sys.stdout, indent=1)
    print()


main()
