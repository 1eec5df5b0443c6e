"""Tiny random models of every family by transformers and PyTorch: the numbers that corda has to agree with.

    families.py FOLDER    (writes FOLDER/families.json and FOLDER/families.safetensors)

No weights are exchanged: every tensor is filled by a formula of its index among the sorted names (`wave`, which tests/families.rs
has too). For each case: config.json as transformers 5 writes it and in the form of version 4, which most models on the hub have;
logits of every position of a window of 96 tokens, statistics of every distinct linear input by hooks, greedy continuations without
a cache, and three AdamW steps of all weights, of LoRA and of DoRA.
"""

import json
import math
import sys
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, get_cosine_schedule_with_warmup

torch.manual_seed(0)
WINDOW, VOCABULARY, STEPS, NEW = 96, 48, 3, 24
# With an epsilon above most gradients, what a step changes shows their size, and not only their sign.
RATE, EPS, DECAY = 5e-3, 1e-2, 0.01
# Lengths of prompts; of so many of each, the one with the most varied of the answers whose every choice is clear is taken.
PROMPTS, CANDIDATES, CLEAR = [3, 17, 40], 40, 2e-3

COMMON = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 40,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0,
}
SLIDING, FULL = "sliding_attention", "full_attention"

CASES = {
    "llama-biases": ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "llama-llama3": (
        "llama",
        {
            "tie_word_embeddings": False,
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            },
        },
    ),
    "llama-yarn": (
        "llama",
        {"tie_word_embeddings": True, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}},
    ),
    "llama-linear": ("llama", {"tie_word_embeddings": True, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "mistral-window": ("mistral", {"sliding_window": 24, "head_dim": 12, "tie_word_embeddings": False}),
    "mistral-full": (
        "mistral",
        {
            "sliding_window": None,
            "tie_word_embeddings": True,
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 3.0,
                "original_max_position_embeddings": 40,
                "beta_fast": 3.0,
                "beta_slow": 0.5,
                "mscale": 1.0,
                "mscale_all_dim": 0.5,
                "truncate": False,
            },
        },
    ),
    "qwen2": ("qwen2", {"tie_word_embeddings": True, "rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}),
    "qwen2-window": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 20, "max_window_layers": 2, "tie_word_embeddings": False},
    ),
    "qwen3": ("qwen3", {"head_dim": 12, "tie_word_embeddings": True}),
    "qwen3-biases": ("qwen3", {"head_dim": 8, "attention_bias": True, "tie_word_embeddings": False}),
    "gemma2": (
        "gemma2",
        {
            "head_dim": 12,
            "query_pre_attn_scalar": 20,
            "sliding_window": 16,
            "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0,
            "rms_norm_eps": 1e-4,
        },
    ),
    "gemma2-untied": (
        "gemma2",
        {"head_dim": 8, "query_pre_attn_scalar": 4, "sliding_window": 16, "attention_bias": True, "tie_word_embeddings": False},
    ),
    "gemma3": (
        "gemma3_text",
        {
            "head_dim": 12,
            "query_pre_attn_scalar": 20,
            "sliding_window": 16,
            "final_logit_softcapping": 4.0,
            "sliding_window_pattern": 3,
            "rms_norm_eps": 1e-4,
        },
    ),
    "gemma3-untied": (
        "gemma3_text",
        {
            "head_dim": 8,
            "sliding_window": 16,
            "layer_types": [FULL, SLIDING, SLIDING, FULL],
            "attention_bias": True,
            "tie_word_embeddings": False,
            "rope_parameters": {
                FULL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0},
                SLIDING: {"rope_type": "default", "rope_theta": 10_000.0},
            },
        },
    ),
    "phi3": ("phi3", {"sliding_window": 24, "tie_word_embeddings": False}),
    # Short factors at 96 tokens of an original context of 100, long ones at 96 of 64.
    **{
        name: (
            "phi3",
            {
                "partial_rotary_factor": 0.75,
                "tie_word_embeddings": True,
                "original_max_position_embeddings": original,
                "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.5, 2.0], "long_factor": [2.0, 3.0, 4.0]},
            },
        )
        for name, original in [("phi3-short", 100), ("phi3-long", 64)]
    },
    "olmo2": ("olmo2", {"tie_word_embeddings": False, "eos_token_id": 0}),
    "olmo2-tied": ("olmo2", {"tie_word_embeddings": True, "attention_bias": True, "eos_token_id": 0}),
    "smollm3": ("smollm3", {"no_rope_layer_interval": 3, "tie_word_embeddings": True}),
    "smollm3-window": (
        "smollm3",
        {
            "no_rope_layers": [1, 0, 0, 1],
            "use_sliding_window": True,
            "sliding_window": 16,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": False,
        },
    ),
    "opt": ("opt", {"ffn_dim": 40, "word_embed_proj_dim": 32, "tie_word_embeddings": True}),
    "opt-untied": ("opt", {"ffn_dim": 40, "word_embed_proj_dim": 32, "enable_bias": False, "tie_word_embeddings": False}),
}


def wave(n, salt, scale):
    at = torch.arange(n, dtype=torch.float64)
    return (scale * torch.sin(1.3 * at + salt + 0.7 * torch.sin(0.37 * at))).float()


def fill(model, family):
    """Every tensor by the formula of its index among the sorted names, as they are stored."""
    state = model.state_dict()
    tied = model.config.tie_word_embeddings
    names = sorted(name for name in state if not (tied and name == "lm_head.weight"))
    with torch.no_grad():
        for salt, name in enumerate(names):
            tensor = state[name]
            values = wave(tensor.numel(), salt, 0.4 if tensor.dim() > 1 else 0.2)
            if tensor.dim() == 1 and name.endswith(".weight") and not family.startswith("gemma"):
                values = values + 1.0
            tensor.copy_(values.reshape(tensor.shape))
    return names


def build(family, keys):
    values = dict(COMMON) | keys
    if family == "opt":
        for key in ["num_key_value_heads", "intermediate_size", "rms_norm_eps", "rope_theta"]:
            values.pop(key)
    if "rope_parameters" in values:
        values.pop("rope_theta")
    # PyTorch gives the embedding of a padding token no gradient; here every token is one of a text.
    return made(AutoConfig.for_model(family, **values, pad_token_id=None))


def made(config):
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    return model, fill(model, config.model_type)


def written(config):
    return {key: value for key, value in config.to_dict().items() if key != "transformers_version"}


def older(model):
    """The configuration in the form of transformers 4, which gives the same model."""
    config = written(model.config)
    # Read from Python, not from the file.
    for key in ["_sliding_window_pattern", "use_bidirectional_attention"]:
        config.pop(key, None)
    config["architectures"] = [type(model).__name__]
    config["torch_dtype"] = "float32"
    ropes = config.pop("rope_parameters", None)
    if ropes and FULL in ropes:
        config["rope_local_base_freq"] = ropes[SLIDING]["rope_theta"]
        ropes = ropes[FULL]
    if ropes:
        config["rope_theta"] = ropes["rope_theta"]
        kind = ropes["rope_type"]
        # Files of the older of these kinds have an older name of the key, which transformers does not read of Gemma.
        old = kind in ["linear", "longrope"] and model.config.model_type != "gemma3_text"
        name = "type" if old else "rope_type"
        said = {key: value for key, value in ropes.items() if key not in ["rope_theta", "rope_type", "type", "partial_rotary_factor"]}
        if kind == "longrope":
            said.pop("original_max_position_embeddings")
        config["rope_scaling"] = {name: kind} | said if kind != "default" else None
    types = config.pop("layer_types", None)
    if model.config.model_type == "gemma3_text" and types == [SLIDING, SLIDING, FULL, SLIDING]:
        config["sliding_window_pattern"] = 3
    again = type(model.config).from_dict(config)
    if getattr(again, "layer_types", None) != types:
        config["layer_types"] = types
        again = type(model.config).from_dict(config)
    ids = torch.tensor([tokens()])
    with torch.no_grad():
        same = torch.equal(made(again)[0](ids, use_cache=False).logits, model(ids, use_cache=False).logits)
    assert same, f"the older form is another model: {config}"
    return config


def tokens(n=WINDOW, salt=0):
    return [(7 * t * t + 11 * t + 13 * salt + 3) % VOCABULARY for t in range(n)]


def blocks(model):
    inner = model.model
    return inner.decoder.layers if hasattr(inner, "decoder") else inner.layers


def inputs(block):
    """The first linear at each distinct input of a block."""
    attention = block.self_attn
    mlp = getattr(block, "mlp", block)
    first = getattr(attention, "qkv_proj", None) or attention.q_proj
    output = getattr(attention, "o_proj", None) or attention.out_proj
    gate = next(getattr(mlp, name) for name in ["gate_up_proj", "gate_proj", "fc1"] if hasattr(mlp, name))
    down = next(getattr(mlp, name) for name in ["down_proj", "fc2"] if hasattr(mlp, name))
    return [first, output, gate, down]


def forward(model, ids):
    """Logits of a window, and of every distinct input: trace and weighed sum of X^T X, weighed sum of the mean of abs(X)."""
    found = []

    def hook(_, arguments):
        x = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).double()
        square = x.T @ x
        weighed = (square.flatten() * wave(square.numel(), 1, 1.0).double()).sum().item()
        marginal = (x.abs().mean(0) * wave(x.shape[1], 2, 1.0).double()).sum().item()
        found.append([square.trace().item(), weighed, marginal])

    handles = [linear.register_forward_pre_hook(hook) for block in blocks(model) for linear in inputs(block)]
    handles.append(model.lm_head.register_forward_pre_hook(hook))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    for handle in handles:
        handle.remove()
    return logits, found


def continued(model, length):
    """A prompt and its greedy continuation without a cache, and the smallest lead of a choice over the next."""
    ids = torch.tensor([tokens(length, salt) for salt in range(CANDIDATES)])
    lead = torch.full([CANDIDATES], math.inf)
    for _ in range(NEW):
        with torch.no_grad():
            best = model(ids, use_cache=False).logits[:, -1].topk(2)
        lead = torch.minimum(lead, best.values[:, 0] - best.values[:, 1])
        ids = torch.cat([ids, best.indices[:, :1]], 1)
    variety = lambda at: len(set(ids[at, length:].tolist()))
    at = max((at for at in range(CANDIDATES) if lead[at] > CLEAR), key=variety)
    return {"prompt": ids[at, :length].tolist(), "answer": ids[at, length:].tolist(), "lead": lead[at].item()}


def example(i):
    # One is longer than the original context of the case phi3-long.
    length = 30 + 20 * i
    return tokens(length, i), length - 6 - i


def trained(model, kind):
    linears = {name: m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear) and name != "lm_head"}
    if kind == "full":
        model.requires_grad_(True)
    else:
        names = sorted({name.rsplit(".", 1)[1] for name in linears})
        model = get_peft_model(model, LoraConfig(r=3, lora_alpha=3, target_modules=names, use_dora=kind == "dora"))
        for i, name in enumerate(sorted(linears)):
            adapted = model.base_model.model.get_submodule(name)
            a, b = adapted.lora_A["default"].weight, adapted.lora_B["default"].weight
            a.data.copy_(wave(a.numel(), 500 + i, 0.3).reshape(a.shape))
            b.data.copy_(wave(b.numel(), 400 + i, 0.1).reshape(b.shape))
            if kind == "dora":
                norm = (adapted.get_base_layer().weight.data + b.data @ a.data).norm(dim=1)
                adapted.lora_magnitude_vector["default"].weight.data.copy_(norm)
    ours = lambda name: name.removeprefix("base_model.model.").removesuffix("" if kind == "full" else ".default.weight")
    learned = [(ours(name), p) for name, p in model.named_parameters() if p.requires_grad]
    decays = lambda p: kind != "full" or p.dim() > 1
    groups = [
        {"params": [p for _, p in learned if decays(p)], "weight_decay": DECAY},
        {"params": [p for _, p in learned if not decays(p)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=EPS)
    before = [p.detach().clone() for _, p in learned]
    schedule = get_cosine_schedule_with_warmup(optimizer, 0, STEPS)
    out = {"loss": [], "gradient_norm": []}
    for _ in range(STEPS):
        optimizer.zero_grad()
        losses = []
        for i in range(4):
            ids, response = example(i)
            logits = model(torch.tensor([ids]), use_cache=False).logits[0]
            target = torch.tensor(ids[response:])
            losses.append(torch.nn.functional.cross_entropy(logits[response - 1 : -1], target, reduction="none"))
        loss = torch.cat(losses).mean()
        loss.backward()
        out["gradient_norm"].append(float(torch.nn.utils.clip_grad_norm_([p for _, p in learned], 1.0)))
        out["loss"].append(loss.item())
        optimizer.step()
        schedule.step()
    changes = {name: change(p, was) for (name, p), was in zip(learned, before)}
    out["changes"] = [changes[name] for name in sorted(changes)]
    return out


def change(parameter, before):
    """Of what training changed: its length, and the sum of its values times a wave."""
    by = (parameter.detach() - before).flatten().double()
    weighed = (by * wave(by.numel(), 1, 1.0).double()).sum().item()
    return [float(f"{x:.5e}") for x in [by.norm().item(), weighed]]


def main():
    folder = Path(sys.argv[1])
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}"
    out = {"origin": f"tests/interop/families.py with {versions}, f32 on the CPU, eager attention", "cases": []}
    tensors = {}
    for name, (family, keys) in CASES.items():
        model, names = build(family, keys)
        logits, statistics = forward(model, tokens())
        tensors[name] = logits.contiguous()
        case = {
            "name": name,
            "config": written(model.config),
            "older": older(model),
            "tensors": names,
            "statistics": statistics,
            "answers": [continued(model, length) for length in PROMPTS],
            **{kind: trained(build(family, keys)[0], kind) for kind in ["full", "lora", "dora"]},
        }
        out["cases"].append(case)
        varieties = [len(set(answer["answer"])) for answer in case["answers"]]
        print(name, "logits", logits.std().item(), "losses", case["full"]["loss"], varieties, file=sys.stderr)
    (folder / "families.json").write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
    save_file(tensors, folder / "families.safetensors")


main()
