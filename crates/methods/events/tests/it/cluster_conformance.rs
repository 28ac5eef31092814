//! Trees, cuts and scores against SciPy's and scikit-learn's.

use hooke_events::cluster::{
    Linkage, Merge, agreement, cut_at, cut_into, euclidean, linkage, renumber,
};

use crate::conformance_kit::arrays;

const METHODS: [(&str, Linkage); 4] = [
    ("average", Linkage::Average),
    ("complete", Linkage::Complete),
    ("single", Linkage::Single),
    ("ward", Linkage::Ward),
];

fn assert_merges(found: &[Merge], expected: &[f64]) {
    assert_eq!(found.len() * 4, expected.len());
    for (merge, row) in found.iter().zip(expected.chunks(4)) {
        assert_eq!(merge.clusters.map(|c| c as f64), row[..2], "{merge:?}");
        assert!((merge.distance - row[2]).abs() <= 1e-10 * row[2].max(1.0), "{merge:?} {row:?}");
        assert_eq!(merge.size as f64, row[3]);
    }
}

#[test]
fn trees_and_cuts_are_scipys() {
    let Some(arrays) = arrays("cluster.npz") else { return };
    let points: Vec<Vec<f64>> = arrays["x"].values.chunks(6).map(<[f64]>::to_vec).collect();
    let distances = euclidean(&points).unwrap();
    let labels = |name: &str| -> Vec<i64> {
        renumber(&arrays[name].values.iter().map(|v| *v as i64).collect::<Vec<_>>())
    };
    for (name, method) in METHODS {
        let merges = linkage(&distances, method);
        assert_merges(&merges, &arrays[&format!("linkage_{name}")].values);
        assert_eq!(cut_into(&merges, 3), labels(&format!("maxclust3_{name}")), "{name}");
        assert_eq!(cut_at(&merges, 2.0), labels(&format!("dist2_{name}")), "{name}");
    }
}

/// A grid of 4 x 4 points, where nearly all distances tie: SciPy 1.17's first and second cluster of
/// each merge.
#[test]
fn ties_go_scipys_way() {
    let points: Vec<Vec<f64>> = (0..16).map(|i| vec![f64::from(i / 4), f64::from(i % 4)]).collect();
    let distances = euclidean(&points).unwrap();
    let clusters = |method| -> Vec<[usize; 2]> {
        linkage(&distances, method).iter().map(|m| m.clusters).collect()
    };
    let average = [
        [0, 1],
        [4, 5],
        [2, 3],
        [6, 7],
        [8, 9],
        [12, 13],
        [10, 11],
        [14, 15],
        [16, 17],
        [18, 19],
        [20, 21],
        [22, 23],
        [24, 25],
        [26, 27],
        [28, 29],
    ];
    assert_eq!(clusters(Linkage::Average), average);
    assert_eq!(clusters(Linkage::Complete), average);
    let ward = [
        [0, 1],
        [4, 5],
        [8, 9],
        [2, 3],
        [6, 7],
        [10, 11],
        [12, 13],
        [14, 15],
        [16, 17],
        [19, 20],
        [18, 22],
        [21, 23],
        [24, 26],
        [25, 27],
        [28, 29],
    ];
    assert_eq!(clusters(Linkage::Ward), ward);
    let single: Vec<[usize; 2]> =
        (0..15).map(|i| if i == 0 { [0, 1] } else { [i + 1, i + 15] }).collect();
    assert_eq!(clusters(Linkage::Single), single);
    assert_eq!(cut_into(&linkage(&distances, Linkage::Single), 5), vec![0; 16], "all or none");
    assert_eq!(cut_into(&linkage(&distances, Linkage::Single), 16).len(), 16);
}

#[test]
fn scores_are_scikit_learns() {
    let Some(arrays) = arrays("cluster.npz") else { return };
    let labels = |name: &str| arrays[name].values.iter().map(|v| *v as i64).collect::<Vec<_>>();
    let found = agreement(&labels("labels_a"), &labels("labels_b")).unwrap();
    let expected = [
        (found.adjusted_rand, 0.2886272760581779),
        (found.adjusted_mutual_info, 0.32600195766404316),
        (found.normalized_mutual_info, 0.3739381903101071),
        (found.homogeneity, 0.41285041401152284),
        (found.completeness, 0.3417293149026296),
        (found.v_measure, 0.37393819031010705),
        (found.fowlkes_mallows, 0.49470821181974317),
    ];
    for (found, expected) in expected {
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }
}
