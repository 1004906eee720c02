"""Prints as JSON what pydicom reads from DICOM Segmentation files, and what dciodvfy (dicom3tools), where it is installed, says against them.

    apt-get install python3-pydicom dicom3tools
    /usr/bin/python3 scripts/check-segmentation.py FILE...
"""

import json
import shutil
import subprocess
import sys

from pydicom import dcmread


def errors(path):
    if shutil.which("dciodvfy") is None:
        return []
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def code(sequence):
    return [sequence[0].CodingSchemeDesignator, sequence[0].CodeValue, sequence[0].CodeMeaning]


def described(path):
    d = dcmread(path)
    pixels = d.pixel_array.reshape(d.NumberOfFrames, d.Rows, d.Columns)
    shared = d.SharedFunctionalGroupsSequence[0]
    frames = []
    for groups, frame in zip(d.PerFrameFunctionalGroupsSequence, pixels):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        frames.append(
            {
                "segment": groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
                "position": [float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient],
                "source": source.ReferencedSOPInstanceUID,
                "pixels": frame.ravel().tolist(),
            }
        )
    return {
        "kind": [d.SOPClassUID.name, d.Modality, d.SegmentationType],
        "study": d.StudyInstanceUID,
        "frameOfReference": d.FrameOfReferenceUID,
        "referencedSeries": d.ReferencedSeriesSequence[0].SeriesInstanceUID,
        "orientation": [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient],
        "spacing": [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing],
        "segments": [
            {
                "number": segment.SegmentNumber,
                "name": segment.SegmentLabel,
                "category": code(segment.SegmentedPropertyCategoryCodeSequence),
                "type": code(segment.SegmentedPropertyTypeCodeSequence),
                "anatomy": code(segment.AnatomicRegionSequence) if "AnatomicRegionSequence" in segment else None,
            }
            for segment in d.SegmentSequence
        ],
        "frames": frames,
        "errors": errors(path),
    }


print(json.dumps([described(path) for path in sys.argv[1:]]))
