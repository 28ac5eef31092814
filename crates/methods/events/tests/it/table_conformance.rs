//! Operations on tables of events against astroCAST's.

use hooke_events::table::{
    Events, Filter, Instructions, Mode, Over, PadMode, PadSide, Step, Values, normalize,
};
use serde_json::{Value, json};

use crate::conformance_kit::{json, numbers};

fn lists(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], what: &Value) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (f, e) in found.iter().zip(expected) {
            let by = (f - e).abs();
            assert!(
                by <= 1e-12 * e.abs().max(1.0) || (f.is_nan() && e.is_nan()),
                "{what}: {f} {e}"
            );
        }
    }
}

#[test]
fn normalisations_are_the_peers() {
    let Some(file) = json("normalization.json") else { return };
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let data = lists(&file[case["data"].as_str().unwrap()]);
        let instructions = match case.get("instructions") {
            Some(instructions) => instructions.clone(),
            None => {
                json!({"0": [case["op"], {"mode": case["mode"], "population_wide": case["population_wide"]}]})
            }
        };
        let instructions: Instructions = serde_json::from_value(instructions).unwrap();
        let mut found = data.clone();
        normalize(&mut found, &instructions).unwrap();
        if let Some(expected) = case.get("out") {
            compared += 1;
            assert_close(&found, &lists(expected), case);
        } else {
            // The peer has no median of traces of different lengths.
            let [Step::Subtract(Mode::Median, over) | Step::Divide(Mode::Median, over)] =
                instructions.0[..]
            else {
                panic!("{case}");
            };
            let middle = |v: &[f64]| {
                let mut v = v.to_vec();
                v.sort_by(f64::total_cmp);
                v[v.len() / 2]
            };
            let by = |i: usize| {
                if over == Over::Population { middle(&data.concat()) } else { middle(&data[i]) }
            };
            let is_division = matches!(instructions.0[0], Step::Divide(..));
            let apply = |v: f64, by: f64| if is_division { v / by } else { v - by };
            let expected: Vec<Vec<f64>> = data
                .iter()
                .enumerate()
                .map(|(i, t)| t.iter().map(|v| apply(*v, by(i))).collect())
                .collect();
            assert_close(&found, &expected, case);
        }
    }
    assert!(compared >= 40, "{compared}");
}

fn table(file: &Value) -> Events {
    let rows = file["table"].as_array().unwrap();
    let integers = |name: &str| Values::Integers(rows.iter().map(|r| r[name].as_i64()).collect());
    let mut columns: Vec<(String, Values)> = ["z0", "z1", "dz", "v_area", "cluster"]
        .map(|name| (name.to_owned(), integers(name)))
        .into();
    columns.push((
        "group".into(),
        Values::Texts(rows.iter().map(|r| r["group"].as_str().map(str::to_owned)).collect()),
    ));
    columns.push((
        "trace".into(),
        Values::Traces(rows.iter().map(|r| numbers(&r["trace"])).collect()),
    ));
    Events::from_columns(columns, 40).unwrap()
}

#[test]
fn filters_pick_the_peers_rows() {
    let Some(file) = json("events_table.json") else { return };
    let events = table(&file);
    for case in file["filter"].as_array().unwrap() {
        let filters: Vec<(&str, Filter)> = case["filters"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                let list = value.as_array().unwrap();
                let is_words = list.iter().any(Value::is_string);
                let filter = if is_words {
                    Filter::one_of(list.iter().map(|v| v.as_str().unwrap()))
                } else {
                    Filter::range(list[0].as_f64(), list[1].as_f64())
                };
                (name.as_str(), filter)
            })
            .collect();
        let expected: Vec<u64> =
            case["index"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
        assert_eq!(events.filter(&filters).unwrap().index(), expected, "{case}");
    }
}

#[test]
fn layouts_and_counts_are_the_peers() {
    let Some(file) = json("events_table.json") else { return };
    let mut events = table(&file);
    let labels: Vec<i64> =
        (0..24).map(|i| file["lookup"][i.to_string()].as_i64().unwrap()).collect();
    let lookup = events.lookup_table(&labels, -1).unwrap();
    assert!(lookup.iter().all(|(i, label)| label == labels[i as usize]));
    assert_eq!(lookup.get(99), file["lookup_default"].as_i64().unwrap());

    let counts = events.counts_per_cluster("cluster", None).unwrap();
    assert_eq!((counts.clusters, counts.groups), (vec![0, 1, 2, 3], vec!["count".to_owned()]));
    let expected = &file["counts"];
    for (cluster, count) in
        expected["index"].as_array().unwrap().iter().zip(numbers(&expected["data"]))
    {
        assert_eq!(counts.counts[cluster.as_u64().unwrap() as usize], [count as u64]);
    }
    let counts = events.counts_per_cluster("cluster", Some("group")).unwrap();
    assert_eq!(counts.groups, ["a", "b", "c"]);
    let expected = &file["counts_group"];
    for (cluster, row) in expected["index"].as_array().unwrap().iter().zip(lists(&expected["data"]))
    {
        for (group, count) in expected["columns"].as_array().unwrap().iter().zip(row) {
            let column = counts.groups.iter().position(|g| g == group.as_str().unwrap()).unwrap();
            assert_eq!(counts.counts[cluster.as_u64().unwrap() as usize][column], count as u64);
        }
    }

    let rows = events.to_tsfresh().unwrap();
    assert_eq!(rows.len(), file["tsfresh_shape"][0].as_u64().unwrap() as usize);
    for (row, expected) in rows.iter().zip(file["tsfresh_head"].as_array().unwrap()) {
        assert_eq!(json!({"id": row.id, "time": row.time, "dim_0": row.dim_0}), *expected);
    }

    let matrix = events.to_matrix(0.0).unwrap();
    let matrix: Vec<Vec<f64>> = matrix.outer_iter().map(|r| r.to_vec()).collect();
    for (found, expected) in
        matrix.iter().flatten().zip(lists(&file["to_numpy_no_nan"]).iter().flatten())
    {
        assert!((found - expected).abs() < 1e-6, "float32 there");
    }
    events.enforce_length(Some(6), Some(8), PadMode::Edge, PadSide::End).unwrap();
    for (found, expected) in events.traces().unwrap().iter().zip(lists(&file["enforce_6_8"])) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6));
    }
}
