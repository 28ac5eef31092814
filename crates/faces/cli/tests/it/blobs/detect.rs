//! Simulated blobs found and measured through the real command.

use std::collections::BTreeMap;

use hooke_core::{Blob, BlobPair};
use hooke_io::blobs::{ColocRow, read_rows};

use crate::hooke::Bench;

const SIM: &str = "simulate blobs -o cells --shape 24,96,96 --count 24 --seed 3 -q";
const DETECT: &str =
    "blobs detect cells/image.zarr --sigma 2.2,3.4 --psf 1.5,0.4,0.4 --unmix 0:1=0.03 -q";

/// Real recordings, skipped visibly where they are missing.
fn real_data() -> Option<std::path::PathBuf> {
    let found = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")).map(|s| s.join("data/blobs"));
    let found = found.filter(|f| f.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: ../shared/data/blobs is not there");
    }
    found
}

fn blobs(bench: &Bench, name: &str) -> Vec<Blob> {
    read_rows(&bench.path(name)).unwrap().0
}

/// How many of the truth have a found blob of their channel within 4 µm, and the other way round.
fn matched(truth: &[Blob], found: &[Blob]) -> [usize; 2] {
    let near = |a: &Blob, b: &Blob| {
        let apart = (0..3).map(|d| (a.position_um[d] - b.position_um[d]).powi(2)).sum::<f64>();
        a.channel == b.channel && apart < 16.0
    };
    [
        truth.iter().filter(|t| found.iter().any(|f| near(t, f))).count(),
        found.iter().filter(|f| truth.iter().any(|t| near(t, f))).count(),
    ]
}

#[test]
fn simulated_blobs_are_found_whatever_the_blocks() {
    let bench = Bench::new();
    bench.ok(SIM);
    let truth = blobs(&bench, "cells/truth.parquet");
    let pairs: Vec<BlobPair> = read_rows(&bench.path("cells/truth_matches.parquet")).unwrap().0;
    assert!(truth.len() >= 40 && !pairs.is_empty());
    for pair in &pairs {
        let of = |id: u64| truth.iter().find(|b| b.id == id).unwrap();
        let ends = pair.blob_ids.map(of);
        assert_eq!(ends.map(|b| b.channel), pair.channels);
        let mean = (ends[0].position_um[0] + ends[1].position_um[0]) / 2.0;
        assert!((mean - pair.position_um[0]).abs() < 1e-9);
    }
    bench.ok(&format!("{DETECT} -o a.parquet"));
    let found = blobs(&bench, "a.parquet");
    let [hits, right] = matched(&truth, &found);
    assert!(hits as f64 >= 0.97 * truth.len() as f64, "{hits} of {}", truth.len());
    assert!(right as f64 >= 0.97 * found.len() as f64, "{right} of {}", found.len());
    assert!(found.iter().enumerate().all(|(i, b)| b.id == i as u64 + 1));
    assert!(found.iter().all(|b| b.covariance_um2.is_some() && b.amplitude.is_some()));
    let page = std::fs::read_to_string(bench.path("a.parquet.report.html")).unwrap();
    assert!(page.contains("maximum projections") && page.contains("data:image/png"));
    // The same bytes for any blocks, threads, chunks, and format.
    let whole = std::fs::read(bench.path("a.parquet")).unwrap();
    bench.ok("convert cells/image.zarr -o chunks.zarr --chunk 7,30,20 --levels none -q");
    for (name, more) in [
        ("b.parquet", "--block 24,40,33 --threads 1"),
        ("c.parquet", "--block 11,96,50 --threads 4 --memory 1GiB"),
    ] {
        bench.ok(&format!("{DETECT} -o {name} {more}"));
        assert!(std::fs::read(bench.path(name)).unwrap() == whole, "{more}");
    }
    bench.ok(&format!("{} -o d.parquet", DETECT.replace("cells/image.zarr", "chunks.zarr")));
    assert!(blobs(&bench, "d.parquet") == found);
    bench.ok(&format!("{DETECT} -o e.parquet --dry-run --store e.sqlite"));
    assert!(!bench.path("e.parquet").exists() && !bench.path("e.sqlite").exists());
}

#[test]
fn a_killed_detection_goes_on_to_the_same_bytes() {
    let bench = Bench::new();
    bench.ok(SIM);
    bench.ok(&format!("{DETECT} -o whole.parquet"));
    let line = format!("{DETECT} -o killed.parquet --block 8,32,32 --threads 1");
    let mut interrupted = 0;
    for wait in [120, 250, 400] {
        let more = if interrupted == 0 { "" } else { " --resume" };
        let mut child = bench.command(&format!("{line}{more}")).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(bench.path("killed.parquet.partial").exists());
        assert!(!bench.path("killed.parquet").exists());
    }
    assert!(interrupted > 0, "every run ended before it was killed");
    bench.ok(&format!("{line} --resume"));
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(read("killed.parquet") == read("whole.parquet"));
    assert!(!bench.path("killed.parquet.partial").exists());
}

#[test]
fn masks_regions_frames_channels_and_stores_choose() {
    let bench = Bench::new();
    bench.ok(SIM);
    bench.ok(&format!("{DETECT} -o all.parquet"));
    let all = blobs(&bench, "all.parquet");
    // A mask of a quarter of the resolution: the left half.
    bench.ok("convert cells/image.zarr -o half.npy --c 0 --z 0:6 --y 0:24 --x 0:24 --cast clip --dtype uint8 -q");
    let mut bytes = std::fs::read(bench.path("half.npy")).unwrap();
    let head = bytes.len() - 6 * 24 * 24;
    for (i, value) in bytes[head..].iter_mut().enumerate() {
        *value = u8::from(i % 24 < 12) * (1 + u8::from(i / (24 * 24) >= 3));
    }
    bench.write("half.npy", &bytes);
    bench.ok(&format!("{DETECT} -o left.parquet --mask half.npy --regions half.npy"));
    let left = blobs(&bench, "left.parquet");
    let inside = |b: &&Blob| b.position[2] + 0.5 < 48.0;
    assert_eq!(left.len(), all.iter().filter(inside).count());
    for blob in &left {
        assert_eq!(blob.region, if blob.position[0] + 0.5 < 12.0 { 1 } else { 2 });
    }
    bench.ok(&format!(
        "{DETECT} -o one.parquet --channels 'channel 1' --store cells.sqlite --experiment e1"
    ));
    let one = blobs(&bench, "one.parquet");
    assert_eq!(one.len(), all.iter().filter(|b| b.channel == 1).count());
    bench.ok("blobs export cells.sqlite -o back.parquet --experiment e1 -q");
    assert_eq!(blobs(&bench, "back.parquet").len(), one.len());
    for (line, said) in [
        ("--channels 2", "no channel `2`"),
        ("--times 1", "1 frames"),
        ("--radius 8,4", "radius"),
        ("--radius 0.01", "voxel"),
        ("--block 0,1,1", "--block"),
        ("--unmix 0:5=1", "--unmix"),
        ("--noise 1", "--noise"),
        ("--noise -1,-1", "--noise"),
        ("--sigma 2,3 --radius 4,8", "contradict each other"),
    ] {
        let err = bench.fails(2, &format!("blobs detect cells/image.zarr -o x.parquet {line}"));
        assert!(err.contains(said), "{line}: {err}");
    }
    bench.ok("convert cells/image.zarr -o bare.npz -q");
    bench.ok("convert cells/image.zarr -o plain.tif --to tiff --c 0 -q");
    let err = bench.fails(2, "blobs detect cells/image.zarr -o x.csv");
    assert!(err.contains(".parquet"), "{err}");
    bench.ok("convert cells/image.zarr -o dark.npy --c 0 --dtype uint8 --cast scale --range 70000,80000 -q");
    let err = bench.fails(2, "blobs detect half.npy -o x.parquet --axes czyx");
    assert!(err.contains("half.npy") && err.contains("--voxel-size"), "{err}");
    bench.ok("blobs detect dark.npy --axes czyx -o none.parquet --voxel-size 3,1,1 -q");
    assert!(blobs(&bench, "none.parquet").is_empty(), "a black image");
}

#[test]
fn signal_in_other_channels_is_seen_by_both_rules() {
    let bench = Bench::new();
    bench.ok(
        "simulate blobs -o cells --shape 24,96,96 --count 24 --bleed 0 --jitter-um 0.3 --seed 5 -q",
    );
    let pairs: Vec<BlobPair> = read_rows(&bench.path("cells/truth_matches.parquet")).unwrap().0;
    let paired: Vec<u64> = pairs.iter().flat_map(|p| p.blob_ids).collect();
    bench
        .ok("blobs colocalize cells/image.zarr --blobs cells/truth.parquet -o contrast.parquet -q");
    let rows: Vec<ColocRow> = read_rows(&bench.path("contrast.parquet")).unwrap().0;
    let truth = blobs(&bench, "cells/truth.parquet");
    assert_eq!(rows.len(), 2 * truth.len());
    let mut right = BTreeMap::new();
    for row in rows.iter().filter(|r| r.channel != r.blob_channel) {
        *right.entry(row.coloc == paired.contains(&row.blob_id)).or_insert(0) += 1;
    }
    assert!(right.get(&false).copied().unwrap_or(0) * 20 <= truth.len(), "{right:?}");
    bench.ok("blobs colocalize cells/image.zarr --blobs cells/truth.parquet -o ball.parquet --rule neighborhood -q");
    let rows: Vec<ColocRow> = read_rows(&bench.path("ball.parquet")).unwrap().0;
    assert_eq!(rows.len(), 2 * truth.len());
    assert!(rows.iter().all(|r| r.threshold.is_some() && r.p_value.is_none()));
    let own = |r: &&ColocRow| r.channel == r.blob_channel && r.mean.is_some();
    assert!(
        rows.iter().filter(own).count() > 40 && rows.iter().filter(own).all(|r| r.coloc),
        "under min"
    );
    for (line, said) in [
        ("--rule neighborhood --threshold 101", "--threshold"),
        ("--threshold 5", "has no effect"),
        ("--rule neighborhood --fdr 0.1", "has no effect"),
    ] {
        let line = format!("{line} --blobs cells/truth.parquet -o x.parquet");
        let err = bench.fails(2, &format!("blobs colocalize cells/image.zarr {line}"));
        assert!(err.contains(said), "{line}: {err}");
    }
    bench.ok("blobs colocalize cells/image.zarr --noise 1,36 --blobs cells/truth.parquet -o n.parquet -q");
}

#[test]
fn touching_and_saturated_cells_stay_in_the_image_and_are_told() {
    let Some(folder) = real_data() else { return };
    let bench = Bench::new();
    let image = folder.join("dense_crop.ome.tif");
    let line =
        format!("blobs detect {} -o dense.parquet --radius 6,12 --channels 0", image.display());
    let ran = bench.ok(&line);
    assert!(ran.err.contains("few-fitted"), "{}", ran.err);
    let found = blobs(&bench, "dense.parquet");
    assert!(found.len() > 500);
    for blob in &found {
        let inside = blob.position.iter().zip([21.0, 240.0, 240.0]);
        assert!(inside.into_iter().all(|(p, n)| (-0.5..n - 0.5).contains(p)), "{blob:?}");
    }
}

#[test]
fn the_classified_cells_of_a_brain_are_among_the_strongest() {
    let Some(folder) = real_data() else { return };
    let bench = Bench::new();
    let image = folder.join("brain_crop_y255.ome.tif");
    bench.ok(&format!(
        "blobs detect {} -o brain.parquet --radius 8,14 --channels 0 --fit quadratic -q",
        image.display()
    ));
    let mut found = blobs(&bench, "brain.parquet");
    found.sort_by(|a, b| b.response.total_cmp(&a.response));
    found.truncate(300);
    let cells = std::fs::read_to_string(folder.join("brain_crop_y255_cells.csv")).unwrap();
    let cells: Vec<[f64; 3]> = cells
        .lines()
        .skip(1)
        .map(|line| {
            let mut numbers = line.split(',').map(|n| n.parse::<f64>().unwrap());
            [5.0, 2.0, 2.0].map(|um| um * numbers.next().unwrap())
        })
        .collect();
    let is_near = |cell: &&[f64; 3]| {
        let apart = |b: &Blob| (0..3).map(|d| (b.position_um[d] - cell[d]).powi(2)).sum::<f64>();
        found.iter().any(|b| apart(b) < 15.0 * 15.0)
    };
    let near = cells.iter().filter(is_near).count();
    assert!(cells.len() == 39 && near >= 37, "{near} of {}", cells.len());
}
