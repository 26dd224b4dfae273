from __future__ import annotations

import math

import pytest

from harness.wire.events import Event, decode, encode, number


def test_an_event_comes_back_as_it_went() -> None:
    event = Event("epoch_stop", 1.5, {"epoch": 0, "loss": 0.25, "name": 'ü\n"<script>', "list": [1, None]})
    line = encode(event)
    assert line.count("\n") == 1
    assert decode(line) == event


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_travels_as_a_string(value: float) -> None:
    back = number(decode(encode(Event("x", 0.0, {"value": [value]}))).fields["value"][0])
    assert back == value or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize(
    "line",
    ["", "hello", "[]", "{}", '{"kind": 1, "time": 0, "fields": {}}', '{"kind": "a", "time": true, "fields": {}}',
     '{"kind": "a", "time": 0, "fields": []}', '{"kind": "a", "time": 0, "fields": {}, "more": 1}'],
)  # fmt: skip
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own or ours, whichever finds the fault
        decode(line)
