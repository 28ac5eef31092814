//! What must hold for any clusters.

use hooke_core::seed::rng_at;
use hooke_events::cluster::{
    CountTreesParams, DensityParams, Distances, KMeansParams, Linkage, agreement, count_trees,
    cut_at, cut_into, dtw, euclidean, hdbscan, kmeans, leaf_order, linkage, pearson, renumber,
    silhouette, z_scored,
};
use hooke_events::table::Counts;
use proptest::prelude::*;
use rand::RngExt;

const ALL: [Linkage; 4] = [Linkage::Average, Linkage::Complete, Linkage::Single, Linkage::Ward];

/// Three clouds of different size, far apart, and their clouds.
fn clouds() -> (Vec<Vec<f64>>, Vec<i64>) {
    let mut rng = rng_at(5, "clouds", &[]);
    let mut points = Vec::new();
    let mut truth = Vec::new();
    for (label, (size, centre)) in [(12, 0.0), (9, 20.0), (7, -20.0)].into_iter().enumerate() {
        for _ in 0..size {
            points.push(vec![centre + rng.random::<f64>(), rng.random::<f64>() - centre]);
            truth.push(label as i64);
        }
    }
    (points, truth)
}

#[test]
fn clouds_are_found_by_every_method() {
    let (points, truth) = clouds();
    let distances = euclidean(&points).unwrap();
    for method in ALL {
        let merges = linkage(&distances, method);
        assert_eq!(cut_into(&merges, 3), truth, "{method:?}");
        assert_eq!(cut_at(&merges, 10.0), truth, "{method:?}");
        let mut order = leaf_order(&merges);
        order.sort_unstable();
        assert_eq!(order, (0..28).collect::<Vec<_>>());
    }
    let found = kmeans(&points, &KMeansParams { k: 3, ..KMeansParams::default() }).unwrap();
    assert_eq!(found.labels, truth);
    assert_eq!(found.centres.len(), 3);
    assert!((found.centres[1][0] - 20.5).abs() < 0.5);
    let inertia: f64 = points
        .iter()
        .zip(&found.labels)
        .map(|(p, l)| {
            p.iter().zip(&found.centres[*l as usize]).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        })
        .sum();
    assert!((inertia - found.inertia).abs() < 1e-9);
    let mut outlier = points.clone();
    outlier.push(vec![300.0, 300.0]);
    let mut expected = truth.clone();
    expected.push(-1);
    let found = hdbscan(&euclidean(&outlier).unwrap(), &DensityParams::default()).unwrap();
    assert_eq!(found, expected);
    let good = silhouette(&distances, &truth).unwrap().mean.unwrap();
    let bad: Vec<i64> = (0..28).map(|i| i % 3).collect();
    assert!(good > 0.9 && silhouette(&distances, &bad).unwrap().mean.unwrap() < 0.1);
}

#[test]
fn a_silhouette_worked_by_hand() {
    let distances = euclidean(&[vec![0.0], vec![1.0], vec![4.0], vec![9.0]]).unwrap();
    let found = silhouette(&distances, &[0, 0, 1, -1]).unwrap();
    // Item 0: 1 within, 4 to the other; item 1: 1 and 3; item 2 is alone.
    assert_eq!(found.items, [Some(0.75), Some(2.0 / 3.0), Some(0.0), None]);
    assert!(silhouette(&distances, &[0, 0, 0, 0]).unwrap().mean.is_none());
    assert!(silhouette(&distances, &[0]).is_err());
}

#[test]
fn nothing_one_and_nonsense() {
    for n in [0, 1] {
        let points = vec![vec![1.0]; n];
        let distances = euclidean(&points).unwrap();
        for method in ALL {
            assert!(linkage(&distances, method).is_empty());
        }
        assert_eq!(hdbscan(&distances, &DensityParams::default()).unwrap(), vec![-1; n]);
        assert!(kmeans(&points, &KMeansParams { k: 2, ..KMeansParams::default() }).is_err());
    }
    let equal = vec![vec![2.0, 2.0]; 6];
    assert_eq!(
        kmeans(&equal, &KMeansParams { k: 3, ..KMeansParams::default() }).unwrap().labels,
        [0; 6]
    );
    let distances = euclidean(&equal).unwrap();
    assert_eq!(hdbscan(&distances, &DensityParams::default()).unwrap().len(), 6);
    assert!(hdbscan(&distances, &DensityParams { min_cluster_size: 1, min_samples: 1 }).is_err());
    assert!(euclidean(&[vec![1.0], vec![1.0, 2.0]]).is_err());
    assert!(
        pearson(&[vec![f64::NAN]]).unwrap_err().to_string().contains("value 0 of event 0 is NaN")
    );
    assert!(dtw(&[vec![]], None).is_err());
    assert!(Distances::from_condensed(3, vec![1.0]).is_err());
    assert!(Distances::from_condensed(2, vec![-1.0]).is_err());
    assert_eq!(z_scored(&[vec![1.0, 5.0], vec![3.0, 5.0]]).unwrap(), [[-1.0, 0.0], [1.0, 0.0]]);
    assert!(agreement(&[1], &[]).is_err());
    let perfect = agreement(&[1, 1], &[0, 0]).unwrap();
    assert_eq!(
        (perfect.adjusted_mutual_info, perfect.normalized_mutual_info, perfect.adjusted_rand),
        (1.0, 1.0, 1.0)
    );
}

#[test]
fn trees_of_counts_find_the_groups() {
    let counts = Counts {
        clusters: vec![0, 1, 2],
        groups: ["a1", "b1", "a2", "b2"].map(str::to_owned).to_vec(),
        counts: vec![vec![90, 10, 80, 12], vec![10, 70, 14, 66], vec![5, 5, 5, 5]],
    };
    let trees = count_trees(&counts, &[0, 1, 0, 1], &CountTreesParams::default()).unwrap();
    assert_eq!(trees.scores.adjusted_rand, 1.0);
    assert_eq!((trees.rows.order.len(), trees.columns.merges.len()), (3, 3));
    assert_eq!(trees.table[2], [0.0; 4], "a constant row");
    assert!(trees.table[0].iter().sum::<f64>().abs() < 1e-12);
    let transposed = CountTreesParams { transpose: true, ..CountTreesParams::default() };
    assert!(count_trees(&counts, &[0, 1, 0, 1], &transposed).is_err(), "three columns now");
    let empty = Counts { clusters: vec![], groups: vec![], counts: vec![] };
    assert!(
        count_trees(&empty, &[], &CountTreesParams::default()).unwrap().columns.order.is_empty()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn trees_rise_and_cuts_nest(points in prop::collection::vec(prop::collection::vec(0_i32..6, 2), 2..14)) {
        let points: Vec<Vec<f64>> = points.iter().map(|p| p.iter().map(|v| f64::from(*v)).collect()).collect();
        let distances = euclidean(&points).unwrap();
        for method in ALL {
            let merges = linkage(&distances, method);
            prop_assert_eq!(merges.last().unwrap().size, points.len());
            for pair in merges.windows(2) {
                prop_assert!(pair[0].distance <= pair[1].distance);
            }
            for k in 1..=points.len() {
                let cut = cut_into(&merges, k);
                let count = cut.iter().max().unwrap() + 1;
                prop_assert!(count as usize <= k);
                prop_assert_eq!(&renumber(&cut), &cut);
            }
        }
        // Single linkage: together exactly when a chain of short steps joins them.
        let merges = linkage(&distances, Linkage::Single);
        let cut = cut_at(&merges, 1.5);
        let mut reach: Vec<usize> = (0..points.len()).collect();
        for _ in 0..points.len() {
            for i in 0..points.len() {
                for j in 0..points.len() {
                    if distances.get(i, j) <= 1.5 {
                        let low = reach[i].min(reach[j]);
                        (reach[i], reach[j]) = (low, low);
                    }
                }
            }
        }
        prop_assert_eq!(cut, renumber(&reach.iter().map(|r| *r as i64).collect::<Vec<_>>()));
    }

    #[test]
    fn distances_are_even_and_warping_never_lengthens(traces in prop::collection::vec(prop::collection::vec(-3.0..3.0_f64, 7), 2..6)) {
        let (straight, warped) = (euclidean(&traces).unwrap(), dtw(&traces, Some(2)).unwrap());
        let free = dtw(&traces, None).unwrap();
        for ((s, w), f) in straight.condensed().iter().zip(warped.condensed()).zip(free.condensed()) {
            prop_assert!(*w <= s + 1e-12 && *f <= w + 1e-12);
        }
        let mut reversed = traces.clone();
        reversed.reverse();
        let back = dtw(&reversed, Some(2)).unwrap();
        let n = traces.len();
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            prop_assert!((warped.get(i, j) - back.get(n - 1 - i, n - 1 - j)).abs() < 1e-12);
        }
        let scaled: Vec<Vec<f64>> = traces.iter().map(|t| t.iter().map(|v| 5.0 + 3.0 * v).collect()).collect();
        for (a, b) in pearson(&traces).unwrap().condensed().iter().zip(pearson(&scaled).unwrap().condensed()) {
            prop_assert!((a - b).abs() < 1e-9);
        }
    }

    #[test]
    fn agreement_does_not_see_names(labels in prop::collection::vec((0_i64..4, 0_i64..4), 2..30)) {
        let (a, b): (Vec<i64>, Vec<i64>) = labels.into_iter().unzip();
        let renamed: Vec<i64> = b.iter().map(|l| 7 - 3 * l).collect();
        let (first, second, back) = (agreement(&a, &b).unwrap(), agreement(&a, &renamed).unwrap(), agreement(&b, &a).unwrap());
        let near = |x: f64, y: f64| (x - y).abs() < 1e-9;
        prop_assert!(near(first.adjusted_mutual_info, second.adjusted_mutual_info));
        prop_assert!(near(first.adjusted_rand, back.adjusted_rand) && near(first.homogeneity, back.completeness));
        prop_assert!(near(first.v_measure, first.normalized_mutual_info) || first.normalized_mutual_info == 0.0);
        let same = agreement(&a, &a).unwrap();
        prop_assert!(near(same.adjusted_rand, 1.0) && near(same.v_measure, 1.0));
    }
}
