//! Scores of labels against the simulators' truth; also used by the examples.

use std::collections::{BTreeMap, BTreeSet};

use hooke_lineage::LineageError;
use hooke_lineage::segment::{
    CellLook, SegmentParams, learn_channel_look, learn_colony_look, segment_channel, segment_colony,
};
use hooke_lineage::sim::{ColonyParams, MotherMachineParams, Movie, SimFrame};
use ndarray::{Array2, ArrayView2, s};

/// Sums over frames of what SEG and DET of the cell tracking challenge are made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    pub cells: usize,
    pub overlaps: f64,
    pub splits: usize,
    pub missed: usize,
    pub false_found: usize,
    /// Pixels looked at, and seconds it took.
    pub pixels: usize,
    pub seconds: f64,
}

impl Score {
    /// Mean of intersection over union, 0 for cells that no result covers by more than half.
    pub fn seg(&self) -> f64 {
        self.overlaps / self.cells as f64
    }

    /// One minus the cost of corrections over that of an empty result (weights 5, 10, 1).
    pub fn det(&self) -> f64 {
        let cost = 5 * self.splits + 10 * self.missed + self.false_found;
        1.0 - cost as f64 / (10 * self.cells) as f64
    }

    pub fn add(&mut self, truth: &Array2<u32>, found: &Array2<u32>) {
        let mut both: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut sizes: [BTreeMap<u32, usize>; 2] = Default::default();
        for (t, f) in truth.iter().zip(found) {
            *sizes[0].entry(*t).or_default() += 1;
            *sizes[1].entry(*f).or_default() += 1;
            *both.entry((*t, *f)).or_default() += 1;
        }
        let mut matched: BTreeMap<u32, usize> = BTreeMap::new();
        for (t, n) in sizes[0].iter().filter(|(t, _)| **t > 0) {
            self.cells += 1;
            let found = both.iter().find(|((a, f), k)| a == t && *f > 0 && **k * 2 > *n);
            let Some(((_, f), k)) = found else {
                self.missed += 1;
                continue;
            };
            self.overlaps += *k as f64 / (n + sizes[1][f] - k) as f64;
            *matched.entry(*f).or_default() += 1;
        }
        self.splits += matched.values().map(|n| n - 1).sum::<usize>();
        self.false_found += sizes[1].keys().filter(|f| **f > 0 && !matched.contains_key(f)).count();
    }
}

pub fn grey(frame: &SimFrame) -> Array2<f32> {
    frame.images[0].mapv(|v| f32::from(v) / 65_535.0)
}

/// A channel cut out where its frame has drifted to, with some pixels of wall on both sides.
pub fn cut<'a, T>(image: &'a Array2<T>, channel: [i64; 4], frame: &SimFrame) -> ArrayView2<'a, T> {
    const WALL: i64 = 2;
    let [dx, dy] = frame.drift.map(|d| d.round() as i64);
    let clamped = |v: i64, n: usize| v.clamp(0, n as i64) as usize;
    let (h, w) = image.dim();
    let [xtl, ytl, xbr, ybr] = channel;
    let ys = clamped(ytl + dy, h)..clamped(ybr + dy + WALL, h);
    let xs = clamped(xtl + dx - WALL, w)..clamped(xbr + dx + WALL, w);
    image.slice(s![ys, xs])
}

/// Leaves out the cells that are cut by the image's border, in truth and result.
fn without_cut(truth: &mut Array2<u32>, found: &mut Array2<u32>) {
    let (h, w) = truth.dim();
    let at_border = |y: usize, x: usize| y == 0 || x == 0 || y + 1 == h || x + 1 == w;
    let cut: BTreeSet<u32> =
        truth.indexed_iter().filter(|((y, x), _)| at_border(*y, *x)).map(|(_, l)| *l).collect();
    let is_cut = |t: u32| t > 0 && cut.contains(&t);
    let mut parts: BTreeMap<u32, [usize; 2]> = BTreeMap::new();
    for (t, f) in truth.iter().zip(found.iter()) {
        let part = parts.entry(*f).or_default();
        part[0] += usize::from(is_cut(*t));
        part[1] += 1;
    }
    found.mapv_inplace(|f| if 2 * parts[&f][0] > parts[&f][1] { 0 } else { f });
    truth.mapv_inplace(|t| if is_cut(t) { 0 } else { t });
}

/// Segments all channels of a simulated movie; the look is learned from the first frame.
pub fn score_channels(params: &MotherMachineParams) -> Result<Score, LineageError> {
    let movie = Movie::mother_machine(params)?;
    let boxes = movie.boxes();
    let settings = SegmentParams::default();
    let mut look: Option<CellLook> = None;
    let mut score = Score::default();
    for frame in movie {
        let image = grey(&frame);
        let channels: Vec<_> = boxes.iter().map(|b| cut(&image, *b, &frame)).collect();
        if look.is_none() {
            look = learn_channel_look(&channels, &settings);
        }
        let Some(look) = look else { continue };
        for (channel, b) in channels.iter().zip(&boxes) {
            let start = std::time::Instant::now();
            let mut found = segment_channel(*channel, look, &settings)?.labels(0);
            score.seconds += start.elapsed().as_secs_f64();
            score.pixels += found.len();
            let mut truth = cut(&frame.labels, *b, &frame).to_owned();
            without_cut(&mut truth, &mut found);
            score.add(&truth, &found);
        }
    }
    Ok(score)
}

/// Segments every `step`-th frame of a simulated colony; the look is learned from the first of them.
pub fn score_colony(params: &ColonyParams, step: u32) -> Result<Score, LineageError> {
    let settings = SegmentParams::default();
    let mut look: Option<CellLook> = None;
    let mut score = Score::default();
    for frame in Movie::colony(params)?.filter(|f| f.frame % step == step - 1) {
        let image = grey(&frame);
        if look.is_none() {
            look = learn_colony_look(&[image.view()], &settings);
        }
        let Some(look) = look else { continue };
        let start = std::time::Instant::now();
        let found = segment_colony(image.view(), look, &settings)?;
        score.seconds += start.elapsed().as_secs_f64();
        score.pixels += found.len();
        score.add(&frame.labels, &found);
    }
    Ok(score)
}
