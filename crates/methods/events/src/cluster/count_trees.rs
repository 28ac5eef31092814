//! Trees over a table of counts: which groups have alike clusters.

use super::{
    Agreement, Distances, Linkage, Merge, agreement, cut_into, euclidean, leaf_order, linkage,
    pearson,
};
use crate::EventsError;
use crate::table::{Counts, Instructions, normalize};

/// How rows or columns are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Euclidean distance.
    #[default]
    Euclidean,
    /// 1 minus the correlation.
    Pearson,
}

/// What gets mean 0 and standard deviation 1 (divided by n - 1) before trees are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZScore {
    /// Nothing.
    None,
    /// Each row: a cluster over all groups.
    #[default]
    Rows,
    /// Each column: a group over all clusters.
    Columns,
}

/// How to build trees over counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CountTreesParams {
    /// What is done to each row first.
    pub normalize: Instructions,
    /// Linkage of both trees.
    pub method: Linkage,
    /// Distance of both trees.
    pub metric: Metric,
    /// Scale of the table.
    pub z_score: ZScore,
    /// Whether rows of the table become columns first.
    pub transpose: bool,
}

/// A tree and its items from left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Merges by rising distance.
    pub merges: Vec<Merge>,
    /// Items as drawn.
    pub order: Vec<usize>,
}

/// What a clustered heat map of counts is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct CountTrees {
    /// The scaled table, row by row.
    pub table: Vec<Vec<f64>>,
    /// Tree of the rows.
    pub rows: Tree,
    /// Tree of the columns.
    pub columns: Tree,
    /// How well the column tree, cut into as many clusters as there are groups, finds them.
    pub scores: Agreement,
}

/// Builds both trees, and compares that of the columns with the group `truth` of each column.
///
/// # Errors
/// When `truth` has not one label per column, or a step of normalisation is wrong for the table.
pub fn count_trees(
    counts: &Counts,
    truth: &[i64],
    params: &CountTreesParams,
) -> Result<CountTrees, EventsError> {
    let numbers = |row: &Vec<u64>| row.iter().map(|n| *n as f64).collect::<Vec<_>>();
    let mut table: Vec<Vec<f64>> = counts.counts.iter().map(numbers).collect();
    if params.transpose {
        table = transposed(&table);
    }
    normalize(&mut table, &params.normalize)?;
    table = match params.z_score {
        ZScore::None => table,
        ZScore::Rows => table.into_iter().map(scored).collect(),
        ZScore::Columns => {
            transposed(&transposed(&table).into_iter().map(scored).collect::<Vec<_>>())
        }
    };
    let columns = transposed(&table);
    if truth.len() != columns.len() {
        let (expected, found) = (vec![columns.len()], vec![truth.len()]);
        return Err(EventsError::Shape { what: "groups of columns", expected, found });
    }
    let column_tree = tree(&columns, params)?;
    let mut groups = truth.to_vec();
    groups.sort_unstable();
    groups.dedup();
    let mut found = cut_into(&column_tree.merges, groups.len());
    found.truncate(truth.len());
    let scores = agreement(truth, &found)?;
    Ok(CountTrees { rows: tree(&table, params)?, columns: column_tree, scores, table })
}

fn tree(points: &[Vec<f64>], params: &CountTreesParams) -> Result<Tree, EventsError> {
    let distances: Distances = match params.metric {
        Metric::Euclidean => euclidean(points)?,
        Metric::Pearson => pearson(points)?,
    };
    let merges = linkage(&distances, params.method);
    let mut order = leaf_order(&merges);
    order.truncate(points.len());
    Ok(Tree { merges, order })
}

fn transposed(table: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let width = table.first().map_or(0, Vec::len);
    (0..width).map(|k| table.iter().map(|row| row[k]).collect()).collect()
}

/// A constant row becomes 0.
fn scored(row: Vec<f64>) -> Vec<f64> {
    let n = row.len() as f64;
    let mean = row.iter().sum::<f64>() / n;
    let sd = (row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    row.into_iter().map(|v| if sd > 0.0 { (v - mean) / sd } else { 0.0 }).collect()
}
