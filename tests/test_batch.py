"""Ctrl-C: the first one counts, and only where nobody else has a say in it."""

import os
import signal
import threading

import pytest

from reform_analysis import batch


def test_the_first_ctrl_c_is_raised_and_those_that_follow_do_nothing() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with batch.one_interrupt():
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_of_somebody_else_stays() -> None:
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: seen.append(number))
    try:
        with batch.one_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT] * 2


def test_another_thread_than_the_main_one_leaves_signals_alone() -> None:
    found = []

    def enter() -> None:
        with batch.one_interrupt():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
