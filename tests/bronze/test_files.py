"""CSV and zips as publishers ship them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.bronze.files import (
    MAX_ROW_LINES,
    byte_ranges,
    csv_header,
    csv_records,
    json_records,
    lines_of_range,
    open_member,
)
from data_pipeline.errors import InputError


def read(text: bytes, width: int = 3) -> list[tuple[object, bool]]:
    header = ["a", "b", "c"][:width]
    found = csv_records(iter(io.BytesIO(text)), header)
    return [(text if bad else list(json.loads(text).values()), bad) for text, bad in found]


def test_values_are_as_written() -> None:
    assert read(b' 1 ,"x, ""y""",\xc2\xa0z \r\n\r\n4,,"5"\n') == [
        ([" 1 ", 'x, "y"', "\xa0z "], False),
        (["4", "", "5"], False),
    ]


def test_a_field_may_hold_line_breaks() -> None:
    assert read(b'1,"x\r\ny\n",z\n2,b,c\n') == [
        (["1", "x\r\ny\n", "z"], False),
        (["2", "b", "c"], False),
    ]


@pytest.mark.parametrize(
    "line", [b"1,2", b"1,2,3,4", b'1,"2,3', b'1,2"3",4', b"1,\xff,3", b'1,"2"x,3']
)
def test_what_cannot_be_split_costs_its_own_line_only(line: bytes) -> None:
    found = read(b"0,0,0\n" + line + b"\n9,9,9\n")
    assert found[0] == (["0", "0", "0"], False)
    assert found[-1] == (["9", "9", "9"], False)
    assert found[1] == (line.decode("utf-8", "backslashreplace"), True) or found[1] == (
        ["1", '2"3"', "4"],
        False,
    )
    assert len(found) == 3


def test_a_stray_quotation_mark_does_not_swallow_the_file() -> None:
    rows = b"".join(b"%d,b,c\n" % i for i in range(MAX_ROW_LINES + 10))
    found = read(b'x,"y,z\n' + rows)
    assert found[0] == ('x,"y,z', True)
    assert len(found) == MAX_ROW_LINES + 11
    assert not any(bad for _, bad in found[1:])


def test_a_file_cut_in_the_middle_keeps_what_is_before() -> None:
    assert read(b'1,2,3\n4,"5') == [(["1", "2", "3"], False), ('4,"5', True)]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_what_csv_writes_is_read_again(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    written = text.getvalue().encode("utf-8", "surrogatepass")
    assert read(written, width=2) == [(row, False) for row in rows]


@given(st.lists(st.binary(max_size=9).filter(lambda b: b"\n" not in b)), st.integers(1, 20))
def test_byte_ranges_lose_and_share_no_line(lines: list[bytes], length: int) -> None:
    header, text = b"the header\n", b"\n".join(lines)
    content = header + text
    parts = [
        line
        for low, high in byte_ranges(len(header), len(content), length)
        for line in lines_of_range(io.BytesIO(content), low, high)
    ]
    assert b"".join(parts) == text


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(), json_values)


def read_json(content: bytes) -> tuple[list[tuple[str, bool]], list[str]]:
    fields: dict[str, None] = {}
    return list(json_records(iter(io.BytesIO(content)), fields)), list(fields)


@given(st.lists(json_objects, max_size=6), st.booleans(), st.data())
def test_lines_of_json_come_back_verbatim_but_for_the_cut_one(
    records: list[dict[str, object]], ascii_only: bool, data: st.DataObject
) -> None:
    lines = [json.dumps(record, ensure_ascii=ascii_only) for record in records]
    content = "".join(f"{line}\n" for line in lines).encode()
    cut = content[: data.draw(st.integers(0, len(content)))]
    whole = cut.count(b"\n")
    left = cut.rpartition(b"\n")[2].strip()
    found, fields = read_json(cut)
    assert found[:whole] == [(line, False) for line in lines[:whole]]
    if left and left == lines[whole].encode():  # only its line break is missing
        assert found[whole:] == [(lines[whole], False)]
        whole += 1
    else:
        text = left.decode("utf-8", "backslashreplace")
        assert found[whole:] == ([(text, True)] if left else [])
    assert fields == list(dict.fromkeys(name for record in records[:whole] for name in record))


@given(st.lists(json_objects, min_size=1, max_size=6), st.integers(1, 40))
def test_ranges_of_json_lines_lose_and_share_none(
    records: list[dict[str, object]], length: int
) -> None:
    lines = [json.dumps(record) for record in records]
    content = "\n".join(lines).encode()
    found = [
        record
        for low, high in byte_ranges(0, len(content), length)
        for record in json_records(lines_of_range(io.BytesIO(content), low, high), {})
    ]
    assert found == [(line, False) for line in lines]


@given(st.lists(st.binary(max_size=12)))
def test_whatever_is_there_every_line_is_a_record_or_malformed(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    found, _ = read_json(content)
    assert len(found) == sum(bool(line.strip()) for line in content.split(b"\n"))
    for text, malformed in found:
        assert "\n" not in text
        assert malformed or isinstance(json.loads(text), dict)


def test_spelling_and_repeated_keys_survive() -> None:
    written = '{"a": 1.10, "b":1e5,  "a": null, "\u00e9": "\\u00e9 \u2028"}'
    assert read_json(f"{written}\r\n".encode()) == ([(written, False)], ["a", "b", "\u00e9"])
    assert read_json(b'{"a":\r1}\n') == ([('{"a": 1}', False)], ["a"])


@pytest.mark.parametrize(
    "line",
    [b"[1]", b"1", b"null", b'"x"', b'{"a": NaN}', b'{"a": 1', b'{"a": 1}]', b"a,b", b"{'a':1}"],
)
def test_what_is_no_json_object_costs_its_own_line_only(line: bytes) -> None:
    found, fields = read_json(b'{"a": 0}\n' + line + b'\n{"b": 2}')
    assert found == [('{"a": 0}', False), (line.decode(), True), ('{"b": 2}', False)]
    assert fields == ["a", "b"]


def test_a_header_has_no_mark_and_no_blanks() -> None:
    line = "\ufeffMAL_ID, sypnopsis\r\n".encode()
    assert csv_header(io.BytesIO(line + b"1,x\n"), "f") == (["MAL_ID", "sypnopsis"], len(line))


def test_a_header_that_is_no_text_is_an_error() -> None:
    with pytest.raises(InputError, match="f does not begin with a header line"):
        csv_header(io.BytesIO(b"\xff\xfe\x00"), "f")


def test_a_broken_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", "a,b\n" * 10_000)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"no zip", whole[:60] + b"\0" * 20 + whole[80:]):
        with (
            pytest.raises(InputError, match=r"a\.zip is not a whole zip"),
            open_member(io.BytesIO(broken), "a.zip", "x.csv") as stream,
        ):
            stream.read()
