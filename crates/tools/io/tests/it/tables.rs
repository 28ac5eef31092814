//! Tables of tiles: what is read, what is refused, what comes back.

use std::path::{Path, PathBuf};

use hooke_io::tables::{
    TableError, TilePosition, TileRow, read_positions, read_table, read_tiles, write_table,
    write_tiles,
};

use crate::harness::Dice;

fn table(name: &str, text: &str) -> Result<Vec<TileRow>, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mut tiles = read_tiles(&path)?;
    for tile in &mut tiles {
        if let Ok(relative) = tile.path.strip_prefix(folder.path()) {
            tile.path = relative.to_owned();
        }
    }
    Ok(tiles)
}

fn message(name: &str, text: &str) -> String {
    let text = table(name, text).unwrap_err().to_string();
    text[text.find(name).unwrap()..].to_owned()
}

fn rows(folder: &Path) -> Vec<TileRow> {
    let tile = |name: &str, x: f64| TileRow {
        path: folder.join("tiles").join(name),
        dataset: Some("/a".to_owned()).filter(|_| x > 0.0),
        series: 2,
        channel: None,
        name: Some("a, \"b\"\nµ".to_owned()),
        grid: Some([0, -1, 4]),
        position: Some(TilePosition::Um([0.0, 0.1, x])),
    };
    let mut tiles = vec![tile("1.tif", 1.0 / 3.0), tile("2.tif", -1e-7), tile("/abs/3.tif", 7.0)];
    tiles[1].position = None;
    tiles
}

#[test]
fn every_format_gives_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = rows(folder.path());
    for name in ["t.csv", "t.parquet", "t.json", "T.CSV"] {
        let path = folder.path().join(name);
        write_tiles(&path, &tiles).unwrap();
        assert_eq!(read_tiles(&path).unwrap(), tiles, "{name}");
    }
    let text = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    let header = "path,dataset,series,name,grid_z,grid_y,grid_x,z_um,y_um,x_um\ntiles/1.tif,/a,2,";
    assert!(text.starts_with(header), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn a_missing_z_is_zero_and_other_columns_do_not_matter() {
    let tiles =
        table("t.csv", "\u{feff}path, note ,y_px,x_px\n a.tif ,hello,1,2.5\nb.tif,,,\n").unwrap();
    assert_eq!(tiles[0].path, PathBuf::from("a.tif"));
    assert_eq!(tiles[0].position, Some(TilePosition::Px([0.0, 1.0, 2.5])));
    assert_eq!((tiles[1].position, tiles[1].grid), (None, None));
    let tiles = table("t.json", r#"[{"path":"a","grid_x":3.0,"z_um":null}]"#).unwrap();
    assert_eq!(tiles[0].grid, Some([0, 0, 3]));
}

#[test]
fn mistakes_name_row_and_column() {
    let csv = |text: &str| message("t.csv", text);
    assert_eq!(
        csv("path,y_px,x_px\na,1,2\nb,1,left\n"),
        "t.csv: row 2, column `x_px`: found `left`, wanted a number"
    );
    assert_eq!(
        csv("path,y_px,x_px\na,1,\n"),
        "t.csv: row 1, column `x_px`: found nothing, wanted a number, as the row has a position \
         on another axis"
    );
    assert_eq!(
        csv("path,y_px,x_px,y_um,x_um\na,1,2,,\nb,,,3,4\n"),
        "t.csv: positions in pixels (row 1) and in µm (row 2); give one unit for all"
    );
    assert_eq!(
        csv("file,x_px\na,1\n"),
        "t.csv: column `path` is missing; the columns are file, x_px"
    );
    assert_eq!(csv("path\n"), "t.csv: the table has no row");
    assert!(csv("path,series\na,-1\n").ends_with("found `-1`, wanted a whole number from 0"));
    assert!(csv("path,y_px,x_px\na,NaN,1\n").contains("column `y_px`: found `NaN`"));
    assert!(csv("path,x\na\n").contains("not a readable table"));
    assert!(message("t.json", "{}").contains("a list of objects is wanted"));
    assert!(message("t.json", r#"[{"path":["a"]}]"#).contains(r#"found `["a"]`, wanted text"#));
    assert!(message("t.xlsx", "").ends_with("a table ends in .csv, .parquet or .json"));
}

#[test]
fn mixed_units_are_not_written() {
    let mut tiles = rows(Path::new("/a"));
    tiles[1].position = Some(TilePosition::Px([0.0; 3]));
    let error = write_tiles(Path::new("/nowhere/t.csv"), &tiles).unwrap_err();
    assert!(matches!(error, TableError::MixedUnits { row_px: 2, row_um: 1, .. }));
}

#[test]
fn damaged_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write_tiles(&path, &rows(folder.path())).unwrap();
    let content = std::fs::read(&path).unwrap();
    for percent in [0, 1, 10, 50, 90, 99] {
        std::fs::write(&path, &content[..content.len() * percent / 100]).unwrap();
        assert!(read_tiles(&path).is_err());
    }
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut bytes = content.clone();
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        std::fs::write(&path, &bytes).unwrap();
        let outcome = std::panic::catch_unwind(|| read_tiles(&path).is_ok());
        assert!(outcome.is_ok(), "flip at byte {at} panics");
    }
}

fn positions(text: &str) -> Result<Vec<(i64, TilePosition)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.csv");
    std::fs::write(&path, text).unwrap();
    read_positions(&path).map_err(|e| e.to_string().replace(path.to_str().unwrap(), "p.csv"))
}

#[test]
fn positions_are_in_one_unit_and_micrometres_come_first() {
    let um = |x| TilePosition::Um([0.0, 1.0, x]);
    assert_eq!(positions("tile,y_um,x_um\n1,1,2\n0,1,3\n"), Ok(vec![(1, um(2.0)), (0, um(3.0))]));
    let both = "tile,z_um,y_um,x_um,z_px,y_px,x_px\n0,0,1,2,7,8,9\n";
    assert_eq!(positions(both), Ok(vec![(0, um(2.0))]));
    let lost = "tile,z_um,y_um,x_um,z_px,y_px,x_px\n0,,,,7,8,9\n";
    assert_eq!(positions(lost), Ok(vec![(0, TilePosition::Px([7.0, 8.0, 9.0]))]));
    let refused = |text: &str, why: &str| {
        let error = positions(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused("tile,y_um,x_um,y_px,x_px\n0,1,2,,\n1,,,3,4\n", "positions in pixels (row 2)");
    refused("tile,y_um,x_um\n0,1,2\n1,,\n", "row 2, column `y_um`: found nothing");
    refused("tile,y_um,x_um\n0,inf,2\n", "row 1, column `y_um`");
    refused("tile,y_um,x_um\n0.5,1,2\n", "row 1, column `tile`");
    refused("name,y_um,x_um\na,1,2\n", "column `tile` is missing");
    refused("tile,y,x\n0,1,2\n", "column `y_um` is missing");
    refused("tile,y_um,x_um\n", "no row");
}

#[test]
fn any_table_is_read_whole_with_types() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "tile,x,name,gap\n1,0.5,a,\n2,3,\"b, c\",4\n").unwrap();
    let table = read_table(&path).unwrap();
    let types: Vec<String> =
        table.schema().fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(types, ["Int64", "Float64", "Utf8", "Int64"]);
    assert_eq!(table.column(3).null_count(), 1);
    let copy = folder.path().join("t.parquet");
    write_table(&copy, &table).unwrap();
    assert_eq!(read_table(&copy).unwrap().columns(), table.columns());
    let empty = folder.path().join("e.csv");
    std::fs::write(&empty, "tile,x\n").unwrap();
    assert!(matches!(read_table(&empty), Err(TableError::Empty { .. })));
    let content = std::fs::read(&copy).unwrap();
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut bytes = content.clone();
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        std::fs::write(&copy, &bytes).unwrap();
        let outcome = std::panic::catch_unwind(|| read_table(&copy).is_ok());
        assert!(outcome.is_ok(), "flip at byte {at} panics");
    }
}
