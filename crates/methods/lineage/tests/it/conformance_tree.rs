//! Lineages against DeLTA's answers.

use hooke_lineage::tree::{CellId, EditOp, Lineage};
use serde_json::Value;

use crate::kit::{answers, optional_id, state_of, tagged, tagged_lineage};

fn frame(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn built(steps: &Value) -> Lineage {
    let mut lineage = Lineage::new();
    for (i, step) in steps.as_array().unwrap().iter().enumerate() {
        let (args, tag) = (&step["args"], tagged(i as f32 + 1.0, false));
        match step["op"].as_str().unwrap() {
            "create" => {
                let id = lineage.create(frame(&args[0]), tag, optional_id(&args[1])).unwrap();
                assert_eq!(Some(id), optional_id(&step["ok"]));
            }
            "extend" => lineage.extend(args[0].as_u64().unwrap() as CellId, tag).unwrap(),
            other => panic!("unknown step {other}"),
        }
    }
    lineage
}

fn op_of(step: &Value) -> EditOp {
    let args: Vec<Option<u64>> =
        step["args"].as_array().unwrap().iter().map(Value::as_u64).collect();
    EditOp::from_args(step["op"].as_str().unwrap(), &args).unwrap()
}

#[test]
fn operations_leave_what_delta_leaves_and_fail_where_it_fails() {
    let Some(trees) = answers("lineage_ops.json") else { return };
    for tree in trees.as_array().unwrap() {
        let mut lineage = built(&tree["build"]);
        assert_eq!(lineage, tagged_lineage(&tree["initial"]));
        for step in tree["steps"].as_array().unwrap() {
            let before = lineage.clone();
            match (lineage.apply(op_of(step)), step["error"].as_str()) {
                (Ok((edit, _)), None) => assert_eq!(edit.result, optional_id(&step["ok"])),
                (Err(error), Some(name)) => {
                    assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}, {name}");
                    assert_eq!(lineage, before);
                }
                (outcome, wanted) => panic!("{step}: {outcome:?}, wanted {wanted:?}"),
            }
            assert_eq!(state_of(&lineage), step["state"], "{}", step["op"]);
            let order: Vec<String> = lineage.ids().iter().map(ToString::to_string).collect();
            let wanted: Vec<&String> = step["state"].as_object().unwrap().keys().collect();
            assert_eq!(order.iter().collect::<Vec<_>>(), wanted);
            lineage.validate().unwrap();
        }
        assert_eq!(lineage.diagram(), tree["text"].as_str().unwrap());
    }
}

#[test]
fn diagrams_are_drawn_as_delta_draws_them() {
    let Some(cases) = answers("diagrams.json") else { return };
    for case in cases.as_array().unwrap() {
        assert_eq!(tagged_lineage(&case["state"]).diagram(), case["text"].as_str().unwrap());
    }
}
