//! The simulators keep their word.

use std::collections::BTreeMap;

use hooke_lineage::LineageError;
use hooke_lineage::sim::{
    CellParams, ColonyParams, MotherMachineParams, Movie, OpticsParams, SimFrame, SimOpenEnd,
    TrueCell,
};

fn channels() -> MotherMachineParams {
    MotherMachineParams { frames: 30, channels: 3, growth: 0.08, ..MotherMachineParams::default() }
}

fn pad() -> ColonyParams {
    ColonyParams { frames: 24, size: 320, growth: 0.14, ..ColonyParams::default() }
}

fn pixels(frame: &SimFrame) -> BTreeMap<u32, usize> {
    let mut count = BTreeMap::new();
    frame.labels.iter().filter(|l| **l > 0).for_each(|l| *count.entry(*l).or_default() += 1);
    count
}

/// Pixels of every cell against the continuous model, the same cells in the image and in the table.
fn areas_match(frame: &SimFrame, overlap: f64) {
    let pixels = pixels(frame);
    assert!(frame.cells.iter().all(|c| pixels.contains_key(&c.label)));
    assert_eq!(pixels.len(), frame.cells.len());
    for cell in frame.cells.iter().filter(|c| c.edges == [false; 4]) {
        let off = pixels[&cell.label] as f64 - cell.area;
        // Both sides of an upright cell may miss a column of pixels by less than half a pixel.
        let tolerance = cell.length + overlap;
        assert!(off.abs() < tolerance, "{off} of {} px, frame {}", cell.area, frame.frame);
    }
    // Over all cells the pixels that are missed and gained are as many.
    let inner = || frame.cells.iter().filter(|c| c.edges == [false; 4]);
    let seen: usize = inner().map(|c| pixels[&c.label]).sum();
    let model: f64 = inner().map(|c| c.area).sum();
    assert!((seen as f64 / model - 1.0).abs() < 0.02, "{seen} of {model}, frame {}", frame.frame);
}

/// Family ties of the table agree with each other and with the tracks.
fn families_agree(movie: &Movie, rows: &[TrueCell]) {
    let first: BTreeMap<(u16, u32), &TrueCell> =
        rows.iter().rev().map(|r| ((r.roi, r.cell), r)).collect();
    let at = |roi, cell, frame| {
        rows.iter().find(|r: &&TrueCell| (r.roi, r.cell, r.frame) == (roi, cell, frame))
    };
    let mut divisions = 0;
    for row in rows {
        assert_eq!(row.mother, first[&(row.roi, row.cell)].mother);
        let Some(daughter) = row.daughter else { continue };
        divisions += 1;
        let born = first[&(row.roi, daughter)];
        assert_eq!((born.mother, born.frame), (Some(row.cell), row.frame));
        let before = at(row.roi, row.cell, row.frame - 1).unwrap();
        assert_eq!(before.generation + 1, row.generation);
        assert_eq!(born.generation, row.generation);
        assert_eq!(born.old_pole_age, Some(1));
        // The sum of lengths went on growing as if nothing had happened.
        let ratio = (row.length + born.length) / before.length;
        assert!((ratio.ln() / before.growth_rates[0] - 1.0).abs() < 0.4, "{ratio}");
        let parent = |label: u32| movie.tracks()[label as usize - 1].parent;
        assert_eq!(parent(row.label), Some(before.label));
        assert_eq!(parent(born.label), Some(before.label));
    }
    assert!(divisions > 5, "{divisions}");
    for (track, label) in movie.tracks().iter().zip(1..) {
        assert_eq!(track.label, label);
        let frames: Vec<u32> = rows.iter().filter(|r| r.label == label).map(|r| r.frame).collect();
        assert!(frames.iter().copied().eq(track.first..=track.last));
        if let Some(parent) = track.parent {
            assert_eq!(movie.tracks()[parent as usize - 1].last + 1, track.first);
        }
    }
}

#[test]
fn channels_keep_order_sizes_and_families() {
    let mut movie = Movie::mother_machine(&channels()).unwrap();
    let mut rows = Vec::new();
    let boxes = movie.boxes();
    assert_eq!(boxes.len(), 3);
    for frame in movie.by_ref() {
        areas_match(&frame, 0.0);
        let rois: Vec<u16> = frame.cells.iter().map(|c| c.roi).collect();
        assert!(rois.is_sorted() && rois.iter().any(|r| *r != rois[0]));
        for cell in &frame.cells {
            let [xtl, ytl, xbr, _] = boxes[usize::from(cell.roi)].map(|v| v as f64);
            let [y, x] = [cell.center[0] - frame.drift[1], cell.center[1] - frame.drift[0]];
            assert!(y > ytl && x > xtl && x < xbr, "{y} {x}");
        }
        rows.extend(frame.cells);
    }
    assert_eq!(rows.iter().map(|r| r.roi).collect::<std::collections::BTreeSet<_>>().len(), 2);
    families_agree(&movie, &rows);
    // Mothers stay; daughters leave.
    let last = rows.last().unwrap().frame;
    assert!(rows.iter().any(|r| r.frame == last && r.cell == 1));
    assert!(movie.tracks().iter().filter(|t| t.last < last).count() > 4);
}

#[test]
fn colonies_grow_outwards_without_overlap() {
    let mut movie = Movie::colony(&pad()).unwrap();
    let mut rows = Vec::new();
    let mut last = None;
    for frame in movie.by_ref() {
        areas_match(&frame, 0.03 * 8.0 * 34.0);
        rows.extend(frame.cells.iter().cloned());
        last = Some(frame);
    }
    families_agree(&movie, &rows);
    let last = last.unwrap();
    assert!(last.cells.len() > 30, "{}", last.cells.len());
    // Nothing interpenetrates: together the cells have the pixels that the model gives them.
    let model: f64 = last.cells.iter().map(|c| c.area).sum();
    let seen: usize = pixels(&last).values().sum();
    assert!((seen as f64 / model - 1.0).abs() < 0.01, "{seen} {model}");
    // A disc, not a chain.
    let n = last.cells.len() as f64;
    let mean = [0, 1].map(|i| last.cells.iter().map(|c| c.center[i]).sum::<f64>() / n);
    let moment = |i: usize, j: usize| -> f64 {
        let part = |c: &TrueCell| (c.center[i] - mean[i]) * (c.center[j] - mean[j]);
        last.cells.iter().map(part).sum::<f64>() / n
    };
    let (yy, xx, xy) = (moment(0, 0), moment(1, 1), moment(0, 1));
    let half = (0.25 * (yy - xx).powi(2) + xy * xy).sqrt();
    let [large, small] = [0.5 * (yy + xx) + half, 0.5 * (yy + xx) - half];
    assert!(large < 6.0 * small, "{large} {small}");
}

#[test]
fn growth_ends_when_the_pad_is_full() {
    let params = ColonyParams { max_cells: 9, frames: 30, ..pad() };
    let frames: Vec<SimFrame> = Movie::colony(&params).unwrap().collect();
    let last = frames.last().unwrap();
    assert_eq!(last.cells.len(), 9);
    assert!(last.cells.iter().all(|c| c.growth_rates == [0.0; 2]));
}

#[test]
fn cells_are_dark_their_surroundings_bright_and_fluorescence_is_theirs() {
    let optics = OpticsParams { gradient: 0.0, ..OpticsParams::default() };
    let params = ColonyParams { frames: 1, founders: 5, fluo: 2, optics, ..pad() };
    let frame = Movie::colony(&params).unwrap().next().unwrap();
    assert_eq!(frame.images.len(), 3);
    let mean = |channel: usize, label: u32| {
        let values = frame.labels.iter().zip(&frame.images[channel]);
        let values: Vec<f64> =
            values.filter(|(l, _)| **l == label).map(|(_, v)| f64::from(*v)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    for cell in &frame.cells {
        assert!(mean(0, cell.label) < 0.85 * mean(0, 0));
        for channel in 0..2 {
            let seen = mean(channel + 1, cell.label);
            assert!((seen / cell.fluo[channel] - 1.0).abs() < 0.02, "{seen} {:?}", cell.fluo);
            assert!(seen > 4.0 * mean(channel + 1, 0));
        }
    }
    let brightest = frame.images[0].iter().max().copied().unwrap();
    assert!(f64::from(brightest) > 1.15 * params.optics.background);
}

#[test]
fn equal_seeds_give_equal_bits() {
    let digest = |frames: Vec<SimFrame>| {
        // FNV-1a over all pixels.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |v: u32| hash = (hash ^ u64::from(v)).wrapping_mul(0x100_0000_01b3);
        for frame in &frames {
            frame.images.iter().flatten().for_each(|v| take(u32::from(*v)));
            frame.labels.iter().for_each(|v| take(*v));
        }
        hash
    };
    let machine = MotherMachineParams {
        frames: 4,
        channels: 2,
        empty_channels: 0,
        debris: 5,
        rotation: 1.5,
        ..channels()
    };
    let colony = ColonyParams { frames: 6, size: 160, debris: 3, growth: 0.3, ..pad() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let first = Movie::mother_machine(&machine).unwrap();
    let second = Movie::colony(&colony).unwrap();
    let digests = [digest(first.clone().collect()), digest(second.clone().collect())];
    let again = pool.install(|| [digest(first.collect()), digest(second.collect())]);
    assert_eq!(digests, again);
    // Known on the machine this was written on.
    assert_eq!(digests, KNOWN, "{digests:#x?}");
    let other = MotherMachineParams { seed: 1, ..machine.clone() };
    assert_ne!(digest(Movie::mother_machine(&other).unwrap().collect()), digests[0]);
    let other = MotherMachineParams { position: 1, ..machine };
    assert_ne!(digest(Movie::mother_machine(&other).unwrap().collect()), digests[0]);
}

const KNOWN: [u64; 2] = [0x54f1_f235_7a0a_948d, 0x04bb_3b20_7929_76f6];

#[test]
fn rotation_and_drift_move_the_cells_as_they_say() {
    let still = MotherMachineParams { frames: 3, drift: 0.0, ..channels() };
    let moved = MotherMachineParams {
        drift: 3.0,
        rotation: 5.0,
        open_end: SimOpenEnd::Top,
        ..still.clone()
    };
    let open_top = MotherMachineParams { open_end: SimOpenEnd::Top, ..still.clone() };
    let [height, width] = Movie::mother_machine(&still).unwrap().shape();
    let angle = 5.0_f64.to_radians();
    let movies = [&still, &open_top, &moved].map(|p| Movie::mother_machine(p).unwrap());
    let [still, open_top, moved] = movies;
    for ((a, b), c) in still.zip(open_top).zip(moved) {
        assert_eq!(a.drift, [0.0, 0.0]);
        assert_eq!(c.drift == [0.0, 0.0], c.frame == 0);
        for ((a, b), moved) in a.cells.iter().zip(&b.cells).zip(&c.cells) {
            assert!((a.center[0] + b.center[0] - (height as f64 - 1.0)).abs() < 1e-9);
            assert!(b.old_pole[0] > b.new_pole[0] || b.generation > 0);
            // Level: counter-clockwise by the angle about the middle (x right, y down).
            let [my, mx] = [0.5 * (height as f64 - 1.0), 0.5 * (width as f64 - 1.0)];
            let [y, x] = [moved.center[0] - my, moved.center[1] - mx];
            let level_y = y * angle.cos() - x * angle.sin() + my - c.drift[1];
            let level_x = x * angle.cos() + y * angle.sin() + mx - c.drift[0];
            assert!((level_y - b.center[0]).abs() < 1e-9, "{level_y} {:?}", b.center);
            assert!((level_x - b.center[1]).abs() < 1e-9, "{level_x} {:?}", b.center);
        }
    }
}

#[test]
fn bad_parameters_are_named() {
    let bad = [
        ("growth", ColonyParams { growth: f64::NAN, ..pad() }),
        ("size", ColonyParams { size: 10, ..pad() }),
        ("frames", ColonyParams { frames: 0, ..pad() }),
        (
            "division-length",
            ColonyParams {
                cells: CellParams { division_length: 9.0, ..CellParams::default() },
                ..pad()
            },
        ),
    ];
    for (wanted, params) in bad {
        match Movie::colony(&params) {
            Err(LineageError::Parameter { name, .. }) => assert_eq!(name, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    let narrow = MotherMachineParams { channel_width: 7.0, ..channels() };
    assert!(Movie::mother_machine(&narrow).is_err());
}
