//! Reads numpy's `.npz` archives.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use npyz::{NpyFile, TypeChar};

/// One array of an archive, its samples as f64 (exact up to 2^53).
#[derive(Debug, Clone, PartialEq)]
pub struct NpzArray {
    /// numpy's type string, `<u2`.
    pub descr: String,
    /// Lengths per axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The samples in C order.
    pub values: Vec<f64>,
}

/// Reads every array of numbers of an archive, by name; texts and pickled objects are left out.
///
/// # Errors
/// When the file cannot be read, or the type of an array is not a number.
pub fn read_npz(path: &Path) -> io::Result<BTreeMap<String, NpzArray>> {
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut arrays = BTreeMap::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i)?;
        let name = entry.name()?.trim_end_matches(".npy").to_owned();
        let file = NpyFile::new(entry)?;
        // Texts are no numbers; pickled objects (numpy's `None`) hold no samples, and running pickles is
        // out of the question.
        let has_numbers = |kind: &npyz::TypeStr| {
            !matches!(kind.type_char(), TypeChar::Object | TypeChar::UnicodeStr | TypeChar::ByteStr)
        };
        if !matches!(file.dtype(), npyz::DType::Plain(kind) if !has_numbers(&kind)) {
            arrays.insert(name, read_array(file)?);
        }
    }
    Ok(arrays)
}

fn read_array(file: NpyFile<impl Read>) -> io::Result<NpzArray> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let npyz::DType::Plain(kind) = file.dtype() else {
        return Err(bad(format!("{:?} is not a plain number", file.dtype())));
    };
    let is_fortran = file.order() == npyz::Order::Fortran;
    let shape: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    macro_rules! read {
        ($type:ty) => {
            file.into_vec::<$type>()?.into_iter().map(|v| v as f64).collect()
        };
    }
    let values: Vec<f64> = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Bool, _) => file.into_vec::<bool>()?.into_iter().map(f64::from).collect(),
        (TypeChar::Uint, 1) => read!(u8),
        (TypeChar::Uint, 2) => read!(u16),
        (TypeChar::Uint, 4) => read!(u32),
        (TypeChar::Uint, 8) => read!(u64),
        (TypeChar::Int, 1) => read!(i8),
        (TypeChar::Int, 2) => read!(i16),
        (TypeChar::Int, 4) => read!(i32),
        (TypeChar::Int, 8) => read!(i64),
        (TypeChar::Float, 4) => read!(f32),
        (TypeChar::Float, 8) => read!(f64),
        _ => return Err(bad(format!("{kind} is not a number"))),
    };
    let values = if is_fortran { to_c_order(&shape, &values) } else { values };
    Ok(NpzArray { descr: kind.to_string(), shape, values })
}

/// Reorders samples whose first axis is the fastest.
fn to_c_order(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let at = |mut i: usize| {
        let mut place = 0;
        for axis in (0..shape.len()).rev() {
            let stride: usize = shape[..axis].iter().product();
            place += i % shape[axis] * stride;
            i /= shape[axis];
        }
        values[place]
    };
    (0..values.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_axis_may_be_the_fastest() {
        let columns = [0.0, 10.0, 1.0, 11.0, 2.0, 12.0];
        assert_eq!(super::to_c_order(&[2, 3], &columns), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    }
}
