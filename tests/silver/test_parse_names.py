"""Lists of names in one text, and arrays of texts."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from data_pipeline.silver import parse_names
from tests.silver.test_parse import UNKNOWN, WHITE, check, is_unknown, read_all, squeeze


def test_names_with_commas(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("Action, Adventure", ["Action", "Adventure"], False),
        ("Sci-Fi", ["Sci-Fi"], False),
        (" Action ,\u3000Slice\u00a0of\nLife, Action,, , ", ["Action", "Slice of Life"], False),
        ("Action, action", ["Action", "action"], False),
        ("Shochiku, Yamamura Animation, Inc.", ["Shochiku", "Yamamura Animation, Inc."], False),
        ("Comstock, Ltd., NHK", ["Comstock, Ltd.", "NHK"], False),
        ("D,IOS, INCS toenter", ["D,IOS", "INCS toenter"], False),
        ("A, Include P.D.", ["A", "Include P.D."], False),
        ("Inc.", ["Inc."], False),
        ("Unknown, Action", ["Unknown", "Action"], False),
        ("A; B|C", ["A; B|C"], False),
        (",", [], False),
        (" , ,", [], False),
        ("," * 50_000 + "A", ["A"], False),
    ]
    check(spark, parse_names.comma_names("x"), "array<string>", cases)


def test_people(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("John Lasseter", ["John Lasseter"], False),
        (
            "Tim Allen, R. Lee Ermey,Don Rickles",
            ["Tim Allen", "R. Lee Ermey", "Don Rickles"],
            False,
        ),
        ("Sammy Davis, Jr., Dean Martin", ["Sammy Davis, Jr.", "Dean Martin"], False),
        ("Sammy Davis ,\u00a0Jr,Dean Martin", ["Sammy Davis, Jr", "Dean Martin"], False),
        ("Robert Downey Jr., Robert Downey, SR", ["Robert Downey Jr.", "Robert Downey, SR"], False),
        ("A, II, B, III., C, IV", ["A, II", "B, III.", "C, IV"], False),
        ("A,, Jr., B,", ["A, Jr.", "B"], False),
        ("A, Jr., A, Jr., A", ["A, Jr.", "A"], False),
        ("Irene, Jrue, Sri, IIIa, Ii", ["Irene", "Jrue", "Sri", "IIIa", "Ii"], False),
        ("Jr., Dean Martin", ["Jr.", "Dean Martin"], False),
        (" Penélope Cruz,渥美\u3000清 ", ["Penélope Cruz", "渥美 清"], False),
        (", ,", [], False),
        ("," * 50_000, [], False),
    ]
    check(spark, parse_names.people("x"), "array<string>", cases)


def test_arrays_of_texts(spark: SparkSession) -> None:
    cases = [
        (None, None, False),
        ([], [], False),
        ([None, "", " \u00a0\u3000"], [], False),
        ([" Slice\u00a0of  Life\n", None, "Action", "Slice of Life", "action"],
         ["Slice of Life", "Action", "action"], False),
        (["Unknown", "A, B"], ["Unknown", "A, B"], False),
    ]  # fmt: skip
    check(spark, parse_names.texts("x"), "array<string>", cases, raw_kind="array<string>")


# --- properties: nothing throws, nothing is invented, nothing is lost ----------------------------

WORDS = "A Bo Inc. Ltd Jr. Sr II IV. Unknown N/A , , , , ,"
PIECES = st.sampled_from([*WORDS.split(), ", ", ", ", ", ", " ", *WHITE])
TEXTS = st.lists(
    st.one_of(st.text(max_size=12), st.lists(PIECES, max_size=10).map("".join)),
    min_size=300,
    max_size=400,
)


def entries(text: str) -> set[str]:
    return {part.strip(" ") for part in squeeze(text).split(",")} - {""}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS)
def test_lists_neither_throw_nor_invent_nor_lose(spark: SparkSession, texts: list[str]) -> None:
    readers = {"names": parse_names.comma_names("x"), "people": parse_names.people("x")}
    for row in read_all(spark, texts, **readers):
        for column in readers:
            found = row[column]
            assert not row[f"{column}?"]
            assert (found is None) == is_unknown(row["raw"])
            if found is not None:
                assert {entry for name in found for entry in entries(name)} == entries(row["raw"])
                assert len(set(found)) == len(found)
                assert all(name == squeeze(name).strip(", ") != "" for name in found)


NAMES = (
    st.text(min_size=1, max_size=8)
    .map(squeeze)
    .filter(lambda name: name and "," not in name and not is_unknown(name))
)


def is_suffix(name: str) -> bool:
    word = name.removesuffix(".")
    return word.lower() in {"jr", "sr"} or word in {"II", "III", "IV"}


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases=st.lists(
        st.lists(
            st.tuples(
                NAMES.filter(lambda name: not is_suffix(name)),
                st.sampled_from(["", "", "", ", Jr.", ", sr", ", II", ", III.", ", IV"]),
            ).map("".join),
            min_size=1,
            max_size=5,
            unique=True,
        ),
        min_size=100,
        max_size=100,
    )
)
def test_people_are_read_back(spark: SparkSession, cases: list[list[str]]) -> None:
    written = [", ".join(names) for names in cases]
    rows = read_all(spark, written, people=parse_names.people("x"))
    assert [row["people"] for row in rows] == cases
