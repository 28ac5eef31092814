//! A file that is written: dimensions, variables, attributes.

use std::collections::HashMap;
use std::path::Path;

use hooke_core::dispatch;
use rust_hdf5::types::VarLenUnicode;
use rust_hdf5::{DatatypeMessage, H5Dataset, H5File, H5Group, H5Type, Hdf5Error};

use super::{Attribute, PROPERTIES, Values, WITHOUT_VARIABLE, checked_path, group_of, last_name};
use crate::hdf5::{ArrayTarget, Journal, write_chunks, write_file};
use crate::{Error, Result};

/// What a netCDF-4 file will hold; [`Writer::write`] writes it.
///
/// Paths are names, or names in groups (`group/x`); groups come into being by being named.
/// Dimensions keep the order in which they were added.
///
/// ```
/// use hooke_io::netcdf::{File, Values, Writer};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("cells.nc");
/// let mut writer = Writer::default();
/// writer.dimension("cell", 3);
/// writer.variable("name", &["cell"], Values::texts(["a", "b", "c"]), &[]);
/// writer.variable("area", &["cell"], Values::numbers(vec![1.5, 2.0, 4.0]), &[("units", "um2".into())]);
/// writer.write(&path)?;
/// let file = File::open(&path)?;
/// let area = file.variable("area").ok_or("no area")?;
/// assert_eq!(area.dimensions[0].name(), Some("cell"));
/// assert_eq!(file.values(area)?, Values::numbers(vec![1.5, 2.0, 4.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Writer<'a> {
    attributes: Vec<(String, Attribute)>,
    dimensions: Vec<(String, u64)>,
    variables: Vec<Planned<'a>>,
}

struct Planned<'a> {
    path: String,
    dimensions: Vec<String>,
    content: Content<'a>,
    attributes: Vec<(String, Attribute)>,
}

enum Content<'a> {
    Values(Values),
    /// The first array of a journal, over the axes that the image has.
    Image {
        journal: &'a Journal,
        pick: &'a dyn Fn(&[u64; 5]) -> Vec<u64>,
    },
}

impl<'a> Writer<'a> {
    /// Adds an attribute of the file itself.
    pub fn attribute(&mut self, name: &str, value: impl Into<Attribute>) {
        self.attributes.push((name.to_owned(), value.into()));
    }

    /// Adds a dimension.
    pub fn dimension(&mut self, path: &str, length: u64) {
        self.dimensions.push((path.to_owned(), length));
    }

    /// Adds a variable over dimensions, which are looked for in its group and in those above.
    ///
    /// One that has the path of a dimension, and no other dimension, gives the coordinates along
    /// it. Texts have one dimension.
    pub fn variable(
        &mut self,
        path: &str,
        dimensions: &[&str],
        values: Values,
        attributes: &[(&str, Attribute)],
    ) {
        self.add(path, dimensions, Content::Values(values), attributes);
    }

    /// Adds an image whose chunks are in a journal.
    pub(super) fn image(
        &mut self,
        path: &str,
        dimensions: &[&str],
        (journal, pick): (&'a Journal, &'a dyn Fn(&[u64; 5]) -> Vec<u64>),
        attributes: &[(&str, Attribute)],
    ) {
        self.add(path, dimensions, Content::Image { journal, pick }, attributes);
    }

    fn add(
        &mut self,
        path: &str,
        dimensions: &[&str],
        content: Content<'a>,
        attributes: &[(&str, Attribute)],
    ) {
        self.variables.push(Planned {
            path: path.to_owned(),
            dimensions: dimensions.iter().map(|d| (*d).to_owned()).collect(),
            content,
            attributes: attributes.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
        });
    }

    /// Writes the file, whole or not at all, with dimensions as netCDF's own library writes them.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for a path that is none or is used twice, a dimension that is
    /// not there, or a number of values that the dimensions do not make; [`Error::Io`] when the
    /// file cannot be written.
    pub fn write(&self, target: &Path) -> Result<()> {
        let plan = self.check().map_err(|what| Error::metadata(target, what))?;
        write_file(target, true, |file| Writing::begin(file).content(self, &plan))
    }

    /// The dimensions of each variable, by their numbers.
    fn check(&self) -> Result<Vec<Vec<usize>>, String> {
        let plan: Vec<Vec<usize>> =
            self.variables.iter().map(|v| self.numbers_of(v)).collect::<Result<_, _>>()?;
        let mut paths: Vec<&str> = Vec::new();
        for (number, (path, _)) in self.dimensions.iter().enumerate() {
            if self.coordinate(&plan, number).is_none() {
                paths.push(path);
            }
        }
        paths.extend(self.variables.iter().map(|v| v.path.as_str()));
        paths.iter().try_for_each(|path| checked_path(path))?;
        paths.sort_unstable();
        match paths.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{}` is there twice", pair[0])),
            None => Ok(plan),
        }
    }

    fn numbers_of(&self, variable: &Planned<'_>) -> Result<Vec<usize>, String> {
        let path = &variable.path;
        let find = |name: &String| {
            let mut group = group_of(path);
            loop {
                let full = if group.is_empty() { name.clone() } else { format!("{group}/{name}") };
                match self.dimensions.iter().position(|(path, _)| *path == full) {
                    Some(number) => return Ok(number),
                    None if group.is_empty() => {
                        return Err(format!(
                            "`{path}` has the dimension `{name}`, which is not there"
                        ));
                    }
                    None => group = group_of(group),
                }
            }
        };
        let numbers: Vec<usize> = variable.dimensions.iter().map(find).collect::<Result<_, _>>()?;
        let wanted = numbers.iter().map(|n| self.dimensions[*n].1).product::<u64>();
        if let Content::Values(values) = &variable.content {
            if values.len() != wanted {
                let found = values.len();
                return Err(format!(
                    "`{path}` has {found} values where its dimensions make {wanted}"
                ));
            }
            if matches!(values, Values::Texts(_)) && numbers.len() != 1 {
                return Err(format!("`{path}`: texts have one dimension, not {}", numbers.len()));
            }
        }
        Ok(numbers)
    }

    /// The variable that gives the coordinates along a dimension.
    fn coordinate(&self, plan: &[Vec<usize>], dimension: usize) -> Option<usize> {
        let path = &self.dimensions[dimension].0;
        (0..plan.len()).find(|v| self.variables[*v].path == *path && plan[*v] == [dimension])
    }
}

/// A file in the making.
struct Writing<'f> {
    file: &'f H5File,
    groups: HashMap<String, H5Group>,
}

impl<'f> Writing<'f> {
    fn begin(file: &'f H5File) -> Writing<'f> {
        Writing { file, groups: HashMap::from([(String::new(), file.root_group())]) }
    }

    fn content(mut self, writer: &Writer<'_>, plan: &[Vec<usize>]) -> Result<(), Hdf5Error> {
        let text = format!("version=2,hooke={},hdf5=1.8", env!("CARGO_PKG_VERSION"));
        let kind = DatatypeMessage::FixedString { size: text.len() as u32, padding: 0, charset: 0 };
        self.file.set_attr_typed(PROPERTIES, kind, text.into_bytes())?;
        for (name, value) in &writer.attributes {
            self.file_attribute(name, value)?;
        }
        let mut written: Vec<Option<H5Dataset>> = plan.iter().map(|_| None).collect();
        let mut bare: Vec<Option<H5Dataset>> = Vec::new();
        for (number, (path, length)) in writer.dimensions.iter().enumerate() {
            let coordinate = writer.coordinate(plan, number);
            let (scale, name) = match coordinate {
                Some(v) => (self.variable(writer, plan, v)?, last_name(path).to_owned()),
                None => {
                    let group = self.group(group_of(path))?;
                    let scale = group.new_dataset::<f32>().shape([*length as usize]);
                    (scale.create(last_name(path))?, format!("{WITHOUT_VARIABLE}{length:10}"))
                }
            };
            scale.set_scale(Some(&name))?;
            scale
                .new_attr::<i32>()
                .shape(())
                .create("_Netcdf4Dimid")?
                .write_numeric(&(number as i32))?;
            match coordinate {
                Some(v) => {
                    written[v] = Some(scale);
                    bare.push(None);
                }
                None => bare.push(Some(scale)),
            }
        }
        for (v, slot) in written.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            *slot = Some(self.variable(writer, plan, v)?);
        }
        for (v, dimensions) in plan.iter().enumerate() {
            for (axis, number) in dimensions.iter().enumerate() {
                let coordinate = writer.coordinate(plan, *number);
                if coordinate == Some(v) {
                    continue;
                }
                let scale = coordinate.map_or(&bare[*number], |c| &written[c]);
                if let (Some(dataset), Some(scale)) = (&written[v], scale) {
                    dataset.attach_scale(axis, scale)?;
                }
            }
        }
        Ok(())
    }

    /// A group, made with those above it where they are not there yet.
    fn group(&mut self, path: &str) -> Result<&H5Group, Hdf5Error> {
        if !self.groups.contains_key(path) {
            let made = self.group(group_of(path))?.create_group(last_name(path))?;
            self.groups.insert(path.to_owned(), made);
        }
        Ok(&self.groups[path])
    }

    fn variable(
        &mut self,
        writer: &Writer<'_>,
        plan: &[Vec<usize>],
        number: usize,
    ) -> Result<H5Dataset, Hdf5Error> {
        let variable = &writer.variables[number];
        let shape: Vec<u64> = plan[number].iter().map(|n| writer.dimensions[*n].1).collect();
        let name = last_name(&variable.path);
        let group = self.group(group_of(&variable.path))?;
        let dataset = match &variable.content {
            Content::Values(Values::Numbers(numbers)) => dispatch!(numbers.dtype(), T => {
                write_numbers(group, name, &shape, numbers.as_slice::<T>().expect("of this type"))?
            }),
            Content::Values(Values::Texts(texts)) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                group.write_vlen_strings(name, &texts)?
            }
            Content::Image { journal, pick } => {
                let array = &journal.arrays()[0];
                let chunk = &pick(&array.chunk);
                let gzip = array.encoding.level;
                let target = ArrayTarget { group, name, shape: &shape, chunk, gzip };
                let dataset = target.create(array.dtype)?;
                write_chunks(journal, 0, 0..u64::MAX, &dataset, pick)?;
                dataset
            }
        };
        for (name, value) in &variable.attributes {
            write_attribute(&dataset, name, value)?;
        }
        Ok(dataset)
    }

    fn file_attribute(&self, name: &str, value: &Attribute) -> Result<(), Hdf5Error> {
        match value {
            Attribute::Numbers(numbers) => match numbers.as_slice() {
                [one] => self.file.set_attr_numeric(name, one),
                several => self.file.set_attr_array_numeric(name, several),
            },
            Attribute::Texts(texts) => match texts.as_slice() {
                [one] => self.file.set_attr_string(name, one),
                several => {
                    let several: Vec<&str> = several.iter().map(String::as_str).collect();
                    self.file.set_attr_string_array(name, &several)
                }
            },
        }
    }
}

fn write_numbers<T: H5Type>(
    group: &H5Group,
    name: &str,
    shape: &[u64],
    numbers: &[T],
) -> Result<H5Dataset, Hdf5Error> {
    let lengths: Vec<usize> = shape.iter().map(|n| *n as usize).collect();
    let builder = group.new_dataset::<T>();
    let builder = if lengths.is_empty() { builder.scalar() } else { builder.shape(lengths) };
    let dataset = builder.create(name)?;
    if !numbers.is_empty() {
        dataset.write_raw(numbers)?;
    }
    Ok(dataset)
}

fn write_attribute(dataset: &H5Dataset, name: &str, value: &Attribute) -> Result<(), Hdf5Error> {
    match value {
        Attribute::Numbers(numbers) => match numbers.as_slice() {
            [one] => dataset.new_attr::<f64>().shape(()).create(name)?.write_numeric(one),
            several => {
                dataset.new_attr::<f64>().shape([several.len()]).create(name)?.write_array(several)
            }
        },
        Attribute::Texts(texts) => match texts.as_slice() {
            [one] => dataset.new_attr::<VarLenUnicode>().shape(()).create(name)?.write_string(one),
            several => {
                let several: Vec<&str> = several.iter().map(String::as_str).collect();
                let attribute = dataset.new_attr::<VarLenUnicode>().shape([several.len()]);
                attribute.create(name)?.write_string_array(&several)
            }
        },
    }
}
