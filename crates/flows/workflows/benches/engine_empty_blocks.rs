//! What the engine itself costs: goals are 2 ms per empty block, 0.2 s to plan and list 10,000
//! blocks, 1 s to find 10,000 blocks done.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, Draft, Plan, Stage};
use hooke_core::{Block, Budget};
use hooke_workflows::engine::{
    BlockContext, Finished, Markers, Registered, RunBlock, RunOptions, Selection, Summary, Target,
    WorkDir, Workflow, plan_only, plan_status, run, run_range,
};
use serde_json::json;

struct Empty(u64);

impl Workflow for Empty {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let draft = Draft {
            command: "bench empty".to_owned(),
            results_version: 1,
            parameters: json!({"blocks": self.0}),
            inputs: vec![],
            outputs: vec![],
            stages: vec![Stage::new("empty", "blocks", &[], Blocks::items(self.0, 1))],
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
        Ok(Box::new(|_: &Block, _: &mut BlockContext<'_>| Ok(Summary::new())))
    }

    fn finish(&self, _: &Plan, _: &Markers, _: &WorkDir) -> Result<Finished, SourceError> {
        Ok(Finished::default())
    }
}

const COMMANDS: &[Registered] = &[Registered {
    command: "bench empty",
    results_version: 1,
    open: |plan| Ok(Box::new(Empty(plan.parameters["blocks"].as_u64().ok_or("no number")?))),
}];

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine_empty_blocks");
    group.sample_size(10);
    let options = RunOptions::default();
    group.bench_function("run 500 blocks", |b| {
        b.iter_with_setup(
            || tempfile::tempdir().unwrap(),
            |folder| {
                let target = Target::Product(folder.path().join("out"));
                run(&Empty(500), &target, &options, &()).unwrap();
                folder
            },
        );
    });
    group.bench_function("plan and list 10,000 blocks", |b| {
        b.iter(|| {
            let plan = Empty(10_000).plan(&options.budget).unwrap();
            let plan = Plan::from_json(&plan.to_json()).unwrap();
            plan.stages[0].blocks.iter().map(|b| black_box(b).bytes).sum::<u64>()
        });
    });
    let folder = tempfile::tempdir().unwrap();
    let target = Target::Product(folder.path().join("out"));
    let plan = plan_only(&Empty(10_000), &target, &options).unwrap();
    run_range(&plan, "empty", &Selection::All, COMMANDS, &options, &()).unwrap();
    group.bench_function("find 10,000 blocks done", |b| {
        b.iter(|| plan_status(&plan).unwrap().counts());
    });
    group.finish();
}

criterion_group!(engine, benches);
criterion_main!(engine);
