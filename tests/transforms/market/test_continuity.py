from transforms.market.continuity import Arrived, Continuity

NEXT, AFTER_GAP, FILLS_GAP, DUPLICATE, ANEW = Arrived


def test_the_timeline_of_the_class() -> None:
    feed = Continuity()
    arrivals = [(1, 10), (2, 20), (5, 50), (4, 40), (4, 40), (9, 90), (1, 100), (2, 110)]
    assert [feed.take(*arrival) for arrival in arrivals] == [
        NEXT, NEXT, AFTER_GAP, FILLS_GAP, DUPLICATE, AFTER_GAP, ANEW, NEXT,
    ]  # fmt: skip


def test_the_first_batch_may_have_any_number() -> None:
    feed = Continuity()
    assert feed.take(812, 5) is NEXT
    assert feed.take(811, 4) is DUPLICATE


def test_what_is_missing_is_remembered_up_to_a_bound() -> None:
    feed = Continuity()
    feed.take(1, 1)
    assert feed.take(5_000, 5_000) is AFTER_GAP
    assert feed.take(4_999, 4_999) is FILLS_GAP
    assert feed.take(2, 2) is DUPLICATE
    assert len(feed.state()[2]) == 1_023


def test_it_goes_on_from_its_state() -> None:
    feed, again = Continuity(), Continuity()
    for arrival in ((1, 1), (4, 4)):
        feed.take(*arrival)
    again.take_up(feed.state())
    assert [again.take(3, 3), again.take(3, 3), again.take(5, 5)] == [FILLS_GAP, DUPLICATE, NEXT]
