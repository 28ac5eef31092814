//! What must hold for any table of events.

use hooke_events::characterize::{COLUMNS, Recording, characterize};
use hooke_events::table::{
    Events, Extension, Filter, Instructions, Mode, Over, PadMode, PadSide, Step, TraceReader,
    Values, normalize,
};
use ndarray::{Array3, Axis, s};
use proptest::prelude::*;

use crate::characterize_kit::random_map;

const SHAPE: [usize; 3] = [12, 14, 16];

fn measured(seed: u64) -> (Array3<u32>, Array3<f32>, Events) {
    let (labels, movie) = random_map(seed, SHAPE, 6);
    let recording = Recording { frame_interval_s: Some(0.5), ..Recording::of_shape(SHAPE) };
    let rows = characterize(labels.view(), movie.view(), None, recording, None).unwrap();
    let events = Events::from_rows(&rows, SHAPE[0]);
    (labels, movie, events)
}

fn texts(words: &[Option<&str>]) -> Values {
    Values::Texts(words.iter().map(|w| w.map(str::to_owned)).collect())
}

fn read(
    events: &Events,
    movie: &Array3<f32>,
    step: usize,
    extension: Extension,
    use_footprint: bool,
) -> Events {
    let mut reader = TraceReader::new(events, extension, use_footprint).unwrap();
    movie.axis_chunks_iter(Axis(0), step).for_each(|slab| reader.push(slab).unwrap());
    reader.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn painting_the_masks_gives_the_map_back(seed in 0_u64..1000) {
        let (labels, _, events) = measured(seed);
        prop_assert_eq!(events.columns().len(), COLUMNS.len());
        prop_assert_eq!(&events.event_map(SHAPE).unwrap(), &labels);
        let frames = events.time_map().unwrap();
        for (frame, ids) in labels.outer_iter().zip(frames) {
            let mut present: Vec<u32> = frame.iter().copied().filter(|id| *id > 0).collect();
            present.sort_unstable();
            present.dedup();
            prop_assert!(present.iter().all(|id| ids.contains(id)));
            prop_assert!(ids.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn extended_traces_hold_the_old_ones(seed in 0_u64..1000, before in 0_usize..4, behind in 0_usize..4) {
        let (_, movie, events) = measured(seed);
        let extended = read(&events, &movie, 5, Extension::Frames(before, behind), false);
        prop_assert_eq!(&read(&events, &movie, 12, Extension::Frames(before, behind), false), &extended);
        let z0 = |e: &Events, name: &str| match e.column(name).unwrap() {
            Values::Integers(v) => v.iter().map(|v| v.unwrap() as usize).collect::<Vec<_>>(),
            _ => panic!("integers"),
        };
        let (new, old) = (z0(&extended, "z0"), z0(&extended, "z0_orig"));
        prop_assert_eq!(&z0(&events, "z0"), &old);
        for (i, (long, short)) in extended.traces().unwrap().iter().zip(events.traces().unwrap()).enumerate() {
            let offset = old[i] - new[i];
            prop_assert!(offset == before.min(old[i]));
            for (a, b) in long[offset..].iter().zip(short) {
                prop_assert!((a - b).abs() < 1e-6);
            }
        }
        let all = read(&events, &movie, 4, Extension::All, true);
        prop_assert!(all.traces().unwrap().iter().all(|t| t.len() == SHAPE[0]));
    }

    #[test]
    fn min_max_lands_between_0_and_1(values in prop::collection::vec(prop::collection::vec(-50.0..50.0_f64, 1..9), 1..6)) {
        let mut traces = values.clone();
        normalize(&mut traces, &Instructions::min_max()).unwrap();
        for (trace, old) in traces.iter().zip(&values) {
            prop_assert!(trace.iter().all(|v| (0.0..=1.0 + 1e-12).contains(v)));
            prop_assert!(old.len() == 1 || trace.iter().any(|v| (v - 1.0).abs() < 1e-12));
        }
        let mut traces = values.clone();
        normalize(&mut traces, &Instructions::mean_std()).unwrap();
        for trace in traces.iter().filter(|t| t.len() > 1) {
            prop_assert!(trace.iter().sum::<f64>().abs() < 1e-9);
        }
    }
}

#[test]
fn missing_samples_are_filled_or_spread() {
    let nan = f64::NAN;
    let run = |steps: Vec<Step>| {
        let mut traces = vec![vec![nan, 1.0, nan, nan, 4.0, nan], vec![nan], vec![]];
        normalize(&mut traces, &Instructions(steps)).unwrap();
        traces
    };
    let filled = run(vec![Step::ImputeNan(None)]);
    assert_eq!(filled[0], [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    assert!(filled[1][0].is_nan() && filled[2].is_empty());
    assert_eq!(run(vec![Step::ImputeNan(Some(7.0))])[1], [7.0]);
    assert!(run(vec![Step::Subtract(Mode::Mean, Over::Trace)])[0].iter().all(|v| v.is_nan()));
    let mut even = vec![vec![1.0, 5.0], vec![3.0, 5.0]];
    normalize(&mut even, &Instructions(vec![Step::Subtract(Mode::Mean, Over::TimePoint)])).unwrap();
    assert_eq!(even, [[-1.0, 0.0], [1.0, 0.0]]);
    let mut ragged = vec![vec![1.0], vec![1.0, 2.0]];
    let steps = Instructions(vec![Step::Divide(Mode::Std, Over::TimePoint)]);
    assert!(normalize(&mut ragged, &steps).unwrap_err().to_string().contains("one length"));
    let read = |text: &str| serde_json::from_str::<Instructions>(text);
    assert_eq!(
        read(r#"{"10": "diff", "9": ["impute_nan", {"fixed_value": 1}]}"#).unwrap().0,
        [Step::ImputeNan(Some(1.0)), Step::Diff]
    );
    for bad in [
        r#"{"0": "divid"}"#,
        r#"{"0": ["divide", {}]}"#,
        r#"{"x": "diff"}"#,
        r#"{"0": ["diff", {"mod": 1}]}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

fn small() -> Events {
    let columns = vec![
        ("z0".to_owned(), Values::Integers(vec![Some(0), Some(2), Some(3)])),
        ("z1".to_owned(), Values::Integers(vec![Some(2), Some(4), Some(5)])),
        ("group".to_owned(), texts(&[Some("a"), Some("b"), None])),
        ("size".to_owned(), Values::Numbers(vec![Some(1.0), None, Some(f64::NAN)])),
        ("trace".to_owned(), Values::Traces(vec![vec![1.0, 2.0], vec![3.0, 5.0], vec![7.0, 9.0]])),
    ];
    Events::from_columns(columns, 5).unwrap()
}

#[test]
fn nothing_passes_by_a_null_and_nothing_may_be_left() {
    let events = small();
    let open = [("size", Filter::range(None, None))];
    assert_eq!(events.filter(&open).unwrap().index(), [0]);
    let none = events.filter(&[("size", Filter::range(Some(5.0), None))]).unwrap();
    assert!(none.is_empty() && none.to_matrix(0.0).unwrap().dim() == (0, 5));
    assert!(none.counts_per_cluster("z0", Some("group")).unwrap().counts.is_empty());
    assert!(none.summary_statistics(Some("group")).unwrap().is_empty());
    let message = |filters: &[(&str, Filter)]| events.filter(filters).unwrap_err().to_string();
    assert!(message(&[("sise", Filter::range(None, None))]).contains("there are z0, z1, group"));
    assert!(message(&[("group", Filter::range(None, None))]).contains("holds words, not numbers"));
    assert!(message(&[("size", Filter::one_of(["a"]))]).contains("holds numbers, not words"));
    assert_eq!(events.filter(&[("group", Filter::one_of(["b"]))]).unwrap().index(), [1]);
    assert_eq!(events.in_frames(1, 5).unwrap().index(), [1, 2]);
    assert!(events.in_frames(3, 3).is_err());
}

#[test]
fn averages_trials_and_times() {
    let mut events = small();
    let average = events.average_trace().unwrap();
    assert_eq!((average.mean, average.n), (vec![1.0, 2.0, 3.0, 6.0, 9.0], vec![1, 1, 1, 2, 1]));
    let trials = events.trials(&[1, 4], 3, None).unwrap();
    assert_eq!(trials.dim(), (2, 3, 3));
    assert!(trials[[0, 0, 0]].is_nan(), "before the movie");
    assert_eq!((trials[[0, 0, 1]], trials[[0, 0, 2]]), (1.0, 2.0));
    assert_eq!(trials.slice(s![1, 1, ..2]).to_vec(), [3.0, 5.0]);
    assert!(events.trials(&[1], 3, Some(4)).is_err());
    let features = events.features(&["z1", "size"]).unwrap();
    assert_eq!(features, [[2.0, 1.0], [4.0, 1.0], [5.0, 1.0]]);
    assert!(events.features(&["group"]).is_err());
    events.set_times(|z| z as f64 * 0.1).unwrap();
    let Values::Numbers(dt) = events.column("dt").unwrap() else { panic!("numbers") };
    assert!((dt[1].unwrap() - 0.2).abs() < 1e-12);
    assert_eq!(events.time_map().unwrap(), [vec![1], vec![1], vec![2], vec![2, 3], vec![3]]);
}

#[test]
fn groups_have_means_and_rates() {
    let mut events = small();
    let table = events.lookup_table(&[4, 4, 0], -1).unwrap();
    assert!(!events.add_clustering(&table, "cluster").unwrap());
    assert!(events.add_clustering(&table, "cluster").unwrap(), "replaced");
    assert!(events.lookup_table(&[1], -1).is_err());
    let left = events.filter(&[("group", Filter::one_of(["b"]))]).unwrap();
    let table = left.lookup_table(&[8], -1).unwrap();
    events.add_clustering(&table, "other").unwrap();
    assert_eq!(
        events.column("other").unwrap(),
        &Values::Integers(vec![Some(-1), Some(8), Some(-1)])
    );
    let all = events.summary_statistics(None).unwrap();
    let of = |column: &str| all.iter().find(|s| s.column == column).unwrap();
    assert_eq!((of("z0").n, of("size").n, of("size").sd), (3, 1, None));
    assert!((of("z0").mean.unwrap() - 5.0 / 3.0).abs() < 1e-12);
    assert!((of("z1").sd.unwrap() - 7.0_f64.sqrt() / 3.0_f64.sqrt()).abs() < 1e-12);
    let groups: Vec<_> =
        events.summary_statistics(Some("group")).unwrap().into_iter().map(|s| s.group).collect();
    assert!(groups.iter().all(Option::is_some) && groups.windows(2).all(|w| w[0] <= w[1]));

    let joined = Events::concat(&[("one".into(), small()), ("two".into(), events)]).unwrap();
    assert_eq!((joined.len(), joined.index()[5]), (6, 5));
    assert_eq!(
        joined.column("cluster").unwrap(),
        &Values::Integers(vec![None, None, None, Some(4), Some(4), Some(0)])
    );
    assert_eq!(joined.filter(&[("uid", Filter::one_of(["twox1"]))]).unwrap().index(), [4]);
    let rates = joined.frequency(None, Some("group"), 10.0).unwrap();
    assert_eq!(rates.counts.counts, [[2, 2]]);
    assert_eq!(rates.rates, [[0.1, 0.1]], "two events in two recordings of 10");
    assert!(joined.frequency(None, None, 0.0).is_err());
    assert!(Events::concat(&[("a".into(), small()), ("a".into(), small())]).is_err());
}

#[test]
fn maps_take_the_higher_id_and_refuse_what_leaves_them() {
    let columns =
        |name: &str, v: [i64; 2]| (name.to_owned(), Values::Integers(v.map(Some).to_vec()));
    let table = |end: i64| {
        Events::from_columns(
            vec![
                columns("z0", [0, 0]),
                columns("z1", [1, 1]),
                columns("x0", [0, 0]),
                columns("x1", [1, 1]),
                columns("y0", [0, 1]),
                columns("y1", [2, end]),
                ("mask".to_owned(), Values::Runs(vec![vec![0, 2], vec![0, 2]])),
            ],
            1,
        )
        .unwrap()
    };
    assert_eq!(table(3).event_map([1, 1, 3]).unwrap().as_slice().unwrap(), [1, 2, 2]);
    assert!(table(3).event_map([1, 1, 2]).unwrap_err().to_string().contains("leaves the map"));
    assert!(
        table(2).event_map([1, 1, 3]).unwrap_err().to_string().contains("does not fit its box")
    );
    assert!(small().event_map([5, 1, 1]).unwrap_err().to_string().contains("no column"));
}

#[test]
fn lengths_hold_at_one_bound_or_both() {
    let lengths = |min, max| {
        let mut events = small();
        events.enforce_length(min, max, PadMode::Constant, PadSide::Start)?;
        Ok::<_, hooke_events::EventsError>(events.traces()?.to_vec())
    };
    assert_eq!(lengths(None, Some(1)).unwrap(), [[1.0], [3.0], [7.0]]);
    assert_eq!(lengths(Some(3), None).unwrap()[1], [0.0, 3.0, 5.0]);
    assert_eq!(lengths(None, None).unwrap(), small().traces().unwrap());
    assert!(lengths(Some(3), Some(2)).is_err());
}
