"""The file of a desk's limits: YAML, every limit with its unit in a comment."""

from decimal import Decimal
from pathlib import Path

import yaml
from pydantic import ValidationError

from contracts.risk.limits import Limits, first_of

_HEAD = """\
# The limits of a desk. Another file is given to the trading job by --limits or SAPPHIRE_LIMITS; what that one does not name
# keeps its default. `sapphire limits check FILE` says whether a file can be used; docs/risk.md and docs/portfolio.md say
# what each limit is for. The leverage caps are the agents' own, in the roster. While the desk runs a limit is changed by
#   sapphire control limits desk_gross=0.6 --reason "..."
#
# Units: [share] 0.05 is 5 %   [times] 2 is twice   [s] seconds of event time   [count]
"""


class LimitsError(ValueError):
    """The file of limits cannot be used; the text says which limit is wrong and how."""


def read_limits(path: Path) -> Limits:
    """The limits in a YAML file, the defaults where it is silent; raises `LimitsError` in one sentence."""
    try:
        return Limits.model_validate(yaml.safe_load(path.read_text()) or {})
    except OSError as error:
        raise LimitsError(f"the limits in {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LimitsError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise LimitsError(f"{path}: {first_of(error)}") from None


def written(limits: Limits) -> str:
    """The limits as their file has them."""
    lines = [_HEAD]
    for name, field in Limits.model_fields.items():
        lines += [f"# {field.description} [{unit_of(name)}]", f"{name}: {_plain(getattr(limits, name))}", ""]
    return "\n".join(lines).rstrip() + "\n"


def unit_of(name: str) -> str:
    """What a limit is counted in: `share`, `times`, `s` or `count`."""
    if name.endswith("_seconds"):
        return "s"
    if Limits.model_fields[name].annotation is int:
        return "count"
    schema = Limits.model_json_schema()["properties"][name]
    return "share" if any(option.get("maximum") == 1 for option in schema.get("anyOf", [schema])) else "times"


def _plain(value: Decimal | int | None) -> str:
    if value is None:
        return "null"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
