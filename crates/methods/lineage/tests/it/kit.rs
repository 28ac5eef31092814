//! What several tests need: shared answers, lineages of them.

use std::path::PathBuf;

use hooke_lineage::tree::{Cell, CellFeatures, CellId, Lineage};
use serde_json::{Map, Value, json};

/// The folder of shared answers, or `None` with a line that says so.
pub fn conformance() -> Option<PathBuf> {
    let folder =
        hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")).map(|s| s.join("conformance/lineage"));
    if folder.is_none() {
        println!("SKIPPED: no shared test data here");
    }
    folder
}

pub fn answers(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(conformance()?.join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// A cell-frame that is told from others by its length.
pub fn tagged(tag: f32, flip: bool) -> CellFeatures {
    let mut features = CellFeatures { length: tag, ..CellFeatures::at([tag, 0.0], [tag, 1.0]) };
    if flip {
        features.swap_poles();
    }
    features
}

pub fn optional_id(value: &Value) -> Option<CellId> {
    value.as_u64().map(|id| id as CellId)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

/// Cells of `{mother, first, daughters, …}`; `feature(cell, i)` makes what is known in its i-th frame.
pub fn lineage_of(state: &Value, feature: impl Fn(&Value, usize) -> CellFeatures) -> Lineage {
    let cell = |(id, cell): (&String, &Value)| {
        let daughters: Vec<_> = list(cell, "daughters").iter().map(optional_id).collect();
        let made = Cell {
            mother: optional_id(&cell["mother"]),
            first_frame: cell["first"].as_u64().unwrap() as usize,
            features: (0..daughters.len()).map(|i| feature(cell, i)).collect(),
            daughters,
        };
        (id.parse().unwrap(), made)
    };
    Lineage::from_cells(state.as_object().unwrap().iter().map(cell)).unwrap()
}

/// The tagged lineage of a state.
pub fn tagged_lineage(state: &Value) -> Lineage {
    lineage_of(state, |cell, i| {
        tagged(list(cell, "tags")[i].as_f64().unwrap() as f32, list(cell, "flip")[i] == json!(1))
    })
}

/// The state of a tagged lineage, cells in their order.
pub fn state_of(lineage: &Lineage) -> Value {
    let mut state = Map::new();
    for &id in lineage.ids() {
        let cell = lineage.cell(id).unwrap();
        let flip = |f: &CellFeatures| i32::from(f.old_pole[1] == 1.0);
        let of_cell = json!({
            "mother": cell.mother,
            "first": cell.first_frame,
            "daughters": cell.daughters,
            "tags": cell.features.iter().map(|f| f.length as i64).collect::<Vec<_>>(),
            "flip": cell.features.iter().map(flip).collect::<Vec<_>>(),
        });
        state.insert(id.to_string(), of_cell);
    }
    Value::Object(state)
}
