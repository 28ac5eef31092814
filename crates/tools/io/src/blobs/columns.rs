//! Columns of a table, each with how a row's value is taken and put.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, PrimitiveBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int64Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

/// Takes a value from a row.
pub type Get<R, T> = fn(&R) -> T;
/// Puts a value into a row; `false` when the column cannot hold it.
pub type Set<R, T> = fn(&mut R, T) -> bool;

/// One column of a table of rows `R`.
pub struct Column<R: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub access: Access<R>,
}

/// How the values of a column are taken from rows and put into them, by type.
#[allow(missing_docs, reason = "the types say it")]
pub enum Access<R: 'static> {
    U64(Get<R, u64>, Set<R, u64>),
    U32(Get<R, u32>, Set<R, u32>),
    U16(Get<R, u16>, Set<R, u16>),
    I64(Get<R, i64>, Set<R, i64>),
    I8(Get<R, i8>, Set<R, i8>),
    F64(Get<R, f64>, Set<R, f64>),
    F32(Get<R, f32>, Set<R, f32>),
    /// May be null.
    OptF64(Get<R, Option<f64>>, Set<R, Option<f64>>),
    /// May be null.
    OptF32(Get<R, Option<f32>>, Set<R, Option<f32>>),
    Bool(Get<R, bool>, Set<R, bool>),
    /// The last argument is the row before, whose text may be shared.
    Text(for<'r> fn(&'r R) -> &'r str, fn(&mut R, &str, Option<&R>) -> bool),
    /// A list of ids.
    Ids(for<'r> fn(&'r R) -> &'r [u64], fn(&mut R, Vec<u64>) -> bool),
}

/// A kind of row, which decides the columns of its table.
pub trait Row: Clone + Send + Sync + 'static {
    /// The columns, in their order.
    fn columns() -> &'static [Column<Self>];
    /// A row before its values are put.
    fn blank() -> Self;
    /// What is wrong with a row whose values have all been put, if anything.
    fn fault(&self) -> Option<&'static str> {
        None
    }
}

impl<R> Column<R> {
    /// The type of its values.
    pub fn data_type(&self) -> DataType {
        match &self.access {
            Access::U64(..) => DataType::UInt64,
            Access::U32(..) => DataType::UInt32,
            Access::U16(..) => DataType::UInt16,
            Access::I64(..) => DataType::Int64,
            Access::I8(..) => DataType::Int8,
            Access::F64(..) | Access::OptF64(..) => DataType::Float64,
            Access::F32(..) | Access::OptF32(..) => DataType::Float32,
            Access::Bool(..) => DataType::Boolean,
            Access::Text(..) => DataType::Utf8,
            Access::Ids(..) => DataType::List(Arc::new(id_field())),
        }
    }

    /// Whether values may be null.
    pub fn is_nullable(&self) -> bool {
        matches!(self.access, Access::OptF32(..) | Access::OptF64(..))
    }

    /// What a cell must hold, for messages.
    pub fn wanted(&self) -> &'static str {
        match (&self.access, self.name) {
            (_, "confirmed") => "-1, 0, 1 or 2",
            (_, "truth") => "-1, 0 or 1",
            (Access::U64(..) | Access::U32(..) | Access::U16(..), _) => "a whole number from 0",
            (Access::I64(..) | Access::I8(..), _) => "a whole number",
            (Access::F64(..) | Access::F32(..), _) => "a number",
            (Access::OptF64(..) | Access::OptF32(..), _) => "a number or nothing",
            (Access::Bool(..), _) => "true or false",
            (Access::Text(..), _) => "text",
            (Access::Ids(..), _) => "a list of ids",
        }
    }

    /// The values of rows, as an array.
    fn array(&self, rows: &[R]) -> ArrayRef {
        fn of<R, A: ArrowPrimitiveType>(rows: &[R], get: Get<R, A::Native>) -> ArrayRef {
            Arc::new(PrimitiveArray::<A>::from_iter_values(rows.iter().map(get)))
        }
        match &self.access {
            Access::U64(get, _) => of::<R, UInt64Type>(rows, *get),
            Access::U32(get, _) => of::<R, UInt32Type>(rows, *get),
            Access::U16(get, _) => of::<R, UInt16Type>(rows, *get),
            Access::I64(get, _) => of::<R, Int64Type>(rows, *get),
            Access::I8(get, _) => of::<R, Int8Type>(rows, *get),
            Access::F64(get, _) => of::<R, Float64Type>(rows, *get),
            Access::F32(get, _) => of::<R, Float32Type>(rows, *get),
            Access::OptF64(get, _) => {
                Arc::new(rows.iter().map(get).collect::<PrimitiveArray<Float64Type>>())
            }
            Access::OptF32(get, _) => {
                Arc::new(rows.iter().map(get).collect::<PrimitiveArray<Float32Type>>())
            }
            Access::Bool(get, _) => {
                Arc::new(rows.iter().map(|r| Some(get(r))).collect::<BooleanArray>())
            }
            Access::Text(get, _) => Arc::new(StringArray::from_iter_values(rows.iter().map(get))),
            Access::Ids(get, _) => {
                let ids = PrimitiveBuilder::<UInt64Type>::new();
                let mut lists = ListBuilder::new(ids).with_field(id_field());
                for row in rows {
                    lists.values().append_slice(get(row));
                    lists.append(true);
                }
                Arc::new(lists.finish())
            }
        }
    }

    /// Whether an array of another writer holds what this column does: texts have several encodings.
    pub fn accepts(&self, found: &DataType) -> bool {
        let is_text =
            |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match (&self.access, found) {
            (Access::Text(..), DataType::Dictionary(_, values)) => is_text(values),
            (Access::Text(..), found) => is_text(found),
            (Access::Ids(..), DataType::List(item)) => *item.data_type() == DataType::UInt64,
            (_, found) => *found == self.data_type(),
        }
    }

    /// Puts the values of an array of an accepted type into the rows from `first` on.
    ///
    /// # Errors
    /// The first row, counted from `first`, whose value the column cannot hold, nulls included.
    pub fn put(&self, array: &ArrayRef, all: &mut [R], first: usize) -> Result<(), usize> {
        let rows = all.get_mut(first..).ok_or(0usize)?;
        fn each<R, A: ArrowPrimitiveType>(
            array: &ArrayRef,
            rows: &mut [R],
            set: Set<R, A::Native>,
        ) -> Result<(), usize> {
            let array = array.as_primitive_opt::<A>().ok_or(0usize)?;
            let all = array.iter().zip(rows).enumerate();
            first_bad(all, |(value, row)| value.is_some_and(|v| set(row, v)))
        }
        match &self.access {
            Access::U64(_, set) => each::<R, UInt64Type>(array, rows, *set),
            Access::U32(_, set) => each::<R, UInt32Type>(array, rows, *set),
            Access::U16(_, set) => each::<R, UInt16Type>(array, rows, *set),
            Access::I64(_, set) => each::<R, Int64Type>(array, rows, *set),
            Access::I8(_, set) => each::<R, Int8Type>(array, rows, *set),
            Access::F64(_, set) => each::<R, Float64Type>(array, rows, *set),
            Access::F32(_, set) => each::<R, Float32Type>(array, rows, *set),
            Access::OptF64(_, set) => {
                let array = array.as_primitive_opt::<Float64Type>().ok_or(0usize)?;
                first_bad(array.iter().zip(rows).enumerate(), |(v, row)| set(row, v))
            }
            Access::OptF32(_, set) => {
                let array = array.as_primitive_opt::<Float32Type>().ok_or(0usize)?;
                first_bad(array.iter().zip(rows).enumerate(), |(v, row)| set(row, v))
            }
            Access::Bool(_, set) => {
                let array = array.as_boolean_opt().ok_or(0usize)?;
                let all = array.iter().zip(rows).enumerate();
                first_bad(all, |(v, row)| v.is_some_and(|v| set(row, v)))
            }
            Access::Text(_, set) => {
                let keys = array.as_any_dictionary_opt().map(|d| match d.values().is_empty() {
                    // Without values all cells are null.
                    true => (d.values(), Vec::new()),
                    false => (d.values(), d.normalized_keys()),
                });
                let cell = |row: usize| match &keys {
                    _ if array.is_null(row) => None,
                    Some((values, keys)) => {
                        let key = *keys.get(row)?;
                        (key < values.len() && !values.is_null(key)).then(|| text(values, key))?
                    }
                    None => text(array, row),
                };
                let count = rows.len();
                first_bad((0..count).map(|i| (i, i)), |i| {
                    let (before, rest) = all.split_at_mut(first + i);
                    let row = rest.first_mut();
                    row.zip(cell(i)).is_some_and(|(row, text)| set(row, text, before.last()))
                })
            }
            Access::Ids(_, set) => {
                let lists = array.as_list_opt::<i32>().ok_or(0usize)?;
                first_bad(lists.iter().zip(rows).enumerate(), |(list, row)| {
                    let Some(list) = list else { return false };
                    let Some(ids) = list.as_primitive_opt::<UInt64Type>() else { return false };
                    ids.null_count() == 0 && set(row, ids.values().to_vec())
                })
            }
        }
    }
}

fn id_field() -> Field {
    Field::new("item", DataType::UInt64, false)
}

fn first_bad<T>(
    items: impl Iterator<Item = (usize, T)>,
    mut put: impl FnMut(T) -> bool,
) -> Result<(), usize> {
    for (index, item) in items {
        if !put(item) {
            return Err(index);
        }
    }
    Ok(())
}

/// A cell that is there, of any of the encodings of text.
fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string_opt::<i32>()?.value(row)),
        DataType::LargeUtf8 => Some(array.as_string_opt::<i64>()?.value(row)),
        DataType::Utf8View => Some(array.as_string_view_opt()?.value(row)),
        _ => None,
    }
}

/// The schema of a table of rows `R`.
pub fn schema<R: Row>() -> SchemaRef {
    let field = |c: &Column<R>| Field::new(c.name, c.data_type(), c.is_nullable());
    Arc::new(Schema::new(R::columns().iter().map(field).collect::<Vec<_>>()))
}

/// Rows as columns.
pub fn arrays<R: Row>(rows: &[R]) -> Vec<ArrayRef> {
    R::columns().iter().map(|c| c.array(rows)).collect()
}
