import pytest

from core.domain.errors import BadInput
from core.services import public_address


def test_an_address_is_an_origin_and_a_host():
    (found,) = public_address.parse("https://Labels.example.org/")
    assert (found.origin, found.host, found.name) == (
        "https://labels.example.org",
        "labels.example.org",
        "labels.example.org",
    )
    (found,) = public_address.parse("http://labels.lan:8080")
    assert (found.origin, found.host, found.name) == ("http://labels.lan:8080", "labels.lan:8080", "labels.lan")


def test_a_standard_port_is_left_out_as_browsers_do():
    assert public_address.parse("https://a.example:443")[0].host == "a.example"
    assert public_address.parse("http://a.example:443")[0].host == "a.example:443"


def test_several_with_commas_and_a_bare_name_means_both_kinds():
    found = public_address.parse("https://a.example, b.lan:81")
    assert [one.origin for one in found] == ["https://a.example", "https://b.lan:81", "http://b.lan:81"]


@pytest.mark.parametrize(
    "text", ["https://", "ftp://a.example", "https://a.example/labels", "https://u:p@a.example", "a b", "*", "a:99999"]
)
def test_what_is_no_address_is_a_sentence(text):
    with pytest.raises(BadInput, match="is not an address such as"):
        public_address.parse(text)


def test_streamlit_is_told_the_hosts_beside_the_local_ones():
    flags = public_address.streamlit_flags(
        public_address.parse("https://a.example,https://a.example:444"), ("localhost",)
    )
    assert flags[0::2] == ["--server.allowedHosts"] * 2 + ["--server.corsAllowedOrigins"] * 2
    assert flags[1::2] == ["localhost", "a.example", "https://a.example", "https://a.example:444"]
    assert public_address.streamlit_flags((), ("localhost",)) == []
