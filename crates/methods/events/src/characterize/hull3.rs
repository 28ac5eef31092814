//! Convex hulls of voxels: of the midpoints of their faces, in exact integers.
//!
//! Quickhull (Barber, Dobkin & Huhdanpaa 1996, doi:10.1145/235815.235821) on doubled coordinates.
//! Exactness makes coplanar points, which voxels have in plenty, harmless: a point sees a face only
//! when it lies strictly above it. With the midpoints of faces even a single voxel has a volume, so
//! the hull is never flat.

use super::hull2::tighten;

type Point = [i64; 3];

/// Half-space `normal · p <= offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plane {
    normal: Point,
    offset: i64,
}

impl Plane {
    fn through(a: Point, b: Point, c: Point) -> Self {
        let normal = cross(minus(b, a), minus(c, a));
        Self { normal, offset: dot(normal, a) }
    }

    /// Positive outside.
    fn height(&self, p: Point) -> i64 {
        dot(self.normal, p) - self.offset
    }

    fn reduced(self) -> Self {
        let divisor = self.normal.iter().chain([&self.offset]).fold(0, |g, v| gcd(g, v.abs()));
        Self { normal: self.normal.map(|v| v / divisor), offset: self.offset / divisor }
    }
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Point, b: Point) -> i64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

struct Face {
    corners: [usize; 3],
    /// Across the edge from corner `i` to the next.
    neighbours: [usize; 3],
    plane: Plane,
    /// Points that see this face, each listed at one face only.
    above: Vec<usize>,
    is_alive: bool,
}

/// Whether points lie in one plane.
pub(super) fn is_flat(points: &[Point]) -> bool {
    simplex(points).is_none()
}

/// Indices of four points that are not in one plane, the first two far apart along z, if there are any.
fn simplex(points: &[Point]) -> Option<[usize; 4]> {
    let all = || 0..points.len();
    let a = all().min_by_key(|i| points[*i])?;
    let b = all().max_by_key(|i| points[*i])?;
    let axis = minus(points[b], points[a]);
    let area = |i: usize| {
        let normal = cross(axis, minus(points[i], points[a]));
        normal.iter().map(|v| i128::from(*v).pow(2)).sum::<i128>()
    };
    let c = all().max_by_key(|i| area(*i)).filter(|i| area(*i) > 0)?;
    let plane = Plane::through(points[a], points[b], points[c]);
    let height = |i: usize| plane.height(points[i]);
    let d = all().max_by_key(|i| height(*i).abs()).filter(|i| height(*i) != 0)?;
    Some(if height(d) < 0 { [a, b, c, d] } else { [a, c, b, d] })
}

/// The planes of the hull of voxels' face midpoints, in doubled coordinates, each once and sorted.
///
/// `centres` must hold the vertices of the hull of the voxels' centres, and may hold more; empty for
/// none.
pub(super) fn hull_of_voxels(centres: &[Point]) -> Vec<Plane> {
    const FACES: [Point; 6] = [[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]];
    let moved = |c: &Point| FACES.map(|f| [2 * c[0] + f[0], 2 * c[1] + f[1], 2 * c[2] + f[2]]);
    let points: Vec<Point> = centres.iter().flat_map(moved).collect();
    let Some(corners) = simplex(&points) else { return Vec::new() };
    let mut hull = Hull::new(&points, corners);
    while let Some(face) = hull.open.pop() {
        hull.grow(face);
    }
    let faces = hull.faces.iter().filter(|f| f.is_alive);
    let mut planes: Vec<Plane> = faces.map(|f| f.plane.reduced()).collect();
    planes.sort_unstable();
    planes.dedup();
    planes
}

struct Hull<'a> {
    points: &'a [Point],
    faces: Vec<Face>,
    /// Faces that may have points above.
    open: Vec<usize>,
}

impl<'a> Hull<'a> {
    fn new(points: &'a [Point], [a, b, c, d]: [usize; 4]) -> Self {
        let mut hull = Self { points, faces: Vec::new(), open: Vec::new() };
        // The fourth corner is below the first face; each edge is shared by two faces in opposite
        // directions.
        hull.add([a, b, c], [1, 2, 3]);
        hull.add([b, a, d], [0, 3, 2]);
        hull.add([c, b, d], [0, 1, 3]);
        hull.add([a, c, d], [0, 2, 1]);
        hull.share(&(0..points.len()).collect::<Vec<_>>(), 0);
        hull
    }

    fn add(&mut self, corners: [usize; 3], neighbours: [usize; 3]) -> usize {
        let [a, b, c] = corners.map(|i| self.points[i]);
        let plane = Plane::through(a, b, c);
        self.faces.push(Face { corners, neighbours, plane, above: Vec::new(), is_alive: true });
        self.faces.len() - 1
    }

    /// Lists each point at the first face from `first` on that it sees.
    fn share(&mut self, indices: &[usize], first: usize) {
        for i in indices {
            let seen = self.faces[first..].iter_mut().find(|f| f.plane.height(self.points[*i]) > 0);
            if let Some(face) = seen {
                face.above.push(*i);
            }
        }
        self.open.extend((first..self.faces.len()).filter(|f| !self.faces[*f].above.is_empty()));
    }

    /// Takes the highest point above `face` into the hull.
    fn grow(&mut self, face: usize) {
        if !self.faces[face].is_alive {
            return;
        }
        let plane = self.faces[face].plane;
        let above = self.faces[face].above.iter().copied();
        let Some(apex) = above.max_by_key(|i| plane.height(self.points[*i])) else { return };
        let (horizon, orphans) = self.remove_seen_from(apex, face);
        let first = self.faces.len();
        for (a, b, beyond) in &horizon {
            let new = self.add([*a, *b, apex], [*beyond, 0, 0]);
            let far = &mut self.faces[*beyond];
            for edge in 0..3 {
                if far.corners[edge] == *b && far.corners[(edge + 1) % 3] == *a {
                    far.neighbours[edge] = new;
                }
            }
        }
        // The horizon is a ring: the edge that ends at a corner is followed by the one that starts there.
        let mut starts: Vec<(usize, usize)> =
            horizon.iter().enumerate().map(|(i, (a, _, _))| (*a, first + i)).collect();
        starts.sort_unstable();
        for (i, (_, b, _)) in horizon.iter().enumerate() {
            if let Ok(k) = starts.binary_search_by_key(b, |(a, _)| *a) {
                let next = starts[k].1;
                self.faces[first + i].neighbours[1] = next;
                self.faces[next].neighbours[2] = first + i;
            }
        }
        self.share(&orphans, first);
    }

    /// Takes out the faces that `apex` sees, from `start` on.
    ///
    /// Returns the edges around them, each with the face beyond, and the points that were above them.
    fn remove_seen_from(
        &mut self,
        apex: usize,
        start: usize,
    ) -> (Vec<(usize, usize, usize)>, Vec<usize>) {
        let (mut horizon, mut orphans) = (Vec::new(), Vec::new());
        let mut stack = vec![start];
        self.faces[start].is_alive = false;
        while let Some(i) = stack.pop() {
            orphans.append(&mut self.faces[i].above);
            for edge in 0..3 {
                let face = &self.faces[i];
                let (a, b) = (face.corners[edge], face.corners[(edge + 1) % 3]);
                let beyond = face.neighbours[edge];
                let other = &mut self.faces[beyond];
                if other.plane.height(self.points[apex]) <= 0 {
                    horizon.push((a, b, beyond));
                } else if other.is_alive {
                    other.is_alive = false;
                    stack.push(beyond);
                }
            }
        }
        (horizon, orphans)
    }
}

/// The voxels of a box whose centre lies in or on a hull.
pub(super) fn count_inside(planes: &[Plane], [depth, height, width]: [usize; 3]) -> u64 {
    let mut count = 0;
    for z in 0..depth as i64 {
        let at_z = |p: &Plane| [2 * p.normal[1], 2 * p.normal[2], p.offset - 2 * z * p.normal[0]];
        let sides: Vec<[i64; 3]> = planes.iter().map(at_z).collect();
        for x in 0..height as i64 {
            let mut interval = (0, width as i64 - 1);
            let cut = |[nx, ny, limit]: &[i64; 3]| tighten(&mut interval, *ny, limit - nx * x);
            if sides.iter().all(cut) {
                count += (interval.1 - interval.0 + 1) as u64;
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(centres: &[Point], shape: [usize; 3]) -> u64 {
        count_inside(&hull_of_voxels(centres), shape)
    }

    #[test]
    fn a_voxel_a_line_and_a_plate_are_their_own_hulls() {
        assert_eq!(hull_of_voxels(&[[0, 0, 0]]).len(), 8);
        assert_eq!(inside(&[[0, 0, 0]], [1, 1, 1]), 1);
        assert_eq!(inside(&[[0, 0, 0], [0, 0, 6]], [1, 1, 7]), 7);
        assert_eq!(inside(&[[0, 0, 0], [0, 2, 0], [0, 2, 3], [0, 0, 3]], [1, 3, 4]), 12);
        assert!(is_flat(&[[0, 0, 0], [0, 2, 0], [0, 2, 3], [0, 0, 3]]));
        assert!(!is_flat(&[[0, 0, 0], [0, 2, 0], [0, 2, 3], [1, 0, 3]]));
    }

    #[test]
    fn the_hull_of_the_ends_of_a_box_is_the_box() {
        let ends: Vec<Point> =
            (0..8).map(|i| [i >> 2, (i >> 1) & 1, i & 1].map(|b| 3 * b)).collect();
        assert_eq!(inside(&ends, [4, 4, 4]), 64);
        // Without one corner the voxels behind the cut are gone.
        assert!(inside(&ends[1..], [4, 4, 4]) < 64);
    }

    #[test]
    fn every_point_is_below_every_plane_and_every_plane_is_touched() {
        // A lattice ball with many coplanar points.
        let span = -4_i64..=4;
        let points: Vec<Point> = span
            .clone()
            .flat_map(|z| span.clone().flat_map(move |x| (-4..=4).map(move |y| [z, x, y])))
            .filter(|p| dot(*p, *p) <= 18)
            .collect();
        let planes = hull_of_voxels(&points);
        for plane in &planes {
            let highest = points.iter().map(|p| plane.height(p.map(|v| 2 * v))).max();
            assert!(highest.is_some_and(|h| h < 0), "{plane:?}");
            let face = |p: &Point| {
                (0..6)
                    .map(|k| {
                        let mut p = p.map(|v| 2 * v);
                        p[k / 2] += 2 * (k as i64 % 2) - 1;
                        plane.height(p)
                    })
                    .max()
            };
            assert_eq!(points.iter().filter_map(face).max(), Some(0));
        }
    }
}
