//! File expressions against the answers of the reference tool (`conformance/stitch`).

use hooke_io::expression::{Expression, TagValue, TagValues, detect};
use serde_json::Value;

fn reference() -> Option<Value> {
    let Some(shared) = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data");
        return None;
    };
    let text = std::fs::read(shared.join("conformance/stitch/expressions.json")).unwrap();
    Some(serde_json::from_slice(&text).unwrap())
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

fn expected_values(value: &Value) -> Option<TagValues> {
    let object = value.as_object().unwrap();
    // The reference answers no match with no values.
    (!object.is_empty()).then(|| {
        object
            .iter()
            .map(|(name, v)| {
                let value = match v.as_u64() {
                    Some(number) => TagValue::Integer(number),
                    None => TagValue::Text(v.as_str().unwrap().to_owned()),
                };
                (name.clone(), value)
            })
            .collect()
    })
}

/// Names that the reference matches because it is not anchored; ours refuses them.
const NOT_ANCHORED: [&str; 2] = ["scan_01_12.tiff", "/a/scan_07_00.tif"];

#[test]
fn values_globs_and_patterns_agree() {
    let Some(reference) = reference() else { return };
    let mut compared = 0;
    for case in reference["expressions"].as_array().unwrap() {
        let text = case["expression"].as_str().unwrap();
        let expression: Expression = text.parse().unwrap();
        let names = strings(&case["names"]);
        if case.get("error").is_some() {
            match text {
                // There the reference crashes on a tag that matches nothing.
                "a_<X>_<Y>.tif" => {
                    let got: Vec<_> = names.iter().map(|n| expression.matches(n)).collect();
                    assert_eq!(got[0].as_ref().unwrap().integer("Y"), Some(14));
                    assert_eq!(got[1].as_ref().unwrap().integer("X"), Some(3));
                    assert_eq!(got[2], None);
                }
                // There it refuses tags without a name, although they are documented.
                "p_<,2>_<,3>.tif" => {
                    let got = expression.matches(names[0]).unwrap();
                    assert_eq!((got.integer("Tag0"), got.integer("Tag1")), (Some(1), Some(2)));
                }
                other => panic!("no expectation for {other}"),
            }
            continue;
        }
        let tags: Vec<&str> = expression.tags().iter().map(|t| t.name.as_str()).collect();
        assert_eq!(tags, strings(&case["tag_names"]), "{text}");
        assert_eq!(expression.glob(), case["glob"].as_str().unwrap());
        assert_eq!(expression.regex(), case["re"].as_str().unwrap());
        for (name, values) in names.iter().zip(case["values"].as_array().unwrap()) {
            let expected = expected_values(values).filter(|_| !NOT_ANCHORED.contains(name));
            assert_eq!(expression.matches(name), expected, "{text} {name}");
            compared += 1;
        }
        let first = expression.matches(names[0]).unwrap();
        let formatted = expression.format(&first).unwrap();
        assert_eq!(formatted, case["string_of_first"].as_str().unwrap());
    }
    assert!(compared >= 12, "only {compared} names compared");
}

#[test]
fn detected_expressions_agree() {
    let Some(reference) = reference() else { return };
    for case in reference["detect"].as_array().unwrap() {
        let names = strings(&case["names"]);
        let expected = match case["detected"].as_str().unwrap() {
            // Known wrong there.
            "z<Tag0,I,3><Tag1,I,4>8.tif" => "z<Tag0,4>.tif",
            other => other,
        };
        assert_eq!(detect(&names).unwrap(), expected.parse().unwrap());
    }
}
