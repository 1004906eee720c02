"""Writes src/imaging/volumes/fixtures/contours.json: structure sets made by pydicom on a turned grid, with the pixels that lie inside by the sum
of the angles under which a pixel's centre sees the contour (a winding number, which needs no crossings).

Run from the repository root:

    apt-get install python3-pydicom
    /usr/bin/python3 scripts/reference/contours.py      (pydicom 2.3)
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

WIDTH, HEIGHT, SLICES = 24, 20, 4
angle = 0.3
AFFINE = np.array([[0.5 * np.cos(angle), -0.6 * np.sin(angle), 0, -4], [0.5 * np.sin(angle), 0.6 * np.cos(angle), 0, 7], [0, 0, 2, 30]])


def ring(centre, radii, points=17, phase=0.2):
    t = np.arange(points) / points * 2 * np.pi + phase
    return np.stack([centre[0] + radii[0] * np.cos(t), centre[1] + radii[1] * np.sin(t)], 1)


STAR = np.array([[11.3, 1.2], [13.1, 8.3], [20.2, 8.6], [14.4, 12.1], [17.3, 18.4], [11.2, 14.3], [5.1, 18.2], [8.4, 12.2], [2.2, 8.4], [9.3, 8.1]])
# name, slice, contour in columns and rows
DRAWN = [
    ("PLANTED Person", 1, ring((4, 4), (2, 2))),
    ("Outer wall", 1, ring((11.3, 9.6), (8.3, 7.4))),
    ("Lumen", 1, ring((10.6, 9.1), (4.4, 3.7))),
    ("Outer wall", 2, ring((11.3, 9.6), (8.3, 7.4))),
    ("Outer wall", 2, ring((11.9, 9.2), (3.6, 4.2))),
    ("Lumen", 0, STAR),
    ("Lumen", 3, ring((22.4, 17.8), (5.3, 6.1))),
    ("Lumen", 6, ring((12, 10), (3, 3))),
]
CLASSES = {"Lumen": 1, "Outer wall": 2}


def inside(polygon):
    i, j = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    at = np.stack([i, j], -1)[:, :, None, :] - polygon
    angles = np.arctan2(at[..., 1], at[..., 0])
    turns = (np.roll(angles, -1, -1) - angles + np.pi) % (2 * np.pi) - np.pi
    return np.rint(turns.sum(-1) / (2 * np.pi)).astype(int) != 0


labels = np.zeros((SLICES, HEIGHT, WIDTH), int)
for name in ["Outer wall", "Lumen"]:  # the larger first
    for k in range(SLICES):
        own = [inside(c) for n, s, c in DRAWN if n == name and s == k]
        if own:
            labels[k][np.logical_xor.reduce(own)] = CLASSES[name]


def item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def structure_set(syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.9"
    meta.TransferSyntaxUID = syntax
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.Modality, d.PatientName, d.PatientID = "RTSTRUCT", "PLANTED^NAME", "PLANTED-ID"
    names = list(dict.fromkeys(name for name, _, _ in DRAWN))
    d.StructureSetROISequence = Sequence([item(ROINumber=n + 5, ROIName=name, ReferencedFrameOfReferenceUID="1.2.826.3") for n, name in enumerate(names)])
    structures = []
    for n, name in enumerate(names):
        contours = []
        for own, k, contour in DRAWN:
            if own != name:
                continue
            index = np.concatenate([contour, np.full((len(contour), 1), k), np.ones((len(contour), 1))], 1)
            points = index @ AFFINE.T
            contours.append(
                item(
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(points),
                    ContourData=[f"{v:.6g}" for v in points.ravel()],
                )
            )
        structures.append(item(ReferencedROINumber=n + 5, ContourSequence=Sequence(contours)))
    d.ROIContourSequence = Sequence(structures)
    file = io.BytesIO()
    d.save_as(file, write_like_original=False)
    return base64.b64encode(file.getvalue()).decode()


Path("src/imaging/volumes/fixtures/contours.json").write_text(
    json.dumps(
        {
            "grid": {"width": WIDTH, "height": HEIGHT, "slices": SLICES, "affine": AFFINE.ravel().round(12).tolist()},
            "labels": labels.ravel().tolist(),
            "files": {"explicit": structure_set(ExplicitVRLittleEndian), "implicit": structure_set(ImplicitVRLittleEndian)},
        },
        separators=(",", ":"),
    )
    + "\n"
)
print(np.bincount(labels.ravel()), "voxels")
