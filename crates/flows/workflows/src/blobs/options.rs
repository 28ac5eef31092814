//! What a user types about blobs.

use std::path::Path;

use hooke_io::blobs::peers::BlobFormat;
use hooke_io::blobs::{Roi, VoxelBox};

use super::error::BlobsError;
pub(super) use crate::options::absolute;
use crate::options::{Lengths, read_option};

/// Three numbers over `z, y, x`; one stands for all axes.
pub(super) fn triple(option: &'static str, text: &str) -> Result<[f64; 3], BlobsError> {
    let lengths = read_option::<Lengths>(option, text)?.plain().map_err(|e| e.of(option))?;
    let [Some(z), Some(y), Some(x)] = lengths else {
        let what = format!("--{option} `{text}` does not say all of z, y and x");
        return Err(BlobsError::usage(what, "write Z,Y,X, or one number for all axes"));
    };
    match [z, y, x].iter().all(|v| v.is_finite()) {
        true => Ok([z, y, x]),
        false => Err(BlobsError::usage(format!("--{option} `{text}` is not finite"), "")),
    }
}

/// Three lengths above 0.
pub(super) fn lengths(option: &'static str, text: &str) -> Result<[f64; 3], BlobsError> {
    let found = triple(option, text)?;
    match found.iter().all(|v| *v > 0.0) {
        true => Ok(found),
        false => Err(BlobsError::usage(
            format!("--{option} `{text}` is not positive"),
            "write lengths over z,y,x, like 3,1,1",
        )),
    }
}

/// A voxel size in µm.
pub(crate) fn voxel_size(text: Option<&String>) -> Result<Option<[f64; 3]>, BlobsError> {
    text.map(|t| lengths("voxel-size", t)).transpose()
}

/// Channels from 0, with commas.
pub(super) fn channels(text: &str) -> Result<Vec<u16>, BlobsError> {
    let read = |word: &str| word.trim().parse::<u16>().ok();
    let found: Option<Vec<u16>> = text.split(',').map(read).collect();
    found.ok_or_else(|| {
        let what = format!("--channels `{text}` is no list of channels");
        BlobsError::usage(what, "write numbers from 0, like 0,2")
    })
}

/// A box of which both corner and lengths are given, or neither.
pub(super) fn voxel_box(
    offset: Option<&String>,
    shape: Option<&String>,
) -> Result<Option<VoxelBox>, BlobsError> {
    match (offset, shape) {
        (None, None) => Ok(None),
        (Some(offset), Some(shape)) => Ok(Some(VoxelBox {
            offset: triple("offset", offset)?,
            shape: lengths("shape", shape)?,
        })),
        (Some(_), None) => {
            Err(BlobsError::usage("--offset without --shape", "give both or neither"))
        }
        (None, Some(_)) => {
            Err(BlobsError::usage("--shape without --offset", "give both or neither"))
        }
    }
}

/// A region `OFFSET:SHAPE` in whole voxels.
pub(super) fn roi(text: &str) -> Result<Roi, BlobsError> {
    let bad = || {
        let what = format!("--roi `{text}` is no region");
        BlobsError::usage(what, "write Z,Y,X:NZ,NY,NX in voxels, like 0,100,100:50,512,512")
    };
    let whole = |part: &str| -> Option<[i64; 3]> {
        let numbers: Vec<i64> =
            part.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok()
    };
    let (offset, shape) = text.split_once(':').ok_or_else(bad)?;
    let (offset, shape) = (whole(offset).ok_or_else(bad)?, whole(shape).ok_or_else(bad)?);
    match shape.iter().all(|n| *n > 0) {
        true => Ok(Roi { series: 0, offset, shape }),
        false => Err(bad()),
    }
}

/// The format of a name.
pub(super) fn format(name: &str) -> Result<BlobFormat, BlobsError> {
    BlobFormat::parse(name).ok_or_else(|| {
        let all: Vec<&str> = BlobFormat::ALL.iter().map(|f| f.name()).collect();
        BlobsError::usage(
            format!("--format `{name}` is none"),
            format!("there are {}", all.join(", ")),
        )
    })
}

/// The time now as stores and databases keep it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// A file's name without its suffixes: `cells` of `cells.csv.gz`.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    Path::new(plain)
        .file_stem()
        .map_or_else(|| plain.to_owned(), |s| s.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_read_and_nonsense_is_told() {
        assert_eq!(triple("offset", "1,2,3").unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!(lengths("cell", "25").unwrap(), [25.0; 3]);
        assert!(lengths("cell", "1,0,1").is_err() && triple("offset", "1,2").is_err());
        assert_eq!(channels("0, 2").unwrap(), [0, 2]);
        assert!(channels("a").is_err() && channels("").is_err());
        let region = roi("0,-1,2:3,4,5").unwrap();
        assert_eq!((region.offset, region.shape), ([0, -1, 2], [3, 4, 5]));
        for text in ["1,2,3", "1,2,3:0,1,1", "1,2:3,4,5", "a:b"] {
            assert!(roi(text).is_err(), "{text}");
        }
        assert!(voxel_box(Some(&"0".to_owned()), None).is_err());
        assert_eq!(
            (stem(Path::new("a/b.csv.gz")).as_str(), stem(Path::new("c.db")).as_str()),
            ("b", "c")
        );
        assert_eq!(now().len(), "2026-01-01 00:00:00.000000".len());
    }
}
