"""What of a container's line may reach the task log: its text and its colours, and nothing that a reader can't see.

Whoever writes a container's lines is no administrator of Airflow, and who reads them may do so in a terminal.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"""
    (?P<colour> \x1b\[ [0-9;:]{0,256} m )
    | \x1b\[ [0-?]{0,256} [ -/]{0,16} [@-~]                       # moves the cursor, clears the screen, asks
    | \x1b\] [^\x07\x1b\n]{0,4096} (?: \x07 | \x1b\\ )            # sets titles, makes links, fills the clipboard
    | \x1b[PX^_] [^\x1b\n]{0,4096} \x1b\\                         # strings for the terminal itself
    | \x1b [ -/]{1,16} [0-~]
    | \x1b [0-~]?
    | (?P<hidden> [\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c] )
    | (?P<half> [\ud800-\udfff] )
    """,
    re.VERBOSE,
)
_GROUP = re.compile(r"::(?=(?:end)?group::)")
"""With which Airflow's page folds lines away, wherever it stands in one."""
_RESET = "\x1b[0m"
_CONCEAL = "8"
_EXTENDED_COLOURS = frozenset({"38", "48", "58"})
"""Parameters that others belong to: ``5;n`` or ``2;r;g;b``."""
_PICTURES = 0x2400
"""Where Unicode has a visible sign for each control character of ASCII."""
_MOST_STATES = 3
"""States of a line that was written over which are shown each; of more, the first and the last."""


def shown_lines(message: str) -> list[str]:
    """Return the lines that an event of a log stream is shown as; at least one, none with a line break in it.

    A line that was written over and over, as progress bars are, is its first and its last state.
    """
    lines = message.removesuffix("\n").split("\n")
    return [_visible(state) for line in lines for state in _states(line)]


def _states(line: str) -> list[str]:
    states = [state for state in line.split("\r") if state]
    if len(states) <= _MOST_STATES:
        return states or [""]
    return [states[0], f"[{len(states) - 2} states of this line are left out]", states[-1]]


def _visible(line: str) -> str:
    text = _GROUP.sub(": :", _CONTROL.sub(_replacement, line))
    return text + _RESET if "\x1b[" in text and not text.endswith(_RESET) else text


def _replacement(found: re.Match[str]) -> str:
    if found["colour"]:
        return _colour(found["colour"])
    if found["half"]:
        return "\ufffd"
    if hidden := found["hidden"]:
        code = ord(hidden)
        if code < 0x20:  # noqa: PLR2004 - the control characters of ASCII
            return chr(_PICTURES + code)
        return "\u2421" if hidden == "\x7f" else f"\\u{code:04x}"
    return ""


def _colour(sequence: str) -> str:
    """Return a sequence for colours without the parameter that hides what follows."""
    parameters = sequence[2:-1].split(";")
    kept: list[str] = []
    while parameters:
        parameter = parameters.pop(0)
        if parameter in _EXTENDED_COLOURS:
            count = {"5": 2, "2": 4}.get(parameters[0] if parameters else "", 0)
            kept += [parameter, *parameters[:count]]
            del parameters[:count]
        elif parameter.lstrip("0").split(":")[0] != _CONCEAL:
            kept.append(parameter)
    return f"\x1b[{';'.join(kept)}m" if kept else ""
