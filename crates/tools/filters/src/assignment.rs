//! The linear assignment problem: which column for which row, at least total cost.
//!
//! Rows bid for columns first, which lowers the price of a column to where its second choice is as good
//! (augmenting row reduction); what is still free then follows shortest augmenting paths of reduced costs. Only
//! prices of assigned columns ever change, so that the matrix may have more columns than rows.
//!
//! # Reference
//! Jonker & Volgenant (1987), doi:10.1007/BF02278710; rectangular after Crouse (2016),
//! doi:10.1109/TAES.2016.140952.

use std::borrow::Cow;

use multiversion::multiversion;

/// Why there is no assignment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignmentError {
    /// The costs are not as many as the matrix has entries.
    #[error("{found} costs do not make a matrix of {rows} rows and {columns} columns")]
    Shape {
        /// How many costs there are.
        found: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// A cost is NaN, or infinite to the side that would be best.
    #[error("the cost of row {row}, column {column} is {value}")]
    Cost {
        /// Row of the cost.
        row: usize,
        /// Column of the cost.
        column: usize,
        /// The cost.
        value: f64,
    },
    /// Forbidden pairs leave no way to assign all rows, or all columns if those are fewer.
    #[error(
        "too many pairs are forbidden: not every row (or column, if those are fewer) can be assigned"
    )]
    Infeasible,
}

/// Assigns rows to columns, each at most once, so that the sum of the costs is least.
///
/// * `costs`: `(row, column)`; infinity forbids a pair.
///
/// All rows are assigned, or all columns if those are fewer; `Some(column)` of each row is returned. Of several
/// assignments of equal cost always the same one. `O(n² m)` time for `n <= m`; not parallel.
///
/// # Errors
/// [`AssignmentError`] if the shape does not fit, a cost is NaN or negative infinity, or the forbidden
/// pairs leave no assignment.
///
/// # Examples
/// ```
/// use hooke_filters::assignment::assign_least;
/// let costs = [4.0, 1.0, 3.0, 2.0, 0.0, 5.0];
/// assert_eq!(assign_least(&costs, 2, 3)?, [Some(1), Some(0)]);
/// # Ok::<_, hooke_filters::assignment::AssignmentError>(())
/// ```
pub fn assign_least(
    costs: &[f64],
    rows: usize,
    columns: usize,
) -> Result<Vec<Option<usize>>, AssignmentError> {
    assign(costs, rows, columns, 1.0)
}

/// Assigns rows to columns so that the sum is greatest; negative infinity forbids a pair. As [`assign_least`].
///
/// # Errors
/// As [`assign_least`], with positive infinity in place of negative.
pub fn assign_greatest(
    costs: &[f64],
    rows: usize,
    columns: usize,
) -> Result<Vec<Option<usize>>, AssignmentError> {
    assign(costs, rows, columns, -1.0)
}

fn assign(
    costs: &[f64],
    rows: usize,
    columns: usize,
    sign: f64,
) -> Result<Vec<Option<usize>>, AssignmentError> {
    if rows.checked_mul(columns) != Some(costs.len()) {
        return Err(AssignmentError::Shape { found: costs.len(), rows, columns });
    }
    if costs.is_empty() {
        return Ok(vec![None; rows]);
    }
    let is_wrong = |value: f64| value.is_nan() || value * sign == f64::NEG_INFINITY;
    if let Some(i) = costs.iter().position(|&value| is_wrong(value)) {
        return Err(AssignmentError::Cost {
            row: i / columns,
            column: i % columns,
            value: costs[i],
        });
    }
    if rows > columns {
        let turned: Vec<f64> =
            (0..costs.len()).map(|i| sign * costs[i % rows * columns + i / rows]).collect();
        let row_of_column = Solver::new(&turned, columns, rows).solve()?;
        let mut assigned = vec![None; rows];
        for (column, row) in row_of_column.into_iter().enumerate() {
            assigned[row] = Some(column);
        }
        return Ok(assigned);
    }
    let signed: Cow<'_, [f64]> = match sign {
        1.0 => costs.into(),
        _ => costs.iter().map(|cost| -cost).collect(),
    };
    Ok(Solver::new(&signed, rows, columns).solve()?.into_iter().map(Some).collect())
}

const NONE: usize = usize::MAX;

/// Columns whose least value is remembered together.
const BLOCK: usize = 64;

/// Bids per row before the rest is left to augmenting paths: with prices that fall in tiny steps, bidding
/// could go on for very long.
const BIDS_PER_ROW: usize = 8;

/// The state of an assignment of `rows <= columns`.
struct Solver<'a> {
    costs: &'a [f64],
    columns: usize,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// At most 0, and 0 for columns that are not assigned. The column of a row is one of those with the
    /// least `cost - price`.
    prices: Vec<f64>,
    search: Search,
}

/// The state of a search over columns.
struct Search {
    /// Prices of columns still open, negative infinity for others.
    open_prices: Vec<f64>,
    /// Length of the shortest path found so far to each open column, infinity for others.
    lengths: Vec<f64>,
    /// The row from which that path comes.
    from: Vec<usize>,
    /// The least of the lengths in each block.
    least: Vec<f64>,
}

impl<'a> Solver<'a> {
    fn new(costs: &'a [f64], rows: usize, columns: usize) -> Self {
        Self {
            costs,
            columns,
            column_of: vec![NONE; rows],
            row_of: vec![NONE; columns],
            prices: vec![0.0; columns],
            search: Search {
                open_prices: vec![0.0; columns],
                lengths: vec![f64::INFINITY; columns],
                from: vec![NONE; columns],
                least: vec![f64::INFINITY; columns.div_ceil(BLOCK)],
            },
        }
    }

    fn solve(mut self) -> Result<Vec<usize>, AssignmentError> {
        let mut free: Vec<usize> = (0..self.column_of.len()).collect();
        let mut bids = BIDS_PER_ROW * free.len();
        for _ in 0..2 {
            free = self.bid(free, &mut bids);
        }
        for row in free {
            self.augment(row)?;
        }
        Ok(self.column_of)
    }

    fn row(&self, row: usize) -> &'a [f64] {
        &self.costs[row * self.columns..][..self.columns]
    }

    fn pair(&mut self, row: usize, column: usize) {
        self.column_of[row] = column;
        self.row_of[column] = row;
    }

    /// Lets each free row take its best column, and returns the rows that lost theirs or have no choice.
    fn bid(&mut self, free: Vec<usize>, bids: &mut usize) -> Vec<usize> {
        let mut left = Vec::new();
        for row in free {
            let mut bidder = row;
            loop {
                let costs = self.row(bidder);
                let reduced = &mut self.search.lengths;
                let (best, second) = two_least(costs, &self.prices, reduced);
                if *bids == 0 || second == f64::INFINITY {
                    left.push(bidder);
                    break;
                }
                *bids -= 1;
                let mut ties = (0..reduced.len()).filter(|&j| reduced[j] == best);
                let Some(mut column) = ties.next() else {
                    left.push(bidder);
                    break;
                };
                let price = self.prices[column] - (second - best);
                let is_lower = price < self.prices[column];
                if !is_lower && self.row_of[column] != NONE {
                    column = ties.find(|&j| self.row_of[j] == NONE).unwrap_or(column);
                }
                let loser = self.row_of[column];
                if !is_lower && loser != NONE {
                    // Taking the column from its row would only swap who is free.
                    left.push(bidder);
                    break;
                }
                if is_lower {
                    self.prices[column] = price;
                }
                self.pair(bidder, column);
                if loser == NONE {
                    break;
                }
                self.column_of[loser] = NONE;
                bidder = loser;
            }
        }
        left
    }

    /// Assigns one more row, along the shortest path of reduced costs to a free column.
    fn augment(&mut self, free: usize) -> Result<(), AssignmentError> {
        self.search.open_prices.copy_from_slice(&self.prices);
        self.search.lengths.fill(f64::INFINITY);
        let mut done: Vec<(usize, f64)> = Vec::new();
        let (mut row, mut shift) = (free, 0.0);
        let (column, length) = loop {
            self.search.relax(self.row(row), shift, row);
            let (column, length) = self.search.nearest(&self.row_of)?;
            row = self.row_of[column];
            if row == NONE {
                break (column, length);
            }
            shift = self.row(row)[column] - self.prices[column] - length;
            self.search.close(column);
            done.push((column, length));
        };
        for (column, reached) in done {
            self.prices[column] += reached - length;
        }
        let mut column = column;
        loop {
            let row = self.search.from[column];
            let previous = self.column_of[row];
            self.pair(row, column);
            if row == free {
                return Ok(());
            }
            column = previous;
        }
    }
}

impl Search {
    /// Tries the paths that go on from `row`.
    fn relax(&mut self, costs: &[f64], shift: f64, row: usize) {
        relax(
            costs,
            &self.open_prices,
            shift,
            row,
            &mut self.lengths,
            &mut self.from,
            &mut self.least,
        );
    }

    /// Finds the open column with the shortest path: a free one if possible, else the first.
    fn nearest(&self, row_of: &[usize]) -> Result<(usize, f64), AssignmentError> {
        let length = self.least.iter().copied().fold(f64::INFINITY, f64::min);
        if length == f64::INFINITY {
            return Err(AssignmentError::Infeasible);
        }
        let mut first = NONE;
        for (block, _) in self.least.iter().enumerate().filter(|(_, least)| **least == length) {
            let end = self.lengths.len().min((block + 1) * BLOCK);
            for column in block * BLOCK..end {
                if self.lengths[column] == length {
                    if row_of[column] == NONE {
                        return Ok((column, length));
                    }
                    first = first.min(column);
                }
            }
        }
        Ok((first, length))
    }

    fn close(&mut self, column: usize) {
        self.open_prices[column] = f64::NEG_INFINITY;
        self.lengths[column] = f64::INFINITY;
    }
}

/// Side by side, since the order in which a minimum is taken must not be left to the compiler.
const LANES: usize = 8;

#[inline(always)]
fn least(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Writes costs less prices and returns the two least of them.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn two_least(costs: &[f64], prices: &[f64], reduced: &mut [f64]) -> (f64, f64) {
    for ((out, cost), price) in reduced.iter_mut().zip(costs).zip(prices) {
        *out = cost - price;
    }
    let (mut first, mut second) = ([f64::INFINITY; LANES], [f64::INFINITY; LANES]);
    let (blocks, rest) = reduced.as_chunks::<LANES>();
    for block in blocks {
        for i in 0..LANES {
            let higher = if first[i] < block[i] { block[i] } else { first[i] };
            first[i] = least(first[i], block[i]);
            second[i] = least(second[i], higher);
        }
    }
    let (mut best, mut next) = (f64::INFINITY, f64::INFINITY);
    for &value in first.iter().chain(&second).chain(rest) {
        next = least(next, if best < value { value } else { best });
        best = least(best, value);
    }
    (best, next)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn relax(
    costs: &[f64],
    prices: &[f64],
    shift: f64,
    row: usize,
    lengths: &mut [f64],
    from: &mut [usize],
    least_of_block: &mut [f64],
) {
    let blocks = costs.chunks(BLOCK).zip(prices.chunks(BLOCK));
    let found = lengths.chunks_mut(BLOCK).zip(from.chunks_mut(BLOCK));
    for (((costs, prices), (lengths, from)), out) in blocks.zip(found).zip(least_of_block) {
        for ((length, from), (cost, price)) in
            lengths.iter_mut().zip(from).zip(costs.iter().zip(prices))
        {
            let other = cost - price - shift;
            let is_shorter = other < *length;
            *length = if is_shorter { other } else { *length };
            *from = if is_shorter { row } else { *from };
        }
        let mut lanes = [f64::INFINITY; LANES];
        let (chunks, rest) = lengths.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                lanes[i] = least(lanes[i], chunk[i]);
            }
        }
        *out = lanes.iter().chain(rest).copied().fold(f64::INFINITY, least);
    }
}
