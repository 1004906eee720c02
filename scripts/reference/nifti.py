"""Writes src/imaging/volumes/fixtures/nifti.json: small NIfTI-1 files of many kinds by nibabel, with the values and the affine that nibabel
reads from them.

Run from the repository root:

    apt-get install python3-nibabel
    /usr/bin/python3 scripts/reference/nifti.py      (nibabel 5.0, numpy 1.24)
"""

import base64
import gzip
import io
import json

import nibabel as nib
import numpy as np

SHAPE = (5, 4, 3)
rng = np.random.default_rng(3)


def rotation(x, y, z):
    """Angles about the axes, in radians."""
    c, s = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, c[0], -s[0]], [0, s[0], c[0]]])
    about_y = np.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    about_z = np.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine(turn, zooms, origin):
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag(zooms)
    matrix[:3, 3] = origin
    return matrix


def file_bytes(image):
    holder = nib.FileHolder(fileobj=io.BytesIO())
    image.file_map["image"] = image.file_map["header"] = holder
    image.to_file_map()
    return holder.fileobj.getvalue()


def values(dtype, shape=SHAPE):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    limit = min(np.iinfo(dtype).max, 2**24)
    low = max(np.iinfo(dtype).min, -(2**24))
    return rng.integers(low, limit, shape, endpoint=True).astype(dtype)


cases = []


def add(name, bytes_, packed=False, frame=None):
    image = nib.Nifti1Image.from_bytes(bytes_)
    data = np.asanyarray(image.dataobj, dtype=np.float64)
    if frame is not None:
        data = data[..., frame]
    data = data.reshape(data.shape + (1,) * (3 - data.ndim))
    cases.append(
        {
            "name": name,
            "file": base64.b64encode(gzip.compress(bytes_, mtime=0) if packed else bytes_).decode(),
            "size": list(data.shape),
            "ras": image.affine[:3].ravel().tolist(),
            "values": np.float32(data).ravel(order="F").tolist(),
            **({} if frame is None else {"frame": frame}),
        }
    )


def image_of(data, matrix, sform=1, qform=1, little=True):
    header = nib.Nifti1Header(endianness="<" if little else ">")
    header.set_data_dtype(data.dtype.newbyteorder("<" if little else ">"))
    image = nib.Nifti1Image(data, None, header)
    image.header.set_xyzt_units("mm")
    image.set_qform(matrix, qform)
    image.set_sform(matrix, sform)
    return image


oblique = affine(rotation(0.2, -0.4, 0.7), (0.6, 0.7, 2.5), (-11, 7.5, 32))
left_handed = affine(rotation(2.5, 0.3, -1.2), (0.6, 0.7, -2.5), (4, -9, 1.25))
sheared = oblique.copy()
sheared[:3, 2] += [0.5, -0.25, 0]

for dtype in ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
    for little in (True, False):
        add(f"{dtype} {'little' if little else 'big'}-endian", file_bytes(image_of(values(dtype), oblique, little=little)))
add("packed", file_bytes(image_of(values("i2"), oblique)), packed=True)
add("qform alone", file_bytes(image_of(values("u1"), oblique, sform=0)))
add("qform alone, left-handed", file_bytes(image_of(values("u1"), left_handed, sform=0)))
add("half turn", file_bytes(image_of(values("u1"), affine(np.diag([-1, -1, 1]), (2, 3, 4), (1, 2, 3)), sform=0)))
add("sheared sform", file_bytes(image_of(values("u1"), sheared, qform=0)))
two = image_of(values("u1"), oblique)
two.set_qform(left_handed, 2)
add("sform before qform", file_bytes(two))
scaled = image_of(values("i2"), oblique)
bytes_ = bytearray(file_bytes(scaled))
bytes_[112:120] = np.array([0.25, -3], "<f4").tobytes()
add("slope and intercept", bytes(bytes_))
add("two dimensions", file_bytes(image_of(values("i2", (6, 4)), oblique)))
add("third of four volumes", file_bytes(image_of(values("i2", (*SHAPE, 4)), oblique)), frame=2)
extended = image_of(values("i2"), oblique)
extended.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE^JANE 19610203"))
add("with an extension", file_bytes(extended))

with open("src/imaging/volumes/fixtures/nifti.json", "w") as out:
    json.dump(cases, out, indent=0)
    out.write("\n")
