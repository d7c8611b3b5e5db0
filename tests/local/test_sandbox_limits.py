"""The rate limit, on a clock that the test turns."""

import threading

import pytest

from data_pipeline.local.sandbox.limits import RateLimit


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def accepted(limit, requests):
    return sum(limit.take() is None for _ in range(requests))


def test_one_windows_worth_may_come_at_once_and_then_the_average(clock):
    limit = RateLimit(per_second=20, clock=clock)
    assert accepted(limit, 100) == 20
    clock.now += 0.5
    assert accepted(limit, 100) == 10
    clock.now += 3600
    assert accepted(limit, 100) == 20


def test_evenly_paced_requests_are_never_refused(clock):
    limit = RateLimit(per_second=20, clock=clock)
    for _ in range(2000):
        assert limit.take() is None
        clock.now += 1 / 20


def test_each_window_holds(clock):
    limit = RateLimit(per_second=3, per_minute=60, clock=clock)
    total = 0
    for _ in range(60):
        total += accepted(limit, 10)
        clock.now += 1
    # A full bucket at the start, and a minute's refill of the tighter limit.
    assert 117 <= total <= 120


def test_retry_after_is_whole_seconds_and_enough(clock):
    limit = RateLimit(per_minute=2, clock=clock)
    assert accepted(limit, 2) == 2
    refusal = limit.take()
    assert (refusal.retry_after, refusal.count, refusal.allowed) == (30, 3, 2)
    assert limit.take().count == 4
    clock.now += 29.5
    assert limit.take().retry_after == 1
    clock.now += 0.5
    assert limit.take() is None


def test_a_rate_below_one_request_a_window(clock):
    limit = RateLimit(per_second=0.5, clock=clock)
    assert accepted(limit, 5) == 1
    assert limit.take().retry_after == 2
    clock.now += 2
    assert accepted(limit, 5) == 1


def test_no_limit():
    assert accepted(RateLimit(), 1000) == 1000


@pytest.mark.parametrize("rate", [0, -1])
def test_a_limit_of_nothing_is_refused(rate):
    with pytest.raises(ValueError, match="above 0"):
        RateLimit(per_second=rate)


def test_threads_share_the_tokens(clock):
    limit = RateLimit(per_second=500, clock=clock)
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(accepted(limit, 200))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 500
