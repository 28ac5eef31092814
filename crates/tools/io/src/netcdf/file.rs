//! A file's variables with their dimensions, values and attributes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Dtype, Pixels, dispatch};
use rust_hdf5::{DatatypeMessage, H5Dataset, Hdf5Error};

use super::{WITHOUT_VARIABLE, last_name};
use crate::hdf5::{Attribute, Handles, addresses, dtype_of};
use crate::natural::natural_order;
use crate::{Error, Result};

/// Attributes by which HDF5 and netCDF attach dimensions; they say nothing about the content.
const INTERNAL: [&str; 6] =
    ["CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates"];
/// Most values of a variable that are read at once.
const MOST_VALUES: u64 = 1 << 26;
/// Chunks unpack to so many times what they take, at most (gzip).
const MOST_PACKED: u64 = 1032;

/// A dimension of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Full path, e.g. `group/x`; `None` where the file does not name it.
    pub path: Option<String>,
    /// Its length.
    pub length: u64,
}

impl Dimension {
    /// The name without its groups.
    pub fn name(&self) -> Option<&str> {
        self.path.as_deref().map(last_name)
    }
}

/// A variable: an array over dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Full path without the leading `/`.
    pub path: String,
    /// Its dimensions, slowest first.
    pub dimensions: Vec<Dimension>,
    /// The type of its numbers; `None` for texts and whatever else there is.
    pub dtype: Option<Dtype>,
    /// Whether it gives the coordinates along the dimension of its name.
    pub is_coordinate: bool,
}

impl Variable {
    /// The name without its groups.
    pub fn name(&self) -> &str {
        last_name(&self.path)
    }

    /// Number of values.
    pub fn len(&self) -> u64 {
        self.dimensions.iter().fold(1, |n: u64, d| n.saturating_mul(d.length))
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The values of a variable in C order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, as one row along x.
    Numbers(Pixels),
    /// Texts.
    Texts(Vec<String>),
}

impl Values {
    /// Numbers of any type.
    pub fn numbers<T: hooke_core::pixels::Typed>(numbers: Vec<T>) -> Values {
        Values::Numbers(Pixels::from_vec([1, 1, 1, 1, numbers.len() as u64], numbers))
    }

    /// Texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Values {
        Values::Texts(texts.into_iter().map(Into::into).collect())
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match self {
            Values::Numbers(numbers) => numbers.len() as u64,
            Values::Texts(texts) => texts.len() as u64,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An opened netCDF-4 file, or any other HDF5 file with dimension scales.
pub struct File {
    handles: Arc<Handles>,
    variables: Vec<Variable>,
    /// Of the file.
    bytes: u64,
}

impl File {
    /// Opens a file and reads the names and dimensions of its variables.
    ///
    /// # Errors
    /// [`Error::Unrecognised`], [`Error::Truncated`] or [`Error::Corrupt`] for damaged files. A
    /// variable whose description cannot be read is left out.
    pub fn open(path: &Path) -> Result<File> {
        let handles = Arc::new(Handles::open(path)?);
        let mut names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
        names.iter_mut().for_each(|n| *n = n.trim_matches('/').to_owned());
        names.sort_by(|a, b| natural_order(a, b));
        let scales = addresses(path, &names).unwrap_or_default();
        let variables = names.iter().filter_map(|name| variable(&handles, name, &scales)).collect();
        let bytes = std::fs::metadata(path).map_err(|e| Error::io(path, "inspect", e))?.len();
        Ok(File { handles, variables, bytes })
    }

    /// Its variables, in the natural order of their paths.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable of a full path, with or without the leading `/`.
    pub fn variable(&self, path: &str) -> Option<&Variable> {
        let path = path.trim_matches('/');
        self.variables.iter().find(|v| v.path == path)
    }

    /// The variable that gives the coordinates along a dimension.
    pub fn coordinate(&self, dimension: &Dimension) -> Option<&Variable> {
        let found = self.variable(dimension.path.as_deref()?)?;
        (found.is_coordinate && found.dimensions.len() == 1).then_some(found)
    }

    /// All values of a variable.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for values that are neither numbers nor texts, and for more than
    /// 67 million; [`Error::Corrupt`] when they cannot be read.
    pub fn values(&self, variable: &Variable) -> Result<Values> {
        if variable.len() > MOST_VALUES {
            let what = format!("`/{}`: {} values at once", variable.path, variable.len());
            return Err(Error::unsupported(self.handles.path(), what, ""));
        }
        // A text is a length and a place in the heap.
        let size = variable.dtype.map_or(16, |d| d.size() as u64);
        if variable.len() * size > (1 << 20) + self.bytes.saturating_mul(MOST_PACKED) {
            let what = format!("`/{}`: more values than the file can hold", variable.path);
            return Err(Error::corrupt(self.handles.path(), what));
        }
        let what = format!("variable `/{}`", variable.path);
        self.handles.run(&what, |file| {
            let dataset = file.dataset(&variable.path)?;
            match variable.dtype {
                Some(dtype) => dispatch!(dtype, T => read_numbers::<T>(&dataset)),
                None => dataset.read_strings_lossy().map(Values::Texts),
            }
        })
    }

    /// An attribute of a variable.
    pub fn attribute(&self, variable: &Variable, name: &str) -> Option<Attribute> {
        Attribute::read(&self.handles, &variable.path, name)
    }

    /// All attributes of a variable, without those that attach its dimensions.
    pub fn attributes(&self, variable: &Variable) -> Vec<(String, Attribute)> {
        let names = Attribute::names(&self.handles, &variable.path);
        let told = names.into_iter().filter(|n| !INTERNAL.contains(&n.as_str()));
        told.filter_map(|name| Some((name.clone(), self.attribute(variable, &name)?))).collect()
    }

    /// The attributes of the file itself that are texts.
    pub fn texts(&self) -> Vec<(String, String)> {
        Attribute::texts_of_group(&self.handles, "")
    }

    pub(super) fn handles(&self) -> &Arc<Handles> {
        &self.handles
    }
}

fn read_numbers<T: hooke_core::pixels::Typed + rust_hdf5::H5Type>(
    dataset: &H5Dataset,
) -> Result<Values, Hdf5Error> {
    let lengths = dataset.shape();
    if lengths.is_empty() {
        return dataset.read_raw::<T>().map(Values::numbers);
    }
    let mut numbers = vec![T::default(); lengths.iter().product()];
    if !numbers.is_empty() {
        dataset.read_slice_into(&mut numbers, &vec![0; lengths.len()], &lengths)?;
    }
    Ok(Values::numbers(numbers))
}

/// Describes a variable; `None` for a dimension without coordinates, and where that fails.
fn variable(handles: &Handles, path: &str, scales: &HashMap<u64, String>) -> Option<Variable> {
    let what = format!("variable `/{path}`");
    let (lengths, datatype): (Vec<usize>, DatatypeMessage) = handles
        .run(&what, |file| {
            let dataset = file.dataset(path)?;
            Ok((dataset.shape(), dataset.datatype()?))
        })
        .ok()?;
    let text = |name: &str| Attribute::read(handles, path, name)?.texts()?.into_iter().next();
    let is_scale = text("CLASS").is_some_and(|c| c == "DIMENSION_SCALE");
    if is_scale && text("NAME").is_some_and(|name| name.starts_with(WITHOUT_VARIABLE)) {
        return None;
    }
    let attached = Attribute::first_references(handles, path, "DIMENSION_LIST");
    let attached = attached.filter(|list| list.len() == lengths.len()).unwrap_or_default();
    let dimension = |(axis, length): (usize, &usize)| {
        let scale = attached.get(axis).copied().flatten().and_then(|at| scales.get(&at).cloned());
        // A scale runs along itself.
        let itself = (is_scale && axis == 0).then(|| path.to_owned());
        Dimension { path: scale.or(itself), length: *length as u64 }
    };
    Some(Variable {
        path: path.to_owned(),
        dimensions: lengths.iter().enumerate().map(dimension).collect(),
        dtype: dtype_of(&datatype),
        is_coordinate: is_scale,
    })
}
