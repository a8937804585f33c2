"""Counting tokens without a tokenizer: an estimate that is rather too high, the same for every model."""

import re
import string

_LETTERS = string.ascii_letters.encode()
_UNCOUNTED = _LETTERS + b" \t\n\r\f\v\x1c\x1d\x1e\x1f"
"""What is no digit and no sign: letters, which are counted as words, and white space."""

_WORDS_ALONE = bytes(ord("a") if byte in _LETTERS else ord(" ") for byte in range(256))
"""Every letter alike, and anything between words alike."""

_OTHERS = re.compile(r"[^\x00-\x7f]")


def estimated_tokens(text: str) -> int:
    """About how many tokens a model reads in `text`.

    Every digit and every sign counts as one (the tokenizers of Qwen, Llama and SmolLM cut numbers into digits), a word as
    one for each four letters begun, white space as none (it begins the next word), any other character as its bytes.
    """
    others = 0
    if not text.isascii():
        others = sum(len(found.encode()) for found in _OTHERS.findall(text) if not found.isspace())
        text = _OTHERS.sub(" ", text)
    # A prompt is long and asked for often: it is counted as bytes, a kind of them at once, and never one by one.
    read = text.encode()
    signs = len(read.translate(None, _UNCOUNTED))
    fours_and_rests = read.translate(_WORDS_ALONE).replace(b"aaaa", b" b ").split()
    return others + signs + len(fours_and_rests)
