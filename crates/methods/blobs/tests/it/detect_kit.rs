//! What the tests of detection need: volumes, planted blobs, nearest matches.

use hooke_blobs::detect::{DetectParams, Detected, Volume, detect_volume};
use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::Blob;
use hooke_core::seed::rng_at;
use ndarray::Array3;
use rand_distr::{Distribution, StandardNormal};

pub const PSF_UM: [f64; 3] = [1.5, 0.4, 0.4];

/// Parameters for blobs of known size.
pub fn sized() -> DetectParams {
    DetectParams {
        sigma_um: Some([2.2, 3.4]),
        scales: Some(3),
        psf_um: PSF_UM,
        ..DetectParams::default()
    }
}

/// One simulated channel.
pub fn simulated(params: BlobSimParams) -> (BlobSim, Array3<f32>, Vec<Blob>) {
    let sim = BlobSim::new(BlobSimParams { channels: 1, ..params }).unwrap();
    let voxels = sim.voxels(0, VoxelBox::whole(sim.params().shape)).mapv(f32::from);
    let truth = sim.truth().0;
    (sim, voxels, truth)
}

/// A small volume with 30 blobs.
pub fn small(seed: u64) -> (BlobSim, Array3<f32>, Vec<Blob>) {
    simulated(BlobSimParams { shape: [24, 96, 96], count: 30, seed, ..BlobSimParams::default() })
}

pub fn volume(shape: [usize; 3], voxel_um: [f64; 3]) -> Volume {
    Volume { shape, voxel_um, origin_um: [0.0; 3] }
}

/// Blobs of height 400 and sigma 2.8 µm at places in voxels, on 200, with noise.
pub fn planted(volume: &Volume, places: &[[f64; 3]], seed: u64) -> Array3<f32> {
    let width: [f64; 3] = std::array::from_fn(|a| 2.8_f64.hypot(PSF_UM[a]) / volume.voxel_um[a]);
    let mut rng = rng_at(seed, "planted", &[]);
    Array3::from_shape_fn(volume.shape, |(z, y, x)| {
        let at = [z, y, x].map(|p| p as f64);
        let light = |c: &[f64; 3]| {
            let q = |a: usize| match volume.shape[a] {
                1 => 0.0,
                _ => ((at[a] - c[a]) / width[a]).powi(2),
            };
            400.0 * (-0.5 * (0..3).map(q).sum::<f64>()).exp()
        };
        let mean = 200.0 + places.iter().map(light).sum::<f64>();
        let noise: f64 = StandardNormal.sample(&mut rng);
        (mean + mean.sqrt() * noise).round() as f32
    })
}

pub fn detect(voxels: &Array3<f32>, volume: &Volume, params: &DetectParams) -> Detected {
    detect_volume(voxels.view(), volume, params, 1.0, None).unwrap()
}

pub fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|d| (a[d] - b[d]).powi(2)).sum::<f64>().sqrt()
}

/// Truth and found blobs that are nearest to each other, and within `gate` µm.
pub fn matched<'a>(truth: &'a [Blob], found: &'a [Blob], gate: f64) -> Vec<[&'a Blob; 2]> {
    let apart = |a: &Blob, b: &Blob| distance(a.position_um, b.position_um);
    let nearest = |from: &Blob, among: &'a [Blob]| {
        among.iter().min_by(|a, b| apart(from, a).total_cmp(&apart(from, b)))
    };
    truth
        .iter()
        .filter_map(|t| {
            let f = nearest(t, found)?;
            (apart(t, f) < gate && nearest(f, truth)?.id == t.id).then_some([t, f])
        })
        .collect()
}
