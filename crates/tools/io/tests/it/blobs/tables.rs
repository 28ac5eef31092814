//! Tables of rows in Parquet and CSV.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use hooke_core::{Blob, BlobPair};
use hooke_io::blobs::columns::Row;
use hooke_io::blobs::{
    ColocRow, TableMeta, TupleRow, read_csv_rows, read_rows, write_csv_rows, write_rows,
};
use hooke_io::tables::{TableError, read_parquet, write_table};

use super::{blobs, meta, pairs};

fn columns(path: &Path) -> Vec<(String, String, bool)> {
    let batch = &read_parquet(path).unwrap()[0];
    let field = |f: &Arc<arrow_schema::Field>| {
        (f.name().clone(), f.data_type().to_string(), f.is_nullable())
    };
    batch.schema().fields().iter().map(field).collect()
}

fn coloc() -> Vec<ColocRow> {
    let outside = ColocRow { blob_id: 2, blob_channel: 1, channel: 0, ..ColocRow::default() };
    let inside = ColocRow {
        blob_id: 1,
        blob_channel: 0,
        channel: 1,
        mean: Some(12.5),
        threshold: None,
        contrast: Some(3.5),
        score: Some(7.0),
        p_value: Some(1e-12),
        coloc: true,
    };
    vec![inside, outside]
}

fn tuples() -> Vec<TupleRow> {
    let one = TupleRow { tuple_id: 1, blob_ids: vec![3], channel_mask: 1, ..TupleRow::default() };
    let many = TupleRow {
        tuple_id: 2,
        blob_ids: vec![1, 5, 9],
        channel_mask: 0b111,
        position: [1.0, 2.0, 3.5],
        position_um: [3.0, 2.0, 3.5],
        max_distance_um: 4.25,
    };
    vec![one, many]
}

fn round_trip<R: Row + PartialEq + std::fmt::Debug>(rows: &[R]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_rows(&path("a.parquet"), rows, &meta()).unwrap();
    let (found, said) = read_rows::<R>(&path("a.parquet")).unwrap();
    assert_eq!((found.as_slice(), said), (rows, meta()));
    for name in ["a.csv", "a.csv.gz"] {
        write_csv_rows(&path(name), rows).unwrap();
        assert_eq!(read_csv_rows::<R>(&path(name)).unwrap(), rows, "{name}");
    }
    assert!(std::fs::read(path("a.csv.gz")).unwrap().starts_with(b"\x1f\x8b"));
    for name in ["a.parquet", "a.csv", "a.csv.gz"] {
        let first = std::fs::read(path(name)).unwrap();
        match name {
            "a.parquet" => write_rows(&path(name), rows, &meta()).unwrap(),
            _ => write_csv_rows(&path(name), rows).unwrap(),
        }
        assert_eq!(std::fs::read(path(name)).unwrap(), first, "{name} is not the same twice");
    }
    // A table without a row has all its columns.
    write_rows::<R>(&path("e.parquet"), &[], &TableMeta::default()).unwrap();
    let (none, said) = read_rows::<R>(&path("e.parquet")).unwrap();
    assert_eq!((none.len(), said), (0, TableMeta::default()));
    write_csv_rows::<R>(&path("e.csv"), &[]).unwrap();
    assert_eq!(read_csv_rows::<R>(&path("e.csv")).unwrap().len(), 0);
}

#[test]
fn every_table_comes_back_and_equal_rows_give_equal_bytes() {
    let all = blobs(500, 3);
    round_trip(&all);
    round_trip(&pairs(&all));
    round_trip(&tuples());
    round_trip(&coloc());
}

#[test]
fn columns_have_the_names_types_and_order_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let list = |text: &str| -> Vec<(String, String, bool)> {
        let one = |c: &str| {
            let (name, kind) = c.split_once(':').unwrap();
            (name.to_owned(), kind.trim_end_matches('?').to_owned(), kind.ends_with('?'))
        };
        text.split_whitespace().map(one).collect()
    };
    let all = blobs(9, 2);
    write_rows(&path, &all, &meta()).unwrap();
    let wanted = "id:UInt64 t:UInt32 channel:UInt16 z:Float64 y:Float64 x:Float64 z_um:Float64 \
        y_um:Float64 x_um:Float64 radius_um:Float32 response:Float32 score:Float32 amplitude:Float32? \
        background:Float32? cov_zz_um2:Float32? cov_yy_um2:Float32? cov_xx_um2:Float32? \
        cov_zy_um2:Float32? cov_zx_um2:Float32? cov_yx_um2:Float32? fit_chi2:Float32? \
        probability:Float32? confirmed:Int8 truth:Int8 region:Int64 source:Utf8";
    assert_eq!(columns(&path), list(wanted));
    write_rows(&path, &pairs(&all), &meta()).unwrap();
    let wanted = "match_id:UInt64 roi_id:UInt64 t:UInt32 channel1:UInt16 channel2:UInt16 \
        blob1_id:UInt64 blob2_id:UInt64 distance_um:Float64 distance_scaled:Float64 \
        gate_distance:Float64 z:Float64 y:Float64 x:Float64 z_um:Float64 y_um:Float64 x_um:Float64 \
        component:UInt64 rivals:UInt32";
    assert_eq!(columns(&path), list(wanted));
    write_rows(&path, &coloc(), &meta()).unwrap();
    let wanted = "blob_id:UInt64 blob_channel:UInt16 channel:UInt16 mean:Float64? threshold:Float64? \
        contrast:Float32? score:Float32? p_value:Float64? coloc:Boolean";
    assert_eq!(columns(&path), list(wanted));
    write_rows(&path, &tuples(), &meta()).unwrap();
    let found = columns(&path);
    assert_eq!(
        found.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(),
        [
            "tuple_id",
            "blob_ids",
            "channel_mask",
            "n",
            "z",
            "y",
            "x",
            "z_um",
            "y_um",
            "x_um",
            "max_distance_um",
        ]
    );
    assert!(found[1].1.contains("List") && found[1].1.contains("UInt64"), "{}", found[1].1);
}

/// More rows than are encoded at once, and than a row group holds.
#[test]
fn long_tables_come_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.parquet");
    let source: Arc<str> = "hooke".into();
    let rows: Vec<Blob> = (0..(1u64 << 20) + 70_000)
        .map(|i| {
            let position = [i as f64, 0.5, -1.0];
            Blob { id: i + 1, ..Blob::at(0, position, position, 1.0, &source) }
        })
        .collect();
    write_rows(&path, &rows, &TableMeta::default()).unwrap();
    let (found, _) = read_rows::<Blob>(&path).unwrap();
    assert!(found == rows);
    // Equal sources are one text, not a million.
    assert!(Arc::ptr_eq(&found[1].source, &found[1000].source));
}

fn refused(batch: &RecordBatch) -> TableError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write_table(&path, batch).unwrap();
    read_rows::<Blob>(&path).unwrap_err()
}

#[test]
fn missing_columns_wrong_types_and_bad_cells_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write_rows(&path, &blobs(5, 2), &meta()).unwrap();
    let batch = read_parquet(&path).unwrap().remove(0);
    let with = |name: &str, array: ArrayRef| {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(f, old)| {
            let new = if f.name() == name { array.clone() } else { old.clone() };
            (f.name().clone(), new, true)
        });
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    // What pandas makes of it: everything may be null.
    write_table(&path, &with("", batch.column(0).clone())).unwrap();
    assert_eq!(read_rows::<Blob>(&path).unwrap().0.len(), 5);
    let wrong = refused(&with("id", Arc::new(Float64Array::from(vec![1.0; 5])))).to_string();
    assert!(wrong.contains("t.parquet: column `id` is of type Float64, wanted UInt64"), "{wrong}");
    let absent: Float64Array = [Some(1.0), None, Some(2.0), None, None].into_iter().collect();
    let absent = refused(&with("z", Arc::new(absent))).to_string();
    assert!(absent.contains("row 2, column `z`: found nothing, wanted a number"), "{absent}");
    let odd = Float64Array::from(vec![1.0, 2.0, f64::NAN, 2.0, 3.0]);
    let odd = refused(&with("x_um", Arc::new(odd))).to_string();
    assert!(odd.contains("row 3, column `x_um`: found NaN"), "{odd}");
    let codes: arrow_array::Int8Array = vec![-1, 0, 1, 2, 7].into();
    let code = refused(&with("confirmed", Arc::new(codes))).to_string();
    assert!(code.contains("row 5, column `confirmed`: found 7, wanted -1, 0, 1 or 2"), "{code}");
    let kept: Vec<usize> = (0..batch.num_columns()).filter(|i| *i != 4).collect();
    let missing = refused(&batch.project(&kept).unwrap()).to_string();
    assert!(missing.contains("column `y` is missing; the columns are id, t"), "{missing}");
    let nulls: arrow_array::Float32Array = vec![None; 5].into();
    let torn = refused(&with("cov_xx_um2", Arc::new(nulls))).to_string();
    assert!(torn.contains("all six numbers"), "{torn}");
}

#[test]
fn a_csv_may_lack_what_may_be_null_and_says_which_cell_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let head =
        "id,t,channel,z,y,x,z_um,y_um,x_um,radius_um,response,score,confirmed,truth,region,source";
    std::fs::write(&path, format!("{head}\n1,0,2,1,2,3,1,2,3,4.5,,,-1,-1,-1,hooke\n")).unwrap();
    let one = &read_csv_rows::<Blob>(&path).unwrap()[0];
    assert_eq!((one.channel, one.radius_um, one.amplitude), (2, 4.5, None));
    assert!(one.response.is_nan());
    let message = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_csv_rows::<Blob>(&path).unwrap_err().to_string()
    };
    let bad = message(&format!("{head}\n1,0,-2,1,2,3,1,2,3,4.5,0,0,-1,-1,-1,hooke\n"));
    assert!(
        bad.contains("row 1, column `channel`: found `-2`, wanted a whole number from 0"),
        "{bad}"
    );
    let bad = message(&format!("{head}\n1,0,2,,2,3,1,2,3,4.5,0,0,-1,-1,-1,hooke\n"));
    assert!(bad.contains("row 1, column `z`: found nothing, wanted a number"), "{bad}");
    assert!(message("id,t\n1,2\n").contains("column `channel` is missing"));
    let turned = BlobPair { channels: [2, 1], ..pairs(&blobs(9, 2)).remove(0) };
    write_csv_rows(&path, &[turned]).unwrap();
    let bad = read_csv_rows::<BlobPair>(&path).unwrap_err().to_string();
    assert!(bad.contains("row 1: wanted channel1 below channel2"), "{bad}");
}
