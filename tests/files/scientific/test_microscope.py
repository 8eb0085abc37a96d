"""CZI, LIF and ND2 files, made here, and readers that act like bioio's."""

from __future__ import annotations

import pickle
import struct
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.scientific.microscope import READERS, kind_of, open_microscope


class Dims(SimpleNamespace):
    order = "TCZYX"


class Reader:
    """What is used of bioio's readers."""

    whole = np.arange(2 * 3 * 1 * 5 * 7).reshape(2, 3, 1, 5, 7).astype(">u2")
    dims = Dims()
    scale = SimpleNamespace(T=0.5, C=None, Z=None, Y=0.25, X=float("nan"))
    channel_names = ("DAPI", "GFP", "Cy5")
    scenes = ("Series 1", "Series 2")

    def __init__(self, path):
        self.path = path

    @property
    def xarray_dask_data(self):
        array = pytest.importorskip("dask.array", reason="dask is missing")
        return SimpleNamespace(
            dims=("T", "C", "Z", "Y", "X"), shape=self.whole.shape,
            data=array.from_array(self.whole, chunks=(1, 1, 1, 5, 7)),
        )  # fmt: skip


@pytest.fixture(params=["lif", "nd2"])
def faked(request, monkeypatch, tmp_path):
    module, base, errors = (ModuleType(name) for name in ("reader", "base", "errors"))
    module.Reader, errors.UnsupportedFileFormatError = Reader, KeyError
    monkeypatch.setitem(sys.modules, READERS[f".{request.param}"], module)
    monkeypatch.setitem(sys.modules, "bioio_base", base)
    monkeypatch.setitem(sys.modules, "bioio_base.exceptions", errors)
    path = tmp_path / f"a.{request.param}"
    path.write_bytes(b"content")
    return path


def test_an_image_has_the_axes_longer_than_one_and_its_place(faked):
    image = open_microscope(faked, faked.suffix)

    assert (image.axes, image.pixels.dtype, image.chunks) == ("TCYX", np.uint16, (1, 1, 5, 7))
    assert image.places == {"T": Axis(0.5, 0, "second"), "Y": Axis(0.25, 0, "micrometer")}
    assert [channel["label"] for channel in image.channels] == ["DAPI", "GFP", "Cy5"]
    assert image.notes == ("it holds 2 images ('Series 1', 'Series 2'); only the first is read",)
    np.testing.assert_array_equal(image.pixels[1, :, 2:4], Reader.whole[1, :, 0, 2:4])
    again = pickle.loads(pickle.dumps(image.pixels))
    np.testing.assert_array_equal(again[0, 0], Reader.whole[0, 0, 0])


def test_a_mosaic_is_stitched(faked, monkeypatch):
    monkeypatch.setattr(Dims, "order", "MTCZYX")
    monkeypatch.setattr(Reader, "mosaic_xarray_dask_data", Reader.xarray_dask_data, raising=False)
    monkeypatch.setattr(Reader, "xarray_dask_data", None)

    assert open_microscope(faked, faked.suffix).axes == "TCYX"


def test_a_broken_file_is_told(faked, monkeypatch):
    def broken(self, path):
        raise KeyError("no blocks")

    monkeypatch.setattr(Reader, "__init__", broken)

    with pytest.raises(FileError, match="cannot be read as"):
        open_microscope(faked, faked.suffix)


@pytest.mark.parametrize(
    ("start", "name", "kind"),
    [(b"ZISRAWFILE\0", "a.czi", ".czi"), (b"\xda\xce\xbe\x0a", "a.nd2", ".nd2"),
     (b"\x70\0\0\0", "a.LIF", ".lif"), (b"\x70\0\0\0", "a.raw", None), (b"II*\0", "a.tif", None)],
)  # fmt: skip
def test_content_and_name_tell_the_kind(tmp_path, start, name, kind):
    assert kind_of(start, tmp_path / name) == kind


def test_a_name_that_lies_is_told(tmp_path):
    with pytest.raises(FileError, match=r"a\.czi is not a CZI file: it begins with b'II"):
        kind_of(b"II*\0", tmp_path / "a.czi")


@pytest.fixture
def czi(tmp_path, random):
    """Write a real CZI file with three slices and two channels."""
    writer = pytest.importorskip("pylibCZIrw.czi", reason="pylibCZIrw is missing")
    pytest.importorskip("bioio_czi", reason="bioio-czi, of the extra formats, is missing")
    pixels = random.integers(0, 4000, (2, 3, 20, 30)).astype(np.uint16)
    path = tmp_path / "a.czi"
    with writer.create_czi(str(path)) as file:
        for c, z in np.ndindex(2, 3):
            file.write(pixels[c, z, ..., None], plane={"C": c, "Z": z, "T": 0})
        # metres, as Zeiss stores them
        file.write_metadata(
            "a", {0: "DAPI", 1: "GFP"}, scale_x=0.25e-6, scale_y=0.5e-6, scale_z=2e-6
        )
    return path, pixels


def test_a_real_czi_file_has_its_pixels_and_sizes(czi):
    path, pixels = czi

    image = open_microscope(path, ".czi")

    assert image.axes == "CZYX"
    np.testing.assert_array_equal(image.pixels[...], pixels)
    np.testing.assert_array_equal(image.pixels[1, 2, 3:9, 4:11], pixels[1, 2, 3:9, 4:11])
    sizes = {letter: place.size for letter, place in image.places.items()}
    assert sizes == pytest.approx({"Z": 2.0, "Y": 0.5, "X": 0.25})
    assert {place.unit for place in image.places.values()} == {"micrometer"}
    assert [channel["label"] for channel in image.channels] == ["DAPI", "GFP"]


@pytest.fixture
def lif(tmp_path, random):
    """Write a LIF file by hand: a header in XML, then the block of its pixels."""
    pytest.importorskip("bioio_lif", reason="bioio-lif, of the extra formats, is missing")
    pixels = random.integers(0, 4000, (2, 3, 20, 30)).astype("<u2")
    sizes = {1: (30, 29 * 0.25e-6, 2), 2: (20, 19 * 0.5e-6, 60), 3: (3, 2 * 2e-6, 2400)}
    dimensions = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0" '
        f'Length="{length}" Unit="m" BitInc="0" BytesInc="{step}"/>'
        for number, (count, length, step) in sizes.items()
    )
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" Min="0" Max="1" '
        f'NameOfMeasuredQuantity="" Unit="" LUTName="{name}" IsLUTInverted="0" BitInc="0" '
        f'BytesInc="{step}"/>'
        for name, step in (("Green", 0), ("Red", 1200))
    )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="all"><Children><Element Name="cells">'
        f"<Data><Image><ImageDescription><Channels>{channels}</Channels><Dimensions>{dimensions}"
        f'</Dimensions></ImageDescription></Image></Data><Memory Size="{pixels.nbytes}" '
        'MemoryBlockID="Block_1"/></Element></Children></Element></LMSDataContainerHeader>'
    )
    stored = np.moveaxis(pixels, 0, 1).tobytes()
    name = "Block_1"
    head = struct.pack("<IIBI", 0x70, 2 * len(xml) + 5, 0x2A, len(xml)) + xml.encode("utf-16-le")
    block = struct.pack("<IIBQBI", 0x70, 2 * len(name) + 14, 0x2A, len(stored), 0x2A, len(name))
    path = tmp_path / "a.lif"
    path.write_bytes(head + block + name.encode("utf-16-le") + stored)
    return path, pixels


def test_a_real_lif_file_has_its_pixels_and_sizes(lif):
    path, pixels = lif

    image = open_microscope(path, ".lif")

    assert (image.axes, image.pixels.dtype) == ("CZYX", np.uint16)
    np.testing.assert_array_equal(image.pixels[...], pixels)
    np.testing.assert_array_equal(image.pixels[1, 2, 3:9, 4:11], pixels[1, 2, 3:9, 4:11])
    sizes = {letter: place.size for letter, place in image.places.items()}
    assert sizes == pytest.approx({"Z": 2.0, "Y": 0.5, "X": 0.25})
    assert [channel["label"] for channel in image.channels] == ["Green", "Red"]


MAGIC = 0x0ABECEDA


def _chunk(file, name, data):
    """Append a chunk of a ND2 file, and return its place."""
    start, reserved = file.tell(), 4072
    file.write(struct.pack("<IIQ", MAGIC, reserved, len(data)))
    file.write(name.ljust(reserved, b"\0") + data)
    return name, start, len(data)


def _xml(**told):
    kinds = {int: "lx_uint32", float: "double", str: "CLxStringW", bool: "bool"}

    def element(name, value):
        if isinstance(value, dict):
            return f"<{name}>{''.join(element(*pair) for pair in value.items())}</{name}>"
        return f'<{name} runtype="{kinds[type(value)]}" value="{value}"/>'

    content = "".join(element(*pair) for pair in told.items())
    return f"<variant><no_name>{content}</no_name></variant>".encode()


@pytest.fixture
def nd2(tmp_path, random):
    """Write a ND2 file by hand: named chunks, metadata in XML, and a map of the chunks."""
    pytest.importorskip("bioio_nd2", reason="bioio-nd2, of the extra formats, is missing")
    pixels = random.integers(0, 4000, (3, 20, 30, 2)).astype("<u2")
    planes = {
        f"a{n}": {"sDescription": name, "uiCompCount": 1, "pFluorescentProbe": {"m_sName": name}}
        for n, name in enumerate(("DAPI", "GFP"))
    }
    chunks = {
        b"ImageAttributes!": _xml(
            uiWidth=30, uiWidthBytes=120, uiHeight=20, uiComp=2, uiBpcInMemory=16,
            uiBpcSignificant=12, uiSequenceCount=3,
        ),
        b"ImageMetadataSeq|0!": _xml(
            bCalibrated=True, dCalibration=0.25, sPicturePlanes={"uiCount": 2, "sPlane": planes}
        ),
        b"CustomData|AcqTimesCache!": struct.pack("<3d", 0.0, 1.0, 2.0),
        b"ImageMetadata!": _xml(eType=4, uLoopPars={"uiCount": 3, "dZStep": 2.0}),
    }  # fmt: skip
    for number, frame in enumerate(pixels):
        # eight bytes of time come first
        chunks[f"ImageDataSeq|{number}!".encode()] = struct.pack("<d", 0.0) + frame.tobytes()
    path = tmp_path / "a.nd2"
    with path.open("wb") as file:
        file.write(struct.pack("<IIQ", MAGIC, 32, 64) + b"ND2 FILE SIGNATURE CHUNK NAME01!")
        file.write(b"Ver2.1".ljust(64, b"\0"))
        places = [_chunk(file, *pair) for pair in chunks.items()]
        data = b"".join(name + struct.pack("<QQ", start, size) for name, start, size in places)
        end = b"ND2 CHUNK MAP SIGNATURE 0000001!"
        _, start, _ = _chunk(file, b"ND2 FILEMAP SIGNATURE NAME 0001!", data + end)
        file.write(end + struct.pack("<Q", start))
    return path, np.moveaxis(pixels, -1, 0)


def test_a_real_nd2_file_has_its_pixels_and_sizes(nd2):
    path, pixels = nd2

    image = open_microscope(path, ".nd2")

    assert image.axes == "ZCYX"
    stored = np.moveaxis(pixels, 0, 1)
    np.testing.assert_array_equal(image.pixels[...], stored)
    np.testing.assert_array_equal(image.pixels[2, 1, 3:9, 4:11], stored[2, 1, 3:9, 4:11])
    sizes = {letter: place.size for letter, place in image.places.items()}
    assert sizes == {"Z": 2.0, "Y": 0.25, "X": 0.25}
    assert [channel["label"] for channel in image.channels] == ["DAPI", "GFP"]
