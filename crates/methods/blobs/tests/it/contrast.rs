//! Which blobs stand out in which channel.

use hooke_blobs::contrast::{ContrastMeter, ContrastRow, bleed_through, decide};
use hooke_blobs::detect::Block;
use hooke_blobs::noise::SensorNoise;
use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::voxel_box::{VoxelBox, grid};
use hooke_core::Blob;
use ndarray::{Array3, s};

const NOISE: SensorNoise = SensorNoise { alpha: 1.0, beta: -64.0, floor: 0.1 };

fn simulated(bleed: f64) -> (BlobSim, Vec<Array3<f32>>, Vec<Blob>) {
    let params = BlobSimParams {
        shape: [40, 200, 200],
        count: 80,
        bleed,
        seed: 2,
        // The rule looks at blobs as they are in the image.
        psf_um: [0.0; 3],
        ..BlobSimParams::default()
    };
    let sim = BlobSim::new(params).unwrap();
    let whole = VoxelBox::whole(sim.params().shape);
    let channels = (0..2).map(|c| sim.voxels(c, whole).mapv(f32::from)).collect();
    let blobs = sim.truth().0;
    (sim, channels, blobs)
}

fn rows(
    sim: &BlobSim,
    channels: &[Array3<f32>],
    blobs: &[Blob],
    step: [usize; 3],
) -> Vec<ContrastRow> {
    let meter = ContrastMeter::new(blobs, sim.volume());
    let shape = sim.params().shape;
    let mut rows = Vec::new();
    for (channel, voxels) in (0..).zip(channels) {
        for core in grid(shape, step) {
            let held = core.grown(meter.halo(), shape);
            let view = voxels.slice(s![
                held.start[0]..held.end[0],
                held.start[1]..held.end[1],
                held.start[2]..held.end[2]
            ]);
            rows.extend(meter.measure(
                Block { voxels: view, start: held.start, core },
                channel,
                &NOISE,
            ));
        }
        rows.extend(meter.outside(channel));
    }
    rows.sort_by_key(|r| (r.blob_id, r.channel));
    rows
}

#[test]
fn pairs_stand_out_in_both_channels_and_others_in_one() {
    let (sim, channels, blobs) = simulated(0.0);
    let pairs = sim.truth().1;
    let mut rows = rows(&sim, &channels, &blobs, sim.params().shape);
    decide(&mut rows, 0.05);
    assert_eq!(rows.len(), 2 * blobs.len());
    let (mut missed, mut wrong) = (0, 0);
    for row in &rows {
        let is_pair = pairs.iter().any(|p| p.blob_ids.contains(&row.blob_id));
        let expected = row.channel == row.blob_channel || is_pair;
        missed += usize::from(expected && !row.coloc);
        wrong += usize::from(!expected && row.coloc);
    }
    assert!(missed <= 1 && wrong <= 10, "{missed} missed, {wrong} wrong of {}", rows.len());
    // What stands out in its own channel does so by its height.
    for row in rows.iter().filter(|r| r.channel == r.blob_channel) {
        let height = f64::from(blobs[row.blob_id as usize - 1].amplitude.unwrap());
        let contrast = row.measured.unwrap().contrast;
        assert!((0.3..0.75).contains(&(contrast / height)), "{contrast} of {height}");
    }
}

#[test]
fn blocks_change_no_row() {
    let (sim, channels, blobs) = simulated(0.03);
    let whole = rows(&sim, &channels, &blobs, sim.params().shape);
    assert_eq!(rows(&sim, &channels, &blobs, [13, 64, 90]), whole);
}

#[test]
fn bleed_is_measured() {
    let (sim, channels, blobs) = simulated(0.08);
    let rows = rows(&sim, &channels, &blobs, sim.params().shape);
    let contrasts = |source: u16, target: u16| -> Vec<[f64; 2]> {
        let of = |id: u64, channel: u16| {
            let row = rows.iter().find(|r| r.blob_id == id && r.channel == channel);
            row.unwrap().measured.unwrap().contrast
        };
        let here = blobs.iter().filter(|b| b.channel == source);
        here.map(|b| [of(b.id, source), of(b.id, target)]).collect()
    };
    let forth = bleed_through(&contrasts(0, 1)).unwrap();
    let back = bleed_through(&contrasts(1, 0)).unwrap();
    assert!((forth - 0.08).abs() < 0.01 && back < 0.01, "{forth} {back}");
}

#[test]
fn blobs_outside_or_in_gaps_have_no_numbers() {
    let (sim, channels, blobs) = simulated(0.0);
    let mut blobs = vec![blobs[0].clone(), blobs[1].clone(), blobs[2].clone()];
    blobs[1].position = [-3.0, 10.0, 10.0];
    blobs[2].position = [f64::NAN; 3];
    let found = rows(&sim, &channels, &blobs, [40, 100, 100]);
    assert_eq!(
        found.iter().map(|r| r.measured.is_some()).collect::<Vec<_>>(),
        [true, true, false, false, false, false]
    );
    let gap = vec![Array3::from_elem(sim.params().shape, f32::NAN)];
    let mut found = rows(&sim, &gap, &blobs, sim.params().shape);
    decide(&mut found, 0.05);
    assert!(found.iter().all(|r| r.measured.is_none() && !r.coloc));
    assert!(ContrastMeter::new(&[], sim.volume()).halo().iter().all(|h| *h == 1));
}
