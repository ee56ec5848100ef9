"""OVO codes and KBO numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acmidm_onboarding.values.identifiers import kbo_number, ovo_code

REST_ZERO = "02000043"
"""First eight digits that 97 divides: their check digits are 97, and never 00."""

first_eight = st.integers(0, 19_999_999).map(lambda number: f"{number:08d}")


def with_check(first: str) -> str:
    return f"{first}{97 - int(first) % 97:02d}"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0207451227",
            "0207.451.227",
            "0207 451 227",
            "0316.380.841",
            "0862.884.185",
            f"{REST_ZERO}97",
        ),
        *("BE0207451227", "BE 0207 451 227", "BE 0207.451.227"),
    ],
)
def test_a_real_kbo_number_is_ten_digits_whatever_separates_them(text: str) -> None:
    assert kbo_number(text) == text.removeprefix("BE").replace(".", "").replace(" ", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "0207.451.228",
            (
                'KBO number "0207.451.228" has check digits 28 where 27 is due; check the number'
                " for a typing error"
            ),
        ),
        (
            f"{REST_ZERO}00",
            (
                f'KBO number "{REST_ZERO}00" has check digits 00 where 97 is due; check the number'
                " for a typing error"
            ),
        ),
        (
            "2207.451.227",
            'KBO number "2207.451.227" starts with 2; the first digit is 0 or 1, check the number',
        ),
        (
            "207.451.227",
            '"207.451.227" is not a KBO number; write ten digits, such as "0207.451.227"',
        ),
        (
            "NL0207451227",
            '"NL0207451227" is not a KBO number; write ten digits, such as "0207.451.227"',
        ),
        (
            "٠٢٠٧٤٥١٢٢٧",
            '"٠٢٠٧٤٥١٢٢٧" is not a KBO number; write ten digits, such as "0207.451.227"',
        ),
        ("", '"" is not a KBO number; write ten digits, such as "0207.451.227"'),
    ],
)
def test_a_wrong_kbo_number_is_refused_with_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        kbo_number(text)
    assert str(refused.value) == sentence


@settings(deadline=None)
@given(first_eight)
def test_separators_make_no_difference_and_what_comes_out_goes_in(first: str) -> None:
    digits = with_check(first)
    assert kbo_number(digits) == digits
    assert kbo_number(f"{digits[:4]}.{digits[4:7]}.{digits[7:]}") == digits
    assert kbo_number(kbo_number(digits)) == digits


@settings(deadline=None)
@given(first_eight, st.integers(0, 99))
def test_one_pair_of_check_digits_fits(first: str, check: int) -> None:
    digits = f"{first}{check:02d}"
    if digits == with_check(first):
        assert kbo_number(digits) == digits
    else:
        with pytest.raises(ValueError, match="is due"):
            kbo_number(digits)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_number_or_refused_with_a_remedy(text: str) -> None:
    try:
        answer = kbo_number(text)
    except ValueError as error:
        answer = str(error)
    assert "; " in answer or (len(answer) == 10 and answer.isdigit())


@pytest.mark.parametrize(
    "text",
    [
        "OVO00206",
        "OVO0020670",
        "ovo002067",
        "002067",
        "OVO 002067",
        "OVO00206\u0667",
        "OVO002067\n",
    ],
)
def test_a_wrong_ovo_code_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not an OVO code; write OVO and six digits, such as OVO002067"
    ):
        ovo_code(text)
