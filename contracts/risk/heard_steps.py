"""Which of an order's steps were heard."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class HeardSteps:
    """Of an order's steps 1, 2, ... those heard: all up to `through`, and some beyond a gap."""

    through: int = 0
    beyond: list[int] = field(default_factory=list)

    def hear(self, sequence: int) -> bool:
        """Whether it is the first time."""
        if sequence <= self.through or sequence in self.beyond:
            return False
        self.beyond = sorted([*self.beyond, sequence])
        while self.beyond and self.beyond[0] == self.through + 1:
            self.through = self.beyond.pop(0)
        return True

    def dump(self) -> list[int]:
        """As JSON."""
        return [self.through, *self.beyond]

    @classmethod
    def load(cls, dumped: list[int]) -> "HeardSteps":
        """What `dump` wrote."""
        through, *beyond = (int(sequence) for sequence in dumped)
        return cls(through, beyond)
