use hooke_blobs::detect::*;
use hooke_blobs::voxel_box::VoxelBox;
use ndarray::*;
fn main() {
    let a = hooke_testdata::read_npz(std::path::Path::new("/work/shared/conformance/blobs/detect.npz")).unwrap();
    let v: Vec<f32> = a["image"].values[..24 * 96 * 96].iter().map(|v| *v as f32).collect();
    let v = Array3::from_shape_vec([24, 96, 96], v).unwrap();
    let sized = DetectParams { sigma_um: Some([2.2, 3.4]), scales: Some(3), psf_um: [1.5, 0.4, 0.4], ..DetectParams::default() };
    let vol = Volume { shape: [24, 96, 96], voxel_um: [3.0, 1.0, 1.0], origin_um: [0.0; 3] };
    let d = detect_volume(v.view(), &vol, &sized, 1.0, None).unwrap();
    println!("{:?} {}", d.noise, d.threshold);
    let det = Detector::new(&sized, vol, d.noise).unwrap();
    let f = det.detect_block(Block { voxels: v.view(), start: [0; 3], core: VoxelBox::whole([24, 96, 96]) }).unwrap();
    for c in &f.candidates { println!("cand {:?} {:.2?} scale {} snr {:.1} resp {:.1} fit {:.2?}", c.peak, c.offset, c.scale, c.snr, c.response, c.gaussian.map(|g| (g.offset, g.amplitude, g.sigma_um))); }
    for b in &d.blobs { println!("blob {:.2?} r {:.2} score {:.1} A {:?}", b.position, b.radius_um, b.score, b.amplitude); }
}
