"""What the agents agree on: the worked timeline, and what holds for whatever they say."""

from decimal import Decimal

import orjson
from hypothesis import given
from hypothesis import strategies as st

from contracts.payloads import Consensus, Side
from contracts.risk.consensus import NOBODY, Voice, Voices

BTC = "BTCUSDT"
CAPITAL = {"alpha": Decimal(60_000), "beta": Decimal(20_000), "gamma": Decimal(20_000)}
SECOND = 1_000_000


def capital_of(agent: str) -> Decimal:
    return CAPITAL.get(agent, Decimal(0))


class Talk:
    """Voices that speak at the clock's time; a minute is 60 seconds of it."""

    def __init__(self) -> None:
        self.voices = Voices(300)

    def hear(self, minute: float, agent: str, sign: int, confidence: str) -> Consensus | None:
        clock = round(minute * 60 * SECOND)
        self.voices.hear(BTC, agent, Voice(clock, sign, Decimal(confidence)), clock)
        return self.news(minute)

    def news(self, minute: float) -> Consensus | None:
        return self.voices.news(BTC, round(minute * 60 * SECOND), capital_of)


def told(said: Consensus | None) -> tuple[Side, float, tuple[str, ...]] | None:
    return said and (said.side, said.score, said.participants)


def test_the_worked_timeline() -> None:
    talk = Talk()
    assert talk.hear(0, "alpha", 1, "0.8") is None
    assert told(talk.hear(1, "beta", 1, "0.4")) == (Side.BUY, 0.7, ("alpha", "beta"))
    assert told(talk.hear(2, "beta", -1, "0.8")) == (Side.BUY, 0.4, ("alpha", "beta"))
    assert talk.news(4.9) is None
    assert told(talk.news(5)) == (Side.HOLD, 0.0, ())
    assert talk.news(6) is None
    alone = talk.voices.agreement(BTC, 6 * 60 * SECOND, capital_of)
    assert (alone.side, alone.score, alone.behind) == (Side.SELL, Decimal("0.8"), ("beta",))


def test_it_is_told_again_when_it_moved_or_another_voice_joined() -> None:
    talk = Talk()
    talk.hear(0, "alpha", 1, "0.8")
    assert talk.hear(1, "beta", 1, "0.8") is not None
    assert talk.hear(1.5, "beta", 1, "0.5") is None  # 0.725: less than 0.1 away
    assert told(talk.hear(2, "beta", 1, "0.4")) == (Side.BUY, 0.7, ("alpha", "beta"))
    assert told(talk.hear(3, "gamma", 1, "0.7")) == (Side.BUY, 0.7, ("alpha", "beta", "gamma"))


def test_equal_weights_on_both_sides_agree_on_nothing() -> None:
    talk = Talk()
    talk.hear(0, "beta", 1, "0.5")
    assert told(talk.hear(0, "gamma", -1, "0.5")) == (Side.HOLD, 0.0, ("beta", "gamma"))


def test_an_older_word_or_one_from_tomorrow_gains_nothing_and_who_has_no_capital_is_not_heard() -> None:
    voices, now = Voices(300), 600 * SECOND
    voices.hear(BTC, "alpha", Voice(now, 1, Decimal("0.8")), now)
    voices.hear(BTC, "alpha", Voice(now - SECOND, -1, Decimal(1)), now)
    voices.hear(BTC, "beta", Voice(now + 86_400 * SECOND, 1, Decimal("0.8")), now)
    voices.hear(BTC, "stranger", Voice(now, -1, Decimal(1)), now)
    agreed = voices.agreement(BTC, now, capital_of)
    assert (agreed.score, agreed.participants) == (Decimal("0.8"), ("alpha", "beta"))
    assert voices.agreement(BTC, now + 300 * SECOND, capital_of) == NOBODY
    assert voices.agreement("ETHUSDT", now, capital_of) == NOBODY


_WORDS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(sorted(CAPITAL)),
        st.sampled_from([-1, 0, 1]),
        st.decimals(0, 1, places=2),
    ),
    max_size=20,
)


@given(_WORDS, st.integers(0, 20))
def test_whatever_is_said_it_is_bounded_told_once_and_survives_a_restart(words, cut) -> None:
    voices = Voices(300)
    for number, (second, agent, sign, confidence) in enumerate(sorted(words)):
        if number == cut:
            state = orjson.dumps(voices.dump())
            voices = Voices(300)
            voices.load(orjson.loads(state))
            assert orjson.dumps(voices.dump()) == state
        voices.hear(BTC, agent, Voice(second * SECOND, sign, confidence), second * SECOND)
        agreed = voices.agreement(BTC, second * SECOND, capital_of)
        assert 0 <= agreed.score <= max(c for s, _, _, c in words if second - 300 < s <= second)
        assert set(agreed.behind) <= set(agreed.participants)
        assert (agreed.side is Side.HOLD) == (agreed.score == 0)
        voices.news(BTC, second * SECOND, capital_of)
        assert voices.news(BTC, second * SECOND, capital_of) is None


@given(_WORDS)
def test_turning_every_word_round_turns_the_consensus_round(words) -> None:
    one, other = Voices(300), Voices(300)
    for second, agent, sign, confidence in sorted(words, key=lambda word: word[0]):
        for voices, side in ((one, sign), (other, -sign)):
            voices.hear(BTC, agent, Voice(second * SECOND, side, confidence), second * SECOND)
    turned = {Side.BUY: Side.SELL, Side.SELL: Side.BUY, Side.HOLD: Side.HOLD}
    for second in (0, 300, 900):
        left, right = (v.agreement(BTC, second * SECOND, capital_of) for v in (one, other))
        assert (turned[left.side], left.score, left.behind) == (right.side, right.score, right.behind)
