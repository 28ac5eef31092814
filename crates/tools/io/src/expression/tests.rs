#![allow(clippy::unwrap_used)]
use super::*;
use crate::Error;

fn expression(text: &str) -> Expression {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn values(of: &[(&str, TagValue)]) -> TagValues {
    of.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect()
}

#[test]
fn both_spellings_mean_the_same() {
    assert_eq!(expression("a<X,2>_<N,S>_<Y>"), expression("a{x:02}_{N:s}_{y}"));
    assert_eq!(expression("s<N,S,3>"), expression("s<N,3,S>"));
    assert_eq!(expression("s<N,S,3>"), expression("s{N:3s}"));
    assert_eq!(expression("p_<,2>_{}").tags()[1].name, "Tag1");
    assert_eq!(expression("p_<Tag0,2>_<,2>").tags()[1].name, "Tag1");
}

#[test]
fn the_whole_path_must_match() {
    let e = expression("scan_<X,2>.tif");
    assert!(e.matches("scan_01.tiff").is_none());
    assert!(e.matches("/a/scan_01.tif").is_none());
    assert!(e.matches("scan_1.tif").is_none());
    assert!(e.matches("scan_01.tif").is_some());
}

#[test]
fn a_tag_without_width_takes_one_or_more_also_at_the_end() {
    let e = expression("a_<X>_<Y>");
    assert!(e.matches("a__1").is_none());
    assert!(e.matches("a_1_").is_none());
    let found = e.matches("a_003_14").unwrap();
    assert_eq!((found.integer("x"), found.integer("Y")), (Some(3), Some(14)));
    // Text takes all it can and gives back what the rest needs.
    let found = expression("<N,S>_<X>").matches("a_b_7").unwrap();
    assert_eq!(found.get("N"), Some(&TagValue::Text("a_b".to_owned())));
}

#[test]
fn a_repeated_name_is_the_same_text_even_when_that_needs_a_second_try() {
    let e = expression("<N,S>_<N>");
    assert_eq!(e.matches("a_b_a_b").unwrap().get("N"), Some(&TagValue::Text("a_b".to_owned())));
    assert!(e.matches("a_b").is_none());
}

#[test]
fn doubled_brackets_are_characters() {
    let e = expression("a<<b{{c<X>");
    assert!(e.matches("a<b{c1").is_some());
    assert_eq!(expression(&e.to_string()), e);
}

#[test]
fn mistakes_point_at_their_place() {
    let at = |text: &str| {
        let error = text.parse::<Expression>().unwrap_err();
        (error.at.clone(), error.mistake)
    };
    assert_eq!(at("a_<X,2"), (2..6, Mistake::Unclosed('>', '<')));
    assert_eq!(at("a_<X,Q>"), (5..6, Mistake::BadField("Q".to_owned())));
    assert_eq!(at("a_<X,0>"), (5..6, Mistake::BadField("0".to_owned())));
    assert_eq!(at("<X,2>/<X,3>"), (6..11, Mistake::Differs("X".to_owned())));
    assert_eq!(at("<2>").1, Mistake::BadName("2".to_owned()));
    assert_eq!(at("<X,2,3>"), (5..6, Mistake::Twice("width")));
    assert_eq!(at("<X,20>").1, Mistake::TooManyDigits(20));
    assert_eq!(at("").1, Mistake::Empty);
    let error = "µ_<X,Q>".parse::<Expression>().unwrap_err();
    assert_eq!(error.caret(), "µ_<X,Q>\n     ^");
    assert_eq!(
        error.to_string(),
        "expression `µ_<X,Q>`, character 6: `Q` is neither a type (I digits, S text) nor a width \
         from 1 to 255"
    );
}

#[test]
fn values_that_do_not_fit_are_named() {
    let e = expression("a<X,2>_<N,S,3>");
    let good = values(&[("X", TagValue::Integer(7)), ("N", TagValue::Text("b".to_owned()))]);
    assert_eq!(e.format(&good).unwrap(), "a07_00b");
    let long = values(&[("X", TagValue::Integer(100))]);
    assert_eq!(
        e.format(&long).unwrap_err().to_string(),
        "`100` does not fit the 2 characters of tag X"
    );
    assert_eq!(e.format(&TagValues::default()), Err(FormatError::Missing("X".to_owned())));
}

#[test]
fn many_open_tags_are_searched_in_bounded_time() {
    let e = expression("<A,S><B,S><C,S><D,S><E,S><F,S><G,S>!");
    assert!(e.matches(&"a".repeat(200)).is_none());
}

#[test]
fn folders_are_searched_and_sorted_naturally() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    for name in ["p10/a_1.zarr", "p10/a_2.zarr", "p9/a_1.zarr", "p9/b_1.zarr", "q/a_1.zarr"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("p11"), "a file where a folder is looked for").unwrap();
    let found = expression(&format!("{root}/p<X>/a_<Y,1>.zarr")).find().unwrap();
    let got: Vec<_> = found
        .iter()
        .map(|f| (f.values.integer("X").unwrap(), f.values.integer("Y").unwrap()))
        .collect();
    assert_eq!(got, [(9, 1), (10, 1), (10, 2)]);
    assert!(found.iter().all(|f| f.path.is_dir()));
    // The same tag in folder and file.
    std::fs::create_dir_all(folder.path().join("p9/s9")).unwrap();
    std::fs::create_dir_all(folder.path().join("p10/s9")).unwrap();
    assert_eq!(expression(&format!("{root}/p<X>/s<X>")).find().unwrap().len(), 1);
}

#[test]
fn no_match_names_the_pattern_the_folder_and_the_nearest_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    for name in ["scan_01_02.tiff", "scan_1_2.tif", "notes.txt", "scan_01_02.tiff.bak"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let error = expression(&format!("{root}/scan_<X,2>_<Y,2>.tif")).find().unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "{root}/: no path that matches `{root}/scan_[0-9][0-9]_[0-9][0-9].tif`; the nearest \
             names are `scan_01_02.tiff`, `scan_1_2.tif`, `scan_01_02.tiff.bak`"
        )
    );
    let error = expression(&format!("{root}/none/<X>.tif")).find().unwrap_err();
    assert!(error.to_string().starts_with(&format!("{root}/: no path that matches")));
}

#[test]
fn detected_numbers_have_no_more_digits_than_fit() {
    let zeros = "0".repeat(30);
    let names = [format!("a{zeros}1.tif"), format!("a{zeros}2.tif")];
    let expression = detect(&names).unwrap();
    assert_eq!(expression.to_string(), format!("a{}<Tag0,19>.tif", "0".repeat(12)));
    assert!(expression.matches(&names[1]).is_some());
    let names = ["12345678901234567890", "21234567890123456789"];
    assert_eq!(detect(&names).unwrap().to_string(), "<Tag0,S,20>");
    assert!(detect(&names).unwrap().matches(names[0]).is_some());
}

#[test]
fn detection_refuses_what_it_cannot_express() {
    assert_eq!(detect(&["a"]), Err(DetectError::TooFew(1)));
    assert!(matches!(detect(&["a1", "a10"]), Err(DetectError::Lengths(..))));
    assert!(matches!(detect(&["a1", "a1"]), Err(DetectError::Same(_))));
    assert!(matches!(detect(&["a/1", "ab1"]), Err(DetectError::Folders(..))));
    assert_eq!(detect(&["t1001.tif", "t2002.tif"]).unwrap().to_string(), "t<Tag0,4>.tif");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// An expression whose tags are kept apart by text, and values that fill it.
    fn filled() -> impl Strategy<Value = (String, TagValues)> {
        let integer = (any::<u32>(), prop::option::of(10usize..15))
            .prop_map(|(v, w)| (TagValue::Integer(v.into()), w, ""));
        let text = "[a-z0-9]{1,6}".prop_map(|t| {
            let width = t.len();
            (TagValue::Text(t), Some(width), ",S")
        });
        prop::collection::vec((prop_oneof![integer, text], "[-_/µ{<\\[ ]{1,3}"), 1..5).prop_map(
            |tags| {
                let mut written = "p".to_owned();
                let mut values = TagValues::default();
                for (number, ((value, width, kind), text)) in tags.into_iter().enumerate() {
                    let width = width.map_or(String::new(), |w| format!(",{w}"));
                    written.push_str(&text.replace('<', "<<").replace('{', "{{"));
                    // `<<` directly before a tag would read as a character and a name.
                    written.push('-');
                    written.push_str(&format!("<T{number}{kind}{width}>"));
                    values.set(&format!("T{number}"), value);
                }
                (written, values)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn formatting_then_parsing_is_the_identity((text, values) in filled()) {
            let e = expression(&text);
            prop_assert_eq!(&expression(&e.to_string()), &e);
            let path = e.format(&values).unwrap();
            prop_assert_eq!(e.matches(&path), Some(values));
        }

        #[test]
        fn no_text_panics(text in "[<>{},:a-zA-Z0-9/µ]{0,40}", path in "[a-z0-9/µ]{0,20}") {
            if let Ok(e) = text.parse::<Expression>() {
                prop_assert_eq!(&expression(&e.to_string()), &e);
                if let Some(values) = e.matches(&path) {
                    prop_assert!(e.format(&values).is_ok() || e.tags().is_empty());
                }
            }
        }

        #[test]
        fn a_detected_expression_matches_its_names(names in prop::collection::vec("[a0-2_]{5}", 2..5)) {
            if let Ok(e) = detect(&names) {
                for name in &names {
                    prop_assert!(e.matches(name).is_some(), "{} {}", e, name);
                }
            }
        }
    }
}
