import pytest

from splicebert.errors import SpliceBERTError
from splicebert.sequence import reverse_complement
from splicebert.sites import centred_window, site_offsets


def test_a_window_is_centred_and_may_begin_below_zero():
    assert centred_window(300, 302, 510) == (46, 556)
    assert centred_window(10, 12, 510) == (-244, 266)


@pytest.mark.parametrize("strand", "+-")
def test_the_offsets_are_those_of_the_site_itself(strand):
    forward = "CCCCCGTAAAAAAAA"  # the site is at 105-107
    window = (100, 115)
    read = forward if strand == "+" else reverse_complement(forward)
    i, j = site_offsets(105, 107, window, strand)
    assert read[i:j] == ("GT" if strand == "+" else "AC")


def test_the_published_protocol_is_one_base_off_on_the_reverse_strand_only():
    window = (100, 115)
    assert site_offsets(105, 107, window, "+", protocol="published") == (5, 7)
    assert site_offsets(105, 107, window, "-") == (8, 10)
    assert site_offsets(105, 107, window, "-", protocol="published") == (7, 9)


@pytest.mark.parametrize(
    ("start", "end", "strand"), [(99, 101, "+"), (114, 116, "-"), (105, 107, ".")]
)
def test_a_site_outside_the_window_or_strand_is_refused(start, end, strand):
    with pytest.raises(SpliceBERTError, match="within the window"):
        site_offsets(start, end, (100, 115), strand)
