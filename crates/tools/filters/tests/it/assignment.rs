use hooke_filters::assignment::{AssignmentError, assign_greatest, assign_least};
use proptest::prelude::*;

use crate::noise;

/// The least cost over all ways to give rows `row..` columns not yet taken; infinite if there is none.
fn least_cost(costs: &[f64], columns: usize, row: usize, taken: &mut Vec<bool>) -> f64 {
    if row * columns == costs.len() {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for column in 0..columns {
        if !taken[column] {
            taken[column] = true;
            let rest = least_cost(costs, columns, row + 1, taken);
            taken[column] = false;
            least = least.min(costs[row * columns + column] + rest);
        }
    }
    least
}

fn turned(costs: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns * rows).map(|i| costs[i % rows * columns + i / rows]).collect()
}

fn cost_of(costs: &[f64], columns: usize, assigned: &[Option<usize>]) -> f64 {
    let pairs = assigned.iter().enumerate();
    pairs.filter_map(|(row, column)| column.map(|c| costs[row * columns + c])).sum()
}

fn is_one_to_one(assigned: &[Option<usize>], rows: usize, columns: usize) -> bool {
    let mut taken: Vec<usize> = assigned.iter().flatten().copied().collect();
    let count = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assigned.len() == rows && count == rows.min(columns) && taken.len() == count
}

/// Whether columns can be passed around a cycle to gain more than `tolerance` (Bellman & Ford).
fn can_be_improved(
    costs: &[f64],
    columns: usize,
    assigned: &[Option<usize>],
    tolerance: f64,
) -> bool {
    let mut row_of = vec![None; columns];
    for (row, column) in assigned.iter().enumerate() {
        row_of[column.unwrap()] = Some(row);
    }
    let mut distance = vec![0.0; columns];
    for round in 0..=columns {
        let mut changed = false;
        for (a, row) in row_of.iter().enumerate() {
            for b in (0..columns).filter(|&b| b != a) {
                let gain = row.map_or(0.0, |r| costs[r * columns + b] - costs[r * columns + a]);
                if distance[a] + gain < distance[b] - tolerance {
                    distance[b] = distance[a] + gain;
                    changed = true;
                }
            }
        }
        if !changed {
            return false;
        }
        if round == columns {
            return true;
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn small_ones_cost_what_trying_all_finds(
        rows in 1_usize..7, columns in 1_usize..7, levels in prop_oneof![Just(3.0), Just(1e6)],
        forbidden in 0.0_f32..0.7, seed: u64,
    ) {
        let values = noise(2 * rows * columns, seed);
        let (values, chances) = values.split_at(rows * columns);
        let cost = |(v, chance): (&f32, &f32)| {
            if chance.abs() < forbidden { f64::INFINITY } else { (f64::from(*v) * levels).round() }
        };
        let costs: Vec<f64> = values.iter().zip(chances).map(cost).collect();
        let wanted = if rows <= columns {
            least_cost(&costs, columns, 0, &mut vec![false; columns])
        } else {
            least_cost(&turned(&costs, rows, columns), rows, 0, &mut vec![false; rows])
        };
        let found = assign_least(&costs, rows, columns);
        if wanted == f64::INFINITY {
            prop_assert_eq!(found, Err(AssignmentError::Infeasible));
        } else {
            let found = found.unwrap();
            prop_assert!(is_one_to_one(&found, rows, columns));
            prop_assert_eq!(cost_of(&costs, columns, &found), wanted);
            let gains: Vec<f64> = costs.iter().map(|c| -c).collect();
            prop_assert_eq!(assign_greatest(&gains, rows, columns).unwrap(), found);
        }
    }

    #[test]
    fn larger_ones_cannot_be_improved(
        rows in 1_usize..60, more in 0_usize..90, levels in prop_oneof![Just(4.0), Just(30.0), Just(0.0)],
        seed: u64,
    ) {
        let columns = rows + more;
        let cost = |v: f32| if levels > 0.0 { (f64::from(v) * levels).round() } else { f64::from(v) };
        let costs: Vec<f64> = noise(rows * columns, seed).into_iter().map(cost).collect();
        let found = assign_least(&costs, rows, columns).unwrap();
        prop_assert!(is_one_to_one(&found, rows, columns));
        prop_assert!(!can_be_improved(&costs, columns, &found, 1e-9));
        let other = assign_least(&turned(&costs, rows, columns), columns, rows).unwrap();
        prop_assert!(is_one_to_one(&other, columns, rows));
        let turned_cost = cost_of(&turned(&costs, rows, columns), rows, &other);
        prop_assert!((cost_of(&costs, columns, &found) - turned_cost).abs() < 1e-9);
    }

    #[test]
    fn nearest_points_of_two_sets(len in 2_usize..80, seed: u64) {
        // Costs that differ in the last bits only, which bidding must survive.
        let at = noise(4 * len, seed);
        let distance = |i: usize, k: usize| {
            f64::from(at[2 * i] - at[2 * k + 1]).hypot(f64::from(at[2 * i + 1] - at[2 * k])) + 1e9
        };
        let costs: Vec<f64> = (0..len * len).map(|i| distance(i / len, len + i % len)).collect();
        let found = assign_least(&costs, len, len).unwrap();
        prop_assert!(is_one_to_one(&found, len, len));
        prop_assert!(!can_be_improved(&costs, len, &found, 1e-5));
    }
}

/// scipy.optimize.linear_sum_assignment.
#[test]
fn a_matrix_by_scipy() {
    let costs = [
        40, 94, 20, 66, 9, 13, 52, 49, 49, 49, 85, 50, 36, 95, 88, 34, 20, 22, 16, 52, 57, 64, 89,
        93,
    ]
    .map(f64::from);
    let found = assign_least(&costs, 4, 6).unwrap();
    assert_eq!(cost_of(&costs, 6, &found), 96.0);
    assert_eq!((found[0], found[2], found[3]), (Some(4), Some(5), Some(0)));
    assert_eq!(assign_greatest(&costs, 4, 6).unwrap(), [1, 4, 2, 5].map(Some));
}

#[test]
fn what_is_no_problem_is_an_error() {
    let shape = AssignmentError::Shape { found: 3, rows: 2, columns: 2 };
    assert_eq!(assign_least(&[1.0; 3], 2, 2), Err(shape));
    let big = assign_least(&[], usize::MAX, 2);
    assert!(matches!(big, Err(AssignmentError::Shape { .. })));
    let wrong = assign_least(&[1.0, 2.0, f64::NEG_INFINITY, 0.0], 2, 2);
    assert!(matches!(wrong, Err(AssignmentError::Cost { row: 1, column: 0, .. })));
    let wrong = assign_greatest(&[f64::INFINITY], 1, 1);
    assert!(matches!(wrong, Err(AssignmentError::Cost { .. })));
    assert!(matches!(assign_least(&[f64::NAN], 1, 1), Err(AssignmentError::Cost { .. })));
    let inf = f64::INFINITY;
    assert_eq!(assign_least(&[1.0, inf, 2.0, inf], 2, 2), Err(AssignmentError::Infeasible));
    assert_eq!(assign_greatest(&[-inf], 1, 1), Err(AssignmentError::Infeasible));
    assert_eq!(assign_least(&[], 0, 5), Ok(vec![]));
    assert_eq!(assign_least(&[], 2, 0), Ok(vec![None, None]));
    assert_eq!(assign_least(&[3.0; 6], 2, 3).map(|a| a.len()), Ok(2));
}
