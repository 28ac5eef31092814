//! Components as runs along x that hang together.

use std::ops::Range;

use hooke_core::disjoint_sets::DisjointSets;
use rayon::prelude::*;

use crate::Connectivity;

/// Slabs that are labelled side by side; fixed, so that nothing depends on the number of threads.
const SLABS: usize = 16;

/// Volumes below this many voxels are one slab.
const SMALL: usize = 1 << 15;

/// Voxels `start..end` of one row.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// Runs of the rows of a slab, labelled within the slab.
struct Slab {
    /// Rows of the volume, counted through all planes.
    rows: Range<usize>,
    runs: Vec<Run>,
    /// Where the runs of each row begin, and the end of the last.
    row_starts: Vec<usize>,
    /// The piece each run belongs to; pieces are numbered in raster order of their first voxel.
    piece_of: Vec<u32>,
    pieces: usize,
    /// How many pieces the slabs before have.
    first_piece: usize,
}

/// The connected components of a volume.
pub(super) struct Components {
    shape: [usize; 3],
    slab_rows: usize,
    slabs: Vec<Slab>,
    /// Id of the component of each piece of all slabs.
    ids: Vec<u32>,
    count: usize,
}

impl Components {
    /// Finds the components of the voxels whose class is not the default one.
    ///
    /// With `JOIN_ALL` any two such voxels that are neighbours belong together, else only those of one
    /// class. Within a row, voxels of one class are one run in either case.
    pub(super) fn find<T: Copy + Sync, C: PartialEq + Default, const JOIN_ALL: bool>(
        src: &[T],
        shape: [usize; 3],
        connectivity: Connectivity,
        class: impl Fn(T) -> C + Sync,
    ) -> Self {
        let [depth, height, width] = shape;
        assert_eq!(src.len(), depth * height * width, "length of the source");
        assert!(width < u32::MAX as usize, "rows of {width} pixels are too long");
        let rows = if src.is_empty() { 0 } else { depth * height };
        let slab_rows = slab_rows(shape);
        let joins = |(a, p): (usize, Run), (b, q): (usize, Run)| {
            let of = |row: usize, run: Run| class(src[row * width + run.start as usize]);
            JOIN_ALL || of(a, p) == of(b, q)
        };
        let reaches = Reaches::new(connectivity, height);
        let mut slabs: Vec<Slab> = (0..rows.div_ceil(slab_rows))
            .into_par_iter()
            .map(|i| {
                let rows = i * slab_rows..rows.min((i + 1) * slab_rows);
                let mut slab = Slab::find_runs(src, rows, width, &class);
                slab.join(&reaches, &joins);
                slab
            })
            .collect();
        let mut pieces = 0;
        for slab in &mut slabs {
            slab.first_piece = pieces;
            pieces += slab.pieces;
        }
        let sets = join_slabs(&slabs, slab_rows, pieces, &reaches, &joins);
        let (ids, count) = number(sets, pieces);
        Self { shape, slab_rows, slabs, ids, count }
    }

    /// Returns how many components there are; their ids are `1..=count`, in raster order of the first voxel.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Counts the voxels of each component; entry `id`. Entry 0 is not used.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.count + 1];
        for slab in &self.slabs {
            slab.for_each_run(|_, run, piece| {
                sizes[self.ids[piece] as usize] += (run.end - run.start) as usize;
            });
        }
        sizes
    }

    /// Says of each component whether it reaches an end of the volume along any axis longer than 1.
    pub(super) fn touch_border(&self) -> Vec<bool> {
        let [depth, height, width] = self.shape;
        let is_end = |at: usize, len: usize| len > 1 && (at == 0 || at + 1 == len);
        let mut touch = vec![false; self.count + 1];
        for slab in &self.slabs {
            slab.for_each_run(|row, run, piece| {
                let ends = width > 1 && (run.start == 0 || run.end as usize == width);
                if ends || is_end(row / height, depth) || is_end(row % height, height) {
                    touch[self.ids[piece] as usize] = true;
                }
            });
        }
        touch
    }

    /// Calls `paint` with each run of `out`, a volume of the same shape, and its id. Parallel.
    pub(super) fn paint<T: Send>(&self, out: &mut [T], paint: impl Fn(&mut [T], u32) + Sync) {
        let width = self.shape[2];
        out.par_chunks_mut((self.slab_rows * width).max(1)).zip(&self.slabs).for_each(
            |(out, slab)| {
                slab.for_each_run(|row, run, piece| {
                    let start = (row - slab.rows.start) * width;
                    paint(
                        &mut out[start + run.start as usize..start + run.end as usize],
                        self.ids[piece],
                    );
                });
            },
        );
    }
}

/// Rows of a slab: whole planes if there are enough of them, since pieces of one slab are joined in
/// parallel and slabs are not.
fn slab_rows([depth, height, width]: [usize; 3]) -> usize {
    let rows = if depth * height * width < SMALL {
        depth * height
    } else if depth >= SLABS / 2 {
        depth.div_ceil(SLABS) * height
    } else {
        (depth * height).div_ceil(SLABS)
    };
    rows.max(1)
}

/// Which rows before a row hold neighbours of its voxels.
struct Reaches {
    height: usize,
    /// Planes and rows back to the row, and whether its voxels at `x - 1` and `x + 1` are neighbours too.
    rows: Vec<(usize, isize, u32)>,
}

impl Reaches {
    fn new(connectivity: Connectivity, height: usize) -> Self {
        let steps = connectivity.steps();
        let rows = [(0, -1), (-1, -1), (-1, 0), (-1, 1)].into_iter().filter_map(|(z, y)| {
            let reach = u32::from(steps.contains(&[z, y, 1]));
            steps.contains(&[z, y, 0]).then_some((z.unsigned_abs(), y, reach))
        });
        Self { height, rows: rows.collect() }
    }

    /// Visits the rows before `row` that hold neighbours, and how far along x those lie.
    fn for_each(&self, row: usize, mut visit: impl FnMut(usize, u32)) {
        let (z, y) = (row / self.height, row % self.height);
        for &(planes, step, reach) in &self.rows {
            if let Some(y) = y.checked_add_signed(step).filter(|&y| y < self.height && planes <= z)
            {
                visit((z - planes) * self.height + y, reach);
            }
        }
    }
}

impl Slab {
    fn find_runs<T: Copy, C: PartialEq + Default>(
        src: &[T],
        rows: Range<usize>,
        width: usize,
        class: impl Fn(T) -> C,
    ) -> Self {
        let mut runs = Vec::new();
        let mut row_starts = Vec::with_capacity(rows.len() + 1);
        row_starts.push(0);
        for row in src[rows.start * width..rows.end * width].chunks_exact(width) {
            let mut x = 0;
            while let Some(gap) = row[x..].iter().position(|&v| class(v) != C::default()) {
                let start = x + gap;
                let of_run = class(row[start]);
                let len = row[start + 1..].iter().position(|&v| class(v) != of_run);
                x = len.map_or(width, |len| start + 1 + len);
                runs.push(Run { start: start as u32, end: x as u32 });
            }
            row_starts.push(runs.len());
        }
        Self { rows, runs, row_starts, piece_of: Vec::new(), pieces: 0, first_piece: 0 }
    }

    /// Numbers the pieces that hang together within the slab.
    fn join(&mut self, reaches: &Reaches, joins: &impl Fn((usize, Run), (usize, Run)) -> bool) {
        let mut sets = DisjointSets::new(self.runs.len());
        for row in self.rows.clone() {
            reaches.for_each(row, |before, reach| {
                if before < self.rows.start {
                    return;
                }
                let (first_a, first_b) = (self.first_run(before), self.first_run(row));
                meet(self.row(before), self.row(row), reach, |a, b| {
                    let (a, b) = (first_a + a, first_b + b);
                    if joins((before, self.runs[a]), (row, self.runs[b])) {
                        sets.join(a, b);
                    }
                });
            });
        }
        (self.piece_of, self.pieces) = number(sets, self.runs.len());
        for piece in &mut self.piece_of {
            *piece -= 1;
        }
    }

    fn first_run(&self, row: usize) -> usize {
        self.row_starts[row - self.rows.start]
    }

    fn row(&self, row: usize) -> &[Run] {
        let row = row - self.rows.start;
        &self.runs[self.row_starts[row]..self.row_starts[row + 1]]
    }

    /// The piece of run `i` of `row`, counted through all slabs.
    fn piece(&self, row: usize, i: usize) -> usize {
        self.first_piece + self.piece_of[self.first_run(row) + i] as usize
    }

    /// Visits all runs in raster order: row, run, piece.
    fn for_each_run(&self, mut visit: impl FnMut(usize, Run, usize)) {
        for row in self.rows.clone() {
            for (i, &run) in self.row(row).iter().enumerate() {
                visit(row, run, self.piece(row, i));
            }
        }
    }
}

/// Joins the pieces of different slabs.
fn join_slabs(
    slabs: &[Slab],
    slab_rows: usize,
    pieces: usize,
    reaches: &Reaches,
    joins: &impl Fn((usize, Run), (usize, Run)) -> bool,
) -> DisjointSets {
    let mut sets = DisjointSets::new(pieces);
    for slab in &slabs[slabs.len().min(1)..] {
        // Rows further on reach no row before the slab.
        let end = slab.rows.end.min(slab.rows.start + reaches.height + 1);
        for row in slab.rows.start..end {
            reaches.for_each(row, |before, reach| {
                if before >= slab.rows.start {
                    return;
                }
                let other = &slabs[before / slab_rows];
                let (upper, lower) = (other.row(before), slab.row(row));
                meet(upper, lower, reach, |a, b| {
                    if joins((before, upper[a]), (row, lower[b])) {
                        sets.join(other.piece(before, a), slab.piece(row, b));
                    }
                });
            });
        }
    }
    sets
}

/// Numbers sets from 1 in order of their first member.
fn number(mut sets: DisjointSets, members: usize) -> (Vec<u32>, usize) {
    assert!(members < u32::MAX as usize, "{members} runs are too many");
    let mut id_of_root = vec![0_u32; members];
    let mut count = 0;
    let ids = (0..members)
        .map(|i| {
            let root = sets.find(i);
            if id_of_root[root] == 0 {
                count += 1;
                id_of_root[root] = count;
            }
            id_of_root[root]
        })
        .collect();
    (ids, count as usize)
}

/// Visits all pairs of runs of two rows that share an x, or with `reach` 1 lie at neighbouring ones.
fn meet(upper: &[Run], lower: &[Run], reach: u32, mut visit: impl FnMut(usize, usize)) {
    let (mut a, mut b) = (0, 0);
    while let (Some(p), Some(q)) = (upper.get(a), lower.get(b)) {
        if p.start < q.end + reach && q.start < p.end + reach {
            visit(a, b);
        }
        if p.end < q.end {
            a += 1;
        } else if p.end > q.end {
            b += 1;
        } else {
            // Runs of other classes may begin right there and lie diagonally across.
            if reach == 1 && upper.get(a + 1).is_some_and(|next| next.start == q.end) {
                visit(a + 1, b);
            }
            if reach == 1 && lower.get(b + 1).is_some_and(|next| next.start == p.end) {
                visit(a, b + 1);
            }
            a += 1;
            b += 1;
        }
    }
}
