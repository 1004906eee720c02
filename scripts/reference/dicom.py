"""Writes src/imaging/volumes/fixtures/dicom.json: small MR images as DICOM files of many kinds, with the values that pydicom reads from
them before they are compressed. They name a patient, whose name must not leave the reader.

Run from the repository root:

    apt-get install python3-pydicom dcmtk libopenjp2-tools
    /usr/bin/python3 scripts/reference/dicom.py      (pydicom 2.3, DCMTK 3.6.7, OpenJPEG 2.5.0)
"""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

ROWS, COLUMNS = 7, 10
rng = np.random.default_rng(11)
folder = Path(tempfile.mkdtemp())
cases = []


def item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def smooth(low, high, shape=(ROWS, COLUMNS)):
    """Smooth enough that compression predicts it, with the ends of the range."""
    y, x = np.mgrid[0 : shape[-2], 0 : shape[-1]]
    waves = np.sin(x / 3) + np.cos(y / 2) + rng.uniform(0, 0.3, shape)
    waves = (waves - waves.min()) / (waves.max() - waves.min())
    return np.round(low + waves * (high - low)).astype(np.int64)


def base(values, bits, stored, signed, syntax=ExplicitVRLittleEndian, sop="1.2.840.10008.5.1.4.1.1.4"):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.7"
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = "1.2.826.0.1.3680043.8.498.1"
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian = syntax != ExplicitVRBigEndian
    d.is_implicit_VR = syntax == ImplicitVRLittleEndian
    d.SpecificCharacterSet = "ISO_IR 100"
    d.SOPClassUID, d.SOPInstanceUID = sop, meta.MediaStorageSOPInstanceUID
    d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = "PLANTED^NAME", "PLANTED-ID", "19610203", "F"
    d.ReferringPhysicianName, d.InstitutionName, d.OperatorsName = "PLANTED^DOCTOR", "PLANTED HOSPITAL", "PLANTED^OPERATOR"
    d.StudyInstanceUID, d.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.2", "1.2.826.0.1.3680043.8.498.3"
    d.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.4"
    d.StudyDate, d.AcquisitionDate, d.StudyTime = "20190517", "20190517", "101112"
    d.SeriesDescription, d.StudyDescription = "T2 TSE PLANTED FS", "PLANTED STUDY"
    d.StudyID, d.AccessionNumber, d.Modality, d.SeriesNumber, d.InstanceNumber = "PLANTED1", "PLANTED2", "MR", 5, 1
    d.add_new(0x00091001, "LO", "PLANTED PRIVATE")
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows, d.Columns = values.shape[-2:]
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = bits, stored, stored - 1, int(signed)
    kind = {8: "i1", 16: "i2", 32: "i4"}[bits] if signed else {8: "u1", 16: "u2", 32: "u4"}[bits]
    d.PixelData = values.astype((">" if syntax == ExplicitVRBigEndian else "<") + kind).tobytes()
    d["PixelData"].VR = "OB" if bits == 8 and syntax != ImplicitVRLittleEndian else "OW"
    if len(d.PixelData) % 2:
        d.PixelData += b"\0"
    return d


def plane(d):
    d.ImagePositionPatient, d.ImageOrientationPatient = [-10, 20.5, 33], [0, 1, 0, 0, 0, -1]
    d.PixelSpacing, d.SliceThickness, d.EchoTime, d.RepetitionTime = [0.5, 0.75], 3, 12.5, 800
    return d


def write(d, name):
    path = folder / f"{name}.dcm"
    d.save_as(path, write_like_original=False)
    return path


def add(name, path, values, **more):
    bytes_ = Path(path).read_bytes()
    cases.append({"name": name, "file": base64.b64encode(bytes_).decode(), "values": np.asarray(values).ravel().tolist(), **more})


twelve, sixteen, eight = smooth(0, 4095), smooth(0, 65535), smooth(0, 255)
signed = smooth(-2048, 2047)
plain = write(plane(base(twelve, 16, 12, False)), "explicit")
add("explicit", plain, twelve)
add("implicit", write(plane(base(twelve, 16, 12, False, ImplicitVRLittleEndian)), "implicit"), twelve)
add("big-endian", write(plane(base(twelve, 16, 12, False, ExplicitVRBigEndian)), "big"), twelve)
add("deflated", write(plane(base(twelve, 16, 12, False, DeflatedExplicitVRLittleEndian)), "deflated"), twelve)
add("8 bits", write(plane(base(eight, 8, 8, False)), "eight"), eight)
add("16 bits", write(plane(base(sixteen, 16, 16, False)), "sixteen"), sixteen)
add("12 bits with sign", write(plane(base(signed, 16, 16, True)), "signed"), signed)
add("32 bits with sign", write(plane(base(signed * 70000, 32, 32, True)), "long"), signed * 70000)
overlaid = base((signed & 0xFFF) | (rng.integers(0, 16, signed.shape) << 12), 16, 12, False)
overlaid.PixelRepresentation = 1
add("12 bits with sign below an overlay", write(plane(overlaid), "overlaid"), signed)
shifted = base((twelve << 4) | 5, 16, 12, False)
shifted.HighBit = 15
add("12 bits at the top", write(plane(shifted), "top"), twelve)
scaled = plane(base(twelve, 16, 12, False))
scaled.RescaleSlope, scaled.RescaleIntercept = 0.25, -100
add("rescaled", write(scaled, "scaled"), twelve * 0.25 - 100)
inverted = plane(base(twelve, 16, 12, False))
inverted.PhotometricInterpretation = "MONOCHROME1"
add("MONOCHROME1", write(inverted, "inverted"), 4095 - twelve)

for name, values, bits, signed_ in (("", sixteen, 16, False), (" of 8 bits", eight, 8, False), (" with sign", signed, 16, True)):
    d = plane(base(values, bits, bits, signed_))
    d.compress(RLELossless)
    add(f"RLE{name}", write(d, "rle"), values)

for predictor in range(1, 8):
    path = folder / "lossless.dcm"
    subprocess.run(["dcmcjpeg", "+el", "+sv", str(predictor), str(plain), str(path)], check=True, capture_output=True)
    add(f"JPEG lossless, predictor {predictor}", path, twelve)
for name, values, bits, signed_ in (("", sixteen, 16, False), (" of 8 bits", eight, 8, False), (" with sign", signed, 16, True)):
    path = folder / "lossless.dcm"
    subprocess.run(["dcmcjpeg", "+e1", str(write(plane(base(values, bits, bits, signed_)), "raw")), str(path)], check=True, capture_output=True)
    add(f"JPEG lossless, first order{name}", path, values)

for name, values, bits, signed_ in (("", sixteen, 16, False), (" of 8 bits", eight, 8, False), (" with sign", signed, 16, True)):
    raw, stream = folder / "frame.raw", folder / "frame.j2k"
    raw.write_bytes(values.astype((">i" if signed_ else ">u") + str(bits // 8)).tobytes())
    options = f"{COLUMNS},{ROWS},1,{bits},{'s' if signed_ else 'u'}"
    subprocess.run(["opj_compress", "-i", raw, "-o", stream, "-F", options, "-n", "3"], check=True, capture_output=True)
    d = plane(base(values, bits, bits, signed_))
    d.PixelData = encapsulate([stream.read_bytes()])
    d["PixelData"].is_undefined_length = True
    d["PixelData"].VR = "OB"
    d.file_meta.TransferSyntaxUID = JPEG2000Lossless
    add(f"JPEG 2000{name}", write(d, "j2k"), values)

lossy, back = folder / "lossy.dcm", folder / "back.dcm"
subprocess.run(["dcmcjpeg", "+eb", str(write(plane(base(eight, 8, 8, False)), "raw")), str(lossy)], check=True, capture_output=True)
subprocess.run(["dcmdjpeg", str(lossy), str(back)], check=True, capture_output=True)
add("JPEG baseline", lossy, dcmread(back).pixel_array, tolerance=1)
path = folder / "jpegls.dcm"
subprocess.run(["dcmcjpls", str(plain), str(path)], check=True, capture_output=True)
add("JPEG-LS", path, [], refused="JPEG-LS")


def enhanced(frames):
    """Frames of (echo, slice) in that order, echoes of 10 and 80 ms, slices 2.5 mm apart."""
    values = np.stack([smooth(0, 4095) for _ in frames])
    d = base(values, 16, 12, False, sop="1.2.840.10008.5.1.4.1.1.4.1")
    d.NumberOfFrames = len(frames)
    shared = item(
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.5, 0.75], SliceThickness=2)]),
        MRTimingAndRelatedParametersSequence=Sequence([item(RepetitionTime=2000, FlipAngle=90)]),
    )
    d.SharedFunctionalGroupsSequence = Sequence([shared])
    d.PerFrameFunctionalGroupsSequence = Sequence(
        [
            item(
                FrameContentSequence=Sequence([item(StackID="1", InStackPositionNumber=slice_ + 1)]),
                PlanePositionSequence=Sequence([item(ImagePositionPatient=[-4, 6, 10 + 2.5 * slice_])]),
                MREchoSequence=Sequence([item(EffectiveEchoTime=10.0 if echo == 0 else 80.0)]),
                PixelValueTransformationSequence=Sequence([item(RescaleSlope=1 + slice_, RescaleIntercept=echo, RescaleType="US")]),
            )
            for echo, slice_ in frames
        ]
    )
    return d, values


order = [(0, 2), (1, 0), (0, 0), (1, 2), (1, 1), (0, 1)]
d, values = enhanced(order)
expected = [[(values[order.index((echo, k))] * (1 + k) + echo).ravel().tolist() for k in range(3)] for echo in range(2)]
for name, compress in (("enhanced", False), ("enhanced, RLE", True)):
    if compress:
        d.compress(RLELossless)
    path = write(d, "enhanced")
    cases.append({"name": name, "file": base64.b64encode(path.read_bytes()).decode(), "echoes": expected, "order": order, "values": []})

with open("src/imaging/volumes/fixtures/dicom.json", "w") as out:
    json.dump(cases, out, indent=0)
    out.write("\n")
