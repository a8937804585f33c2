"""Counting tokens without a tokenizer: an estimate that is rather too high, the same for every model."""

import re
import string

_WORD_PARTS = re.compile(r"[A-Za-z]{1,4}")
_UNCOUNTED = (string.ascii_letters + " \t\n\r\f\v\x1c\x1d\x1e\x1f").encode()
"""What is no digit and no sign: letters, which are counted as words, and white space."""

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
    # A prompt is mostly digits: they are counted as bytes, at once, and only words are looked at one by one.
    signs = len(text.encode().translate(None, _UNCOUNTED))
    return others + signs + len(_WORD_PARTS.findall(text))
