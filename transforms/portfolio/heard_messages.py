"""The desk's short memory: which messages it heard lately."""


class HeardMessages:
    """The ids of the messages of the last `seconds` before the clock; an older wish is refused as too late anyway."""

    def __init__(self, seconds: int) -> None:
        self._micros = seconds * 1_000_000
        self._heard: dict[str, int] = {}

    def remember(self, seconds: int) -> None:
        """Remember messages for so long from here on."""
        self._micros = seconds * 1_000_000

    def hear(self, message_id: str, micros: int, clock: int) -> bool:
        """Whether it is the first time."""
        self._heard = {known: at for known, at in self._heard.items() if at >= clock - self._micros}
        if message_id in self._heard:
            return False
        self._heard[message_id] = micros
        return True

    def dump(self) -> dict[str, int]:
        """As JSON."""
        return dict(self._heard)

    def load(self, dumped: dict[str, int]) -> None:
        """Take up what `dump` wrote."""
        self._heard = {str(known): int(at) for known, at in dumped.items()}
