//! The nested loops of an acquisition, and which frame shows what.

use super::node::Node;

/// Loops that are followed; real acquisitions nest four or five.
const MOST_LOOPS: usize = 16;

/// What one loop goes through.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LoopKind {
    /// Frames; the time between them in s, where it is known.
    Time { interval_s: Option<f64> },
    /// Stage positions.
    Position(Vec<Position>),
    /// Planes; their distance in µm and the plane at which the stage's depth was noted.
    Depth { step_um: Option<f64>, home: f64 },
}

/// A stage position in µm, as the stage counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

/// One loop; the first of a list is the outermost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loop {
    pub kind: LoopKind,
    pub count: u64,
}

/// Reads the nested loops.
pub(super) fn loops(experiment: &Node) -> Vec<Loop> {
    let mut found = Vec::new();
    let mut next = Some(experiment);
    while let Some(node) = next.filter(|_| found.len() < MOST_LOOPS) {
        found.extend(one(node).filter(|l| l.count > 0));
        next = node.get("ppNextLevelEx").and_then(|inner| {
            inner.children().map(|(_, node)| node).find(|n| n.get("eType").is_some())
        });
    }
    found
}

fn one(node: &Node) -> Option<Loop> {
    let pars = node.get("uLoopPars")?;
    let count = pars.count_of("uiCount").unwrap_or(0);
    match node.count_of("eType")? {
        1 => Some(Loop { kind: LoopKind::Time { interval_s: interval_s(pars) }, count }),
        2 => {
            let points = positions(node, pars);
            let count = if points.is_empty() { count } else { points.len() as u64 };
            Some(Loop { kind: LoopKind::Position(points), count })
        }
        4 => {
            let range = |a: &str, b: &str| Some((pars.number_of(a)? - pars.number_of(b)?).abs());
            let even = range("dZHigh", "dZLow").filter(|r| *r > 0.0 && count > 1);
            let step = pars.positive("dZStep").or(even.map(|r| r / (count - 1) as f64));
            Some(Loop {
                kind: LoopKind::Depth { step_um: step, home: home(pars, count, step) },
                count,
            })
        }
        // Loops of several periods.
        8 => {
            let valid = valid_items(pars.get("pPeriodValid"));
            let periods: Vec<&Node> = pars
                .get("pPeriod")
                .into_iter()
                .flat_map(|p| p.children().map(|(_, node)| node))
                .enumerate()
                .filter(|(i, _)| valid.as_ref().is_none_or(|v| v.get(*i).copied().unwrap_or(true)))
                .map(|(_, node)| node)
                .collect();
            let count =
                periods.iter().filter_map(|p| p.count_of("uiCount")).fold(0, u64::saturating_add);
            let interval_s = match periods.as_slice() {
                [single] => interval_s(single),
                _ => None,
            };
            Some(Loop { kind: LoopKind::Time { interval_s }, count })
        }
        // The acquisition of several wavelengths: they are the components of a frame.
        6 => None,
        // Custom loops: whatever changes, frames follow one another.
        _ => Some(Loop { kind: LoopKind::Time { interval_s: None }, count }),
    }
}

/// Milliseconds are stored; the measured mean is better than what was asked for.
fn interval_s(pars: &Node) -> Option<f64> {
    pars.positive("dAvgPeriodDiff").or(pars.positive("dPeriod")).map(|ms| ms / 1000.0)
}

/// The plane at which the stage stood when its depth was noted; the middle where that is not said.
fn home(pars: &Node, count: u64, step: Option<f64>) -> f64 {
    let last = count.saturating_sub(1) as f64;
    let ends = [pars.number_of("dZLow"), pars.number_of("dZHigh"), pars.number_of("dZHome")];
    match (ends, step) {
        ([Some(low), Some(high), Some(home)], Some(step)) if low <= home && home <= high => {
            ((home - low) / step).round().min(last)
        }
        _ => (last / 2.0).floor(),
    }
}

fn positions(node: &Node, pars: &Node) -> Vec<Position> {
    let relative = pars.flag("bRelativeXY");
    let reference = |name: &str| if relative { pars.number_of(name).unwrap_or(0.0) } else { 0.0 };
    let (x, y) = (reference("dReferenceX"), reference("dReferenceY"));
    let use_z = pars.flag("bUseZ");
    let valid = valid_items(node.get("pItemValid").or(pars.get("pItemValid")));
    let points = pars.get("Points").into_iter().flat_map(|p| p.children());
    points
        .filter(|(_, point)| point.get("dPosX").is_some())
        .enumerate()
        .filter(|(i, _)| valid.as_ref().is_none_or(|v| v.get(*i).copied().unwrap_or(true)))
        .map(|(_, (_, point))| Position {
            x: point.number_of("dPosX").unwrap_or(0.0) + x,
            y: point.number_of("dPosY").unwrap_or(0.0) + y,
            z: if use_z { point.number_of("dPosZ").unwrap_or(0.0) } else { 0.0 },
        })
        .collect()
}

/// Which items of a list count: bytes in version 3, flags in version 2.
fn valid_items(node: Option<&Node>) -> Option<Vec<bool>> {
    match node? {
        Node::Bytes(bytes) => Some(bytes.iter().map(|b| *b != 0).collect()),
        list @ Node::List(_) => {
            Some(list.children().map(|(_, v)| v.number() != Some(0.0)).collect())
        }
        _ => None,
    }
}

/// The number of the frame for each position, time and plane: loops in C order.
#[derive(Debug, Clone)]
pub(super) struct FrameIndex {
    /// Count and stride of each loop, with its axis: 0 time, 1 position, 2 depth.
    loops: Vec<(usize, u64, u64)>,
    /// Lengths over time, position, depth.
    pub lengths: [u64; 3],
}

impl FrameIndex {
    /// `None` when the loops have more frames than a u64 counts.
    pub fn new(loops: &[Loop]) -> Option<FrameIndex> {
        let mut index = FrameIndex { loops: Vec::new(), lengths: [1; 3] };
        let mut stride = 1u64;
        for one in loops.iter().rev() {
            let axis = match one.kind {
                LoopKind::Time { .. } => 0,
                LoopKind::Position(_) => 1,
                LoopKind::Depth { .. } => 2,
            };
            index.loops.push((axis, one.count, stride));
            index.lengths[axis] = index.lengths[axis].checked_mul(one.count)?;
            stride = stride.checked_mul(one.count)?;
        }
        Some(index)
    }

    pub fn frames(&self) -> u64 {
        self.lengths.iter().product()
    }

    /// The frame at `[time, position, depth]`. Several loops over one axis count like digits.
    pub fn frame(&self, at: [u64; 3]) -> u64 {
        let mut left = at;
        // Innermost first.
        self.loops.iter().fold(0, |frame, (axis, count, stride)| {
            let digit = left[*axis] % count;
            left[*axis] /= count;
            frame + digit * stride
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn list(children: Vec<(&str, Node)>) -> Node {
        Node::List(children.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())
    }

    fn experiment(kind: u64, pars: Vec<(&str, Node)>, next: Option<Node>) -> Node {
        let mut children = vec![("eType", Node::Uint(kind)), ("uLoopPars", list(pars))];
        children.extend(next.map(|n| ("ppNextLevelEx", list(vec![("", n)]))));
        list(children)
    }

    #[test]
    fn loops_nest_in_any_order() {
        let count = |n| ("uiCount", Node::Uint(n));
        let depth = experiment(4, vec![count(5), ("dZStep", Node::Float(0.5))], None);
        let points = ["0", "1"].map(|_| ("", list(vec![("dPosX", Node::Float(3.0))])));
        let place = experiment(2, vec![count(2), ("Points", list(points.into()))], Some(depth));
        let time = experiment(1, vec![count(3), ("dPeriod", Node::Float(500.0))], Some(place));
        let loops = loops(&time);
        assert_eq!(loops.iter().map(|l| l.count).collect::<Vec<_>>(), [3, 2, 5]);
        assert_eq!(loops[0].kind, LoopKind::Time { interval_s: Some(0.5) });
        assert_eq!(loops[2].kind, LoopKind::Depth { step_um: Some(0.5), home: 2.0 });
        let index = FrameIndex::new(&loops).unwrap();
        assert_eq!((index.lengths, index.frames()), ([3, 2, 5], 30));
        let mut seen: Vec<u64> = Vec::new();
        for t in 0..3 {
            for p in 0..2 {
                for z in 0..5 {
                    seen.push(index.frame([t, p, z]));
                }
            }
        }
        assert_eq!(seen, (0..30).collect::<Vec<_>>());
        let swapped: Vec<Loop> = loops.into_iter().rev().collect();
        assert_eq!(FrameIndex::new(&swapped).unwrap().frame([1, 0, 2]), 2 * 6 + 1);
    }

    #[test]
    fn only_valid_positions_count_and_relative_ones_are_made_absolute() {
        let point = |x: f64| {
            (
                "",
                list(vec![
                    ("dPosX", Node::Float(x)),
                    ("dPosY", Node::Float(1.0)),
                    ("dPosZ", Node::Float(9.0)),
                ]),
            )
        };
        let pars = vec![
            ("uiCount", Node::Uint(3)),
            ("bRelativeXY", Node::Flag(true)),
            ("dReferenceX", Node::Float(100.0)),
            ("Points", list(vec![point(1.0), point(2.0), point(3.0)])),
        ];
        let Node::List(mut children) = experiment(2, pars, None) else { unreachable!() };
        children.push(("pItemValid".to_owned(), Node::Bytes(vec![1, 0, 1])));
        let [one] = loops(&Node::List(children)).try_into().unwrap();
        let LoopKind::Position(points) = one.kind else { panic!("not a position loop") };
        assert_eq!(one.count, 2);
        assert_eq!(points[1], Position { x: 103.0, y: 1.0, z: 0.0 });
    }

    #[test]
    fn an_absurd_number_of_frames_is_no_index() {
        let one = Loop { kind: LoopKind::Time { interval_s: None }, count: u64::from(u32::MAX) };
        assert!(FrameIndex::new(&[one.clone(), one.clone(), one]).is_none());
    }
}
