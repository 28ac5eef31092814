//! Times unique labels over tiles that lie in raw files, one thread, reading and writing included.
//!
//! `time_dedup FOLDER make [N [OVERLAP]]` writes `tile0.u32` and so on and `tiles.csv` (start z, y, x);
//! `time_dedup FOLDER [THREADS]` reads them, matches, writes `new0.u32` and so on, and prints seconds.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hooke_core::{LayoutRegion, Sample, TileError, TilePixels};
use hooke_tileset::Placement;
use hooke_tileset::dedup::{DedupParams, dedup, overlapping_labels};
use hooke_tileset::relabel::LabelMap;
use hooke_tileset::sim::{LabelSim, LabelSimParams};
use rayon::prelude::*;

const TILE: [usize; 3] = [64, 1024, 1024];

type Failure = Box<dyn std::error::Error>;

struct RawTiles {
    files: Vec<File>,
}

impl TilePixels<u32> for RawTiles {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<u32>,
    ) -> Result<(), TileError> {
        let [nz, ny, nx] = shape;
        out.resize(nz * ny * nx, 0);
        // Rows that follow one another in the file are read at once.
        let (pieces, n) = if nx < TILE[2] {
            (nz * ny, nx)
        } else if ny < TILE[1] {
            (nz, ny * nx)
        } else {
            (1, nz * ny * nx)
        };
        let mut bytes = vec![0; 4 * n];
        for piece in 0..pieces {
            let (z, y) = if pieces == nz * ny { (piece / ny, piece % ny) } else { (piece, 0) };
            let at = ((start[0] + z) * TILE[1] + start[1] + y) * TILE[2] + start[2];
            let read = self.files[tile].read_exact_at(&mut bytes, 4 * at as u64);
            read.map_err(|e| TileError { tile, source: e.into() })?;
            u32::read_le(&bytes, &mut out[piece * n..(piece + 1) * n]);
        }
        Ok(())
    }
}

fn make(folder: &Path, n: usize, overlap: usize) -> Result<(), Failure> {
    let params = LabelSimParams {
        grid: [1, n, n],
        tile: TILE,
        overlap: [0, overlap, overlap],
        objects: 3000 * n * n,
        radius: [5.0, 12.0],
        ..LabelSimParams::default()
    };
    let sim = LabelSim::new(params)?;
    let mut table = File::create(folder.join("tiles.csv"))?;
    for (tile, [z, y, x]) in sim.starts().iter().enumerate() {
        writeln!(table, "{z},{y},{x}")?;
        let labels: Vec<u32> = sim.tile(tile).iter().map(|l| *l as u32).collect();
        let mut bytes = Vec::new();
        u32::extend_le(&labels, &mut bytes);
        std::fs::write(folder.join(format!("tile{tile}.u32")), bytes)?;
    }
    Ok(())
}

fn time(folder: &Path) -> Result<(), Failure> {
    let table = std::fs::read_to_string(folder.join("tiles.csv"))?;
    let mut starts = Vec::new();
    for line in table.lines() {
        let numbers: Vec<i64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        starts.push([numbers[0], numbers[1], numbers[2]]);
    }
    let open = |tile| File::open(folder.join(format!("tile{tile}.u32")));
    let tiles = RawTiles { files: (0..starts.len()).map(open).collect::<Result<_, _>>()? };
    let placement = Placement::from_starts(&starts, &vec![TILE.map(|n| n as u64); starts.len()])?;

    let begin = Instant::now();
    overlapping_labels(&placement, &tiles, false)?;
    let matched = begin.elapsed().as_secs_f64();
    let voxels: u64 =
        hooke_tileset::overlap::pairs(&placement).iter().map(|p| p.region.voxels()).sum();
    println!("pairs of labels in {voxels} shared voxels: {matched:.3} s");

    let begin = Instant::now();
    let found = dedup(&placement, &tiles, &DedupParams::default())?;
    println!("dedup: {:.3} s, {} objects", begin.elapsed().as_secs_f64(), found.n_objects());

    let begin = Instant::now();
    (0..starts.len()).into_par_iter().try_for_each(|tile| -> Result<(), String> {
        let write = || -> Result<(), Failure> {
            let map = LabelMap::<u32>::new(tile, found.of_tile(tile))?;
            let mut file = File::create(folder.join(format!("new{tile}.u32")))?;
            let whole = LayoutRegion::new([0; 3], TILE.map(|n| n as i64));
            let (mut labels, mut out, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
            for block in whole.slabs(256) {
                let to = |v: [i64; 3]| v.map(|n| n as usize);
                tiles.read(tile, to(block.start), to(block.shape), &mut labels)?;
                out.resize(labels.len(), 0);
                map.apply(&labels, &mut out)?;
                bytes.clear();
                u32::extend_le(&out, &mut bytes);
                file.write_all(&bytes)?;
            }
            Ok(())
        };
        write().map_err(|e| format!("tile {tile}: {e}"))
    })?;
    println!("relabel and write: {:.3} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folder =
        PathBuf::from(words.first().ok_or("usage: time_dedup FOLDER [make [N [OVERLAP]]]")?);
    let number = |i: usize, default: usize| words.get(i).map_or(Ok(default), |w| w.parse());
    if words.get(1).is_some_and(|w| w == "make") {
        return make(&folder, number(2, 4)?, number(3, 102)?);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(number(1, 1)?).build()?;
    pool.install(|| time(&folder).map_err(|e| e.to_string()))?;
    Ok(())
}
