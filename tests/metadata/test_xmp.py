"""XMP that is more, or other, than a packet of properties."""

import pytest

from imgsvc.metadata.tags import Tags
from imgsvc.metadata.xmp import MAX_ITEMS, MAX_PACKET, read_xmp
from tests.metadata.blocks import xmp_packet
from tests.metadata.camera import noted_packet


def entity_bomb() -> bytes:
    entities = '<!ENTITY e0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10)
    )
    return f"<!DOCTYPE x [{entities}]>".encode() + xmp_packet("<dc:format>&e9;</dc:format>")


def far_entity() -> bytes:
    doctype = b'<!DOCTYPE x [<!ENTITY far SYSTEM "file:///etc/passwd">]>'
    return doctype + xmp_packet("<dc:format>&far;</dc:format>")


@pytest.mark.parametrize(
    "packet", [entity_bomb(), far_entity(), b'<!DOCTYPE x SYSTEM "http://127.0.0.1/">' + noted_packet()]
)
def test_a_packet_with_a_document_type_is_refused(packet: bytes) -> None:
    """Without one there are no entities, near or far."""
    tags = Tags()

    with pytest.raises(ValueError, match="x"):
        read_xmp(packet, tags)

    assert tags.detail() == {}


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"no XML",
        noted_packet()[:-40],
        noted_packet().replace(b"</rdf:RDF>", b""),
        b"<a>" * 100_000,
        xmp_packet("<dc:subject>" * 100 + "</dc:subject>" * 100),
        xmp_packet("<dc:format>x</dc:format>" * (MAX_ITEMS + 1)),
        xmp_packet("x" * MAX_PACKET),
        xmp_packet("<dc:format>\xff</dc:format>").replace(b"\xc3", b""),
    ],
)
def test_what_is_no_sound_packet_of_some_size_is_refused(packet: bytes) -> None:
    """Not well-formed, too deep, too many, too long: nothing of it is told."""
    tags = Tags()

    with pytest.raises(ValueError, match=r"\S"):
        read_xmp(packet, tags)

    assert tags.detail() == {}


def test_properties_within_structures_are_not_taken_for_the_pictures_own() -> None:
    """A format two levels down is some other thing's."""
    tags = Tags()

    read_xmp(xmp_packet('<xmp:Nested rdf:parseType="Resource"><dc:format>inner</dc:format></xmp:Nested>'), tags)

    assert tags.get("Format") is None


def test_lists_are_joined_and_languages_have_names_of_their_own() -> None:
    """As exiftool prints a list outside JSON."""
    tags = Tags()

    read_xmp(noted_packet(), tags)

    assert tags.get("Creator") == "One, Two & a half"
    assert (tags.get("Title"), tags.get("Title-fr")) == ("Title", "Titre")
