//! Tables as columns.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use hooke_core::image::SourceError;

/// Columns of equal length, in their order.
#[derive(Default)]
pub(super) struct Columns(Vec<(String, ArrayRef)>);

impl Columns {
    pub fn u32(&mut self, name: &str, values: impl Iterator<Item = u32>) -> &mut Columns {
        self.add(name, Arc::new(UInt32Array::from_iter_values(values)))
    }

    pub fn u64(&mut self, name: &str, values: impl Iterator<Item = u64>) -> &mut Columns {
        self.add(name, Arc::new(UInt64Array::from_iter_values(values)))
    }

    pub fn f64(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) -> &mut Columns {
        self.add(name, Arc::new(Float64Array::from_iter(values)))
    }

    pub fn bool(&mut self, name: &str, values: impl Iterator<Item = bool>) -> &mut Columns {
        self.add(name, Arc::new(values.map(Some).collect::<BooleanArray>()))
    }

    pub fn text<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) -> &mut Columns {
        self.add(name, Arc::new(StringArray::from_iter_values(values)))
    }

    pub fn optional_text<'t>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Option<&'t str>>,
    ) -> &mut Columns {
        self.add(name, Arc::new(StringArray::from_iter(values)))
    }

    /// Three columns `z_SUFFIX, y_SUFFIX, x_SUFFIX`.
    pub fn zyx(&mut self, names: [&str; 3], values: &[Option<[f64; 3]>]) -> &mut Columns {
        for (d, name) in names.into_iter().enumerate() {
            self.f64(name, values.iter().map(|v| v.map(|v| v[d])));
        }
        self
    }

    pub fn add(&mut self, name: &str, array: ArrayRef) -> &mut Columns {
        self.0.push((name.to_owned(), array));
        self
    }

    /// The table.
    pub fn batch(&self) -> Result<RecordBatch, SourceError> {
        let columns = self.0.iter().map(|(n, a)| (n.clone(), Arc::clone(a), a.null_count() > 0));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}
