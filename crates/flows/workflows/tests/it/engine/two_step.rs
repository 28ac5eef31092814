//! Streaming a finished container into one that is written front to back.

use std::sync::Mutex;

use hooke_core::image::{ImageSink, ImageSource, ReadStatus, SourceError, WrittenKey};
use hooke_core::meta::{ImageMeta, Level};
use hooke_core::pixels::Pixels;
use hooke_core::plan::{Blocks, Draft, Plan, Stage};
use hooke_core::region::Region;
use hooke_core::{Axes, Block, Budget, Dtype, Progress};
use hooke_workflows::engine::two_step::stream;
use hooke_workflows::engine::{
    BlockContext, Finished, Markers, RunBlock, RunStatus, Target, WorkDir, Workflow, run,
};
use serde_json::json;

use super::toy::{folder, options};

/// A pyramid in memory; as a sink it accepts only what follows what it has.
struct InMemory {
    meta: ImageMeta,
    levels: Vec<Level>,
    pixels: Mutex<Vec<Pixels>>,
    written: Mutex<Vec<(usize, u64)>>,
    finished: Mutex<bool>,
}

impl InMemory {
    fn new(shapes: &[[u64; 5]], filled: bool) -> InMemory {
        let level = |shape: &[u64; 5]| Level {
            shape: *shape,
            factors: [1.0; 3],
            chunk: *shape,
            shard: None,
            codec: "none".to_owned(),
        };
        let pixels = shapes.iter().enumerate().map(|(n, shape)| {
            let count = shape.iter().product::<u64>();
            let value = |i: u64| if filled { (i * 7 + n as u64) as u16 } else { 0 };
            Pixels::from_vec(*shape, (0..count).map(value).collect())
        });
        InMemory {
            meta: ImageMeta::new("toy", Axes::TCZYX, shapes[0], Dtype::Uint16),
            levels: shapes.iter().map(level).collect(),
            pixels: Mutex::new(pixels.collect()),
            written: Mutex::default(),
            finished: Mutex::default(),
        }
    }
}

impl ImageSource for InMemory {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }
    fn levels(&self) -> &[Level] {
        &self.levels
    }
    fn read(&self, level: usize, r: &Region, out: &mut Pixels) -> Result<ReadStatus, SourceError> {
        *out = self.pixels.lock().unwrap()[level].crop(r);
        Ok(ReadStatus::Complete)
    }
}

impl ImageSink for InMemory {
    fn write_unit(&self, _: usize) -> [u64; 5] {
        [1, 1, 1, 4, 4]
    }
    fn levels(&self) -> &[Level] {
        &self.levels
    }
    fn write(
        &self,
        level: usize,
        r: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        let shape = self.levels[level].shape;
        let offset = (0..5).fold(0, |n, d| n * shape[d] + r.start[d]);
        let mut written = self.written.lock().unwrap();
        if written.last().is_some_and(|last| *last >= (level, offset)) {
            return Err(format!("{:?} after {:?}", (level, offset), written.last()).into());
        }
        written.push((level, offset));
        let from = Region::whole(r.shape);
        self.pixels.lock().unwrap()[level].copy_box(r.start, block, &from);
        Ok(Vec::new())
    }
    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        Err("not needed".into())
    }
    fn finish(&self) -> Result<(), SourceError> {
        *self.finished.lock().unwrap() = true;
        Ok(())
    }
}

/// A plan of one step that streams.
struct Streams {
    from: InMemory,
    to: InMemory,
    bytes: u64,
}

impl Workflow for Streams {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let draft = Draft {
            command: "toy stream".to_owned(),
            results_version: 1,
            parameters: json!({}),
            inputs: vec![],
            outputs: vec![],
            stages: vec![Stage { blocks: Blocks::One { bytes: 1 }, ..Stage::one("write", &[], 1) }],
            work_bytes: 0,
        };
        Ok(Plan::new(draft, budget)?)
    }
    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        Ok(std::fs::write(work.product(), "")?)
    }
    fn open_stage<'a>(
        &'a self,
        _: &str,
        _: &'a Plan,
        _: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        Ok(Box::new(|_: &Block, cx: &mut BlockContext<'_>| {
            let silent: &dyn Progress = cx.progress;
            assert!(!silent.is_cancelled());
            stream(&self.from, &self.to, self.bytes, cx)
        }))
    }
    fn finish(&self, _: &Plan, _: &Markers, _: &WorkDir) -> Result<Finished, SourceError> {
        Ok(Finished::default())
    }
}

#[test]
fn every_level_is_streamed_in_order_whatever_the_piece() {
    let shapes = [[1, 2, 5, 10, 9], [1, 2, 5, 5, 5]];
    for bytes in [1, 100, 1000, u64::MAX] {
        let folder = folder();
        let streams = Streams {
            from: InMemory::new(&shapes, true),
            to: InMemory::new(&shapes, false),
            bytes,
        };
        let target = Target::Product(folder.path().join("out"));
        let report = run(&streams, &target, &options(), &()).unwrap();
        assert_eq!(report.status, RunStatus::Done, "{:?}", report.error);
        assert!(*streams.to.finished.lock().unwrap());
        let (from, to) = (streams.from.pixels.lock().unwrap(), streams.to.pixels.lock().unwrap());
        for (a, b) in from.iter().zip(to.iter()) {
            assert_eq!(a.as_slice::<u16>(), b.as_slice::<u16>());
        }
    }
}

#[test]
fn a_source_without_a_level_is_refused() {
    let folder = folder();
    let streams = Streams {
        from: InMemory::new(&[[1, 1, 1, 8, 8]], true),
        to: InMemory::new(&[[1, 1, 1, 8, 8], [1, 1, 1, 4, 4]], false),
        bytes: 100,
    };
    let target = Target::Product(folder.path().join("out"));
    let report = run(&streams, &target, &options(), &()).unwrap();
    assert_eq!(report.status, RunStatus::Failed);
    let text = report.error.unwrap().to_string();
    assert!(text.contains("level 1: [1, 1, 1, 4, 4] is wanted, the source has None"), "{text}");
}
