//! More blocks than one folder should hold, and more memory than there is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, Draft, Plan, Stage};
use hooke_core::{Block, Budget};
use hooke_workflows::engine::{
    BlockContext, Finished, Markers, Registered, RunBlock, RunOptions, RunStatus, Selection,
    Summary, Target, WorkDir, Workflow, plan_only, plan_status, run, run_range,
};
use serde_json::json;

use super::toy::{folder, options, pool};

/// Blocks that only count how many run at once.
struct Items {
    count: u64,
    bytes: u64,
    wait: Duration,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Items {
    fn new(count: u64, bytes: u64, wait: Duration) -> Items {
        Items { count, bytes, wait, running: 0.into(), most: 0.into() }
    }
}

impl Workflow for Items {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let blocks = Blocks::items(self.count, self.bytes);
        let draft = Draft {
            command: "toy items".to_owned(),
            results_version: 1,
            parameters: json!({"count": self.count}),
            inputs: vec![],
            outputs: vec![],
            stages: vec![Stage::new("items", "items", &[], blocks)],
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
        Ok(Box::new(|block: &Block, _: &mut BlockContext<'_>| {
            let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(self.wait);
            self.running.fetch_sub(1, Ordering::SeqCst);
            Ok(Summary::new().with("id", block.id))
        }))
    }

    fn finish(&self, _: &Plan, done: &Markers, _: &WorkDir) -> Result<Finished, SourceError> {
        let ids = done.summaries("items").map(|s| Ok(s?["id"].as_u64().unwrap_or(u64::MAX)));
        let ids = ids.collect::<Result<Vec<u64>, SourceError>>()?;
        let in_order = ids.iter().copied().eq(0..self.count);
        Ok(Finished { result: json!({"in_order": in_order}), ..Finished::default() })
    }
}

const COMMANDS: &[Registered] = &[Registered {
    command: "toy items",
    results_version: 1,
    open: |plan| {
        let count = plan.parameters["count"].as_u64().ok_or("no count")?;
        Ok(Box::new(Items::new(count, 1, Duration::ZERO)))
    },
}];

#[test]
fn above_ten_thousand_blocks_markers_stand_in_folders() {
    let folder = folder();
    let items = Items::new(10_001, 1, Duration::ZERO);
    let target = Target::Product(folder.path().join("out"));
    let plan = plan_only(&items, &target, &options()).unwrap();
    let most = Selection::ranges("0..8000,8001..10001").unwrap();
    run_range(&plan, "items", &most, COMMANDS, &options(), &()).unwrap();
    let markers = target.work_folder().join(".blocks/items");
    assert!(markers.join("00010/00010000.json").is_file());
    assert_eq!(std::fs::read_dir(markers.join("00007")).unwrap().count(), 1000);
    assert_eq!(plan_status(&plan).unwrap().stages[0].missing, ["8000..8001"]);
    let resume = RunOptions { resume: true, ..options() };
    let report = run(&items, &target, &resume, &()).unwrap();
    assert_eq!((report.blocks().skipped, report.blocks().done), (10_000, 1));
    assert_eq!(report.result, json!({"in_order": true}));
}

#[test]
fn blocks_in_flight_stay_within_the_memory() {
    for (memory, expected) in [(1 << 30, 2), (4 << 30, 4), (100 << 20, 1)] {
        for outside in [true, false] {
            let folder = folder();
            let items = Items::new(24, 300 << 20, Duration::from_millis(3));
            let target = Target::Product(folder.path().join("out"));
            let options = RunOptions { budget: Budget { memory, threads: 4 }, ..options() };
            let go = || run(&items, &target, &options, &()).unwrap().status;
            let status = match outside {
                // Every block waits on a thread of the pool; this one only hands out.
                true => pool(4, || std::thread::scope(|s| s.spawn(go).join().unwrap())),
                false => pool(4, go),
            };
            assert_eq!(status, RunStatus::Done);
            let most = items.most.load(Ordering::SeqCst);
            assert!(most <= expected, "{most} at once with {memory} bytes");
            if !outside {
                assert_eq!(most, expected);
            }
        }
    }
}
