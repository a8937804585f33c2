"""What a venue's HTTP answer to an order means: done, refused, not there, or unclear. Pure.

| answer | meaning |
| --- | --- |
| 2xx with a JSON object | done |
| -4115 | the client_order_id is there already: success, told by asking |
| -2013, -2011 | the venue says definitely that there is no such order |
| 503, other 5xx, -1000, -1001, -1006, -1007, 408 | it may have been done: unclear |
| 429, 418, -1003, -1015 | not done, too much was asked: unclear, because asking again is what helps |
| anything that is no JSON object (an HTML page) | unclear, whatever its status |
| other 4xx with a code | refused |
"""

from enum import StrEnum

import orjson


class Meaning(StrEnum):
    """What came of a request."""

    DONE = "done"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not found"
    UNCLEAR = "unclear"


_DUPLICATE = -4115
_NOT_FOUND = {-2013, -2011}
_UNCLEAR = {-1000, -1001, -1003, -1006, -1007, -1015}
_UNCLEAR_STATUS = {408, 418, 425, 429}


def meaning_of(status: int, body: bytes) -> tuple[Meaning, str]:
    """The meaning of an answer, and what the venue says about it, in one line."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Meaning.UNCLEAR, f"{status}, and the answer is not JSON"
    if not isinstance(answer, dict):
        return Meaning.UNCLEAR, f"{status}, and the answer is no object"
    code = answer.get("code")
    said = f"{status} {code}: {answer.get('msg', '')}" if code is not None else str(status)
    if code == _DUPLICATE:
        return Meaning.DUPLICATE, said
    if status >= 500 or status in _UNCLEAR_STATUS or code in _UNCLEAR:
        return Meaning.UNCLEAR, said
    if code in _NOT_FOUND:
        return Meaning.NOT_FOUND, said
    if 200 <= status < 300:
        refused = isinstance(code, int) and code < 0
        return (Meaning.REFUSED if refused else Meaning.DONE), said
    return (Meaning.REFUSED, said) if isinstance(code, int) and status >= 400 else (Meaning.UNCLEAR, said)
