//! A workflow small enough to be checked by hand: fill with a function of the position, sum per
//! block, add the sums up, divide by the mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, Draft, Grid, OutputSpec, Plan, Stage, Writes};
use hooke_core::provenance::OutputRecord;
use hooke_core::region::{Region, grid, grid_counts};
use hooke_core::{Axes, Block, Budget, Dtype};
use hooke_io::atomic;
use hooke_workflows::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, RunOptions, Summary, Target,
    WorkDir, Workflow, stamp_input,
};
use serde_json::{Value, json};

pub const COMMANDS: &[Registered] = &[Registered {
    command: "toy run",
    results_version: 1,
    open: |plan| Ok(Box::new(Toy::of(plan)?)),
}];

#[derive(Debug, Clone)]
pub struct Toy {
    pub out: PathBuf,
    pub shape: [u64; 5],
    pub unit: [u64; 5],
    pub block: [u64; 5],
    pub gain: u64,
    pub input: Option<PathBuf>,
    pub strict: bool,
    /// Blocks as a list, the odd ones first: irregular stages.
    pub listed: bool,
    pub bytes: u64,
}

impl Toy {
    pub fn new(out: impl Into<PathBuf>) -> Toy {
        Toy {
            out: out.into(),
            shape: [1, 1, 6, 10, 11],
            unit: [1, 1, 2, 4, 4],
            block: [1, 1, 2, 4, 4],
            gain: 3,
            input: None,
            strict: false,
            listed: false,
            bytes: 1 << 20,
        }
    }

    pub fn target(&self) -> Target {
        Target::Product(self.out.clone())
    }

    fn of(plan: &Plan) -> Result<Toy, SourceError> {
        let five = |key: &str| -> Result<[u64; 5], SourceError> {
            Ok(serde_json::from_value(plan.parameters[key].clone())?)
        };
        Ok(Toy {
            out: plan.outputs[0].path.clone(),
            shape: five("shape")?,
            unit: five("unit")?,
            block: five("block")?,
            gain: plan.parameters["gain"].as_u64().ok_or("no gain")?,
            input: plan.inputs.first().map(|i| i.path.clone()),
            strict: plan.parameters["strict"] == Value::Bool(true),
            listed: false,
            bytes: 1 << 20,
        })
    }

    /// The truth at a voxel.
    fn value(&self, p: [u64; 5]) -> u32 {
        let mixed = p.iter().fold(self.gain, |h, v| {
            (h ^ (v + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        (mixed >> 48) as u32
    }

    /// What the finished output must hold, computed without blocks.
    pub fn truth(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let whole = Region::whole(self.shape);
        let total: u64 = voxels(&whole).map(|p| u64::from(self.value(p))).sum();
        let mean = total as f64 / whole.voxels() as f64;
        let at = |p: [u64; 5], dx: i64| {
            let x = p[4].checked_add_signed(dx).filter(|x| *x < self.shape[4]);
            x.map_or(0, |x| u64::from(self.value([p[0], p[1], p[2], p[3], x])))
        };
        let mut files = BTreeMap::new();
        for chunk in grid(self.shape, self.unit) {
            let mut bytes = Vec::new();
            for p in voxels(&chunk) {
                let sum = at(p, -1) + at(p, 0) + at(p, 1);
                bytes.extend((sum as f64 / mean).to_le_bytes());
            }
            files.insert(PathBuf::from(name(self.unit, &chunk)), bytes);
        }
        files.insert("total".into(), total.to_string().into_bytes());
        files
    }

    fn chunks(&self, block: &Region) -> Vec<Region> {
        let chunks = grid(self.shape, self.unit);
        chunks.filter(|c| c.intersect(block).is_some()).collect()
    }

    /// Reads any box of a container of chunk files, u32 values.
    fn read(&self, folder: &Path, region: &Region) -> std::io::Result<Vec<u32>> {
        let mut values = BTreeMap::new();
        for chunk in self.chunks(region) {
            let bytes = fs::read(folder.join(name(self.unit, &chunk)))?;
            let samples = bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b));
            values.extend(voxels(&chunk).zip(samples));
        }
        Ok(voxels(region).map(|p| values[&p]).collect())
    }
}

/// The voxels of a box in C order.
fn voxels(region: &Region) -> impl Iterator<Item = [u64; 5]> {
    let start = region.start;
    grid(region.shape, [1; 5]).map(move |v| std::array::from_fn(|d| v.start[d] + start[d]))
}

fn name(unit: [u64; 5], chunk: &Region) -> String {
    let index: Vec<String> = (2..5).map(|d| (chunk.start[d] / unit[d]).to_string()).collect();
    format!("c{}", index.join("."))
}

impl Workflow for Toy {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let voxels = Region::whole(self.shape).voxels();
        let grid = |halo| {
            let grid = Grid { shape: self.shape, write: self.block, halo };
            let blocks = Blocks::Grid { grid, bytes: self.bytes };
            if !self.listed {
                return blocks;
            }
            let (odd, even): (Vec<_>, Vec<_>) = blocks.iter().partition(|b| b.id % 2 == 1);
            let listed = (0..).zip(odd.into_iter().chain(even));
            Blocks::Listed(listed.map(|(id, block)| Block { id, ..block }).collect())
        };
        let writes = |output: &str, bytes| Writes {
            output: output.to_owned(),
            shape: self.shape,
            unit: self.unit,
            bytes,
        };
        let axes = Axes::ZYX;
        let inputs = self.input.iter().map(|path| stamp_input(path, Some("toy")));
        let draft = Draft {
            command: "toy run".to_owned(),
            results_version: 1,
            parameters: json!({
                "shape": self.shape, "unit": self.unit, "block": self.block, "gain": self.gain,
                "strict": self.strict,
            }),
            inputs: inputs.collect::<Result<_, _>>()?,
            outputs: vec![OutputSpec {
                path: std::path::absolute(&self.out)?,
                axes,
                shape: axes.pick(&self.shape),
                dtype: Some(Dtype::Float64),
                write_unit: axes.pick(&self.unit),
                bytes: 8 * voxels,
            }],
            stages: vec![
                Stage::new("fill", "blocks", &[], grid([0; 5])).writing(writes("fill", 4 * voxels)),
                Stage::new("sums", "blocks", &["fill"], grid([0; 5])),
                Stage::one("total", &["sums"], self.bytes),
                Stage::new("normalise", "blocks", &["total"], grid([0, 0, 0, 0, 1]))
                    .writing(writes("out", 8 * voxels)),
            ],
            work_bytes: 4 * voxels,
        };
        Ok(Plan::new(draft, budget)?)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        fs::create_dir(work.product())?;
        work.private("fill")?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        let filled = work.private("fill")?;
        Ok(match stage {
            "fill" => Box::new(move |block: &_, _: &mut BlockContext<'_>| {
                write_chunks(self, work, &filled, block, |p| self.value(p).to_le_bytes())
            }),
            "sums" => Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
                let values = self.read(&filled, &block.read)?;
                let sum: u64 = values.iter().map(|v| u64::from(*v)).sum();
                Ok(Summary::new().read(4 * values.len() as u64).with("sum", sum))
            }),
            "total" => Box::new(move |_: &_, cx: &mut BlockContext<'_>| {
                let mut total = 0;
                for summary in cx.markers.summaries("sums") {
                    total += summary?["sum"].as_u64().ok_or("no sum")?;
                }
                let path = work.private("total")?.join("total");
                let key = atomic::write_file(&path, &[total.to_string().as_bytes()])?;
                Ok(Summary::new().wrote(&work.relative(&path), vec![key.named("")]))
            }),
            "normalise" => {
                let total: u64 =
                    fs::read_to_string(work.private("total")?.join("total"))?.parse()?;
                let mean = total as f64 / Region::whole(self.shape).voxels() as f64;
                let product = work.product();
                Box::new(move |block: &Block, cx: &mut BlockContext<'_>| {
                    let buffer: &mut BTreeMap<[u64; 5], u64> = cx.scratch.get();
                    buffer.clear();
                    let values = self.read(&filled, &block.read)?;
                    buffer.extend(voxels(&block.read).zip(values.into_iter().map(u64::from)));
                    write_chunks(self, work, &product, block, |p| {
                        let at = |dx: i64| {
                            let x = p[4].checked_add_signed(dx);
                            let q = x.map(|x| [p[0], p[1], p[2], p[3], x]);
                            q.and_then(|q| buffer.get(&q)).copied().unwrap_or(0)
                        };
                        ((at(-1) + at(0) + at(1)) as f64 / mean).to_le_bytes()
                    })
                })
            }
            other => return Err(format!("no stage {other}").into()),
        })
    }

    fn finish(&self, plan: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let sums = done.summaries("sums").map(|s| Ok(s?["sum"].as_u64().ok_or("no sum")?));
        let total: u64 = sums.collect::<Result<Vec<u64>, SourceError>>()?.iter().sum();
        atomic::write_file(&work.product().join("total"), &[total.to_string().as_bytes()])?;
        Ok(Finished {
            outputs: vec![OutputRecord {
                path: plan.outputs[0].path.clone(),
                format: "toy".to_owned(),
                shape: plan.outputs[0].shape.clone(),
                dtype: plan.outputs[0].dtype,
                size_bytes: 0,
            }],
            result: json!({"total": total}),
            ..Finished::default()
        })
    }

    fn stops_at_first_failure(&self) -> bool {
        self.strict
    }
}

fn write_chunks<const N: usize>(
    toy: &Toy,
    work: &WorkDir,
    folder: &Path,
    block: &Block,
    value: impl Fn([u64; 5]) -> [u8; N],
) -> Result<Summary, BlockError> {
    let mut keys = Vec::new();
    for chunk in toy.chunks(&block.write) {
        let bytes: Vec<u8> = voxels(&chunk).flat_map(&value).collect();
        let name = name(toy.unit, &chunk);
        keys.push(atomic::write_file(&folder.join(&name), &[&bytes])?.named(name));
    }
    atomic::sync_folder(folder)?;
    Ok(Summary::new().wrote(&work.relative(folder), keys))
}

/// Number of blocks of one of the large stages.
pub fn blocks(toy: &Toy) -> u64 {
    grid_counts(toy.shape, toy.block).iter().product()
}

/// Every file below a folder.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A folder in memory where there is one: hundreds of synced files take long on a busy disk.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Options that do not wait.
pub fn options() -> RunOptions {
    RunOptions {
        budget: Budget { memory: 512 << 20, threads: 2 },
        waits: vec![std::time::Duration::ZERO; 3],
        run_toml: "command = \"toy run\"\n".to_owned(),
        ..RunOptions::default()
    }
}

pub fn resume() -> RunOptions {
    RunOptions { resume: true, ..options() }
}

/// Runs in a pool of its own.
pub fn pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
