"""Tokenizers as GGUF files carry them: the ids that transformers gives, which corda has to give too.

    vocabularies.py GEMMA.gguf VALIDATION.txt > tests/golden/vocabularies.json

GEMMA.gguf is the model of the catalog, VALIDATION.txt its PTB validation text, joined. The vocabulary of Gemma is real; those of
the other kinds are small ones, trained here on the documentation of this project: what is compared is what a kind does with text,
not which words it knows.
"""

import hashlib
import json
import struct
import sys
import unicodedata
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer
from transformers.integrations.gguf import gguf_tokenizer_mapping as mapping

HERE = Path(__file__).parent
LINES = (HERE / "difficult.txt").read_bytes().decode().split("\n")
TEXTS = LINES + ["\n".join(LINES), ""]
DOCUMENTATION = "\n".join(path.read_text() for path in sorted((HERE / "../../docs").glob("*.md")))


def digest(ids):
    return hashlib.sha256(b"".join(struct.pack("<I", i) for i in ids)).hexdigest()


def facts(encode, validation):
    ids = encode(validation)
    return {"texts": [encode(text) for text in TEXTS], "validation": {"tokens": len(ids), "sha256": digest(ids)}}


def byte_level(pre, composes, keeps, size=700):
    """Trained with the splitting of a kind, then as Hugging Face's tokenizers of that kind are put together."""
    if pre == "gpt-2":
        steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    elif pre == "smollm":
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    else:
        split = pre_tokenizers.Split(Regex(mapping.GGUF_PRE_TOKENIZER_SPLITS[pre]), behavior="isolated")
        steps = [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    special = ["<|endoftext|>", "<s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [DOCUMENTATION], trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=sorted(alphabet))
    )
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary, merges = model["vocab"], [tuple(merge) for merge in model["merges"]]
    # A token that no merges lead to: kinds that keep whole tokens find it.
    vocabulary["Ġdon"] = vocabulary.get("Ġdon", len(vocabulary))
    vocabulary["Pneum"] = len(vocabulary)
    judge = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=keeps))
    if composes:
        judge.normalizer = normalizers.NFC()
    judge.pre_tokenizer = pre_tokenizers.Sequence(steps)
    judge.add_special_tokens([tokenizers.AddedToken(token, normalized=False, special=True) for token in special])
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    types = [3 if token in special else 1 for token in tokens]
    encode = lambda text: judge.encode(text, add_special_tokens=False).ids
    return {"architecture": "llama", "model": "gpt2", "pre": pre, "tokens": tokens, "types": types, "merges": merges}, encode


def sentencepiece(architecture, size=700):
    """A BPE with bytes, whose scores fall from token to token, as transformers reads it from a GGUF."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581[^\u2581]*|[^\u2581]+"), behavior="isolated")
    control = ["<unk>", "<s>", "</s>"] if architecture != "gemma3" else ["<pad>", "<eos>", "<bos>", "<unk>"]
    user = ["<table>", "</table>"] + ([] if architecture != "gemma3" else ["\n", "\n\n", "\n\n\n", "\u2581\u2581", "\u2581\u2581\u2581"])
    user = [token for token in user]
    tokenizer.train_from_iterator([DOCUMENTATION], trainers.BpeTrainer(vocab_size=size))
    learned = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    learned = [token for token in learned if token not in control + user]
    tokens = control + user + [f"<0x{byte:02X}>" for byte in range(256)] + learned
    scores = [-1000.0 if token in control + user else 0.0 for token in tokens[: len(tokens) - len(learned)]]
    # Single characters come first in training, and in SentencePiece last: longer ones are better.
    scores += [-float(i) for i in range(len(learned))]
    # Unknown, control, user-defined, byte, normal.
    types = [2 if token == "<unk>" and architecture != "gemma3" else 3 for token in control] + [4] * len(user) + [6] * 256
    types += [1] * len(learned)
    values = {"tokenizer_type": "llama", "tokens": tokens, "scores": scores, "token_type": types}
    judge, _ = mapping.convert_gguf_tokenizer(architecture, values)
    # transformers adds the tokens that are named (bos, eos, unk) beside: unk is one of them.
    judge.add_special_tokens([tokenizers.AddedToken("<unk>", normalized=False, special=True)])
    encode = lambda text: judge.encode(text, add_special_tokens=False).ids
    return {"architecture": architecture, "model": "llama", "pre": "default", "tokens": tokens, "types": types, "scores": scores}, encode


def main():
    gemma, validation = sys.argv[1], Path(sys.argv[2]).read_text()
    out = {
        "origin": f"tests/interop/vocabularies.py with transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, "
        f"Unicode {unicodedata.unidata_version}",
        "kinds": [],
    }
    for pre, composes, keeps in [
        ("llama-bpe", False, True),
        ("smaug-bpe", False, True),
        ("dbrx", False, False),
        ("qwen2", True, False),
        ("gpt-4o", False, False),
        ("tekken", False, True),
        ("smollm", False, False),
        ("gpt-2", False, False),
    ]:
        kind, encode = byte_level(pre, composes, keeps)
        out["kinds"].append(kind | facts(encode, validation))
    for architecture in ["llama", "phi3", "gemma3"]:
        kind, encode = sentencepiece(architecture)
        out["kinds"].append(kind | facts(encode, validation))
    real = AutoTokenizer.from_pretrained(str(Path(gemma).parent), gguf_file=Path(gemma).name)
    out["gemma3-270m"] = facts(lambda text: real(text, add_special_tokens=False)["input_ids"], validation)
    json.dump(out, sys.stdout, ensure_ascii=True, separators=(",", ":"))
    print()


main()
