//! Scores against py-ctcmetrics, and against what can be counted by hand.
//!
//! `ctc_cases.json`: seven frames of cells that grow and divide in rows, results with random errors, and the figures of
//! py-ctcmetrics 1.3 for them.

use hooke_lineage::ctc::CtcTrack;
use hooke_lineage::score::{
    FrameMatches, LinkSet, ScoredCell, score_biology, score_lineage, score_links,
};
use hooke_lineage::track::Spot;
use ndarray::{Array2, array};
use serde_json::Value;

fn image(rows: &Value) -> Array2<u32> {
    let rows: Vec<Vec<u32>> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap().split(' ').map(|v| v.parse().unwrap()).collect())
        .collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).unwrap()
}

fn tracks(rows: &Value) -> Vec<CtcTrack> {
    let number = |v: &Value| v.as_u64().unwrap();
    let track = |row: &Value| CtcTrack {
        label: number(&row[0]) as u32,
        first: number(&row[1]) as usize,
        last: number(&row[2]) as usize,
        parent: Some(number(&row[3]) as u32).filter(|p| *p > 0),
    };
    rows.as_array().unwrap().iter().map(track).collect()
}

#[test]
fn figures_are_those_of_the_challenge() {
    let cases: Value = serde_json::from_str(include_str!("ctc_cases.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let frames: Vec<FrameMatches> = case["truth"]
            .as_array()
            .unwrap()
            .iter()
            .zip(case["result"].as_array().unwrap())
            .map(|(a, b)| FrameMatches::of(image(a).view(), image(b).view()).unwrap())
            .collect();
        let (truth, result) = (tracks(&case["truth_tracks"]), tracks(&case["result_tracks"]));
        let figures = &case["figures"];
        let score = score_lineage(&frames, &truth, &result, 1);
        for (name, found) in [
            ("seg", score.seg),
            ("det", score.det),
            ("tra", score.tra),
            ("lnk", score.lnk),
            ("ct", score.complete_tracks),
        ] {
            let wanted = figures[name].as_f64().unwrap();
            assert!((found.unwrap() - wanted).abs() < 1e-9, "{name}: {found:?}, wanted {wanted}");
        }
        let aogm = serde_json::to_value(score.aogm).unwrap();
        for name in ["ns", "fn", "fp", "ed", "ea", "ec"] {
            assert_eq!(aogm[name], figures[name], "{name}");
        }
        for tolerance in 0..3 {
            let counts = score_lineage(&frames, &truth, &result, tolerance).division.counts;
            let wanted = &figures[format!("div{tolerance}")];
            assert_eq!(serde_json::json!([counts.tp, counts.fp, counts.r#fn]), *wanted);
        }
    }
}

#[test]
fn a_perfect_and_an_empty_result_score_one_and_zero() {
    let (truth, empty) = (array![[1, 1, 0, 2]], array![[0, 0, 0, 0]]);
    let track = |label| CtcTrack { label, first: 0, last: 1, parent: None };
    let tracks = [track(1), track(2)];
    let same = FrameMatches::of(truth.view(), truth.view()).unwrap();
    let score = score_lineage(&[same.clone(), same], &tracks, &tracks, 1);
    let all = [score.seg, score.det, score.tra, score.lnk, score.edge_f1, score.complete_tracks];
    assert_eq!(all, [Some(1.0); 6]);
    assert_eq!((score.division.f1, score.n.frames, score.n.truth_objects), (None, 2, 4));

    let none = FrameMatches::of(truth.view(), empty.view()).unwrap();
    let score = score_lineage(&[none.clone(), none], &tracks, &[], 1);
    assert_eq!([score.seg, score.det, score.tra, score.lnk], [Some(0.0); 4]);
    let nothing = score_lineage(&[], &[], &[], 1);
    assert_eq!((nothing.seg, nothing.tra, nothing.complete_tracks), (None, None, None));
    let other = array![[1, 1, 0]];
    assert!(FrameMatches::of(truth.view(), other.view()).is_err());
}

#[test]
fn measured_quantities_are_compared_where_cells_match() {
    let image = array![[1, 1, 2]];
    let frames = vec![FrameMatches::of(image.view(), image.view()).unwrap(); 3];
    let track = |label| CtcTrack { label, first: 0, last: 2, parent: None };
    let tracks = [track(1), track(2)];
    let cell = |factor: f64, frame: usize, label: u32| ScoredCell {
        length: factor * 20.0,
        width: 8.0,
        area: factor * factor * 100.0,
        growth_rate: factor * 0.05,
        poles: Some(if factor > 1.0 && frame == 2 {
            [[9.0; 2], [1.0; 2]]
        } else {
            [[1.0; 2], [9.0; 2]]
        }),
        is_at_edge: label == 2,
    };
    let truth = |frame, label| Some(cell(1.0, frame, label));
    let found = |frame, label| Some(cell(1.1, frame, label));
    let score = score_biology(&frames, &tracks, &tracks, truth, found);
    let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-9;
    assert!(near(score.length_bias, 0.1) && near(score.length_mae, 0.1));
    assert!(near(score.width_bias, 0.0) && near(score.area_bias, 0.21));
    assert!(near(score.growth_rate_error, 0.1) && near(score.old_pole_accuracy, 2.0 / 3.0));
    assert_eq!(score.generation_time_error, None);
    let nothing = score_biology(&frames, &tracks, &tracks, |_, _| None, found);
    assert_eq!(nothing, Default::default());
}

#[test]
fn links_and_divisions_are_counted() {
    let set = |pairs: &[(usize, usize)]| {
        let mut set = LinkSet::default();
        pairs.iter().for_each(|(a, b)| set.insert(Spot::new(0, *a), Spot::new(1, *b)));
        set
    };
    let truth = set(&[(0, 0), (1, 1), (1, 2), (2, 3), (2, 4)]);
    let found = set(&[(0, 0), (1, 1), (1, 2), (2, 3), (3, 4)]);
    let score = score_links(&truth, &found);
    assert_eq!((score.edges.tp, score.edges.fp, score.edges.r#fn), (4, 1, 1));
    assert_eq!((score.divisions.tp, score.divisions.fp, score.divisions.r#fn), (1, 0, 1));
    assert_eq!(score.divisions.f1(), Some(2.0 / 3.0));
}
