"""Bars are for terminals, lines for all: one line per message, whatever is in it."""

from __future__ import annotations

import signal
import threading
import warnings
from contextvars import copy_context

import pytest

from napari_sr.cli import terminal


def test_in_a_pipe_there_are_lines_and_no_bars(capfd):
    with terminal.bars() as bars:
        bars.update(bars.add_task("tiles", total=2), completed=1)
        terminal.tell(bars, "halved")

    assert capfd.readouterr() == ("", "halved\n")


def test_a_line_is_neither_broken_nor_taken_for_markup(capfd):
    message = "[bold]" + "long " * 60 + ":smile: /a/path [0, 1]"

    with terminal.bars() as bars:
        terminal.tell(bars, message)

    assert capfd.readouterr().err == message + "\n"


def test_our_warnings_are_one_line_and_others_none(capfd):
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        warnings.warn_explicit("values\nfrom 0 to 9", UserWarning, terminal.__file__, 1)
        warnings.warn_explicit("unclosed", ResourceWarning, terminal.__file__, 1)
        warnings.warn_explicit("of theirs", UserWarning, "/elsewhere.py", 1)

    assert capfd.readouterr().err == "Warning: values from 0 to 9\n"


def test_messages_of_all_threads_name_the_commands_options(capfd):
    def warn():
        warnings.warn_explicit("give axes='YX'", UserWarning, terminal.__file__, 1)

    def speak():
        terminal.speak_of({"scale": "--scale", "axes": "--axes"})
        with terminal.bars() as bars, terminal.warnings_as_lines(bars):
            terminal.tell(bars, "give scale=2", "scale=2.tif")
            thread = threading.Thread(target=warn)
            thread.start()
            thread.join()

    copy_context().run(speak)

    assert capfd.readouterr().err == "scale=2.tif: give --scale 2\nWarning: give --axes YX\n"


def test_warnings_are_as_before_afterwards():
    before = warnings.showwarning

    with pytest.raises(KeyError), terminal.bars() as bars, terminal.warnings_as_lines(bars):
        raise KeyError

    assert warnings.showwarning is before


def test_messages_name_the_file_that_they_are_about(capsys):
    with terminal.bars() as bars:
        terminal.tell(bars, "one", "a.tif")
        with terminal.about("x/a.tif"), terminal.warnings_as_lines(bars):
            terminal.tell(bars, "two", "a.tif")
            terminal.tell(bars, "three")
            terminal.tell(bars, "")
        terminal.tell(bars, "four")

    assert capsys.readouterr().err.splitlines() == [
        "a.tif: one", "x/a.tif: two", "x/a.tif: three", "four",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, terminal.Terminated)],
)
def test_only_the_first_signal_raises(number, raised):
    again = 0

    with pytest.raises(raised), terminal.terminable():
        try:
            signal.raise_signal(number)
        except raised:
            for again in range(1, 10):  # noqa: B007  # read below: all of them arrived
                signal.raise_signal(number)
            raise

    signal.raise_signal(number)
    assert again == 9


def test_handlers_are_as_before_after_a_run_without_a_signal():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with terminal.terminable():
        pass

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_process_that_ignores_ctrl_c_still_does():
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with terminal.terminable():
        signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
